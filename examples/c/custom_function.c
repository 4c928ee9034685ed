/* SPDX-License-Identifier: MIT
 *
 * A function with a rule of its own, and a checkpoint.
 *
 * round(x) has the derivative zero, so nothing before it could learn.  The "straight-through" rule (Bengio et al., 2013)
 * passes the cotangent as if the function were the identity.  The second half differentiates a long chain twice: once as
 * it is, once in checkpoints, which keep their inputs only and compute the rest again. */
#include "mica.h"

#include <stdio.h>

static bool quantize(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_round(in[0])) != NULL;
}

static bool straight_through(void *ctx, mx_array *const *in, int nin, mx_array *const *dout, mx_array *const *out,
                             int nout, mx_array **din)
{
    (void)ctx, (void)in, (void)nin, (void)out, (void)nout;
    din[0] = dout[0];
    return true;
}

static bool loss(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nout;
    mx_custom_rules rules = {.fn = quantize, .vjp = straight_through};
    mx_array *q;
    return mx_custom_function(&rules, in, nin, &q, 1) && (out[0] = mx_sum(mx_square(q), ALL_AXES, false));
}

static bool block(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    mx_array *x = in[0];
    for (int i = 0; i < 10; i++) x = mx_sin(mx_exp(x));
    return (out[0] = x) != NULL;
}

/* ctx: NULL, or whatever if the blocks are to be checkpoints. */
static bool chain(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    mx_array *x = in[0];
    for (int i = 0; i < 10; i++) {
        if (!(ctx ? mx_checkpoint(block, NULL, NULL, &x, 1, &x, 1) : block(NULL, &x, 1, &x, 1))) return false;
    }
    return (out[0] = mx_sum(x, ALL_AXES, false)) != NULL;
}

static bool print_peak(const char *what, void *checkpoints)
{
    mx_scope s = mx_scope_open();
    mx_array *x = mx_arange(0, 1, 1e-6, MX_FLOAT32), *value, *grad;
    bool ok = mx_eval(x);
    mx_reset_peak_memory();
    mx_scope inner = mx_scope_open();
    ok = ok && mx_value_and_grad(chain, checkpoints, &x, 1, &value, &grad);
    grad = mx_scope_close(inner, ok ? grad : NULL); /* before eval: a scope would keep what lies between */
    ok = ok && mx_eval(grad);
    if (ok) printf("%-20s %4zu MB at most\n", what, mx_get_peak_memory() >> 20);
    mx_drop(grad);
    mx_scope_close(s, NULL);
    return ok;
}

int main(void)
{
    mx_array *x = mx_from_data((const float[]){0.2f, 1.7f, -2.6f}, SHAPE(3), MX_FLOAT32), *value, *grad;
    float g[3];
    bool ok = mx_value_and_grad(loss, NULL, &x, 1, &value, &grad) && mx_read(grad, g, sizeof g);
    if (ok) printf("straight through: %g %g %g\n", (double)g[0], (double)g[1], (double)g[2]);
    ok = ok && print_peak("as it is:", NULL) && print_peak("in checkpoints:", "yes");
    if (!ok) fprintf(stderr, "%s\n", mx_error().message);
    return !ok;
}
