/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_ATTENTION_H
#define CORE_PARAMS_ATTENTION_H

#include <stdbool.h>

/* attention: q (B, Nq, Lq, D), k (B, Nkv, Lk, D), v (B, Nkv, Lk, D) to the result, of q's shape, and the logsumexp of each row of scores
 * (B, Nq, Lq), float32.  attention_vjp: q, k, v, result, logsumexp, dout to dq, dk, dv. */
typedef struct attention_params {
    float scale;
    bool causal; /* Lq <= Lk: query i sees keys j <= i + Lk - Lq */
} attention_params;

enum { ATTENTION_MAX_HEAD = 256 }; /* largest D */

#endif
