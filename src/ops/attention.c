/* SPDX-License-Identifier: MIT
 *
 * Scaled dot-product attention (Vaswani et al. 2017): softmax(scale q k' + mask) v.
 *
 * Without a mask, or with the causal one, it is an op of its own whose kernel never writes out the scores.  Everything else is
 * composed: query heads that share a key head become one more axis, so keys and values are never repeated.  The composed
 * form is also what the backward op means, so it is what derivatives of derivatives go through. */
#include "core/params/attention.h"
#include "mica/fast.h"
#include "mica/transforms.h"
#include "ops/rules.h"
#include <float.h>

static bool check(mx_array *const *qkv, const mx_array *mask, const mx_array *sinks)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT], d[SHAPE_TEXT];
    const char *op = "scaled_dot_product_attention";
    const mx_array *q = qkv[0], *k = qkv[1], *v = qkv[2];
    if (!op_has_all(op, qkv, 3)) return false;
    bool fits = q->ndim == 4 && k->ndim == 4 && v->ndim == 4 && q->shape[0] == k->shape[0] &&
                q->shape[0] == v->shape[0] && q->shape[3] == k->shape[3] && k->shape[1] == v->shape[1] &&
                k->shape[2] == v->shape[2];
    if (!fits) {
        return mx_fail_false(
            MX_VALUE,
            "[%s] queries (B, Nq, Lq, D), keys (B, Nkv, Lk, D) and values (B, Nkv, Lk, Dv) do not fit: %s, %s, %s.", op,
            shape_text(a, array_shape(q)), shape_text(b, array_shape(k)), shape_text(d, array_shape(v)));
    }
    if (k->shape[1] == 0 || q->shape[1] % k->shape[1]) {
        return mx_fail_false(MX_VALUE, "[%s] %lld query heads are not a multiple of %lld key heads.", op,
                             (long long)q->shape[1], (long long)k->shape[1]);
    }
    if (mask && mask->ndim > 4)
        return mx_fail_false(MX_VALUE, "[%s] the mask has %d dimensions, 4 is the most.", op, mask->ndim);
    if (sinks && (sinks->ndim != 1 || sinks->shape[0] != q->shape[1])) {
        return mx_fail_false(MX_VALUE, "[%s] sinks must have shape (%lld), not %s.", op, (long long)q->shape[1],
                             shape_text(a, array_shape(sinks)));
    }
    return true;
}

/* x (B, N, ...) with N split into (groups, N / groups). */
static mx_array *split_heads(mx_array *x, int64_t groups)
{
    return mx_reshape(x, SHAPE(x->shape[0], groups, x->shape[1] / groups, x->shape[2], x->shape[3]));
}

/* A mask of up to 4 axes against scores of 5: its head axis is split like the queries'. */
static mx_array *split_mask(mx_array *mask, int64_t groups)
{
    int64_t whole[4];
    for (int i = 0; i < 4; i++) whole[i] = i < 4 - mask->ndim ? 1 : mask->shape[i - (4 - mask->ndim)];
    mask = mx_reshape(mask, (mx_shape){4, whole});
    if (!mask || whole[1] == 1) return mask ? mx_reshape(mask, SHAPE(whole[0], 1, 1, whole[2], whole[3])) : NULL;
    if (whole[1] % groups)
        return mx_fail(MX_VALUE, "[scaled_dot_product_attention] the mask has %lld heads.", (long long)whole[1]);
    return split_heads(mask, groups);
}

/* Query i sees keys j <= i + Lk - Lq. */
static mx_array *causal_mask(int64_t queries, int64_t keys)
{
    mx_array *i = mx_arange((double)(keys - queries), (double)keys, 1, MX_INT32),
             *j = mx_arange(0, (double)keys, 1, MX_INT32);
    return mx_greater_equal(mx_reshape(i, SHAPE(-1, 1)), j);
}

/* Excluded scores get the lowest finite value, so a row that excludes all of them averages the values instead of being NaN. */
static double lowest(mx_dtype dtype)
{
    return dtype == MX_FLOAT16    ? -65504.0
           : dtype == MX_BFLOAT16 ? -0x1.fep127
           : dtype == MX_FLOAT64  ? -DBL_MAX
                                  : -FLT_MAX;
}

static mx_array *apply_mask(mx_array *scores, mx_array *mask, mx_dtype out_dtype)
{
    if (!mask) return NULL;
    if (mask->dtype == MX_BOOL) return mx_where(mask, scores, mx_like(scores, lowest((mx_dtype)scores->dtype)));
    if (mx_dtype_promote((mx_dtype)mask->dtype, out_dtype) != out_dtype) {
        return mx_fail(MX_VALUE, "[scaled_dot_product_attention] a mask of %s does not promote to the output's %s.",
                       mx_dtype_name((mx_dtype)mask->dtype), mx_dtype_name(out_dtype));
    }
    return mx_add(scores, mx_astype(mask, (mx_dtype)scores->dtype));
}

/* Probabilities with one more logit a head, which takes part in the sum and contributes no value. */
static mx_array *softmax_with_sinks(mx_array *scores, mx_array *sinks, int64_t groups)
{
    mx_array *s =
        mx_reshape(mx_astype(sinks, (mx_dtype)scores->dtype), SHAPE(1, groups, sinks->shape[0] / groups, 1, 1));
    int64_t column[5], start[5] = {0}, stop[5], step[5] = {1, 1, 1, 1, 1};
    for (int i = 0; i < 5; i++) column[i] = scores->shape[i];
    column[4] = 1;
    mx_array *parts[2] = {scores, mx_broadcast_to(s, (mx_shape){5, column})};
    mx_array *p = mx_softmax(mx_concatenate(parts, 2, -1), AXES(-1), true);
    for (int i = 0; i < 5; i++) stop[i] = scores->shape[i];
    return mx_slice(p, start, stop, step);
}

static mx_array *composed(mx_array *const *in, float scale, bool causal, mx_array *mask, mx_array *sinks)
{
    mx_dtype dtype = mx_dtype_of(in[0]);
    int64_t groups = in[1]->shape[1], queries = in[0]->shape[2], keys = in[1]->shape[2];
    mx_array *q = split_heads(in[0], groups), *k = split_heads(in[1], groups), *v = split_heads(in[2], groups);
    mx_array *scores = mx_matmul(mx_mul(q, mx_like(in[0], scale)), k ? mx_swapaxes(k, -1, -2) : NULL);
    if (causal) scores = apply_mask(scores, causal_mask(queries, keys), dtype);
    if (scores && mask) scores = apply_mask(scores, split_mask(mask, groups), dtype);
    if (!scores) return NULL;
    mx_array *weights = sinks ? softmax_with_sinks(scores, sinks, groups) : mx_softmax(scores, AXES(-1), true);
    mx_array *out = mx_matmul(weights, v);
    return out ? mx_reshape(out, SHAPE(in[0]->shape[0], in[0]->shape[1], queries, in[2]->shape[3])) : NULL;
}

/* ---- The op and its backward op */
static const mx_field fields[] = {FIELD_FLOAT(attention_params, scale), FIELD_BOOL(attention_params, causal),
                                  FIELD_END};

static bool forward_shape(const mx_call *c, mx_spec *out)
{
    const mx_array *q = c->in[0];
    spec_set(&out[0], array_shape(q), (mx_dtype)q->dtype);
    spec_set(&out[1], (mx_shape){3, q->shape}, MX_FLOAT32);
    return true;
}

static bool backward_shape(const mx_call *c, mx_spec *out)
{
    for (int i = 0; i < 3; i++) spec_set(&out[i], array_shape(c->in[i]), (mx_dtype)c->in[i]->dtype);
    return true;
}

/* Nothing is asked of the logsumexp: it is for the backward op only. */
static bool forward_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *in[6] = {c->in[0], c->in[1], c->in[2], c->out[0], c->out[1], dout[0]};
    return op_apply_multi(&mx_op_attention_vjp, c->params, in, 6, din, 3);
}

static bool composed_forward(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const attention_params *p = ctx;
    (void)nin, (void)nout;
    return (out[0] = composed(in, p->scale, p->causal, NULL, NULL)) != NULL;
}

/* in: q, k, v, dout; out: their gradients. */
static bool composed_backward(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *y;
    (void)nin, (void)nout;
    return mx_vjp(composed_forward, ctx, in, 3, &in[3], 1, &y, out);
}

static bool forward_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *y;
    return mx_jvp(composed_forward, (void *)c->params, c->in, tin, 3, &y, tout, 1);
}

/* The result and the logsumexp among the inputs are functions of q, k and v: all flows back through those and dout. */
static bool backward_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *in[4] = {c->in[0], c->in[1], c->in[2], c->in[5]}, *out[3], *d[4];
    if (!mx_vjp(composed_backward, (void *)c->params, in, 4, dout, 3, out, d)) return false;
    din[0] = d[0], din[1] = d[1], din[2] = d[2], din[5] = d[3];
    return true;
}

static bool backward_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *in[4] = {c->in[0], c->in[1], c->in[2], c->in[5]}, *t[4] = {tin[0], tin[1], tin[2], tin[5]}, *out[3];
    return mx_jvp(composed_backward, (void *)c->params, in, t, 4, out, tout, 3);
}

/* A mapped axis joins the batch axis. */
static bool vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    int64_t batch = op_batch_size(c, axis_in), shape[MX_MAX_NDIM];
    mx_array *in[6];
    for (int i = 0; i < c->nin; i++) {
        mx_array *x = op_batched(c->in[i], axis_in[i], batch);
        if (!x) return false;
        for (int k = 1; k < x->ndim; k++) shape[k - 1] = k == 1 ? batch * x->shape[1] : x->shape[k];
        if (!(in[i] = mx_reshape(x, (mx_shape){x->ndim - 1, shape}))) return false;
    }
    if (!op_apply_multi(c->op, c->params, in, c->nin, out, c->nout)) return false;
    for (int i = 0; i < c->nout; i++) {
        mx_array *y = out[i];
        shape[0] = batch, shape[1] = y->shape[0] / (batch ? batch : 1);
        for (int k = 1; k < y->ndim; k++) shape[k + 1] = y->shape[k];
        axis_out[i] = 0;
        if (!(out[i] = mx_reshape(y, (mx_shape){y->ndim + 1, shape}))) return false;
    }
    return true;
}

/* Two products forward, five backward; what a mask leaves out is counted too. */
static double forward_flops(const mx_call *c)
{
    return 4 * (double)c->in[0]->size * (double)c->in[1]->shape[c->in[1]->ndim - 2];
}

static double backward_flops(const mx_call *c)
{
    return 2.5 * forward_flops(c);
}

const mx_op mx_op_attention = {OP_NAMED(attention, "scaled_dot_product_attention"),
                               .flops = forward_flops,
                               .fields = fields,
                               .params_size = sizeof(attention_params),
                               .nout = 2,
                               .shape = forward_shape,
                               .vjp = forward_vjp,
                               .jvp = forward_jvp,
                               .vmap = vmap};
const mx_op mx_op_attention_vjp = {OP_NAMED(attention_vjp, "scaled_dot_product_attention_vjp"),
                                   .flops = backward_flops,
                                   .fields = fields,
                                   .params_size = sizeof(attention_params),
                                   .nout = 3,
                                   .shape = backward_shape,
                                   .vjp = backward_vjp,
                                   .jvp = backward_jvp,
                                   .vmap = vmap};

enum { LENGTH_END = 1 << 30 }; /* kernels count positions in 32 bits */

/* Rows that see no key average all values, and float64 computes in float64: the composed form does that. */
static bool has_kernel(mx_array *const *in, bool causal, const mx_array *mask, const mx_array *sinks)
{
    const mx_array *q = in[0], *k = in[1], *v = in[2];
    return !mask && !sinks && q->dtype != MX_FLOAT64 && v->shape[3] == q->shape[3] &&
           q->shape[3] <= ATTENTION_MAX_HEAD && q->size > 0 && k->size > 0 && q->shape[2] < LENGTH_END &&
           k->shape[2] < LENGTH_END && !(causal && q->shape[2] > k->shape[2]);
}

mx_array *mx_attention(mx_array *q, mx_array *k, mx_array *v, float scale, bool causal, mx_array *mask, mx_array *sinks)
{
    mx_array *in[3] = {q, k, v}, *out[2];
    if (!check(in, mask, sinks) || !op_promote(in, 3)) return NULL;
    if (!mx_dtype_is(mx_dtype_of(in[0]), MX_FLOATING)) {
        return mx_fail(MX_VALUE, "[scaled_dot_product_attention] the inputs must be floating point, not %s.",
                       mx_dtype_name(mx_dtype_of(in[0])));
    }
    if (!has_kernel(in, causal, mask, sinks)) return composed(in, scale, causal, mask, sinks);
    attention_params p = {.scale = scale, .causal = causal};
    return op_apply_multi(&mx_op_attention, &p, in, 3, out, 2) ? out[0] : NULL;
}
