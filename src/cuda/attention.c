/* SPDX-License-Identifier: MIT
 *
 * Attention by kernels of its own, in memory linear in the lengths: scores live in registers only (kernels/attention.cuh, and
 * attention_vjp.cuh for the gradients).  Results lie as (B, L, N, D), as the CPU's do, so that heads are merged again without a
 * copy. */
#include "core/params/attention.h"
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/kernels/attention_args.cuh"
#include <string.h>

enum { THREADS = 128, CHUNK_BYTES = 16, BLOCKS_PER_SM = 16 };

/* ---- Arrays */
/* Where x lies with its rows on 16 bytes: in place or in a copy. */
static bool operand(cuda_call *c, mx_array *x, struct attention_side *side)
{
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype), strides[4], odd;
    if (!cuda_operand(c, x, &side->at)) return false;
    odd = (int64_t)side->at;
    for (int i = 0; i < 3; i++) {
        side->stride[i] = x->shape[i] == 1 ? 0 : x->strides[i];
        odd |= side->stride[i] * bytes;
    }
    if (odd % CHUNK_BYTES == 0 && (x->strides[3] == 1 || x->shape[3] == 1)) return true;
    strides[3] = 1;
    strides[2] = (x->shape[3] * bytes + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES / bytes;
    strides[1] = x->shape[2] * strides[2];
    strides[0] = x->shape[1] * strides[1];
    memcpy(side->stride, strides, sizeof side->stride);
    cuda_block *copy = cuda_scratch(c, (size_t)(x->shape[0] * strides[0] * bytes));
    cu_ptr from = side->at;
    return copy && cuda_copy_between(c, side->at = copy->at, strides, from, x->strides, array_shape(x), (size_t)bytes);
}

static bool output_by_position(cuda_call *c, int i, struct attention_side *side)
{
    if (!cuda_output(c, i, NULL, &side->at)) return false;
    mx_array *x = &c->out[i];
    x->strides[3] = 1;
    x->strides[1] = x->shape[3];
    x->strides[2] = x->shape[3] * x->shape[1];
    x->strides[0] = x->strides[2] * x->shape[2];
    memcpy(side->stride, x->strides, sizeof side->stride);
    array_set_contiguity(x);
    return true;
}

/* The index of the least head size that is enough. */
static int size_of(const mx_array *q, const mx_array *v)
{
    int64_t width = q->shape[3] > v->shape[3] ? q->shape[3] : v->shape[3];
    int i = 0;
    while (ATTENTION_SIZE(i) < width) i++;
    return i;
}

/* ---- Forward */
static bool attention(cuda_call *c)
{
    const mx_array *q = c->in[0], *k = c->in[1], *v = c->in[2];
    const attention_params *p = c->params;
    struct attention_args a = {.queries = (int32_t)q->shape[2],
                               .keys = (int32_t)k->shape[2],
                               .heads = (int32_t)q->shape[1],
                               .share = (int32_t)(q->shape[1] / k->shape[1]),
                               .width = (int32_t)q->shape[3],
                               .value_width = (int32_t)v->shape[3],
                               .scale = p->scale,
                               .causal = p->causal};
    if (!operand(c, c->in[0], &a.q) || !operand(c, c->in[1], &a.k) || !operand(c, c->in[2], &a.v) ||
        !output_by_position(c, 0, &a.out) || !cuda_output(c, 1, NULL, &a.lse))
        return false;
    int size = size_of(q, v), width = ATTENTION_SIZE(size), bytes = (int)mx_dtype_size((mx_dtype)q->dtype);
    int rows = ATTENTION_ROWS(width, bytes), keys = ATTENTION_KEYS(width, bytes), general = p->scale < 0;
    a.blocks = (a.queries + rows - 1) / rows;
    cuda_variant variant = {
        .id = VARIANT_attention, .t = q->dtype, .option = (uint8_t)(size + general * ATTENTION_SIZES)};
    return variant_run_with(c, variant, q->shape[0] * a.heads * a.blocks, THREADS,
                            (unsigned)((rows + 2 * keys) * width * bytes), &a, sizeof a);
}

/* ---- Backward */
typedef struct backward {
    cuda_call *call;
    const mx_array *q, *k;
    struct attention_side in[6], out[3]; /* q, k, v, result, nothing, dout; dq, dk, dv */
    struct attention_vjp_args common;
    int size, general;
} backward;

static bool make_stats(backward *b)
{
    const mx_array *q = b->q;
    int64_t padded = (q->shape[2] + ATTENTION_STATS - 1) / ATTENTION_STATS * ATTENTION_STATS;
    int64_t rows = q->shape[0] * q->shape[1] * padded, warps = VARIANT_BLOCK / 32;
    int64_t blocks = (rows + warps - 1) / warps, most = (int64_t)b->call->queue->device->sm_count * BLOCKS_PER_SM;
    struct attention_stats_args a = {.out = b->in[3],
                                     .dout = b->in[5],
                                     .heads = (int32_t)q->shape[1],
                                     .queries = (int32_t)q->shape[2],
                                     .padded = (int32_t)padded,
                                     .value_width = b->common.value_width,
                                     .rows = rows};
    cuda_block *stats = cuda_scratch(b->call, (size_t)(2 * rows) * sizeof(float));
    if (!stats || !cuda_contiguous(b->call, b->call->in[4], &a.lse)) return false;
    a.stats = b->common.stats = stats->at;
    b->common.padded = a.padded;
    cuda_variant v = {.id = VARIANT_attention_stats, .t = q->dtype};
    return variant_run(b->call, v, blocks < most ? blocks : most, VARIANT_BLOCK, &a, sizeof a);
}

/* Part 0: rows are queries; 1 and 2: keys. */
static bool run_part(const backward *b, int part)
{
    struct attention_vjp_args a = b->common;
    const struct attention_side queries[2] = {b->in[0], b->in[5]}, keys[2] = {b->in[1], b->in[2]};
    const mx_array *of = part ? b->k : b->q, *along = part ? b->q : b->k;
    memcpy(a.rows, part ? keys : queries, sizeof a.rows);
    memcpy(a.columns, part ? queries : keys, sizeof a.columns);
    memcpy(a.out, part ? &b->out[1] : &b->out[0], (part ? 2 : 1) * sizeof *a.out);
    a.heads = (int32_t)of->shape[1];
    a.row_count = (int32_t)of->shape[2];
    a.column_count = (int32_t)along->shape[2];
    int width = ATTENTION_SIZE(b->size), bytes = (int)mx_dtype_size((mx_dtype)of->dtype);
    int rows = ATTENTION_VJP_ROWS(width, bytes), columns = ATTENTION_VJP_COLUMNS(width, bytes);
    a.blocks = (a.row_count + rows - 1) / rows;
    unsigned stats = part ? (unsigned)(4 * columns) * sizeof(float) : 0;
    cuda_variant v = {.id = VARIANT_attention_vjp,
                      .t = of->dtype,
                      .option = (uint8_t)(ATTENTION_PART(b->size, part) + b->general * ATTENTION_PARTS)};
    return variant_run_with(b->call, v, of->shape[0] * a.heads * a.blocks, (unsigned)rows * 2,
                            (unsigned)((2 * rows + 4 * columns) * width * bytes) + stats, &a, sizeof a);
}

static bool attention_vjp(cuda_call *c)
{
    const mx_array *q = c->in[0], *k = c->in[1], *v = c->in[2];
    const attention_params *p = c->params;
    backward b = {.call = c, .q = q, .k = k, .size = size_of(q, v), .general = p->scale < 0};
    for (int i = 0; i < 6; i++) {
        if (i != 4 && !operand(c, c->in[i], &b.in[i])) return false;
    }
    for (int i = 0; i < 3; i++) {
        if (!output_by_position(c, i, &b.out[i])) return false;
    }
    b.common = (struct attention_vjp_args){.ahead = (int32_t)(k->shape[2] - q->shape[2]),
                                           .share = (int32_t)(q->shape[1] / k->shape[1]),
                                           .width = (int32_t)q->shape[3],
                                           .value_width = (int32_t)v->shape[3],
                                           .scale = p->scale,
                                           .causal = p->causal};
    return make_stats(&b) && run_part(&b, 0) && run_part(&b, 1) && (b.size < ATTENTION_SMALL || run_part(&b, 2));
}

const cuda_op cuda_attention = {.run = attention};
const cuda_op cuda_attention_vjp = {.run = attention_vjp};
