/* SPDX-License-Identifier: MIT
 *
 * What depends on sizes in a shapeless program.  Each sample is captured on inputs of other sizes than those that it
 * is run on, so a size that was kept makes it wrong. */
#include "check.h"
#include "../ref/reduce.h"
#include "core/program.h"
#include "graph/capture.h"

/* fn, captured for arrays that are one longer along each axis. */
static mx_array *resized(mx_fn fn, mx_array *const *in, int nin)
{
    mx_array *like[SAMPLE_INPUTS], *out = NULL;
    int64_t shape[SAMPLE_NDIM];
    for (int i = 0; i < nin; i++) {
        if (!in[i]) return mx_fail(MX_VALUE, "[test] NULL");
        mx_shape s = mx_shape_of(in[i]);
        for (int k = 0; k < s.ndim; k++) shape[k] = s.at[k] == 1 ? 1 : s.at[k] + 2;
        if (!(like[i] = mx_zeros((mx_shape){s.ndim, shape}, mx_dtype_of(in[i])))) return NULL;
    }
    mx_program *p = program_of("compile", fn, NULL, like, nin, 1, true);
    if (p && !p->shapeless) mx_fail(MX_RUNTIME, "[test] the program depends on sizes");
    bool ok = p && p->shapeless && mx_program_run(p, in, nin, &out, 1);
    mx_program_drop(p);
    return ok ? out : NULL;
}

#define BODY(name, count, expression)                                                                                  \
    static bool name##_of(void *ctx, mx_array *const *x, int nin, mx_array **out, int nout)                            \
    {                                                                                                                  \
        (void)ctx, (void)nin, (void)nout;                                                                              \
        return (out[0] = (expression)) != NULL;                                                                        \
    }                                                                                                                  \
    static mx_array *name(mx_array *const *x)                                                                          \
    {                                                                                                                  \
        return resized(name##_of, x, count);                                                                           \
    }
BODY(flat, 1, mx_flatten(x[0], 1, 2))
BODY(pairs, 1, mx_unflatten_given(x[0], 0, SHAPE(2, -1)))
BODY(rows_of_six, 1, mx_reshape_given(x[0], SHAPE(-1, 6)))
BODY(mean_outer, 1, mx_mean(x[0], AXES(0, 2), false))
BODY(var_last, 1, mx_var(x[0], AXES(-1), false, 1))
BODY(softmax_outer, 1, mx_softmax(x[0], AXES(0, 2), false))
BODY(filled, 1, mx_mul(mx_full_like(x[0], mx_float(3), mx_dtype_of(x[0])), x[0]))
BODY(batch_product, 2, mx_matmul(x[0], x[1]))

/* They are made anew at each replay: nobody ever computes one. */
#define NEVER_COMPUTED(op)                                                                                             \
    const op_sample samples_##op[] = {{0}};                                                                            \
    void ref_##op(const ref_call *c);                                                                                  \
    void ref_##op(const ref_call *c)                                                                                   \
    {                                                                                                                  \
        (void)c;                                                                                                       \
    }
NEVER_COMPUTED(regroup)
NEVER_COMPUTED(broadcast_like)
NEVER_COMPUTED(sum_like)
NEVER_COMPUTED(element_count)

void ref_reshape(const ref_call *c);
static const op_sample regroup_samples[] = {
    {"two axes", flat, {IN(2, 3, 4)}, ALL},
    {"an axis in two", pairs, {IN(6, 3)}, ALL},
    {"rows", rows_of_six, {IN(3, 4)}, ALL},
    {0},
};
COMPOSED(regrouped, regroup_samples, ref_reshape)

void ref_mean_axes(const ref_call *c);
static const op_sample mean_samples[] = {
    {"two axes", mean_outer, {IN(3, 4, 5)}, REALS, 8, ANY_ORDER, .params = REF_AXES(0, 2)},
    {0},
};
COMPOSED(resized_mean, mean_samples, ref_mean_axes)

void ref_var_axes(const ref_call *c);
static const op_sample var_samples[] = {
    {"last axis", var_last, {IN(3, 5)}, FLOATS, 16, ANY_ORDER, .params = REF_AXES(1)},
    {0},
};
COMPOSED(resized_var, var_samples, ref_var_axes)

void ref_softmax_axes(const ref_call *c);
static const op_sample softmax_samples[] = {
    {"two axes", softmax_outer, {IN(3, 4, 5)}, FLOATS, 16, ANY_ORDER, .params = REF_AXES(0, 2)},
    {0},
};
COMPOSED(resized_softmax, softmax_samples, ref_softmax_axes)

TEST(a_product_with_a_batch_is_folded_once_its_size_is_known)
{
    mx_array *in[2] = {check_random(SHAPE(2, 3, 4), MX_FLOAT32, -1, 1, 1),
                       check_random(SHAPE(4, 5), MX_FLOAT32, -1, 1, 2)};
    mx_array *folded = mx_matmul(in[0], in[1]), *again = batch_product(in);
    CHECK(again && mx_value(mx_array_equal(again, folded, false)) == 1);
}

TEST(what_is_filled_like_an_input_has_its_new_size)
{
    mx_array *x = mx_arange(0, 3, 1, MX_FLOAT32), *y = filled(&x);
    CHECK_VALUES(y, 0, 0, 3, 6);
}

BODY(whole_slice, 1, mx_slice(x[0], (int64_t[]){0}, (int64_t[]){5}, (int64_t[]){1}))

TEST(a_slice_that_was_the_whole_is_none_of_other_sizes)
{
    mx_array *x = mx_arange(0, 3, 1, MX_FLOAT32);
    CHECK_CODE(whole_slice(&x), MX_RUNTIME, "[test] the program depends on sizes");
}

/* Mapped in the captured function, so that the rules see what has no size yet. */
static bool one_of_batch(void *ctx, mx_array *const *x, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    mx_array *centred = mx_sub(x[0], mx_mean(x[0], ALL_AXES, false));
    mx_array *doubled = mx_mul(centred, mx_full_like(centred, mx_float(2), MX_FLOAT32));
    return (out[0] = mx_flatten(doubled, 0, 1)) != NULL;
}

static bool mapped(void *ctx, mx_array *const *x, int nin, mx_array **out, int nout)
{
    (void)nout;
    return mx_vmap(one_of_batch, ctx, x, (int[]){0}, nin, out, (int[]){0}, 1);
}

TEST(sizes_of_one_of_a_batch_are_its_own)
{
    mx_array *x = mx_reshape(mx_arange(0, 8, 1, MX_FLOAT32), SHAPE(2, 2, 2)), *y = NULL;
    mx_array *like = mx_zeros(SHAPE(4, 7, 3), MX_FLOAT32);
    mx_program *p = program_of("compile", mapped, NULL, &like, 1, 1, true);
    CHECK(p && mx_program_run(p, &x, 1, &y, 1));
    CHECK_SHAPE(y, SHAPE(2, 4), MX_FLOAT32);
    CHECK_VALUES(mx_flatten(y, 0, -1), 1e-6, -3, -1, 1, 3, -3, -1, 1, 3);
    mx_program_drop(p);
}

TEST(hostile_calls_of_what_takes_free_sizes)
{
    mx_array *x = mx_ones(SHAPE(3), MX_FLOAT32);
    CHECK_CODE(mx_reshape_given(NULL, SHAPE(1)), MX_VALUE, "[reshape] an array argument is NULL");
    CHECK_CODE(mx_reshape_given(x, SHAPE(2, -1)), MX_VALUE, "[reshape] Cannot infer the shape (2,-1)");
    CHECK_CODE(mx_unflatten_given(x, 0, SHAPE(-1, (int64_t)1 << 62, (int64_t)1 << 62)), MX_VALUE, "[unflatten] axis 0");
    CHECK_CODE(mx_sum_like(x, NULL), MX_VALUE, "[sum_to] an array argument is NULL");
    CHECK_CODE(mx_number_of_elements(x, AXES(3), false, MX_FLOAT32), MX_VALUE, "[number_of_elements] axis 3");
    CHECK_CODE(mx_number_of_elements(x, ALL_AXES, false, (mx_dtype)99), MX_VALUE, "[number_of_elements] there is no");
    CHECK_VALUES(mx_number_of_elements(x, ALL_AXES, false, MX_FLOAT32), 0, 3);
}

static bool gives_nothing(void *ctx, mx_array *const *x, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)x, (void)nin;
    for (int i = 0; i < nout; i++) out[i] = NULL;
    return true;
}

TEST(a_function_that_gives_nothing_is_named_by_its_transform)
{
    mx_array *x = mx_ones(SHAPE(3), MX_FLOAT32), *y, *dy;
    CHECK_CODE(program_of("compile", gives_nothing, NULL, &x, 1, 1, false), MX_VALUE,
               "[compile] the function gave NULL");
    CHECK_CODE(mx_value_and_grad(gives_nothing, NULL, &x, 1, &y, &dy), MX_VALUE, "[value_and_grad] the function gave");
    CHECK_CODE(mx_vmap(gives_nothing, NULL, &x, (int[]){0}, 1, &y, (int[]){0}, 1), MX_VALUE,
               "[vmap] the function gave");
}
