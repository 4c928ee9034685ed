/* SPDX-License-Identifier: MIT
 *
 * Scaled dot-product attention (Vaswani et al. 2017), composed: softmax(scale q k' + mask) v.  Query heads that share a key head become
 * one more axis, so keys and values are never repeated. */
#include "mica/fast.h"
#include "ops/rules.h"
#include <float.h>

static bool check(mx_array *const *qkv, const mx_array *mask, const mx_array *sinks)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT], d[SHAPE_TEXT];
    const char *op = "scaled_dot_product_attention";
    const mx_array *q = qkv[0], *k = qkv[1], *v = qkv[2];
    if (!op_has_all(op, qkv, 3)) return false;
    bool fits = q->ndim == 4 && k->ndim == 4 && v->ndim == 4 && q->shape[0] == k->shape[0] && q->shape[0] == v->shape[0] &&
                q->shape[3] == k->shape[3] && k->shape[1] == v->shape[1] && k->shape[2] == v->shape[2];
    if (!fits) {
        return mx_fail_false(MX_VALUE, "[%s] queries (B, Nq, Lq, D), keys (B, Nkv, Lk, D) and values (B, Nkv, Lk, Dv) do not fit: %s, %s, %s.", op,
                             shape_text(a, array_shape(q)), shape_text(b, array_shape(k)), shape_text(d, array_shape(v)));
    }
    if (k->shape[1] == 0 || q->shape[1] % k->shape[1]) {
        return mx_fail_false(MX_VALUE, "[%s] %lld query heads are not a multiple of %lld key heads.", op, (long long)q->shape[1],
                             (long long)k->shape[1]);
    }
    if (mask && mask->ndim > 4) return mx_fail_false(MX_VALUE, "[%s] the mask has %d dimensions, 4 is the most.", op, mask->ndim);
    if (sinks && (sinks->ndim != 1 || sinks->shape[0] != q->shape[1])) {
        return mx_fail_false(MX_VALUE, "[%s] sinks must have shape (%lld), not %s.", op, (long long)q->shape[1], shape_text(a, array_shape(sinks)));
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
    if (whole[1] % groups) return mx_fail(MX_VALUE, "[scaled_dot_product_attention] the mask has %lld heads.", (long long)whole[1]);
    return split_heads(mask, groups);
}

/* Query i sees keys j <= i + Lk - Lq. */
static mx_array *causal_mask(int64_t queries, int64_t keys)
{
    mx_array *i = mx_arange((double)(keys - queries), (double)keys, 1, MX_INT32), *j = mx_arange(0, (double)keys, 1, MX_INT32);
    return mx_greater_equal(mx_reshape(i, SHAPE(-1, 1)), j);
}

/* Excluded scores get the lowest finite value, so a row that excludes all of them averages the values instead of being NaN. */
static double lowest(mx_dtype dtype)
{
    return dtype == MX_FLOAT16 ? -65504.0 : dtype == MX_BFLOAT16 ? -0x1.fep127 : dtype == MX_FLOAT64 ? -DBL_MAX : -FLT_MAX;
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
    mx_array *s = mx_reshape(mx_astype(sinks, (mx_dtype)scores->dtype), SHAPE(1, groups, sinks->shape[0] / groups, 1, 1));
    int64_t column[5], start[5] = {0}, stop[5], step[5] = {1, 1, 1, 1, 1};
    for (int i = 0; i < 5; i++) column[i] = scores->shape[i];
    column[4] = 1;
    mx_array *parts[2] = {scores, mx_broadcast_to(s, (mx_shape){5, column})};
    mx_array *p = mx_softmax(mx_concatenate(parts, 2, -1), AXES(-1), true);
    for (int i = 0; i < 5; i++) stop[i] = scores->shape[i];
    return mx_slice(p, start, stop, step);
}

mx_array *mx_attention(mx_array *q, mx_array *k, mx_array *v, float scale, bool causal, mx_array *mask, mx_array *sinks)
{
    mx_array *in[3] = {q, k, v};
    if (!check(in, mask, sinks) || !op_promote(in, 3)) return NULL;
    mx_dtype dtype = (mx_dtype)in[0]->dtype;
    if (!mx_dtype_is(dtype, MX_FLOATING)) {
        return mx_fail(MX_VALUE, "[scaled_dot_product_attention] the inputs must be floating point, not %s.", mx_dtype_name(dtype));
    }
    int64_t groups = k->shape[1], queries = q->shape[2], keys = k->shape[2];
    mx_array *queries_by_head = split_heads(in[0], groups), *keys_by_head = split_heads(in[1], groups), *values_by_head = split_heads(in[2], groups);
    mx_array *scaled = mx_mul(queries_by_head, mx_like(in[0], scale));
    mx_array *scores = mx_matmul(scaled, keys_by_head ? mx_swapaxes(keys_by_head, -1, -2) : NULL);
    if (causal) scores = apply_mask(scores, causal_mask(queries, keys), dtype);
    if (scores && mask) scores = apply_mask(scores, split_mask(mask, groups), dtype);
    if (!scores) return NULL;
    mx_array *weights = sinks ? softmax_with_sinks(scores, sinks, groups) : mx_softmax(scores, AXES(-1), true);
    mx_array *out = mx_matmul(weights, values_by_head);
    return out ? mx_reshape(out, SHAPE(q->shape[0], q->shape[1], queries, v->shape[3])) : NULL;
}
