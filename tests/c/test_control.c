/* SPDX-License-Identifier: MIT
 *
 * Control flow: scan, while_loop, cond.  The laws check values, derivatives and batches against references and finite
 * differences; the tests, what is lazy, what is kept and what fails. */
#include "check.h"
#include "core/array.h"
#include <math.h>
#include <string.h>

static mx_array *floats(int count, const float *data)
{
    return mx_from_data(data, SHAPE(count), MX_FLOAT32);
}
#define FLOATS_OF(...) floats((int)(sizeof((const float[]){__VA_ARGS__}) / sizeof(float)), (const float[]){__VA_ARGS__})

/* ---- scan: c' = sin(c) w + x, y = c' c */
static bool recurrence(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *w = ctx, *s = mx_sin(in[0]);
    (void)nin, (void)nout;
    out[0] = mx_add(w ? mx_mul(s, w) : s, in[1]);
    out[1] = mx_mul(out[0], in[0]);
    return out[0] && out[1];
}

/* x: (init, xs, w); the last carry, or the ys. */
static mx_array *scanned(mx_array *const *x, bool reverse, bool last)
{
    mx_array *carry, *ys;
    if (!mx_scan(recurrence, x[2], &x[0], 1, &x[1], 1, -1, reverse, &carry, &ys, 1)) return NULL;
    return last ? carry : ys;
}
static mx_array *last_carry(mx_array *const *x)
{
    return scanned(x, false, true);
}
static mx_array *all_ys(mx_array *const *x)
{
    return scanned(x, false, false);
}
static mx_array *from_the_end(mx_array *const *x)
{
    return scanned(x, true, false);
}
static mx_array *both_results(mx_array *const *x)
{
    mx_array *carry, *ys;
    if (!mx_scan(recurrence, x[2], &x[0], 1, &x[1], 1, -1, true, &carry, &ys, 1)) return NULL;
    return mx_add(carry, mx_sum(ys, AXES(0), false));
}

static bool scan_in_scan_body(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    mx_array *ys;
    return mx_scan(recurrence, ctx, &in[0], 1, &in[1], 1, -1, false, &out[0], &ys, 1);
}

/* xs (2, 3, 4) */
static mx_array *nested(mx_array *const *x)
{
    mx_array *carry;
    return mx_scan(scan_in_scan_body, x[2], &x[0], 1, &x[1], 1, -1, false, &carry, NULL, 0) ? carry : NULL;
}

void ref_scan_recurrence(const ref_call *c);
void ref_scan_loop(const ref_call *c);
typedef struct scan_says {
    bool reverse, last, sum, flat;
} scan_says;
static const op_sample scan_samples[] = {
    {"the last carry", last_carry, {IN(4), IN(5, 4), IN(4)}, FLOATS, 256, NULL_ALLOWED, &(scan_says){.last = true}},
    {"what the steps give", all_ys, {IN(4), IN(5, 4), IN(4)}, FLOATS, 256, NULL_ALLOWED, &(scan_says){0}},
    {"from the end", from_the_end, {IN(4), IN(3, 4), IN(4)}, FLOATS, 256, NULL_ALLOWED, &(scan_says){.reverse = true}},
    {"both",
     both_results,
     {IN(4), IN(3, 4), IN(4)},
     FLOATS,
     256,
     NULL_ALLOWED,
     &(scan_says){.reverse = true, .last = true, .sum = true}},
    {"no steps", last_carry, {IN(4), IN(0, 4), IN(4)}, FLOATS, 256, NULL_ALLOWED, &(scan_says){.last = true}},
    {"no steps, their results", all_ys, {IN(4), IN(0, 4), IN(4)}, FLOATS, 256, NULL_ALLOWED, &(scan_says){0}},
    {"a scan in a scan",
     nested,
     {IN(4), IN(2, 3, 4), IN(4)},
     FLOATS,
     256,
     NULL_ALLOWED,
     &(scan_says){.last = true, .flat = true}},
    {0},
};
COMPOSED(scan_function, scan_samples, ref_scan_recurrence)

static mx_array *without_constants(mx_array *const *x)
{
    mx_array *in[3] = {x[0], x[1], NULL};
    return scanned(in, false, true);
}

const op_sample samples_scan_loop[] = {
    {"four numbers", without_constants, {IN(4), IN(5, 4)}, DTYPE(MX_FLOAT32), 64},
    {0},
};

/* ---- while_loop: x' = x w + x while the count is positive */
static bool count_left(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_greater(in[0], mx_scalar(0, MX_INT32))) != NULL;
}

static bool grow(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *w = ctx, *s = mx_sin(in[1]);
    (void)nin, (void)nout;
    out[0] = mx_sub(in[0], mx_scalar(1, MX_INT32));
    out[1] = mx_add(w ? mx_mul(s, w) : s, in[1]);
    return out[0] && out[1];
}

/* x: (count, start, w) */
static mx_array *grown(mx_array *const *x)
{
    mx_array *out[2];
    return mx_while_loop(count_left, grow, x[2], x, 2, out) ? out[1] : NULL;
}

static mx_array *grown_plainly(mx_array *const *x)
{
    mx_array *out[2];
    return mx_while_loop(count_left, grow, NULL, x, 2, out) ? out[1] : NULL;
}

void ref_while_growth(const ref_call *c);
void ref_while_loop(const ref_call *c);
static const op_sample while_samples[] = {
    {"counted", grown, {IN_INDEX_SCALAR(0, 5), IN(4), IN(4)}, FLOATS, 256, NO_GRAD | NULL_ALLOWED},
    {0},
};
COMPOSED(while_function, while_samples, ref_while_growth)
const op_sample samples_while_loop[] = {
    {"counted", grown_plainly, {IN_INDEX_SCALAR(0, 5), IN(4)}, DTYPE(MX_FLOAT32), 256, NO_GRAD},
    {0},
};

/* ---- cond */
static bool sine(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_mul(mx_sin(in[0]), in[1])) != NULL;
}

static bool square_of_first(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_square(in[0])) != NULL;
}

static mx_array *chosen_by(mx_array *const *x)
{
    mx_array *out;
    return mx_cond(x[0], sine, square_of_first, NULL, &x[1], 2, &out, 1) ? out : NULL;
}

void ref_cond_choice(const ref_call *c);
void ref_cond(const ref_call *c);
static const op_sample cond_function_samples[] = {
    {"by a bool",
     chosen_by,
     {{.kind = INPUT_RANGE, .high = 1, .fixed = true, .dtype = MX_BOOL}, IN(3, 4), IN(3, 4)},
     FLOATS,
     16},
    {"by a count", chosen_by, {IN_INDEX_SCALAR(-1, 1), IN(3, 4), IN(3, 4)}, FLOATS, 16},
    {0},
};
COMPOSED(cond_function, cond_function_samples, ref_cond_choice)
const op_sample samples_cond[] = {
    {"by a count", chosen_by, {IN_INDEX_SCALAR(-1, 1), IN(3, 4), IN(3, 4)}, DTYPE(MX_FLOAT32), 16},
    {0},
};

/* ---- What is lazy and what fails */
static bool counted_body(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    ++*(int *)ctx;
    return (out[0] = mx_add(in[0], mx_scalar(1, MX_FLOAT32))) != NULL;
}

TEST(a_body_is_called_once)
{
    int calls = 0;
    mx_array *x = mx_scalar(0, MX_FLOAT32), *y;
    CHECK(mx_scan(counted_body, &calls, &x, 1, NULL, 0, 1000, false, &y, NULL, 0));
    CHECK(calls == 1 && !mx_is_available(y));
    CHECK(mx_value(y) == 1000 && calls == 1);
}

TEST(a_long_scan_needs_the_memory_of_a_step)
{
    int calls = 0;
    mx_array *x = mx_eval(x = mx_zeros(SHAPE(100000), MX_FLOAT32)) ? x : NULL, *y = NULL;
    CHECK(x && mx_scan(counted_body, &calls, &x, 1, NULL, 0, 100, false, &y, NULL, 0));
    check_synchronize();
    mx_reset_peak_memory();
    size_t before = mx_get_active_memory();
    CHECK(mx_eval(y));
    check_that(mx_get_peak_memory() - before <= 3 * mx_nbytes(x) + 8192, __FILE__, __LINE__, "%zu bytes",
               mx_get_peak_memory() - before);
}

static bool scan_sum(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *carry, *ys;
    (void)nin, (void)nout;
    return mx_scan(recurrence, ctx, &in[0], 1, &in[1], 1, -1, false, &carry, &ys, 1) &&
           (out[0] = mx_add(mx_sum(carry, ALL_AXES, false), mx_sum(ys, ALL_AXES, false)));
}

static bool loop_sum(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *c = in[0], *total = mx_scalar(0, MX_FLOAT32), *made[2];
    for (int i = 0; i < 6 && c && total; i++) {
        if (!recurrence(ctx, (mx_array *[]){c, mx_take(in[1], mx_scalar(i, MX_INT32), 0)}, 2, made, 2)) return false;
        c = made[0];
        total = mx_add(total, mx_sum(made[1], ALL_AXES, false));
    }
    (void)nin, (void)nout;
    return (out[0] = mx_add(total, mx_sum(c, ALL_AXES, false))) != NULL;
}

typedef struct grad_of {
    mx_fn fn;
    mx_array *w;
} grad_of;

static bool gradient(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const grad_of *g = ctx;
    mx_array *value, *grads[2];
    (void)nout;
    if (!mx_value_and_grad(g->fn, g->w, in, nin, &value, grads)) return false;
    return (out[0] = mx_add(mx_sum(mx_square(grads[0]), ALL_AXES, false), mx_sum(grads[1], ALL_AXES, false))) != NULL;
}

TEST(second_derivatives_of_a_scan_are_those_of_the_loop)
{
    mx_array *in[2] = {check_random(SHAPE(3), MX_FLOAT32, -1, 1, 1), check_random(SHAPE(6, 3), MX_FLOAT32, -1, 1, 2)};
    mx_array *w = check_random(SHAPE(3), MX_FLOAT32, -1, 1, 3), *value[2], *grads[2][2];
    for (int k = 0; k < 2; k++) {
        grad_of g = {k ? loop_sum : scan_sum, w};
        CHECK(mx_value_and_grad(gradient, &g, in, 2, &value[k], grads[k]));
    }
    CHECK(mx_value(mx_allclose(value[0], value[1], 1e-4, 1e-5, false)) == 1);
    for (int i = 0; i < 2; i++) CHECK(mx_value(mx_allclose(grads[0][i], grads[1][i], 1e-4, 1e-5, false)) == 1);
}

static bool while_sum(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *init[2] = {mx_scalar(3, MX_INT32), in[0]}, *made[2];
    (void)nin, (void)nout;
    return mx_while_loop(count_left, grow, ctx, init, 2, made) && (out[0] = mx_sum(made[1], ALL_AXES, false));
}

TEST(a_while_loop_has_a_forward_mode_only)
{
    mx_array *x = FLOATS_OF(1, 2), *t = FLOATS_OF(1, 0), *y, *d;
    CHECK(mx_jvp(while_sum, NULL, &x, &t, 1, &y, &d, 1));
    double v = 1, dv = 1;
    for (int i = 0; i < 3; i++) {
        dv += cos(v) * dv;
        v += sin(v);
    }
    CHECK_VALUES(d, 1e-5, dv);
    CHECK_CODE(mx_value_and_grad(while_sum, NULL, &x, 1, &y, &d), MX_VALUE, "[while_loop] has no reverse mode");
}

static bool grows_in_size(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_concatenate((mx_array *[]){in[0], in[0]}, 2, 0)) != NULL;
}

static bool fails(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)in, (void)nin, (void)out, (void)nout;
    return false;
}

static bool asks_for_the_value(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    out[0] = mx_value(in[0]) > 0 ? in[0] : mx_neg(in[0]);
    return true;
}

static bool itself(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin;
    for (int i = 0; i < nout; i++) out[i] = in[i];
    return true;
}

TEST(hostile_calls_of_scan)
{
    mx_array *x = FLOATS_OF(1, 2), *y, *none = NULL, *scalar = mx_scalar(1, MX_FLOAT32), *xs[2] = {x, FLOATS_OF(1)};
    int calls = 0;
    CHECK_ERROR(mx_scan(NULL, NULL, &x, 1, NULL, 0, 3, false, &y, NULL, 0), "[scan] the body is NULL");
    CHECK_ERROR(mx_scan(fails, NULL, &x, 1, NULL, 0, 3, false, &y, NULL, 0), "[scan] the function failed");
    CHECK_CODE(mx_scan(grows_in_size, NULL, &x, 1, NULL, 0, 3, false, &y, NULL, 0), MX_VALUE, "[scan] the carry 0");
    CHECK_CODE(mx_scan(asks_for_the_value, NULL, &scalar, 1, NULL, 0, 3, false, &y, NULL, 0), MX_VALUE, "[eval]");
    CHECK_CODE(mx_scan(counted_body, &calls, &x, 1, NULL, 0, -1, false, &y, NULL, 0), MX_VALUE,
               "[scan] without arrays");
    CHECK_ERROR(mx_scan(itself, NULL, NULL, 0, &scalar, 1, -1, false, NULL, &y, 1), "[scan] input 0 is a scalar");
    CHECK_ERROR(mx_scan(itself, NULL, NULL, 0, xs, 2, -1, false, NULL, &y, 1), "[scan] input 1 has 1 entries");
    CHECK_ERROR(mx_scan(itself, NULL, NULL, 0, xs, 1, 7, false, NULL, &y, 1), "[scan] input 0 has 2 entries");
    CHECK_ERROR(mx_scan(itself, NULL, &none, 1, NULL, 0, 3, false, &y, NULL, 0), "[scan]");
    CHECK_ERROR(mx_scan(itself, NULL, &x, 1, NULL, 0, 3, false, NULL, NULL, 0), "[scan] there is no place");
    CHECK_ERROR(mx_scan(itself, NULL, &x, -1, NULL, 0, 3, false, &y, NULL, 0), "[scan]");
    CHECK(mx_scan(itself, NULL, NULL, 0, NULL, 0, 3, false, NULL, NULL, 0));
    CHECK(mx_scan(itself, NULL, NULL, 0, xs, 1, -1, true, NULL, &y, 1));
    CHECK_VALUES(y, 0, 1, 2);
}

TEST(hostile_calls_of_while_loop_and_cond)
{
    mx_array *x = FLOATS_OF(1, 2), *y, *no = mx_scalar(0, MX_BOOL);
    CHECK_ERROR(mx_while_loop(NULL, itself, NULL, &x, 1, &y), "[while_loop] a function is NULL");
    CHECK_ERROR(mx_while_loop(itself, itself, NULL, &x, 1, &y), "[while_loop] the condition must give one scalar");
    CHECK_ERROR(mx_while_loop(itself, itself, NULL, &x, 1, NULL), "[while_loop] there is no place");
    CHECK_ERROR(mx_while_loop(itself, itself, NULL, NULL, 1, &y), "[while_loop]");
    CHECK_ERROR(mx_while_loop(itself, grows_in_size, NULL, &no, 1, &y), "[concatenate]");
    CHECK_ERROR(mx_cond(NULL, itself, itself, NULL, &x, 1, &y, 1), "[cond]");
    CHECK_ERROR(mx_cond(x, itself, itself, NULL, &x, 1, &y, 1), "[cond] the predicate must be a scalar");
    CHECK_ERROR(mx_cond(no, itself, NULL, NULL, &x, 1, &y, 1), "[cond] a function is NULL");
    CHECK_ERROR(mx_cond(no, itself, grows_in_size, NULL, &x, 1, &y, 1), "[cond] result 0 has shape (2)");
    CHECK_ERROR(mx_cond(no, itself, fails, NULL, &x, 1, &y, 1), "[cond] the function failed");
    CHECK_ERROR(mx_cond(no, itself, itself, NULL, &x, 1, NULL, 1), "[cond] there is no place");
    CHECK_ERROR(mx_cond(no, itself, itself, NULL, NULL, 1, &y, 1), "[cond]");
    CHECK(mx_cond(no, itself, itself, NULL, &x, 1, &y, 1));
    CHECK_VALUES(y, 0, 1, 2);
}

/* ---- Ctrl-C between steps: what was asked for is lazy again.  Many small steps: somebody asks every 10 ms. */
static int checks_left;
static bool stop_after_some(void)
{
    return checks_left-- <= 0;
}

static bool slow_body(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_sin(mx_add(in[0], in[0]))) != NULL;
}

TEST(an_interrupt_between_steps_leaves_the_scan_lazy)
{
    mx_array *x = check_random(SHAPE(200), MX_FLOAT32, -1, 1, 1), *y;
    CHECK(mx_scan(slow_body, NULL, &x, 1, NULL, 0, 200000, false, &y, NULL, 0));
    checks_left = 2;
    mx_set_interrupt(stop_after_some);
    CHECK_CODE(mx_eval(y), MX_RUNTIME, "[eval] interrupted");
    mx_set_interrupt(NULL);
    CHECK(array_state(y) == STATE_LAZY);
    CHECK(mx_eval(y));
}

/* ---- ... and between chunks of what runs for long */
TEST(an_interrupt_inside_a_group_leaves_it_lazy)
{
    if (mx_default_device().type != MX_CPU) return; /* one launch, which ends */
    mx_array *x = check_random(SHAPE(1 << 20, 1), MX_FLOAT32, -1, 1, 1),
             *y = check_random(SHAPE(1 << 16), MX_FLOAT32, -1, 1, 2);
    mx_array *sum = mx_sum(mx_mul(x, y), ALL_AXES, false),
             *rows = mx_softmax(mx_broadcast_to(y, SHAPE(400, 1 << 16)), AXES(-1), true);
    CHECK(mx_eval_n((mx_array *[]){x, y}, 2));
    checks_left = 2;
    mx_set_interrupt(stop_after_some);
    CHECK_CODE(mx_eval(sum), MX_RUNTIME, "[eval] interrupted");
    checks_left = 1;
    CHECK_CODE(mx_eval(rows), MX_RUNTIME, "[eval] interrupted");
    mx_set_interrupt(NULL);
    CHECK(array_state(sum) == STATE_LAZY && array_state(rows) == STATE_LAZY);
    CHECK(mx_eval(rows));
}

static int asked;
static bool note_question(void)
{
    return asked++ > 0;
}

/* Its input is gone: nobody could ask again. */
TEST(what_writes_over_its_input_comes_to_its_end)
{
    mx_scope s = mx_scope_open();
    mx_array *x = check_random(SHAPE(1 << 24), MX_FLOAT32, -1, 1, 1), *want = mx_tan(mx_exp(mx_sin(x)));
    CHECK(mx_eval(want));
    mx_array *y = mx_tan(mx_exp(mx_sin(x)));
    mx_scope_close_n(s, (mx_array *[]){y, want}, 2);
    asked = 0;
    mx_set_interrupt(note_question);
    CHECK(mx_eval(y));
    mx_set_interrupt(NULL);
    CHECK(same_bits(y, want));
    mx_drop(y), mx_drop(want);
}

TEST(a_scan_runs_on_a_worker)
{
    int calls = 0;
    mx_array *x = mx_scalar(0, MX_FLOAT32), *y, *z;
    CHECK(mx_scan(counted_body, &calls, &x, 1, NULL, 0, 500, false, &y, NULL, 0));
    z = mx_add(y, y);
    CHECK(mx_async_eval_n(&z, 1) && mx_value(z) == 1000);
}
