/* SPDX-License-Identifier: MIT
 *
 * RMS norm (Zhang and Sennrich 2019) and layer norm (Ba, Kiros and Hinton 2016) over the last axis.
 *
 * With n the row length, r = 1/sqrt(mean(x^2) + eps) and g = dy w:  dx = r g - x r^3 mean(g x),  dw = sum over rows of
 * dy x r.  For layer norm, x^ = (x - mean) r:  dx = r (g - mean(g) - x^ mean(g x^)),  dw = sum dy x^,  db = sum dy. The
 * backward ops are differentiated through the same formulas, composed. */
#include "core/params/norm.h"
#include "mica/fast.h"
#include "mica/transforms.h"
#include "ops/rules.h"

static const mx_field fields[] = {FIELD_FLOAT(norm_params, eps), FIELD_END};

/* Inputs: x, weight (n,) [, bias (n,)]. */
static bool forward_shape(const mx_call *c, mx_spec *out)
{
    const mx_array *x = c->in[0];
    spec_set(out, array_shape(x), (mx_dtype)x->dtype);
    for (int i = 1; i < c->nin; i++) {
        if (c->in[i]->size != x->shape[x->ndim - 1]) {
            return mx_fail_false(MX_VALUE, "[%s] a weight of size %lld for rows of size %lld.", c->op->name,
                                 (long long)c->in[i]->size, (long long)x->shape[x->ndim - 1]);
        }
    }
    return true;
}

/* Inputs: x, weight, dout.  Outputs: of the shapes of x, weight [, weight]. */
static bool backward_shape(const mx_call *c, mx_spec *out)
{
    for (int i = 0; i < c->nout; i++) {
        const mx_array *like = c->in[i ? 1 : 0];
        spec_set(&out[i], array_shape(like), (mx_dtype)like->dtype);
    }
    return true;
}

static bool rms_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *in[3] = {c->in[0], c->in[1], dout[0]};
    return op_apply_multi(&mx_op_rms_norm_vjp, c->params, in, 3, din, 2);
}

static bool layer_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *in[3] = {c->in[0], c->in[1], dout[0]};
    return op_apply_multi(&mx_op_layer_norm_vjp, c->params, in, 3, din, 3);
}

/* ---- The same, composed: what the backward ops mean */
typedef struct composed_norm {
    float eps;
    bool centred;
} composed_norm;

static mx_array *row_mean(mx_array *x)
{
    return mx_mean(x, AXES(-1), KEEP);
}

static bool composed_backward(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const composed_norm *norm = ctx;
    mx_dtype dtype = mx_dtype_of(in[0]), wide = mx_dtype_promote(dtype, MX_FLOAT32); /* halves, as in the kernel */
    mx_array *x = mx_astype(in[0], wide), *dy = mx_astype(in[2], wide), *g = mx_mul(dy, mx_astype(in[1], wide));
    (void)nin;
    if (norm->centred) x = mx_sub(x, row_mean(x));
    mx_array *r = mx_rsqrt(mx_add(row_mean(mx_square(x)), mx_float(norm->eps)));
    mx_array *unit = mx_mul(x, r), *inner = mx_sub(g, mx_mul(unit, row_mean(mx_mul(g, unit))));
    if (norm->centred) inner = mx_sub(inner, row_mean(g));
    out[0] = mx_astype(mx_mul(r, inner), dtype);
    out[1] = mx_astype(mx_sum_to(mx_mul(dy, unit), mx_shape_of(in[1])), dtype);
    if (nout == 3) out[2] = mx_astype(mx_sum_to(dy, mx_shape_of(in[1])), dtype);
    return !mx_failed();
}

static bool backward_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const norm_params *p = c->params;
    mx_array *out[3];
    composed_norm norm = {p->eps, c->nout == 3};
    return mx_vjp(composed_backward, &norm, c->in, c->nin, dout, c->nout, out, din);
}

static bool backward_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    const norm_params *p = c->params;
    mx_array *out[3];
    composed_norm norm = {p->eps, c->nout == 3};
    return mx_jvp(composed_backward, &norm, c->in, tin, c->nin, out, tout, c->nout);
}

/* A mapped weight needs another product: rows are normalised by a weight of ones, then scaled. */
static bool forward_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    int64_t batch = op_batch_size(c, axis_in);
    mx_array *x = op_batched(c->in[0], axis_in[0], batch), *in[3] = {x, c->in[1], c->nin == 3 ? c->in[2] : NULL};
    bool mapped = axis_in[1] == 0 || (c->nin == 3 && axis_in[2] == 0);
    axis_out[0] = 0;
    if (!mapped) return (out[0] = op_apply_n(c->op, c->params, in, c->nin)) != NULL;
    int64_t n = x->shape[x->ndim - 1], shape[MX_MAX_NDIM + 1];
    in[1] = mx_ones(SHAPE(n), mx_dtype_of(c->in[1]));
    if (c->nin == 3) in[2] = mx_zeros(SHAPE(n), mx_dtype_of(c->in[2]));
    mx_array *y = op_apply_n(c->op, c->params, in, c->nin);
    for (int k = 1; k < c->nin; k++) {
        mx_array *w = op_batched(c->in[k], axis_in[k], batch);
        for (int i = 0; i < x->ndim; i++) shape[i] = i == 0 ? batch : i == x->ndim - 1 ? n : 1;
        w = w ? mx_reshape(w, (mx_shape){x->ndim, shape}) : NULL;
        y = k == 1 ? mx_mul(y, w) : mx_add(y, w);
    }
    return (out[0] = y) != NULL;
}

/* Weight gradients of a batch are sums over each entry's own rows: composed. */
static bool backward_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    const norm_params *p = c->params;
    int64_t batch = op_batch_size(c, axis_in);
    mx_array *x = op_batched(c->in[0], axis_in[0], batch), *w = op_batched(c->in[1], axis_in[1], batch),
             *dy = op_batched(c->in[2], axis_in[2], batch);
    if (!x || !w || !dy) return false;
    int64_t n = x->shape[x->ndim - 1], rows = n && batch ? x->size / n / batch : 0;
    mx_array *in[3] = {mx_reshape(x, SHAPE(batch, rows, n)), mx_reshape(w, SHAPE(batch, 1, n)),
                       mx_reshape(dy, SHAPE(batch, rows, n))};
    composed_norm norm = {p->eps, c->nout == 3};
    if (!composed_backward(&norm, in, 3, out, c->nout)) return false;
    out[0] = mx_reshape(out[0], mx_shape_of(x));
    for (int i = 0; i < c->nout; i++) axis_out[i] = 0;
    for (int i = 1; i < c->nout; i++) out[i] = mx_reshape(out[i], SHAPE(batch, n));
    return !mx_failed();
}

#define NORM_OP(id, text, outputs, op_flags, shape_rule, vjp_rule, jvp_rule, vmap_rule)                                \
    const mx_op mx_op_##id = {OP_NAMED(id, text), .fields = fields,    .params_size = sizeof(norm_params),             \
                              .nout = outputs,    .shape = shape_rule, .vjp = vjp_rule,                                \
                              .jvp = jvp_rule,    .vmap = vmap_rule,   .flags = op_flags};
NORM_OP(rms_norm, "rms_norm", 1, OP_ANY_SIZE, forward_shape, rms_vjp, op_jvp_by_vjp, forward_vmap)
NORM_OP(layer_norm, "layer_norm", 1, OP_ANY_SIZE, forward_shape, layer_vjp, op_jvp_by_vjp, forward_vmap)
NORM_OP(rms_norm_vjp, "rms_norm_vjp", 2, 0, backward_shape, backward_vjp, backward_jvp, backward_vmap)
NORM_OP(layer_norm_vjp, "layer_norm_vjp", 3, 0, backward_shape, backward_vjp, backward_jvp, backward_vmap)

/* ---- Public functions */
static bool fits(const char *op, const char *what, const mx_array *x, const mx_array *w)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (!w || (w->ndim == 1 && w->shape[0] == x->shape[x->ndim - 1])) return true;
    return mx_fail_false(MX_VALUE, "[%s] %s must have shape (%lld), the last dimension of %s, not %s.", op, what,
                         (long long)x->shape[x->ndim - 1], shape_text(a, array_shape(x)),
                         shape_text(b, array_shape(w)));
}

/* A row of x that is all one value. */
static mx_array *row_of(mx_array *x, double value, mx_dtype dtype)
{
    int leading[MX_MAX_NDIM];
    if (!sizes_are_free(x)) return mx_full((mx_shape){1, x->shape + x->ndim - 1}, mx_scalar(value, dtype), dtype);
    for (int i = 0; i < x->ndim - 1; i++) leading[i] = i;
    return op_broadcast_like(mx_scalar(value, dtype), mx_sum(x, (mx_axes){x->ndim - 1, leading}, false));
}

static mx_array *normalise(const mx_op *op, mx_array *x, mx_array *weight, mx_array *bias, float eps)
{
    int n = op == &mx_op_layer_norm ? 3 : 2;
    if (!op_has(op->name, x) || mx_failed()) return NULL;
    if (x->ndim == 0) return mx_fail(MX_VALUE, "[%s] Input must have at least 1 dimension.", op->name);
    if (!fits(op->name, "weight", x, weight) || !fits(op->name, "bias", x, bias)) return NULL;
    mx_dtype dtype = mx_dtype_of(x);
    if (weight) dtype = mx_dtype_promote(dtype, mx_dtype_of(weight));
    if (weight && bias) dtype = mx_dtype_promote(dtype, mx_dtype_of(bias));
    if (!mx_dtype_is(dtype, MX_FLOATING))
        return mx_fail(MX_VALUE, "[%s] Received unsupported type %s.", op->name, mx_dtype_name(dtype));
    mx_array *in[3] = {x, weight ? weight : row_of(x, 1, dtype), bias || n == 2 ? bias : row_of(x, 0, dtype)};
    for (int i = 0; i < n; i++) in[i] = mx_astype(in[i], dtype);
    return op_apply_n(op, &(norm_params){eps}, in, n);
}

mx_array *mx_rms_norm(mx_array *x, mx_array *weight, float eps)
{
    return normalise(&mx_op_rms_norm, x, weight, NULL, eps);
}
mx_array *mx_layer_norm(mx_array *x, mx_array *weight, mx_array *bias, float eps)
{
    return normalise(&mx_op_layer_norm, x, weight, bias, eps);
}
