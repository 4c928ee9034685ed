/* SPDX-License-Identifier: MIT
 *
 * logsumexp, which is a reduction. */
#include "cuda/dispatch.h"
#include "cuda/reduce.h"

static bool logsumexp(cuda_call *c)
{
    return cuda_reduce(c, REDUCE_LOGSUMEXP, c->in[0], 1);
}

const cuda_op cuda_logsumexp = {.run = logsumexp};
