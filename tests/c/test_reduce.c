/* SPDX-License-Identifier: MIT
 *
 * Reductions: the op over the last axes, and the public functions over any. */
#include "check.h"
#include "../ref/reduce.h"

#define REDUCTION(name, axes, keep)                                                                                    \
    static mx_array *name(mx_array *const *x)                                                                          \
    {                                                                                                                  \
        return mx_sum(x[0], axes, keep);                                                                               \
    }
REDUCTION(sum_all, ALL_AXES, false)
REDUCTION(sum_last, AXES(-1), false)
REDUCTION(sum_first, AXES(0), false)
REDUCTION(sum_middle, AXES(1), KEEP)
REDUCTION(sum_outer, AXES(2, 0), false)
REDUCTION(sum_two_last, AXES(-1, -2), KEEP)
REDUCTION(sum_alternate, AXES(0, 2), false)

/* Sums are kept in float32 (halves too) or the dtype, in any order: the error is far below an epsilon for every term.
 */
const op_sample samples_sum[] = {
    {"all", sum_all, {IN(3, 5)}, ALL, 8, ANY_ORDER},
    {"last axis", sum_last, {IN(4, 33)}, ALL, 8, ANY_ORDER},
    {"first axis", sum_first, {IN(33, 4)}, ALL, 8, ANY_ORDER},
    {"two axes", sum_outer, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER},
    {"long rows", sum_last, {IN(3, 1000)}, ALL, 64, ANY_ORDER},
    {"one element", sum_all, {IN(1)}, ALL, 1, ANY_ORDER},
    {"ones", sum_middle, {IN(3, 1, 2)}, ALL, 1, ANY_ORDER},
    {"nothing in each row", sum_last, {IN(3, 0)}, ALL, 1, ANY_ORDER},
    {"no rows", sum_last, {IN(0, 3)}, ALL, 1, ANY_ORDER},
    {"integers that wrap", sum_last, {IN_SPECIAL(3, 40)}, INTS},
    {"many rows", sum_last, {IN(50001, 3)}, DTYPE(MX_FLOAT32), 8, ANY_ORDER},
    {"many elements", sum_all, {IN(150001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16) | DTYPE(MX_INT8), 64, ANY_ORDER},
    {"many in columns", sum_first, {IN(5000, 30)}, DTYPE(MX_FLOAT32), 64, ANY_ORDER},
    {0},
};

#define SOME (DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16) | DTYPE(MX_INT32))
static const op_sample sum_samples[] = {
    {"all", sum_all, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(0, 1, 2)},
    {"last", sum_last, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(2)},
    {"first", sum_first, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(0)},
    {"middle, kept", sum_middle, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(1)},
    {"outer", sum_outer, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(0, 2)},
    {"two last, kept", sum_two_last, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(1, 2)},
    {"outer of more", sum_outer, {IN(20, 30, 40)}, SOME, 64, ANY_ORDER, .params = REF_AXES(0, 2)},
    {"one of two", sum_alternate, {IN(6, 7, 9, 64)}, SOME, 64, ANY_ORDER, .params = REF_AXES(0, 2)},
    {"long and few", sum_outer, {IN(9, 2, 20001)}, DTYPE(MX_FLOAT32), 64, ANY_ORDER, .params = REF_AXES(0, 2)},
    {0},
};
COMPOSED(sum_axes, sum_samples, ref_sum_axes)

#define ALONG(name, call)                                                                                              \
    static mx_array *name(mx_array *const *x)                                                                          \
    {                                                                                                                  \
        return call;                                                                                                   \
    }
ALONG(prod_last, mx_prod(x[0], AXES(-1), false))
ALONG(prod_first, mx_prod(x[0], AXES(0), KEEP))
ALONG(min_last, mx_min(x[0], AXES(-1), false))
ALONG(min_first, mx_min(x[0], AXES(0), KEEP))
ALONG(max_last, mx_max(x[0], AXES(-1), false))
ALONG(max_all, mx_max(x[0], ALL_AXES, false))
ALONG(all_last, mx_all(x[0], AXES(-1), false))
ALONG(any_last, mx_any(x[0], AXES(-1), false))
ALONG(any_first, mx_any(x[0], AXES(0), KEEP))

/* n factors bring n roundings. */
const op_sample samples_prod[] = {
    {"last axis", prod_last, {IN_RANGE(0.5, 2, 4, 9)}, ALL, 20, ANY_ORDER},
    {"first axis", prod_first, {IN_RANGE(0.5, 2, 9, 4)}, ALL, 20, ANY_ORDER},
    {"signs", prod_last, {IN(3, 7)}, REALS, 20, ANY_ORDER},
    {"integers that wrap", prod_last, {IN_SPECIAL(3, 40)}, INTS},
    {"nothing in each row", prod_last, {IN(3, 0)}, ALL, 1},
    {0},
};
static const op_sample prod_samples[] = {
    {"first, kept", prod_first, {IN_RANGE(0.5, 2, 3, 4, 5)}, REALS, 20, ANY_ORDER, .params = REF_AXES(0)},
    {"last", prod_last, {IN_RANGE(0.5, 2, 3, 4, 5)}, REALS, 20, ANY_ORDER, .params = REF_AXES(2)},
    {0},
};
COMPOSED(prod_axes, prod_samples, ref_prod_axes)

/* Random integers have ties, which share the cotangent; floats have none. */
const op_sample samples_min[] = {
    {"last axis", min_last, {IN(4, 33)}, REALS},
    {"first axis", min_first, {IN(33, 4)}, REALS},
    {"complex", min_first, {IN(9, 4)}, COMPLEX},
    {"special values", min_last, {IN_SPECIAL(30, 40)}, REALS},
    {"long rows", min_last, {IN(3, 5000)}, FLOATS},
    {"many elements", min_first, {IN(5000, 31)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT8)},
    {0},
};
const op_sample samples_max[] = {
    {"last axis", max_last, {IN(4, 33)}, REALS},
    {"all", max_all, {IN(3, 4, 5)}, REALS},
    {"complex", max_last, {IN(4, 9)}, COMPLEX},
    {"special values", max_last, {IN_SPECIAL(30, 40)}, REALS},
    {"many elements", max_all, {IN(150001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16)},
    {0},
};
const op_sample samples_all[] = {
    {"last axis", all_last, {IN(40, 3)}, ALL},
    {"nothing in each row", all_last, {IN(3, 0)}, ALL},
    {"special values", all_last, {IN_SPECIAL(40, 3)}, ALL},
    {0},
};
const op_sample samples_any[] = {
    {"last axis", any_last, {IN_OF(MX_INT8, 0, 1, 40, 2)}, DTYPE(MX_INT8)},
    {"first axis", any_first, {IN(3, 40)}, ALL},
    {"nothing in each row", any_last, {IN(3, 0)}, ALL},
    {0},
};

/* ---- Functions composed of reductions */
ALONG(mean_outer, mx_mean(x[0], AXES(2, 0), false))
ALONG(mean_all, mx_mean(x[0], ALL_AXES, KEEP))
ALONG(var_last, mx_var(x[0], AXES(-1), false, 1))
ALONG(var_outer, mx_var(x[0], AXES(0, 2), KEEP, 1))
ALONG(std_last, mx_std(x[0], AXES(-1), false, 1))

/* Half results are made of several half roundings. */
static const op_sample mean_samples[] = {
    {"outer", mean_outer, {IN(3, 4, 5)}, REALS, 8, ANY_ORDER, .params = REF_AXES(0, 2)},
    {"all, kept", mean_all, {IN(3, 4, 5)}, REALS, 8, ANY_ORDER, .params = REF_AXES(0, 1, 2)},
    {0},
};
COMPOSED(mean, mean_samples, ref_mean_axes)
static const op_sample var_samples[] = {
    {"last", var_last, {IN(4, 9)}, REALS, 16, ANY_ORDER, .params = REF_AXES(1)},
    {"outer, kept", var_outer, {IN(3, 4, 5)}, REALS, 16, ANY_ORDER, .params = REF_AXES(0, 2)},
    {0},
};
COMPOSED(var, var_samples, ref_var_axes)
static const op_sample std_samples[] = {
    {"last", std_last, {IN(4, 9)}, REALS, 16, ANY_ORDER, .params = REF_AXES(1)},
    {0},
};
COMPOSED(std, std_samples, ref_std_axes)

TEST(extremes_of_nothing_are_errors)
{
    mx_array *x = check_random(SHAPE(0, 3), MX_FLOAT32, -1, 1, 1);
    CHECK_CODE(mx_max(x, AXES(0), false), MX_VALUE, "[max]");
    CHECK_CODE(mx_min(x, ALL_AXES, false), MX_VALUE, "[min]");
    CHECK_VALUES(mx_any(x, ALL_AXES, false), 0, 0);
    CHECK_VALUES(mx_all(x, ALL_AXES, false), 0, 1);
}

TEST(sum_has_mlx_dtypes)
{
    static const mx_dtype want[] = {MX_INT32, MX_UINT32, MX_UINT32,  MX_UINT32,  MX_UINT64,  MX_INT32,    MX_INT32,
                                    MX_INT32, MX_INT64,  MX_FLOAT16, MX_FLOAT32, MX_FLOAT64, MX_BFLOAT16, MX_COMPLEX64};
    for (int d = 0; d < MX_DTYPE_COUNT; d++) {
        mx_array *x = check_random(SHAPE(2, 3), (mx_dtype)d, 0, 2, 1);
        CHECK_SHAPE(mx_sum(x, AXES(0), false), SHAPE(3), want[d]);
        CHECK_SHAPE(mx_sum(x, AXES(0), KEEP), SHAPE(1, 3), want[d]);
        CHECK_SHAPE(mx_sum(x, ALL_AXES, KEEP), SHAPE(1, 1), want[d]);
        CHECK_SHAPE(mx_sum(x, ALL_AXES, false), SCALAR_SHAPE, want[d]);
    }
    mx_array *small = check_random(SHAPE(2, 3), MX_INT8, 0, 2, 1);
    CHECK(mx_sum(small, (mx_axes){0, NULL}, false) == small);
}

TEST(sum_names_bad_axes)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_FLOAT32, -1, 1, 1);
    CHECK_CODE(mx_sum(x, AXES(2), false), MX_INDEX, "[sum] axis 2");
    CHECK_CODE(mx_sum(x, AXES(-3), false), MX_INDEX, "[sum] axis -3");
    CHECK_CODE(mx_sum(x, AXES(0, -2), false), MX_VALUE, "[sum] axis -2 is given twice");
}
TEST(extremes_of_nothing)
{
    mx_array *x = check_random(SHAPE(0, 3), MX_FLOAT32, -1, 1, 1);
    CHECK_CODE(mx_max(x, AXES(0), false), MX_VALUE, "[max]");
    CHECK_CODE(mx_min(x, ALL_AXES, false), MX_VALUE, "[min]");
    CHECK_SHAPE(mx_max(x, AXES(1), false), SHAPE(0), MX_FLOAT32);
    CHECK_CODE(mx_max(x, AXES(2), false), MX_INDEX, "[max] axis 2");
    CHECK_CODE(mx_mean(x, AXES(2), false), MX_VALUE, "[mean] axis 2");
}

TEST(mean_of_float16_does_not_overflow)
{
    mx_array *x = mx_full(SHAPE(2, 70000), mx_float(3), MX_FLOAT16);
    CHECK_VALUES(mx_astype(mx_mean(x, AXES(1), false), MX_FLOAT32), 0, 3, 3);
}

static bool all_of(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *(*fold)(mx_array *, mx_axes, bool) = *(mx_array * (**)(mx_array *, mx_axes, bool)) ctx;
    (void)nin, (void)nout;
    return (out[0] = fold(in[0], ALL_AXES, false)) != NULL;
}

/* As MLX's: equal extremes share, and a product needs no division. */
TEST(reduction_gradients_at_ties_and_zeros)
{
    mx_array *(*max)(mx_array *, mx_axes, bool) = mx_max, *(*prod)(mx_array *, mx_axes, bool) = mx_prod;
    mx_array *x = mx_from_data((float[]){2, 3, 3}, SHAPE(3), MX_FLOAT32), *one = mx_float(1), *y = NULL, *din = NULL;
    CHECK(mx_vjp(all_of, &max, &x, 1, &one, 1, &y, &din));
    CHECK_VALUES(din, 0, 0, 0.5, 0.5);
    mx_array *zero = mx_from_data((float[]){2, 0, 3}, SHAPE(3), MX_FLOAT32);
    CHECK(mx_vjp(all_of, &prod, &zero, 1, &one, 1, &y, &din));
    CHECK_VALUES(din, 0, 0, 6, 0);
    mx_array *z = mx_from_data((float[]){1, 2, 3, -1, 1, 5}, SHAPE(3), MX_COMPLEX64);
    mx_array *u = mx_from_data((float[]){1, 1}, SCALAR_SHAPE, MX_COMPLEX64);
    CHECK(mx_vjp(all_of, &prod, &z, 1, &u, 1, &y, &din));
    CHECK_VALUES(mx_real(din), 1e-4, 22, -2, 10);
    CHECK_VALUES(mx_imag(din), 1e-4, -6, -16, 0);
}
