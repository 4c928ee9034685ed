/* SPDX-License-Identifier: MIT
 *
 * Scaled dot-product attention (Vaswani et al. 2017): softmax(scale q k' + mask) v.
 *
 * An op of its own whose kernel never writes out the scores.  float64, heads beyond ATTENTION_MAX_HEAD and empty inputs are
 * composed: query heads that share a key head become one more axis, so keys and values are never repeated.  The composed
 * form is also what the backward op means, so it is what derivatives of derivatives, and of an added mask, go through. */
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

static mx_array *apply_mask(mx_array *scores, mx_array *mask)
{
    if (!mask) return NULL;
    if (mask->dtype == MX_BOOL) return mx_where(mask, scores, mx_like(scores, lowest((mx_dtype)scores->dtype)));
    return mx_add(scores, mx_astype(mask, (mx_dtype)scores->dtype));
}

/* Probabilities with one more logit a row, which takes part in the sum and contributes no value. */
static mx_array *softmax_with_sinks(mx_array *scores, mx_array *sinks)
{
    int64_t column[5], start[5] = {0}, stop[5], step[5] = {1, 1, 1, 1, 1};
    for (int i = 0; i < 5; i++) stop[i] = column[i] = scores->shape[i];
    column[4] = 1;
    mx_array *parts[2] = {scores, mx_reshape(mx_astype(sinks, (mx_dtype)scores->dtype), (mx_shape){5, column})};
    return mx_slice(mx_softmax(mx_concatenate(parts, 2, -1), AXES(-1), true), start, stop, step);
}

/* The mask has 4 axes, the sinks have 3. */
static mx_array *composed(mx_array *const *in, float scale, bool causal, mx_array *mask, mx_array *sinks)
{
    int64_t groups = in[1]->shape[1], queries = in[0]->shape[2], keys = in[1]->shape[2];
    mx_array *q = split_heads(in[0], groups), *k = split_heads(in[1], groups), *v = split_heads(in[2], groups);
    mx_array *scores = mx_matmul(mx_mul(q, mx_like(in[0], scale)), k ? mx_swapaxes(k, -1, -2) : NULL);
    if (causal) scores = apply_mask(scores, causal_mask(queries, keys));
    if (scores && mask) scores = apply_mask(scores, split_heads(mask, groups));
    if (!scores) return NULL;
    mx_array *weights = sinks ? softmax_with_sinks(scores, sinks) : mx_softmax(scores, AXES(-1), true);
    mx_array *out = mx_matmul(weights, v);
    return out ? mx_reshape(out, SHAPE(in[0]->shape[0], in[0]->shape[1], queries, in[2]->shape[3])) : NULL;
}

/* ---- The op and its backward op */
static const mx_field fields[] = {FIELD_FLOAT(attention_params, scale), FIELD_BOOL(attention_params, causal),
                                  FIELD_BOOL(attention_params, masked), FIELD_BOOL(attention_params, sinks), FIELD_END};

static bool forward_shape(const mx_call *c, mx_spec *out)
{
    const mx_array *q = c->in[0];
    spec_set(&out[0], SHAPE(q->shape[0], q->shape[1], q->shape[2], c->in[2]->shape[3]), (mx_dtype)q->dtype);
    spec_set(&out[1], (mx_shape){3, q->shape}, MX_FLOAT32);
    return true;
}

static bool backward_shape(const mx_call *c, mx_spec *out)
{
    for (int i = 0; i < 3; i++) spec_set(&out[i], array_shape(c->in[i]), (mx_dtype)c->in[i]->dtype);
    if (c->nout == 4) spec_set(&out[3], (mx_shape){3, c->in[0]->shape}, MX_FLOAT32);
    return true;
}

static int backward_outputs(const void *params)
{
    return ((const attention_params *)params)->sinks ? 4 : 3;
}

/* Attention as a function of what can be differentiated: q, k, v, a mask that is added, sinks. */
enum { VARIABLES = 5 };
typedef struct variables {
    const attention_params *params;
    mx_array *boolean;        /* a mask that is not one of them; NULL: none */
    int count, at[VARIABLES]; /* which inputs of the op they are */
} variables;

/* `extra`: inputs between v and the mask. */
static variables variables_of(const mx_call *c, int extra)
{
    variables v = {.params = c->params, .count = 3, .at = {0, 1, 2}};
    int next = 3 + extra;
    if (v.params->masked) {
        bool boolean = c->in[next]->dtype == MX_BOOL;
        if (boolean) v.boolean = c->in[next];
        if (!boolean) v.at[v.count++] = next;
        next++;
    }
    if (v.params->sinks) v.at[v.count++] = next;
    return v;
}

static bool composed_forward(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const variables *v = ctx;
    const attention_params *p = v->params;
    mx_array *mask = v->boolean ? v->boolean : p->masked ? in[3] : NULL;
    (void)nin, (void)nout;
    return (out[0] = composed(in, p->scale, p->causal, mask, p->sinks ? in[v->count - 1] : NULL)) != NULL;
}

/* in: the variables, dout; out: the gradients of q, k, v and the sinks. */
static bool composed_backward(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const variables *v = ctx;
    mx_array *y, *d[VARIABLES];
    if (!mx_vjp(composed_forward, ctx, in, nin - 1, &in[nin - 1], 1, &y, d)) return false;
    for (int i = 0; i < nout; i++) out[i] = d[i < 3 ? i : v->count - 1];
    return true;
}

/* Nothing is asked of the logsumexp: it is for the backward op only.  The gradient of a mask is as large as the scores. */
static bool forward_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const attention_params *p = c->params;
    variables v = variables_of(c, 0);
    mx_array *in[8] = {c->in[0], c->in[1], c->in[2], c->out[0], c->out[1], dout[0]}, *d[VARIABLES], *y, *x[VARIABLES];
    for (int i = 3; i < c->nin; i++) in[i + 3] = c->in[i];
    if (!op_apply_multi(&mx_op_attention_vjp, p, in, c->nin + 3, d, p->sinks ? 4 : 3)) return false;
    for (int i = 0; i < 3; i++) din[i] = d[i];
    if (p->sinks) din[c->nin - 1] = d[3];
    if (!p->masked || v.boolean || !call_wants(c, 3)) return true;
    for (int i = 0; i < v.count; i++) x[i] = c->in[v.at[i]];
    if (!mx_vjp(composed_forward, &v, x, v.count, dout, 1, &y, d)) return false;
    din[3] = d[3];
    return true;
}

static bool forward_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    variables v = variables_of(c, 0);
    mx_array *y, *x[VARIABLES], *t[VARIABLES];
    for (int i = 0; i < v.count; i++) x[i] = c->in[v.at[i]], t[i] = tin[v.at[i]];
    return mx_jvp(composed_forward, &v, x, t, v.count, &y, tout, 1);
}

/* The result and the logsumexp among the inputs are functions of the others: all flows back through those and dout. */
static bool backward_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    variables v = variables_of(c, 3);
    mx_array *x[VARIABLES + 1], *out[4], *d[VARIABLES + 1];
    for (int i = 0; i < v.count; i++) x[i] = c->in[v.at[i]];
    x[v.count] = c->in[5];
    if (!mx_vjp(composed_backward, &v, x, v.count + 1, dout, c->nout, out, d)) return false;
    for (int i = 0; i < v.count; i++) din[v.at[i]] = d[i];
    din[5] = d[v.count];
    return true;
}

static bool backward_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    variables v = variables_of(c, 3);
    mx_array *x[VARIABLES + 1], *t[VARIABLES + 1], *out[4];
    for (int i = 0; i < v.count; i++) x[i] = c->in[v.at[i]], t[i] = tin[v.at[i]];
    x[v.count] = c->in[5], t[v.count] = tin[5];
    return mx_jvp(composed_backward, &v, x, t, v.count + 1, out, tout, c->nout);
}

/* A mapped axis joins the batch axis. */
static bool vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    int64_t batch = op_batch_size(c, axis_in), shape[MX_MAX_NDIM];
    mx_array *in[8];
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
    const mx_array *q = c->in[0], *v = c->in[2];
    double rows = (double)q->shape[0] * (double)q->shape[1] * (double)q->shape[2];
    return 2 * rows * (double)v->shape[2] * (double)(q->shape[3] + v->shape[3]);
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
                                   .outputs = backward_outputs,
                                   .shape = backward_shape,
                                   .vjp = backward_vjp,
                                   .jvp = backward_jvp,
                                   .vmap = vmap};

enum { LENGTH_END = 1 << 30 }; /* kernels count positions in 32 bits */

/* float64 computes in float64: the composed form does that. */
static bool has_kernel(mx_array *const *in)
{
    const mx_array *q = in[0], *k = in[1], *v = in[2];
    return q->dtype != MX_FLOAT64 && q->shape[3] <= ATTENTION_MAX_HEAD && v->shape[3] <= ATTENTION_MAX_HEAD &&
           q->size > 0 && k->size > 0 && v->size > 0 && q->shape[2] < LENGTH_END && k->shape[2] < LENGTH_END;
}

/* Of bool or of the inputs' dtype, with all 4 axes; what is repeated lies once. */
static mx_array *whole_mask(mx_array *mask, mx_array *const *in)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    mx_dtype dtype = mx_dtype_of(in[0]), own = mx_dtype_of(mask);
    mx_shape whole = SHAPE(in[0]->shape[0], in[0]->shape[1], in[0]->shape[2], in[1]->shape[2]);
    for (int i = 0; i < mask->ndim; i++) {
        int64_t n = mask->shape[mask->ndim - 1 - i];
        if (n == 1 || n == whole.at[3 - i]) continue;
        return mx_fail(MX_VALUE, "[scaled_dot_product_attention] a mask of shape %s does not broadcast to %s.",
                       shape_text(a, array_shape(mask)), shape_text(b, whole));
    }
    if (own != MX_BOOL && mx_dtype_promote(own, dtype) != dtype) {
        return mx_fail(MX_VALUE, "[scaled_dot_product_attention] a mask of %s does not promote to the output's %s.",
                       mx_dtype_name(own), mx_dtype_name(dtype));
    }
    return mx_broadcast_to(own == MX_BOOL ? mask : mx_astype(mask, dtype), whole);
}

mx_array *mx_attention(mx_array *q, mx_array *k, mx_array *v, float scale, bool causal, mx_array *mask, mx_array *sinks)
{
    mx_array *in[5] = {q, k, v}, *out[2];
    if (!check(in, mask, sinks) || !op_promote(in, 3)) return NULL;
    if (!mx_dtype_is(mx_dtype_of(in[0]), MX_FLOATING)) {
        return mx_fail(MX_VALUE, "[scaled_dot_product_attention] the inputs must be floating point, not %s.",
                       mx_dtype_name(mx_dtype_of(in[0])));
    }
    bool own = has_kernel(in);
    if (mask && !(mask = whole_mask(mask, in))) return NULL;
    if (sinks) {
        mx_array *x = mx_reshape(own ? mx_astype(sinks, MX_FLOAT32) : sinks, SHAPE(1, sinks->size, 1));
        if (!(sinks = mx_broadcast_to(x, (mx_shape){3, in[0]->shape}))) return NULL;
    }
    if (!own) return composed(in, scale, causal, mask, sinks);
    attention_params p = {.scale = scale, .causal = causal, .masked = mask != NULL, .sinks = sinks != NULL};
    int count = 3;
    if (mask) in[count++] = mask;
    if (sinks) in[count++] = sinks;
    return op_apply_multi(&mx_op_attention, &p, in, count, out, 2) ? out[0] : NULL;
}
