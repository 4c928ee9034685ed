/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_ATTENTION_H
#define CORE_PARAMS_ATTENTION_H

#include <stdbool.h>

/* attention: q (B, Nq, Lq, D), k (B, Nkv, Lk, D), v (B, Nkv, Lk, Dv), then a mask (B, Nq, Lq, Lk) of bool or of q's dtype and sinks (B, Nq,
 * Lq) of float32 where there are such, to the result (B, Nq, Lq, Dv) and the logsumexp of each row of scores (B, Nq, Lq),
 * float32.  attention_vjp: q, k, v, result, logsumexp, dout, mask, sinks to dq, dk, dv, dsinks. */
typedef struct attention_params {
    float scale;
    bool causal; /* query i sees keys j <= i + Lk - Lq */
    bool masked, sinks;
} attention_params;

enum { ATTENTION_MAX_HEAD = 256 }; /* largest D and Dv */

/* The score of a pair that is excluded, so low that nothing of it is left beside any other: a row that excludes all averages the values.
 * There its probabilities are 1 / Lk: the logsumexp, rounded, does not know how many there are. */
#define ATTENTION_EXCLUDED (-2e38f)
#define ATTENTION_LOW (-1e38f) /* where a row's logsumexp is below, and a score, it is so */

#endif
