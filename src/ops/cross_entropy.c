/* SPDX-License-Identifier: MIT
 *
 * Cross entropy of rows of logits x with class indices t: log(sum(exp x)) - x[t], and its gradient, (softmax(x) - [i = t]) dy,
 * each one pass over the rows.  Both are in float32 for halves, the gradient then rounded once; the derivatives of the
 * gradient are composed from that formula. */
#include "mica/fast.h"
#include "mica/transforms.h"
#include "ops/rules.h"

static mx_dtype wide_of(const mx_array *x)
{
    return mx_dtype_promote((mx_dtype)x->dtype, MX_FLOAT32);
}

/* ---- The gradient.  Inputs: x (..., n), targets (...), dy (...) */
static mx_array *gradient(mx_array *x, mx_array *targets, mx_array *dy)
{
    return op_apply(&mx_op_cross_entropy_vjp, NULL, x, targets, dy);
}

/* ctx: the targets; in: x, dy. */
static bool composed_gradient(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *x = mx_astype(in[0], wide_of(in[0])), *p = mx_softmax(x, AXES(-1), true),
             *t = mx_expand_dims(ctx, AXES(-1));
    mx_array *apart = mx_scatter_along_axis(p, t, mx_like(p, -1), -1, MX_SCATTER_ADD);
    (void)nin, (void)nout;
    return (out[0] = mx_astype(mx_mul(apart, mx_expand_dims(in[1], AXES(-1))), (mx_dtype)in[0]->dtype)) != NULL;
}

static bool gradient_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *out, *d[2];
    if (!mx_vjp(composed_gradient, c->in[1], (mx_array *[]){c->in[0], c->in[2]}, 2, dout, 1, &out, d)) return false;
    din[0] = d[0];
    din[2] = d[1];
    return true;
}

static bool gradient_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *out, *in[2] = {c->in[0], c->in[2]}, *t[2] = {tin[0], tin[2]};
    return mx_jvp(composed_gradient, c->in[1], in, t, 2, &out, tout, 1);
}

static bool rows_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    int64_t batch = op_batch_size(c, axis_in);
    mx_array *in[3] = {NULL};
    for (int i = 0; i < c->nin; i++) {
        if (!(in[i] = op_batched(c->in[i], axis_in[i], batch))) return false;
    }
    axis_out[0] = 0;
    return (out[0] = op_apply_n(c->op, c->params, in, c->nin)) != NULL;
}

const mx_op mx_op_cross_entropy_vjp = {OP_NAMED(cross_entropy_vjp, "cross_entropy_vjp"),
                                       .flags = OP_ANY_SIZE,
                                       .shape = op_shape_same,
                                       .vjp = gradient_vjp,
                                       .jvp = gradient_jvp,
                                       .vmap = rows_vmap};

/* ---- The loss.  Inputs: x (..., n), targets (...) */
static bool loss_shape(const mx_call *c, mx_spec *out)
{
    spec_set(out, array_shape(c->in[1]), wide_of(c->in[0]));
    return true;
}

static bool loss_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = gradient(c->in[0], c->in[1], dout[0])) != NULL;
}

static bool loss_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *ones = mx_ones_like(c->out[0]), *x = mx_astype(c->in[0], mx_dtype_of(c->out[0]));
    return (tout[0] = mx_sum(mx_mul(gradient(x, c->in[1], ones), tin[0]), AXES(-1), false)) != NULL;
}

const mx_op mx_op_cross_entropy = {OP_NAMED(cross_entropy, "cross_entropy"),
                                   .flags = OP_ANY_SIZE,
                                   .shape = loss_shape,
                                   .vjp = loss_vjp,
                                   .jvp = loss_jvp,
                                   .vmap = rows_vmap};

static bool check(const mx_array *x, const mx_array *targets)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (!op_has("cross_entropy", x) || !op_has("cross_entropy", targets)) return false;
    if (x->ndim == 0)
        return mx_fail_false(MX_VALUE, "[cross_entropy] the logits must have at least 1 dimension, not shape ().");
    if (!mx_dtype_is((mx_dtype)x->dtype, MX_FLOATING))
        return mx_fail_false(MX_VALUE, "[cross_entropy] the logits must be floating point, not %s.",
                             mx_dtype_name((mx_dtype)x->dtype));
    if (!mx_dtype_is((mx_dtype)targets->dtype, MX_INTEGER))
        return mx_fail_false(MX_VALUE, "[cross_entropy] the targets must be integer class indices, not %s.",
                             mx_dtype_name((mx_dtype)targets->dtype));
    if (!shape_equal(array_shape(targets), (mx_shape){x->ndim - 1, x->shape}))
        return mx_fail_false(MX_VALUE,
                             "[cross_entropy] targets of shape %s for logits of shape %s: it must be the same "
                             "without the last axis.",
                             shape_text(b, array_shape(targets)), shape_text(a, array_shape(x)));
    if (targets->size && x->shape[x->ndim - 1] == 0)
        return mx_fail_false(MX_VALUE, "[cross_entropy] logits of shape %s have no classes.",
                             shape_text(a, array_shape(x)));
    return true;
}

mx_array *mx_cross_entropy(mx_array *logits, mx_array *targets)
{
    if (!check(logits, targets)) return NULL;
    if (targets->dtype != MX_INT32) targets = mx_astype(targets, MX_INT64);
    return op_apply(&mx_op_cross_entropy, NULL, logits, targets);
}
