/* SPDX-License-Identifier: MIT
 *
 * Graphs: long ones, their memory, and what the transforms promise whatever the ops are. */
#include "check.h"
#include "core/op.h"
#include "core/runtime.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Placeholders: no data, so nothing to sample.  Aliases. */
const op_sample samples_placeholder[] = {{0}};
void ref_placeholder(const ref_call *c)
{
    (void)c;
}

enum { LONG = 1000000 };

static size_t resident_bytes(void)
{
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &pages, &resident) != 2) resident = 0;
    if (f) fclose(f);
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* y + x + x + ... ; the result is the caller's. */
static mx_array *add_often(mx_array *y, mx_array *x, int count)
{
    mx_keep(y);
    for (int i = 0; i < count && y; i++) {
        mx_scope s = mx_scope_open();
        mx_array *next = mx_scope_close(s, mx_add(y, x));
        mx_drop(y);
        y = next;
    }
    return y;
}

TEST(a_million_adds_are_built_evaluated_and_freed)
{
    mx_array *x = check_random(SHAPE(4), MX_INT32, 1, 9, 1);
    int32_t first[4];
    CHECK(mx_read(x, first, sizeof first));
    size_t before = resident_bytes();
    mx_array *y = add_often(x, x, LONG);
    size_t bytes = resident_bytes() - before;
#ifndef __SANITIZE_THREAD__ /* it keeps notes of its own */
    check_that(bytes <= (size_t)512 * LONG, __FILE__, __LINE__, "%zu bytes a node", bytes / LONG);
#endif
    mx_reset_peak_memory();
    size_t active = mx_get_active_memory();
    CHECK(mx_eval(y));
    /* The next one and the last one, with their headers; on a GPU in blocks of its own, x's copy too. */
    CHECK(mx_get_peak_memory() <= active + (mx_default_device().type == MX_GPU ? 3 * 512 : 2 * 192));
    CHECK_VALUES(y, 0, first[0] * (LONG + 1.0), first[1] * (LONG + 1.0), first[2] * (LONG + 1.0),
                 first[3] * (LONG + 1.0));
    mx_drop(y);
}

TEST(a_million_adds_that_are_never_evaluated_are_freed)
{
    mx_array *x = check_random(SHAPE(4), MX_FLOAT32, 1, 9, 1);
    mx_drop(add_often(x, x, LONG));
}

/* Peak: the input, the running value, and one more. */
TEST(a_chain_on_a_large_array_needs_three_arrays)
{
    mx_array *x = check_random(SHAPE(1000000), MX_FLOAT32, 1, 9, 1);
    size_t bytes = mx_nbytes(x), before = mx_get_active_memory();
    mx_array *y = add_often(x, x, 200);
    mx_reset_peak_memory();
    CHECK(mx_eval(y));
    check_that(mx_get_peak_memory() <= before + 2 * bytes + bytes / 2, __FILE__, __LINE__, "peak: %.2f arrays",
               (double)(mx_get_peak_memory() - before) / (double)bytes + 1);
    mx_drop(y);
}

/* As a planner would make them. */
TEST(two_bodies_run_back_to_back)
{
    for (unsigned written = 2; written < 4; written++) {
        mx_array *x = check_random(SHAPE(3, 5), MX_BFLOAT16, 1, 9, 1),
                 *row = check_random(SHAPE(5), MX_BFLOAT16, 1, 9, 2);
        mx_array *product = mx_mul(x, row), *sum = mx_add(row, product), *nodes[2] = {product, sum};
        mx_array *want = mx_add(row, mx_mul(x, row));
        mx_group group = {.nodes = nodes, .count = 2, .written = written};
        CHECK(mx_eval(x) && mx_eval(row) && mx_eval(want));
        mx_stream *stream = sum->stream;
        if (!stream->backend->run(stream, &group)) { /* a GPU may want to run a new group node by node */
            CHECK(mx_default_device().type == MX_GPU && !mx_failed());
            continue;
        }
        CHECK((product->buffer != NULL) == (written == 3));
        mx_array *got = array_of_buffer_take(sum->buffer, array_shape(sum), MX_BFLOAT16);
        CHECK(got && mx_value(mx_all(mx_equal(got, want), ALL_AXES, false)) == 1);
        buffer_drop(product->buffer);
        product->buffer = sum->buffer = NULL;
        mx_drop(got);
    }
}

static bool long_sum(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    mx_array *y = add_often(in[0], in[0], *(int *)ctx);
    out[0] = mx_sum(mx_temporary(y), ALL_AXES, false);
    return out[0] != NULL;
}

TEST(a_million_adds_are_differentiated)
{
    int count = LONG;
    mx_array *x = check_random(SHAPE(2), MX_FLOAT32, 1, 9, 1), *value, *grad;
    CHECK(mx_value_and_grad(long_sum, &count, &x, 1, &value, &grad));
    CHECK_VALUES(grad, 0, LONG + 1, LONG + 1); /* whole numbers below 2^24: exact */
}

/* ---- Transforms */
static bool exp_of_sum(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    out[0] = mx_exp(mx_sum(in[0], ALL_AXES, false));
    return out[0] != NULL;
}

static bool grad_of_exp_of_sum(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nout;
    mx_array *value;
    return mx_value_and_grad(exp_of_sum, ctx, in, nin, &value, out);
}

/* The product of a vector with the Hessian of exp(sum x), which is exp(sum x) everywhere. */
TEST(derivatives_nest)
{
    float data[3] = {0.1f, 0.2f, -0.3f}, direction[3] = {1, 2, 3};
    mx_array *x = mx_from_data(data, SHAPE(3), MX_FLOAT32), *t = mx_from_data(direction, SHAPE(3), MX_FLOAT32), *g, *h;
    CHECK(mx_jvp(grad_of_exp_of_sum, NULL, &x, &t, 1, &g, &h, 1));
    CHECK_VALUES(g, 1e-6, 1, 1, 1);
    CHECK_VALUES(h, 1e-5, 6, 6, 6);
    CHECK(mx_vjp(grad_of_exp_of_sum, NULL, &x, 1, &t, 1, &g, &h));
    CHECK_VALUES(h, 1e-5, 6, 6, 6);
    CHECK(atomic_load(&runtime.traces) == 0);
}

static bool constant(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)in, (void)nin, (void)nout;
    out[0] = mx_sum(ctx, ALL_AXES, false);
    return out[0] != NULL;
}

TEST(an_unused_input_has_a_zero_gradient)
{
    mx_array *x = check_random(SHAPE(2), MX_FLOAT32, 1, 9, 1), *other = check_random(SHAPE(3), MX_FLOAT32, 1, 9, 2),
             *value, *grad;
    CHECK(mx_value_and_grad(constant, other, &x, 1, &value, &grad));
    CHECK_VALUES(grad, 0, 0, 0);
}

static bool evaluates_inside(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    mx_array *y = mx_exp(in[0]);
    *(double *)ctx = mx_value(mx_sum(y, ALL_AXES, false));
    out[0] = mx_sum(mx_add(y, y), ALL_AXES, false);
    return out[0] != NULL;
}

TEST(values_are_there_inside_a_gradient)
{
    double seen = 0;
    float zero = 0;
    mx_array *x = mx_from_data(&zero, SHAPE(1), MX_FLOAT32), *value, *grad;
    CHECK(mx_value_and_grad(evaluates_inside, &seen, &x, 1, &value, &grad));
    CHECK(seen == 1);
    CHECK_VALUES(grad, 1e-6, 2);
}

static bool fails(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    out[0] = mx_add(mx_exp(in[0]), mx_from_data((float[]){1, 2}, SHAPE(2), MX_FLOAT32));
    return out[0] != NULL;
}

TEST(an_error_in_a_function_ends_its_trace)
{
    mx_array *x = check_random(SHAPE(3, 3), MX_FLOAT32, 1, 9, 1), *out[2];
    for (int i = 0; i < 200; i++) { /* more often than there are traces */
        CHECK_CODE(mx_value_and_grad(fails, NULL, &x, 1, &out[0], &out[1]), MX_VALUE, "[broadcast_shapes] Shapes");
        CHECK_CODE(mx_jvp(fails, NULL, &x, &x, 1, &out[0], &out[1], 1), MX_VALUE, "[broadcast_shapes] Shapes");
        CHECK_CODE(mx_vmap(fails, NULL, &x, (int[]){0}, 1, out, (int[]){0}, 1), MX_VALUE, "[broadcast_shapes] Shapes");
    }
    CHECK(atomic_load(&runtime.traces) == 0);
}

static bool leaks_tracer(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    out[0] = mx_exp(in[0]);
    *(mx_array **)ctx = mx_keep(out[0]);
    return out[0] != NULL;
}

TEST(a_batched_tracer_has_no_value)
{
    mx_array *leaked = NULL, *x = check_random(SHAPE(3), MX_FLOAT32, 1, 2, 1), *y;
    CHECK(mx_vmap(leaks_tracer, &leaked, &x, (int[]){0}, 1, &y, (int[]){0}, 1));
    CHECK(!mx_is_tracer(y));
    CHECK_CODE(mx_eval(leaked), MX_VALUE, "[eval]");
    mx_drop(leaked);
}

TEST(bad_calls_of_transforms_are_errors)
{
    mx_array *x = check_random(SHAPE(3), MX_FLOAT32, 1, 2, 1), *t = check_random(SHAPE(2), MX_FLOAT32, 1, 2, 1),
             *out[2];
    CHECK_CODE(mx_jvp(exp_of_sum, NULL, &x, &t, 1, &out[0], &out[1], 1), MX_VALUE, "[jvp]");
    CHECK_CODE(mx_vjp(exp_of_sum, NULL, &x, 1, &t, 1, &out[0], &out[1]), MX_VALUE, "[vjp]");
    CHECK_CODE(mx_vmap(exp_of_sum, NULL, &x, (int[]){MX_UNMAPPED}, 1, out, (int[]){0}, 1), MX_VALUE, "[vmap]");
    CHECK_CODE(mx_vmap(exp_of_sum, NULL, &x, (int[]){1}, 1, out, (int[]){0}, 1), MX_VALUE, "[vmap]");
}
