/* SPDX-License-Identifier: MIT
 *
 * RMS norm and layer norm.  Backward, groups of lanes sum weight gradients over their rows into parts, whose number
 * depends on the rows alone, and a reduction adds those up. */
#include "core/params/norm.h"
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/reduce.h"
#include "cuda/rows.h"

enum {
    PARTS_MOST = 1024,
    PART_ROWS = 4, /* fewer rows for each part would cost more to add up than they save */
};

static uint8_t option_of(bool is_long, bool centred)
{
    return (uint8_t)(is_long | centred << 1);
}

static bool forward(cuda_call *c, bool centred)
{
    row_args a = {.eps = ((const norm_params *)c->params)->eps};
    cu_ptr *at[3] = {&a.x, &a.weight, &a.bias};
    for (int i = 0; i < c->nin; i++) {
        if (c->in[i]->size && !cuda_contiguous(c, c->in[i], at[i])) return false;
    }
    if (!cuda_output(c, 0, c->in[0], &a.out)) return false;
    if (c->out->size == 0) return true;
    bool is_long = rows_plan(&a, c->out);
    cuda_variant v = {.id = VARIANT_norm, .t = c->out->dtype, .option = option_of(is_long, centred)};
    return variant_run(c, v, rows_blocks(&a), rows_threads(&a), &a, sizeof a);
}

/* Blocks for the parts; a block has at least one. */
static int64_t part_blocks(const row_args *a)
{
    int64_t each = rows_threads(a) / a->lanes, parts = a->rows / PART_ROWS, most = PARTS_MOST;
    int64_t blocks = parts / each;
    return blocks < 1 ? 1 : blocks > most ? most : blocks;
}

static bool backward(cuda_call *c, bool centred)
{
    row_args a = {.eps = ((const norm_params *)c->params)->eps};
    mx_array *x = c->in[0];
    cu_ptr *at[3] = {&a.x, &a.weight, &a.y}, out[3] = {0};
    for (int i = 0; i < 3; i++) {
        if (c->in[i]->size && !cuda_contiguous(c, c->in[i], at[i])) return false;
    }
    for (int i = 0; i < c->nout; i++) {
        if (!cuda_output(c, i, i ? NULL : c->in[2], &out[i])) return false;
    }
    a.out = out[0];
    bool is_long = rows_plan(&a, x);
    if (a.n == 0) return true;
    int64_t blocks = part_blocks(&a), parts = blocks * (rows_threads(&a) / a.lanes);
    size_t element = x->dtype == MX_FLOAT64 ? 8 : 4;
    cuda_block *scratch = cuda_scratch(c, (size_t)(parts * 2 * a.n) * element);
    if (!scratch) return false;
    a.parts = scratch->at;
    cuda_variant v = {.id = VARIANT_norm_vjp, .t = x->dtype, .option = option_of(is_long, centred)};
    bool ok = variant_run(c, v, blocks, rows_threads(&a), &a, sizeof a) &&
              cuda_add_rows(c, x->dtype, a.parts, parts, 2 * a.n, a.n, out[1]);
    return ok && (!centred || cuda_add_rows(c, x->dtype, a.parts + (cu_ptr)a.n * element, parts, 2 * a.n, a.n, out[2]));
}

static bool rms_norm(cuda_call *c)
{
    return forward(c, false);
}
static bool layer_norm(cuda_call *c)
{
    return forward(c, true);
}
static bool rms_norm_vjp(cuda_call *c)
{
    return backward(c, false);
}
static bool layer_norm_vjp(cuda_call *c)
{
    return backward(c, true);
}

const cuda_op cuda_rms_norm = {.run = rms_norm, .rows = ROWS_RMS_NORM};
const cuda_op cuda_layer_norm = {.run = layer_norm, .rows = ROWS_LAYER_NORM};
const cuda_op cuda_rms_norm_vjp = {.run = rms_norm_vjp};
const cuda_op cuda_layer_norm_vjp = {.run = layer_norm_vjp};
