/* SPDX-License-Identifier: MIT
 *
 * softmax and its derivative, a group of lanes for each row; logsumexp, which is a reduction. */
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"

static bool run(cuda_call *c, int id, mx_array *like, row_args *a)
{
    if (!cuda_output(c, 0, like, &a->out)) return false;
    if (c->out->size == 0) return true;
    bool is_long = rows_plan(a, c->out);
    cuda_variant v = {.id = (uint16_t)id, .t = c->out->dtype, .option = is_long};
    return variant_run(c, v, rows_blocks(a), rows_threads(a), a, sizeof *a);
}

static bool softmax(cuda_call *c)
{
    row_args a = {0};
    return cuda_contiguous(c, c->in[0], &a.x) && run(c, VARIANT_softmax, c->in[0], &a);
}

static bool softmax_vjp(cuda_call *c)
{
    row_args a = {0};
    return cuda_contiguous(c, c->in[0], &a.x) && cuda_contiguous(c, c->in[1], &a.y) &&
           run(c, VARIANT_softmax_vjp, c->in[1], &a);
}

static bool logsumexp(cuda_call *c)
{
    return cuda_reduce(c, REDUCE_LOGSUMEXP, c->in[0], 1);
}

const cuda_op cuda_softmax = {.run = softmax, .rows = ROWS_SOFTMAX};
const cuda_op cuda_softmax_vjp = {.run = softmax_vjp, .rows = ROWS_SOFTMAX_VJP};
const cuda_op cuda_logsumexp = {.run = logsumexp, .fold = REDUCE_LOGSUMEXP + 1};
