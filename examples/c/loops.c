/* SPDX-License-Identifier: MIT
 *
 * Loops that are nodes of the graph: a pendulum integrated by scan and differentiated by its first angle, the angle at
 * which a loop that ends by itself stops, a branch, and a Hessian. */
#include "mica.h"

#include <stdio.h>

enum { STEPS = 1000 };

/* (angle, speed) -> the same a moment later, and the angle. */
static bool swing(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    mx_array *dt = mx_scalar(0.01, MX_FLOAT32);
    out[1] = mx_sub(in[1], mx_mul(dt, mx_sin(in[0])));
    out[0] = mx_add(in[0], mx_mul(dt, out[1]));
    out[2] = out[0];
    return out[0] && out[1];
}

/* The angle after all steps. */
static bool last_angle(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    mx_array *init[2] = {in[0], mx_scalar(0, MX_FLOAT32)}, *carry[2], *angles;
    if (!mx_scan(swing, NULL, init, 2, NULL, 0, STEPS, false, carry, &angles, 1)) return false;
    return (out[0] = carry[0]) != NULL;
}

static bool still_positive(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_greater(in[0], mx_scalar(0, MX_FLOAT32))) != NULL;
}

/* (angle, speed, steps so far) */
static bool swing_and_count(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *made[3];
    if (!swing(ctx, in, nin, made, nout)) return false;
    out[0] = made[0];
    out[1] = made[1];
    return (out[2] = mx_add(in[2], mx_scalar(1, MX_INT32))) != NULL;
}

static bool energy(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    mx_array *height = mx_sub(mx_scalar(1, MX_FLOAT32), mx_cos(mx_take(in[0], mx_scalar(0, MX_INT32), 0)));
    mx_array *half = mx_scalar(0.5, MX_FLOAT32), *speed = mx_take(in[0], mx_scalar(1, MX_INT32), 0);
    return (out[0] = mx_add(height, mx_mul(half, mx_square(speed)))) != NULL;
}

int main(void)
{
    mx_array *angle = mx_scalar(0.5, MX_FLOAT32), *value, *grad, *out[3], *hessian, *state;
    mx_array *init[3] = {angle, mx_scalar(0, MX_FLOAT32), mx_scalar(0, MX_INT32)};
    float h[4];
    bool ok = mx_value_and_grad(last_angle, NULL, &angle, 1, &value, &grad);
    if (ok) printf("after %d steps: angle %.3f, by the first angle %.3f\n", STEPS, mx_value(value), mx_value(grad));
    ok = ok && mx_while_loop(still_positive, swing_and_count, NULL, init, 3, out);
    if (ok) printf("below after %g steps\n", mx_value(out[2]));
    state = mx_from_data((const float[]){0.5f, 0}, SHAPE(2), MX_FLOAT32);
    ok = ok && mx_hessian(energy, NULL, &state, 1, &value, 1, &hessian) && mx_read(hessian, h, sizeof h);
    if (ok) printf("stiffness %.3f, mass %.3f\n", (double)h[0], (double)h[3]);
    if (!ok || mx_failed()) fprintf(stderr, "%s\n", mx_error().message);
    return !ok;
}
