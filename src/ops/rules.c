/* SPDX-License-Identifier: MIT
 *
 * Rules that many ops share. */
#include "ops/rules.h"
#include "core/memory.h"
#include "mica/transforms.h"

/* ---- Shapes */
bool op_shape_same(const mx_call *c, mx_spec *out)
{
    spec_set(out, array_shape(c->in[0]), (mx_dtype)c->in[0]->dtype);
    return true;
}

bool op_shape_broadcast(const mx_call *c, mx_spec *out)
{
    spec_set(out, array_shape(c->in[0]), (mx_dtype)c->in[c->nin - 1]->dtype);
    for (int i = 1; i < c->nin; i++) {
        if (shape_equal(array_shape(c->in[i]), spec_shape(out))) continue;
        if (!shape_broadcast_into("broadcast_shapes", out, array_shape(c->in[i]))) return false;
    }
    return true;
}

bool op_shape_broadcast_bool(const mx_call *c, mx_spec *out)
{
    bool ok = op_shape_broadcast(c, out);
    out->dtype = MX_BOOL;
    return ok;
}

/* ---- Derivatives */
bool op_vjp_zero(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    (void)c, (void)dout, (void)din;
    return true;
}

bool op_jvp_zero(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    (void)c, (void)tin, (void)tout;
    return true;
}

bool op_jvp_linear(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = op_again(c, tin)) != NULL;
}

/* u -> vjp(u), as a function to be differentiated. */
static bool pull_back(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const mx_call *c = ctx;
    mx_call all = *c;
    all.wanted = UINT64_MAX;
    (void)nin;
    if (!c->op->vjp(&all, in, out)) return false;
    for (int i = 0; i < nout; i++) {
        if (!out[i]) out[i] = mx_zeros_like(c->in[i]);
        if (out[i]) out[i] = mx_sum_like(out[i], c->in[i]);
        if (out[i] && out[i]->dtype != c->in[i]->dtype) out[i] = mx_astype(out[i], (mx_dtype)c->in[i]->dtype);
    }
    return true;
}

bool op_jvp_by_vjp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    enum { MANY = 16 };
    mx_array *zeros[MANY], *pulled[MANY];
    if (c->nin > MANY || c->nout > MANY)
        return mx_fail_false(MX_RUNTIME, "[%s] too many operands for a jvp.", c->op->name);
    for (int i = 0; i < c->nout; i++) {
        if (!(zeros[i] = mx_zeros_like(c->out[i]))) return false;
    }
    return mx_vjp(pull_back, (void *)c, zeros, c->nout, tin, c->nin, pulled, tout);
}

/* ---- Batching */
int64_t op_batch_size(const mx_call *c, const int *axis_in)
{
    for (int i = 0; i < c->nin; i++) {
        if (axis_in[i] == 0) return c->in[i]->shape[0];
    }
    return 1;
}

mx_array *op_batched(mx_array *x, int axis_in, int64_t size)
{
    if (!x || axis_in == 0) return x;
    int64_t shape[MX_MAX_NDIM + 1] = {size};
    for (int i = 0; i < x->ndim; i++) shape[i + 1] = x->shape[i];
    return mx_broadcast_to(x, (mx_shape){x->ndim + 1, shape});
}

/* x (B, ...) with ones after the batch axis until it has `ndim` more axes. */
static mx_array *align_batch(mx_array *x, int ndim)
{
    int axes[MX_MAX_NDIM], extra = ndim - (x->ndim - 1);
    if (extra <= 0) return x;
    if (ndim + 1 > MX_MAX_NDIM) return mx_fail(MX_VALUE, "[vmap] more than %d dimensions.", MX_MAX_NDIM);
    for (int i = 0; i < extra; i++) axes[i] = i + 1;
    return mx_expand_dims(x, (mx_axes){extra, axes});
}

bool op_vmap_elementwise(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    mx_array *in[4];
    int ndim = 0;
    for (int i = 0; i < c->nin; i++) {
        int own = c->in[i]->ndim - (axis_in[i] == 0);
        ndim = own > ndim ? own : ndim;
    }
    for (int i = 0; i < c->nin; i++) in[i] = axis_in[i] == 0 ? align_batch(c->in[i], ndim) : c->in[i];
    axis_out[0] = 0;
    return (out[0] = op_again(c, in)) != NULL;
}

bool op_vmap_leading(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    (void)axis_in; /* the only input is mapped */
    axis_out[0] = 0;
    return (out[0] = op_again(c, c->in)) != NULL;
}

/* ---- Dtypes */
mx_array *mx_at_least_float(mx_array *x)
{
    return x && !mx_dtype_is((mx_dtype)x->dtype, MX_INEXACT) ? mx_astype(x, MX_FLOAT32) : x;
}

bool op_promote(mx_array **x, int count)
{
    mx_dtype dtype = MX_BOOL;
    bool same = true;
    for (int i = 0; i < count; i++) {
        if (x[i]) dtype = mx_dtype_promote(dtype, (mx_dtype)x[i]->dtype);
    }
    for (int i = 0; i < count; i++) {
        if (x[i] && x[i]->dtype != dtype) same &= (x[i] = mx_astype(x[i], dtype)) != NULL;
    }
    return same;
}
