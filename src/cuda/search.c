/* SPDX-License-Identifier: MIT
 *
 * argmax and argmin, which are reductions; searchsorted, a thread for each value. */
#include "core/params/search.h"
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/reduce.h"
#include "cuda/kernels/scan_args.cuh"

static bool arg_extreme(cuda_call *c)
{
    const arg_params *p = c->params;
    return cuda_reduce(c, p->largest ? REDUCE_ARGMAX : REDUCE_ARGMIN, c->in[0], 1);
}

/* A batch of sorted rows has as many rows of values. */
static bool searchsorted(cuda_call *c)
{
    mx_array *sorted = c->in[0], *values = c->in[1];
    int64_t rows = sorted->ndim == 2 ? sorted->shape[0] : 1;
    search_args a = {.n = sorted->shape[sorted->ndim - 1], .total = values->size};
    if (sorted->size && a.total && !cuda_contiguous(c, sorted, &a.sorted)) return false;
    if (a.total && !cuda_contiguous(c, values, &a.values)) return false;
    if (!cuda_output(c, 0, NULL, &a.out)) return false;
    if (a.total == 0) return true;
    a.count = a.total / rows;
    cuda_variant v = {
        .id = VARIANT_searchsorted, .t = values->dtype, .option = ((const searchsorted_params *)c->params)->right};
    return variant_run_over(c, v, a.total, 1, &a, sizeof a);
}

const cuda_op cuda_arg_extreme = {.run = arg_extreme};
const cuda_op cuda_searchsorted = {.run = searchsorted};
