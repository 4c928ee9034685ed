/* SPDX-License-Identifier: MIT
 *
 * Cross entropy and its gradient, a group of lanes for each row of logits. */
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/rows.h"

enum { LONG = 1, GRADIENT = 2 };

/* The output's address is in place. */
static bool run(cuda_call *c, row_args *a, mx_array *x, int option)
{
    if (c->out->size == 0) return true;
    bool is_long = rows_plan(a, x); /* by the addresses of whole rows */
    a->wide = c->in[1]->dtype == MX_INT64;
    if (!cuda_contiguous(c, c->in[1], &a->y)) return false;
    if (option == GRADIENT && !cuda_contiguous(c, c->in[2], &a->weight)) return false;
    cuda_variant v = {.id = VARIANT_cross_entropy, .t = x->dtype, .option = (uint8_t)(option + (is_long ? LONG : 0))};
    return variant_run(c, v, rows_blocks(a), rows_threads(a), a, sizeof *a);
}

static bool cross_entropy(cuda_call *c)
{
    row_args a = {0};
    if (!cuda_contiguous(c, c->in[0], &a.x) || !cuda_output(c, 0, NULL, &a.out)) return false;
    return run(c, &a, c->in[0], 0);
}

static bool cross_entropy_vjp(cuda_call *c)
{
    row_args a = {0};
    if (!cuda_contiguous(c, c->in[0], &a.x) || !cuda_output(c, 0, c->in[0], &a.out)) return false;
    return run(c, &a, c->in[0], GRADIENT);
}

const cuda_op cuda_cross_entropy = {.run = cross_entropy};
const cuda_op cuda_cross_entropy_vjp = {.run = cross_entropy_vjp};
