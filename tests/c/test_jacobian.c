/* SPDX-License-Identifier: MIT
 *
 * Whole Jacobians, Hessians and linear parts, against formulas. */
#include "check.h"
#include <math.h>

/* y = (sin(a) b, sum(a) b^2) for a and b of 3. */
static bool two_of_two(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    if (ctx) ++*(int *)ctx;
    out[0] = mx_mul(mx_sin(in[0]), in[1]);
    out[1] = mx_mul(mx_sum(in[0], ALL_AXES, true), mx_square(in[1]));
    return out[0] && out[1];
}

static void check_jacobian(mx_array *const *in, mx_array *const *jac)
{
    float a[3], b[3], j[4][9];
    CHECK(mx_read(in[0], a, sizeof a) && mx_read(in[1], b, sizeof b));
    for (int k = 0; k < 4; k++) CHECK(mx_read(jac[k], j[k], sizeof j[k]));
    double sum = (double)a[0] + (double)a[1] + (double)a[2];
    for (int r = 0; r < 3; r++) {
        for (int c = 0; c < 3; c++) {
            double want[4] = {r == c ? cos(a[r]) * b[r] : 0, r == c ? sin(a[r]) : 0, (double)b[r] * b[r],
                              r == c ? 2 * sum * b[r] : 0};
            for (int k = 0; k < 4; k++) CHECK(fabs(j[k][3 * r + c] - want[k]) < 1e-5);
        }
    }
}

TEST(jacobians_of_two_outputs_by_two_inputs)
{
    mx_array *in[2] = {check_random(SHAPE(3), MX_FLOAT32, -1, 1, 1), check_random(SHAPE(3), MX_FLOAT32, -1, 1, 2)};
    mx_array *out[2], *jac[4];
    CHECK(mx_jacrev(two_of_two, NULL, in, 2, out, 2, jac));
    CHECK_SHAPE(jac[0], SHAPE(3, 3), MX_FLOAT32);
    check_jacobian(in, jac);
    CHECK(mx_jacfwd(two_of_two, NULL, in, 2, out, 2, jac));
    check_jacobian(in, jac);
}

static bool matrix_of(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_matmul(in[0], mx_transpose(in[0], ALL_AXES))) != NULL;
}

TEST(jacobians_of_matrices_have_both_shapes)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_FLOAT32, -1, 1, 1), *y, *r, *f = NULL;
    CHECK(mx_jacrev(matrix_of, NULL, &x, 1, &y, 1, &r) && mx_jacfwd(matrix_of, NULL, &x, 1, &y, 1, &f));
    CHECK_SHAPE(r, SHAPE(2, 2, 2, 3), MX_FLOAT32);
    CHECK(mx_value(mx_allclose(r, f, 1e-5, 1e-6, false)) == 1);
    x = mx_zeros(SHAPE(0), MX_FLOAT32);
    CHECK(mx_jacrev(two_of_two, NULL, (mx_array *[]){x, x}, 2, (mx_array *[2]){0}, 2, (mx_array *[4]){0}));
    CHECK(mx_jacfwd(two_of_two, NULL, (mx_array *[]){x, x}, 2, (mx_array *[2]){0}, 2, (mx_array *[4]){0}));
}

static bool cubes(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    mx_array *cube = mx_mul(in[0], mx_square(in[0]));
    return (out[0] = mx_sum(mx_mul(cube, in[1]), ALL_AXES, false)) != NULL;
}

TEST(a_hessian_is_the_second_derivative)
{
    mx_array *in[2], *out, *h[4];
    in[0] = mx_from_data((const float[]){1, 2}, SHAPE(2), MX_FLOAT32);
    in[1] = mx_from_data((const float[]){3, 5}, SHAPE(2), MX_FLOAT32);
    CHECK(mx_hessian(cubes, NULL, in, 2, &out, 1, h));
    CHECK_VALUES(out, 0, 43);
    CHECK_VALUES(h[0], 1e-5, 18, 0, 0, 60);
    CHECK_VALUES(h[1], 1e-5, 3, 0, 0, 12);
    CHECK_VALUES(h[2], 1e-5, 3, 0, 0, 12);
    CHECK_VALUES(h[3], 0, 0, 0, 0, 0);
}

TEST(linearize_runs_the_function_once)
{
    int calls = 0;
    mx_array *in[2] = {check_random(SHAPE(3), MX_FLOAT32, -1, 1, 1), check_random(SHAPE(3), MX_FLOAT32, -1, 1, 2)};
    mx_array *out[2], *want[2], *t[2], *got[2];
    mx_program *p = mx_linearize(two_of_two, &calls, in, 2, out, 2);
    CHECK(p && calls == 1);
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < 2; i++) t[i] = check_random(SHAPE(3), MX_FLOAT32, -1, 1, (uint64_t)(10 * k + i));
        CHECK(mx_program_run(p, t, 2, got, 2));
        CHECK(calls == 1 + k);
        CHECK(mx_jvp(two_of_two, &calls, in, t, 2, out, want, 2));
        for (int i = 0; i < 2; i++) CHECK(mx_value(mx_allclose(got[i], want[i], 1e-5, 1e-6, false)) == 1);
    }
    mx_program_drop(p);
}

static bool fails(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)in, (void)nin, (void)out, (void)nout;
    return false;
}

TEST(hostile_calls_of_jacobians)
{
    mx_array *x = mx_scalar(1, MX_FLOAT32), *whole = mx_scalar(1, MX_INT32), *in[2] = {x, whole}, *out[2], *jac[8];
    CHECK_ERROR(mx_jacrev(NULL, NULL, &x, 1, out, 1, jac), "[jacrev] the function is NULL");
    CHECK_ERROR(mx_jacrev(cubes, NULL, in, 0, out, 1, jac), "[jacrev] 0 inputs");
    CHECK_ERROR(mx_jacfwd(cubes, NULL, in, 2, NULL, 1, jac), "[jacfwd] there is no place");
    CHECK_ERROR(mx_jacfwd(cubes, NULL, in, 2, out, 1, jac), "[jacfwd] input 1 is int32");
    CHECK_ERROR(mx_jacrev(fails, NULL, in, 1, out, 1, jac), "[jacrev] the function failed");
    CHECK_ERROR(mx_hessian(cubes, NULL, in, 2, out, 1, NULL), "[hessian] there is no place");
    CHECK_ERROR(mx_hessian(NULL, NULL, in, 2, out, 1, jac), "[jacrev] the function is NULL");
    CHECK_ERROR(mx_hessian(cubes, NULL, in, 2, out, 0, jac), "[hessian] 2 inputs, 0 outputs");
    CHECK_ERROR(mx_linearize(NULL, NULL, in, 2, out, 1), "[linearize] the function is NULL");
    CHECK_ERROR(mx_linearize(cubes, NULL, in, 2, NULL, 1), "[linearize] there is no place");
    CHECK_ERROR(mx_linearize(cubes, NULL, NULL, 2, out, 1), "[trace]");
}
