/* SPDX-License-Identifier: MIT
 *
 * Operations of language models, each the meaning of a few plain ones. */
#ifndef MICA_FAST_H
#define MICA_FAST_H

#include "mica/types.h"

MX_BEGIN_DECLS

/* x / sqrt(mean(x^2) + eps) over the last axis, in float32, then times weight (n,) in the output dtype (Zhang and
 * Sennrich 2019). weight may be NULL. */
MX_API mx_array *mx_rms_norm(mx_array *x, mx_array *weight, float eps);
/* (x - mean) / sqrt(var + eps) over the last axis, times weight, plus bias, each (n,) or NULL (Ba, Kiros, Hinton 2016).
 */
MX_API mx_array *mx_layer_norm(mx_array *x, mx_array *weight, mx_array *bias, float eps);

typedef struct mx_rope_options {
    int dims;         /* rotate the first `dims` features (even) */
    bool traditional; /* pairs (2i, 2i+1) instead of (i, i + dims/2) */
    float base;       /* angles base^(-2i/dims); 0 if freqs is given */
    float scale;      /* of positions */
} mx_rope_options;
/* Rotary positions (Su et al. 2021) for x (..., T, D); offset is an int array, 0-d or one entry a batch row, freqs
 * float32 (dims/2,) or NULL. */
MX_API mx_array *mx_rope(mx_array *x, mx_rope_options options, mx_array *offset, mx_array *freqs);

/* softmax(q k' * scale + mask) v for q (B, Nq, Lq, D), k (B, Nkv, Lk, D), v (B, Nkv, Lk, Dv), Nq a multiple of Nkv.
 * mask: NULL, boolean (True is kept) or added; causal: query i sees keys j <= i + Lk - Lq.  sinks (Nq,): extra logits,
 * or NULL. */
MX_API mx_array *mx_attention(mx_array *q, mx_array *k, mx_array *v, float scale, bool causal, mx_array *mask,
                              mx_array *sinks);

/* The loss log(sum(exp x)) - x[target] of each row of logits x (..., n), in float32 (float64 for float64), for integer
 * targets (...) in [-n, n): -1 is the last class. */
MX_API mx_array *mx_cross_entropy(mx_array *logits, mx_array *targets);

MX_END_DECLS
#endif
