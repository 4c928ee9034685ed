/* SPDX-License-Identifier: MIT
 *
 * Functions with rules of their own, checkpoints and dependencies.  The laws prove that right rules give right
 * derivatives, batches and nestings; the tests, that the rules are what is asked, and when. */
#include "check.h"
#include "core/array.h"
#include <string.h>

static mx_array *floats(int count, const float *data)
{
    return mx_from_data(data, SHAPE(count), MX_FLOAT32);
}
#define FLOATS_OF(...) floats((int)(sizeof((const float[]){__VA_ARGS__}) / sizeof(float)), (const float[]){__VA_ARGS__})

/* ---- depends */
static mx_array *first_of_depends(mx_array *const *x)
{
    mx_array *out;
    return mx_depends(&x[0], 1, &x[1], 1, &out) ? out : NULL;
}

static mx_array *both_of_depends(mx_array *const *x)
{
    mx_array *out[2];
    return mx_depends(x, 2, &x[2], 1, out) ? mx_sub(out[0], out[1]) : NULL;
}

static mx_array *second_of_depends(mx_array *const *x)
{
    mx_array *out[2];
    return mx_depends(x, 2, &x[2], 1, out) ? out[1] : NULL;
}

const op_sample samples_depends[] = {
    {"one on one", first_of_depends, {IN(3, 5), IN(4)}, ALL},
    {"two on one", both_of_depends, {IN(3, 5), IN(3, 5), IN(2)}, INTS | FLOATS},
    {"the second only", second_of_depends, {IN(3), IN(3, 5), IN(2)}, FLOATS},
    {"nothing", first_of_depends, {IN(0, 3), IN(0)}, FLOATS},
    {0},
};

TEST(hostile_calls_of_depends)
{
    mx_array *x = FLOATS_OF(1, 2), *out;
    CHECK(mx_depends(&x, 1, NULL, 0, &out));
    CHECK_VALUES(out, 0, 1, 2);
    CHECK(mx_depends(NULL, 0, &x, 1, NULL));
    CHECK_ERROR(mx_depends(&x, 1, NULL, 1, &out), "[depends]");
    CHECK_ERROR(mx_depends(NULL, 1, &x, 1, &out), "[depends]");
    CHECK_ERROR(mx_depends(&x, 1, &x, 1, NULL), "[depends]");
    CHECK_ERROR(mx_depends(&x, -1, &x, 1, &out), "[depends]");
}

/* ---- Rules that are right: the laws apply.  sin(x) y */
typedef struct rule_counts {
    int fn, vjp, jvp, vmap, released;
} rule_counts;

static bool sine_product(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    if (ctx) ((rule_counts *)ctx)->fn++;
    return (out[0] = mx_mul(mx_sin(in[0]), in[1])) != NULL;
}

static bool sine_product_vjp(void *ctx, mx_array *const *in, int nin, mx_array *const *dout, mx_array *const *out,
                             int nout, mx_array **din)
{
    (void)nin, (void)nout, (void)out;
    if (ctx) ((rule_counts *)ctx)->vjp++;
    din[0] = mx_mul(dout[0], mx_mul(mx_cos(in[0]), in[1]));
    din[1] = mx_mul(dout[0], mx_sin(in[0]));
    return din[0] && din[1];
}

static bool sine_product_jvp(void *ctx, mx_array *const *in, mx_array *const *tin, int nin, mx_array **tout, int nout)
{
    (void)nin, (void)nout;
    if (ctx) ((rule_counts *)ctx)->jvp++;
    mx_array *a = tin[0] ? mx_mul(tin[0], mx_mul(mx_cos(in[0]), in[1])) : NULL;
    mx_array *b = tin[1] ? mx_mul(tin[1], mx_sin(in[0])) : NULL;
    return (tout[0] = a && b ? mx_add(a, b) : a ? a : b) != NULL;
}

static bool sine_product_vmap(void *ctx, mx_array *const *in, const int *in_axes, int nin, mx_array **out,
                              int *out_axes, int nout)
{
    (void)nin, (void)nout;
    if (ctx) ((rule_counts *)ctx)->vmap++;
    mx_array *x = mx_sin(in[0]), *y = in[1];
    if (in_axes[0] == 0 && in_axes[1] == MX_UNMAPPED) y = mx_expand_dims(y, AXES(0));
    if (in_axes[1] == 0 && in_axes[0] == MX_UNMAPPED) x = mx_expand_dims(x, AXES(0));
    out_axes[0] = 0;
    return (out[0] = mx_mul(x, y)) != NULL;
}

static void count_release(void *ctx)
{
    ((rule_counts *)ctx)->released++;
}

enum { VJP = 1, JVP = 2, VMAP = 4, AGAIN = 8 };

static bool sine_product_with(unsigned rules, rule_counts *counts, mx_array *const *in, mx_array **out)
{
    mx_custom_rules r = {.fn = sine_product,
                         .vjp = rules & VJP ? sine_product_vjp : NULL,
                         .jvp = rules & JVP ? sine_product_jvp : NULL,
                         .vmap = rules & VMAP ? sine_product_vmap : NULL,
                         .ctx = counts,
                         .release = counts ? count_release : NULL,
                         .checkpoint = rules & AGAIN ? mx_random_key(3) : NULL};
    return mx_custom_function(&r, in, 2, out, 1);
}

#define SINE(name, rules)                                                                                              \
    static mx_array *name(mx_array *const *x)                                                                          \
    {                                                                                                                  \
        mx_array *out;                                                                                                 \
        return sine_product_with(rules, NULL, x, &out) ? out : NULL;                                                   \
    }
SINE(no_rule, 0)
SINE(own_vjp, VJP)
SINE(own_jvp, JVP)
SINE(own_vmap, VMAP)
SINE(all_rules, VJP | JVP | VMAP)
SINE(derived_vmap, VJP | JVP)
SINE(again, AGAIN)

void ref_sine_product(const ref_call *c);
static const op_sample custom_samples[] = {
    {"no rule", no_rule, {IN(3, 5), IN(3, 5)}, FLOATS, 16},
    {"vjp", own_vjp, {IN(3, 5), IN(3, 5)}, FLOATS, 16},
    {"jvp", own_jvp, {IN(3, 5), IN(3, 5)}, FLOATS, 16},
    {"vmap", own_vmap, {IN(3, 5), IN(3, 5)}, FLOATS, 16},
    {"all rules", all_rules, {IN(3, 5), IN(3, 5)}, FLOATS, 16},
    {"vjp and jvp", derived_vmap, {IN(7), IN(7)}, FLOATS, 16},
    {"checkpoint", again, {IN(3, 5), IN(3, 5)}, FLOATS, 16},
    {0},
};
COMPOSED(custom_function, custom_samples, ref_sine_product)

/* The node is made only while something is traced. */
static mx_array *node_of(mx_array *const *x)
{
    mx_array *traced[2], *out = NULL;
    mx_trace *t = mx_trace_begin(x, 2, traced);
    bool ok = t && sine_product_with(VJP | JVP, NULL, traced, &out);
    mx_trace_end(&t);
    return ok ? out : NULL;
}

const op_sample samples_custom[] = {
    {"a node", node_of, {IN(3, 5), IN(3, 5)}, FLOATS},
    {0},
};

/* ---- Rules that are wrong on purpose: they are asked */
static bool cube(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_mul(in[0], mx_mul(in[0], in[0]))) != NULL;
}

/* 100 times the cotangent. */
static bool hundredfold(void *ctx, mx_array *const *in, int nin, mx_array *const *dout, mx_array *const *out, int nout,
                        mx_array **din)
{
    (void)ctx, (void)in, (void)nin, (void)out, (void)nout;
    return (din[0] = mx_mul(dout[0], mx_scalar(100, MX_FLOAT32))) != NULL;
}

static bool sevenfold(void *ctx, mx_array *const *in, mx_array *const *tin, int nin, mx_array **tout, int nout)
{
    (void)ctx, (void)in, (void)nin, (void)nout;
    return (tout[0] = mx_mul(tin[0], mx_scalar(7, MX_FLOAT32))) != NULL;
}

static bool cube_with_rules(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_custom_rules r = {.fn = cube, .vjp = hundredfold, .jvp = sevenfold, .ctx = ctx};
    return mx_custom_function(&r, in, nin, out, nout);
}

static bool batch_of_cubes(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nout;
    int axis = 0;
    return mx_vmap(cube_with_rules, ctx, in, &axis, nin, out, &axis, 1);
}

TEST(the_rules_are_what_is_asked)
{
    mx_array *x = FLOATS_OF(1, 2, 3), *one = mx_ones_like(x), *y, *d;
    CHECK(mx_vjp(cube_with_rules, NULL, &x, 1, &one, 1, &y, &d));
    CHECK_VALUES(y, 0, 1, 8, 27);
    CHECK_VALUES(d, 0, 100, 100, 100);
    CHECK(mx_jvp(cube_with_rules, NULL, &x, &one, 1, &y, &d, 1));
    CHECK_VALUES(d, 0, 7, 7, 7);
}

TEST(a_batch_keeps_the_rules)
{
    mx_array *x = FLOATS_OF(1, 2, 3), *one = mx_ones_like(x), *y, *d;
    CHECK(mx_vjp(batch_of_cubes, NULL, &x, 1, &one, 1, &y, &d));
    CHECK_VALUES(y, 0, 1, 8, 27);
    CHECK_VALUES(d, 0, 100, 100, 100);
    CHECK(mx_jvp(batch_of_cubes, NULL, &x, &one, 1, &y, &d, 1));
    CHECK_VALUES(d, 0, 7, 7, 7);
}

static bool sine_counted(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    return sine_product_with(VJP | JVP | VMAP, ctx, in, out);
}

TEST(each_rule_is_run_once_and_the_context_released_once)
{
    rule_counts counts = {0};
    mx_array *in[2] = {FLOATS_OF(1, 2), FLOATS_OF(3, 4)}, *one = mx_ones_like(in[0]), *y, *d[2];
    int axes[2] = {0, 0};
    mx_scope s = mx_scope_open();
    CHECK(sine_counted(&counts, in, 2, &y, 1));
    mx_release_foreign();
    CHECK(counts.fn == 1 && counts.released == 1);
    CHECK(mx_vjp(sine_counted, &counts, in, 2, &one, 1, &y, d));
    CHECK(counts.fn == 2 && counts.vjp == 1 && counts.jvp == 0);
    CHECK(mx_jvp(sine_counted, &counts, in, (mx_array *[]){one, one}, 2, &y, d, 1));
    CHECK(counts.fn == 3 && counts.vjp == 1 && counts.jvp == 1 && counts.vmap == 0);
    CHECK(mx_vmap(sine_counted, &counts, in, axes, 2, &y, axes, 1));
    CHECK(counts.fn == 4 && counts.vmap == 1);
    CHECK(mx_eval(y) && mx_eval(d[0]));
    mx_scope_close(s, NULL);
    mx_release_foreign();
    CHECK(counts.released == 4);
}

/* ---- What a function takes from elsewhere is a constant */
static bool times_captured(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    return (out[0] = mx_mul(in[0], *(mx_array **)ctx)) != NULL;
}

static bool forward_with_capture(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    mx_custom_rules r = {.fn = times_captured, .ctx = ctx, .vjp = hundredfold};
    return mx_custom_function(&r, in, 1, out, 1);
}

TEST(captured_arrays_are_constants)
{
    mx_array *x = FLOATS_OF(1, 2), *y = FLOATS_OF(3, 4), *value = NULL, *one = mx_ones_like(x), *traced, *d;
    mx_trace *t = mx_trace_begin(&y, 1, &traced);
    CHECK(t && forward_with_capture(&traced, &x, 1, &value, 1));
    CHECK(mx_trace_vjp(t, &value, &one, 1, &d));
    mx_trace_end(&t);
    CHECK_VALUES(value, 0, 3, 8);
    CHECK_VALUES(d, 0, 0, 0);
}

/* ---- Errors of rules */
typedef enum wrong { RETURNS_FALSE, WRONG_SHAPE, RECORDS_AN_ERROR, GIVES_NOTHING, WRONG_AXIS, WRONG_BATCH } wrong;

static bool wrong_vjp(void *ctx, mx_array *const *in, int nin, mx_array *const *dout, mx_array *const *out, int nout,
                      mx_array **din)
{
    (void)in, (void)nin, (void)out, (void)nout;
    switch (*(wrong *)ctx) {
    case RETURNS_FALSE: return false;
    case WRONG_SHAPE: return (din[0] = mx_expand_dims(dout[0], AXES(0))) != NULL;
    case RECORDS_AN_ERROR: return mx_fail(MX_TYPE, "the rule's own words"), true;
    default: return true;
    }
}

static bool wrong_jvp(void *ctx, mx_array *const *in, mx_array *const *tin, int nin, mx_array **tout, int nout)
{
    return wrong_vjp(ctx, in, nin, tin, NULL, nout, tout);
}

static bool wrong_vmap(void *ctx, mx_array *const *in, const int *in_axes, int nin, mx_array **out, int *out_axes,
                       int nout)
{
    (void)in_axes, (void)nin, (void)nout;
    out[0] = in[0];
    out_axes[0] = 0;
    switch (*(wrong *)ctx) {
    case WRONG_SHAPE: return (out[0] = mx_expand_dims(in[0], AXES(0))) != NULL;
    case WRONG_AXIS: return out_axes[0] = 7, true;
    case WRONG_BATCH: return (out[0] = mx_concatenate(in, 2, 0)) != NULL;
    case GIVES_NOTHING: return out[0] = NULL, true;
    case RECORDS_AN_ERROR: return mx_fail(MX_TYPE, "the rule's own words"), true;
    default: return false;
    }
}

static bool itself(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin;
    for (int i = 0; i < nout; i++) out[i] = in[i];
    return true;
}

static bool with_wrong_rules(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_custom_rules r = {.fn = itself, .vjp = wrong_vjp, .jvp = wrong_jvp, .vmap = wrong_vmap, .ctx = ctx};
    return mx_custom_function(&r, in, nin, out, nout);
}

static bool vjp_of(wrong w)
{
    mx_array *x = FLOATS_OF(1, 2), *y, *d;
    return mx_vjp(with_wrong_rules, &w, &x, 1, &x, 1, &y, &d);
}

static bool jvp_of(wrong w)
{
    mx_array *x = FLOATS_OF(1, 2), *y, *d;
    return mx_jvp(with_wrong_rules, &w, &x, &x, 1, &y, &d, 1);
}

static bool vmap_of(wrong w)
{
    mx_array *in[2] = {FLOATS_OF(1, 2), FLOATS_OF(3, 4)}, *y;
    int axes[2] = {0, 0};
    return mx_vmap(with_wrong_rules, &w, in, axes, 2, &y, axes, 1);
}

TEST(wrong_rules_are_named)
{
    CHECK_ERROR(vjp_of(RETURNS_FALSE), "[custom_function] its vjp rule failed");
    CHECK_CODE(vjp_of(WRONG_SHAPE), MX_VALUE, "[custom_function] the cotangent of input 0 has shape (2)");
    CHECK_CODE(vjp_of(RECORDS_AN_ERROR), MX_TYPE, "the rule's own words");
    CHECK(vjp_of(GIVES_NOTHING));
    CHECK_ERROR(jvp_of(RETURNS_FALSE), "[custom_function] its jvp rule failed");
    CHECK_CODE(jvp_of(WRONG_SHAPE), MX_VALUE, "[custom_function] the tangent of output 0 has shape (2)");
    CHECK_CODE(jvp_of(RECORDS_AN_ERROR), MX_TYPE, "the rule's own words");
    CHECK(jvp_of(GIVES_NOTHING));
    CHECK_ERROR(vmap_of(RETURNS_FALSE), "[custom_function] its vmap rule failed");
    CHECK_CODE(vmap_of(WRONG_SHAPE), MX_VALUE, "[custom_function] the vmap rule gave an output 0 of shape (1,2)");
    CHECK_CODE(vmap_of(WRONG_BATCH), MX_VALUE, "[custom_function] the vmap rule gave an output 0 of shape (4)");
    CHECK_CODE(vmap_of(WRONG_AXIS), MX_VALUE, "[custom_function]");
    CHECK_CODE(vmap_of(GIVES_NOTHING), MX_VALUE, "[custom_function] the vmap rule gave no output 0");
    CHECK_CODE(vmap_of(RECORDS_AN_ERROR), MX_TYPE, "the rule's own words");
}

static bool fails(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)in, (void)nin, (void)nout;
    out[0] = NULL;
    return false;
}

TEST(hostile_calls_of_custom_functions)
{
    rule_counts counts = {0};
    mx_array *x = FLOATS_OF(1, 2), *y;
    mx_custom_rules r = {.fn = NULL, .ctx = &counts, .release = count_release};
    CHECK_ERROR(mx_custom_function(NULL, &x, 1, &y, 1), "[custom_function] the rules are NULL");
    CHECK_ERROR(mx_custom_function(&r, &x, 1, &y, 1), "[custom_function] the function is NULL");
    r.fn = fails;
    CHECK_ERROR(mx_custom_function(&r, &x, 1, &y, 1), "[custom_function] the function failed");
    r.fn = cube;
    CHECK_ERROR(mx_custom_function(&r, &x, -1, &y, 1), "[custom_function] -1 inputs");
    CHECK_ERROR(mx_custom_function(&r, NULL, 1, &y, 1), "[custom_function]");
    CHECK_ERROR(mx_custom_function(&r, &x, 1, NULL, 1), "[custom_function] there is no place");
    CHECK_ERROR(mx_custom_end(&r, &x, 1, NULL, 1, &y), "[custom_function]");
    CHECK_ERROR(mx_checkpoint(NULL, &counts, count_release, &x, 1, &y, 1), "[custom_function] the function is NULL");
    CHECK_ERROR(mx_checkpoint(fails, &counts, count_release, &x, 1, &y, 1), "[custom_function] the function failed");
    mx_release_foreign();
    CHECK(counts.released == 8);
    CHECK(mx_random_set_state(NULL));
}

/* ---- Many outputs */
enum { MANY = 300 };

static bool many_itself(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_custom_rules r = {.fn = itself, .ctx = ctx, .vjp = hundredfold};
    return mx_custom_function(&r, in, nin, out, nout);
}

TEST(three_hundred_outputs)
{
    static mx_array *in[MANY], *out[MANY], *d[MANY];
    for (int i = 0; i < MANY; i++) in[i] = mx_scalar(i, MX_FLOAT32);
    CHECK(mx_vjp(many_itself, NULL, in, MANY, in, MANY, out, d));
    CHECK(mx_value(out[MANY - 1]) == MANY - 1 && mx_value(out[17]) == 17);
    CHECK(mx_value(d[0]) == 0 && mx_value(d[1]) == 0);
    CHECK(mx_depends(in, MANY, in, MANY, out) && mx_eval_n(out, MANY));
    CHECK(mx_value(out[MANY - 1]) == MANY - 1);
}

/* ---- Checkpoints */
static bool deep(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    mx_array *x = in[0];
    if (ctx) (*(int *)ctx)++;
    for (int i = 0; i < 8; i++) x = mx_sin(mx_exp(x));
    return (out[0] = x) != NULL;
}

static bool deep_sum(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *x = in[0];
    bool ok = true;
    for (int i = 0; i < 8 && ok; i++)
        ok = ctx ? mx_checkpoint(deep, NULL, NULL, &x, 1, &x, 1) : deep(NULL, &x, 1, &x, 1);
    (void)nin, (void)nout;
    return ok && (out[0] = mx_sum(x, ALL_AXES, false));
}

static size_t peak_of_gradient(bool checkpoint, mx_array **grad)
{
    mx_scope s = mx_scope_open();
    mx_array *x = check_random(SHAPE(100000), MX_FLOAT32, -1, 1, 1), *value, *d;
    CHECK(mx_eval(x));
    check_synchronize();
    mx_reset_peak_memory();
    size_t before = mx_get_active_memory();
    mx_scope inner = mx_scope_open();
    bool ok = mx_value_and_grad(deep_sum, checkpoint ? "" : NULL, &x, 1, &value, &d);
    d = mx_scope_close(inner, ok ? d : NULL);
    CHECK(ok && mx_eval(d));
    size_t peak = mx_get_peak_memory() - before;
    mx_temporary(d);
    *grad = mx_scope_close(s, d);
    return peak / (100000 * sizeof(float));
}

TEST(a_checkpoint_keeps_inputs_and_outputs_only)
{
    mx_array *plain, *again;
    size_t all = peak_of_gradient(false, &plain), few = peak_of_gradient(true, &again);
    check_that(few * 10 <= all * 4, __FILE__, __LINE__, "%zu arrays with checkpoints, %zu without", few, all);
    CHECK(mx_value(mx_all(mx_equal(plain, again), ALL_AXES, false)) == 1);
    mx_drop(plain);
    mx_drop(again);
    CHECK(mx_random_set_state(NULL));
}

static bool noise(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    mx_array *n = mx_random_normal(SHAPE(4), MX_FLOAT32, NULL, NULL, NULL);
    return (out[0] = mx_mul(in[0], n)) != NULL;
}

static bool noise_again(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    return mx_checkpoint(noise, ctx, NULL, in, nin, out, nout);
}

TEST(a_checkpoint_draws_the_same_numbers)
{
    mx_array *x = FLOATS_OF(1, 1, 1, 1), *y, *d, *next[2];
    for (int i = 0; i < 2; i++) {
        CHECK(mx_random_seed(7));
        CHECK(mx_vjp(i ? noise_again : noise, NULL, &x, 1, &x, 1, &y, &d));
        next[i] = mx_random_normal(SHAPE(4), MX_FLOAT32, NULL, NULL, NULL);
        CHECK(mx_value(mx_all(mx_equal(y, d), ALL_AXES, false)) == 1);
    }
    CHECK(mx_value(mx_all(mx_equal(next[0], next[1]), ALL_AXES, false)) == 1);
    CHECK(mx_value(mx_all(mx_equal(y, next[0]), ALL_AXES, false)) == 0);
    CHECK(mx_random_set_state(NULL));
}
