/* SPDX-License-Identifier: MIT
 *
 * argmax and argmin, which are reductions. */
#include "core/params/search.h"
#include "cuda/dispatch.h"
#include "cuda/reduce.h"

static bool arg_extreme(cuda_call *c)
{
    const arg_params *p = c->params;
    return cuda_reduce(c, p->largest ? REDUCE_ARGMAX : REDUCE_ARGMIN, c->in[0], 1);
}

const cuda_op cuda_arg_extreme = {.run = arg_extreme};
