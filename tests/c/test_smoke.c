/* SPDX-License-Identifier: MIT
 *
 * The spine end to end: make, evaluate, differentiate, batch, read. */
#include "core/memory.h"
#include "mica.h"
#include <math.h>
#include <stdio.h>

static int failures;
#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, mx_error().message);                            \
            failures++;                                                                                                \
        }                                                                                                              \
    } while (0)

static bool sum_exp_square(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_sum(mx_exp(mx_mul(in[0], in[0])), ALL_AXES, false)) != NULL;
}

static bool row_sum(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_sum(mx_mul(in[0], in[1]), ALL_AXES, false)) != NULL;
}

int main(void)
{
    mx_scope s = mx_scope_open();
    float data[6] = {0.f, 0.5f, -0.5f, 1.f, 0.25f, -1.f}, got[6];
    mx_array *x = mx_from_data(data, SHAPE(2, 3), MX_FLOAT32), *value, *grad;
    CHECK(mx_read(mx_add(mx_transpose(x, ALL_AXES), mx_float(1)), got, sizeof got));
    CHECK(got[0] == 1.f && got[1] == 2.f && got[2] == 1.5f);
    CHECK(mx_value_and_grad(sum_exp_square, NULL, &x, 1, &value, &grad));
    CHECK(mx_read(grad, got, sizeof got));
    for (int i = 0; i < 6; i++) CHECK(fabsf(got[i] - 2 * data[i] * expf(data[i] * data[i])) < 1e-5f);
    mx_array *in[2] = {x, mx_from_data(data, SHAPE(3), MX_FLOAT32)}, *rows;
    CHECK(mx_vmap(row_sum, NULL, in, (int[]){0, MX_UNMAPPED}, 2, &rows, (int[]){0}, 1));
    CHECK(mx_read(rows, got, 2 * sizeof *got));
    CHECK(got[0] == 0.5f && got[1] == 0.5f * 0.25f + 0.5f);
    mx_array *half = mx_astype(mx_mul(mx_astype(x, MX_FLOAT16), mx_astype(x, MX_FLOAT16)), MX_FLOAT32);
    CHECK(mx_read(half, got, sizeof got) && got[4] == 0.0625f);
    CHECK(mx_read(mx_matmul(x, mx_transpose(x, ALL_AXES)), got, 4 * sizeof *got));
    CHECK(got[0] == 0.5f && got[1] == 0.625f && got[2] == 0.625f && got[3] == 2.0625f);
    CHECK(mx_value(mx_matmul(mx_astype(x, MX_FLOAT64), mx_ones(SHAPE(3), MX_FLOAT64))) == 0 &&
          mx_error().code == MX_VALUE);
    CHECK(mx_value(mx_sum(mx_matmul(mx_astype(x, MX_FLOAT64), mx_ones(SHAPE(3), MX_FLOAT64)), ALL_AXES, false)) ==
          0.25);
    CHECK(!mx_add(x, mx_zeros(SHAPE(4), MX_FLOAT32)) && mx_error().code == MX_VALUE);
    mx_array *long_chain = x;
    for (int i = 0; i < 1000000; i++) long_chain = mx_add(long_chain, x);
    long_chain = mx_scope_close(s, long_chain);
    CHECK(mx_eval(long_chain));
    mx_drop(long_chain);
    CHECK(mx_get_active_memory() == 0);
    printf("%s, %d threads: %d failed\n", mx_cpu_level(), mx_cpu_threads(), failures);
    return failures != 0;
}
