/* SPDX-License-Identifier: MIT
 *
 * Counting. */
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "core/params/create.h"

/* A double as an integer dtype has it: small ones wrap, as a cast by way of int64 does. */
static uint64_t whole(double x)
{
    if (x > -0x1p63 && x < 0x1p63) return (uint64_t)(int64_t)x;
    return x > 0 && x < 0x1p64 ? (uint64_t)x : UINT64_C(1) << 63;
}

static bool arange(cuda_call *c)
{
    const arange_params *p = c->params;
    struct arange_args a = {
        .total = c->out->size, .start = p->start, .step = p->step, .first = whole(p->start), .pace = whole(p->step)};
    cuda_variant v = {.id = VARIANT_arange, .t = c->out->dtype};
    cu_ptr to;
    if (!cuda_output(c, 0, NULL, &to)) return false;
    a.to = to;
    return variant_run_over(c, v, a.total, 4, &a, sizeof a);
}

const cuda_op cuda_arange = {.run = arange};
