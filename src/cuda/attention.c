/* SPDX-License-Identifier: MIT
 *
 * Attention by kernels of its own, in memory linear in the lengths: scores live in registers only (kernels/attention.cuh, and
 * attention_vjp.cuh for the gradients).  Few queries, as in decoding, have the keys shared out among blocks instead.  Results lie as (B, L, N, D), as the CPU's do, so that heads are merged again without a
 * copy. */
#include "core/params/attention.h"
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/kernels/attention_args.cuh"
#include <string.h>

enum { THREADS = 128, CHUNK_BYTES = 16, BLOCKS_PER_SM = 16, SPLITS_PER_SM = 4 };

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

/* The mask and the sinks come behind the other inputs.  Some rules need the general kernels. */
typedef struct extras {
    struct attention_rules rules;
    struct attention_sinks sinks;
    bool general;
} extras;

static bool load_extras(cuda_call *c, extras *e)
{
    const attention_params *p = c->params;
    int64_t queries = c->in[0]->shape[2], keys = c->in[1]->shape[2];
    mx_array *mask = p->masked ? c->in[c->nin - 1 - p->sinks] : NULL, *sinks = p->sinks ? c->in[c->nin - 1] : NULL;
    *e = (extras){.rules = {.queries = (int32_t)queries, .keys = (int32_t)keys, .causal = p->causal},
                  .general = mask || p->scale < 0 || (p->causal && queries > keys)};
    if (mask) {
        e->rules.boolean = mask->dtype == MX_BOOL;
        memcpy(e->rules.stride, mask->strides, sizeof e->rules.stride);
        if (!cuda_operand(c, mask, &e->rules.mask)) return false;
    }
    if (sinks) memcpy(e->sinks.stride, sinks->strides, sizeof e->sinks.stride);
    return !sinks || cuda_operand(c, sinks, &e->sinks.at);
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
typedef struct forward {
    cuda_call *call;
    const mx_array *q, *k, *v;
    struct attention_side in[3], out; /* q, k, v; the result */
    cu_ptr lse;
    float scale;
    bool causal;
    extras extras;
    int size, width, bytes; /* width: of the kernel's rows */
} forward;

static bool run_rows(const forward *f)
{
    struct attention_args a = {.q = f->in[0],
                               .k = f->in[1],
                               .v = f->in[2],
                               .out = f->out,
                               .lse = f->lse,
                               .queries = (int32_t)f->q->shape[2],
                               .keys = (int32_t)f->k->shape[2],
                               .heads = (int32_t)f->q->shape[1],
                               .share = (int32_t)(f->q->shape[1] / f->k->shape[1]),
                               .width = (int32_t)f->q->shape[3],
                               .value_width = (int32_t)f->v->shape[3],
                               .scale = f->scale,
                               .causal = f->causal,
                               .rules = f->extras.rules};
    int rows = ATTENTION_ROWS(f->width, f->bytes, f->extras.general), keys = ATTENTION_KEYS(f->width, f->bytes);
    a.blocks = (a.queries + rows - 1) / rows;
    a.sinks = f->extras.sinks;
    cuda_variant v = {
        .id = VARIANT_attention, .t = f->q->dtype, .option = (uint8_t)(f->size + f->extras.general * ATTENTION_SIZES)};
    return variant_run_with(f->call, v, f->q->shape[0] * a.heads * a.blocks, THREADS,
                            (unsigned)((rows + 2 * keys) * f->width * f->bytes), &a, sizeof a);
}

static bool merge_splits(const forward *f, const struct attention_split_args *from)
{
    struct attention_merge_args a = {.out = f->out,
                                     .lse = f->lse,
                                     .sums = from->sums,
                                     .stats = from->stats,
                                     .queries = from->queries,
                                     .heads = (int32_t)f->q->shape[1],
                                     .share = from->share,
                                     .splits = from->splits,
                                     .width = f->width,
                                     .value_width = from->value_width,
                                     .sinks = f->extras.sinks,
                                     .rows = f->q->shape[0] * f->q->shape[1] * f->q->shape[2]};
    cuda_variant v = {.id = VARIANT_attention_merge, .t = f->q->dtype};
    return variant_run(f->call, v, (a.rows + THREADS / 32 - 1) / (THREADS / 32), THREADS, &a, sizeof a);
}

/* So many parts of the keys that there are blocks for the whole device. */
static bool run_splits(const forward *f)
{
    struct attention_split_args a = {.q = f->in[0],
                                     .k = f->in[1],
                                     .v = f->in[2],
                                     .queries = (int32_t)f->q->shape[2],
                                     .keys = (int32_t)f->k->shape[2],
                                     .heads = (int32_t)f->k->shape[1],
                                     .share = (int32_t)(f->q->shape[1] / f->k->shape[1]),
                                     .width = (int32_t)f->q->shape[3],
                                     .value_width = (int32_t)f->v->shape[3],
                                     .scale = f->scale,
                                     .causal = f->causal,
                                     .rules = f->extras.rules};
    int64_t heads = f->k->shape[0] * f->k->shape[1], keys = ATTENTION_SPLIT_KEYS(f->bytes);
    int64_t tiles = (a.keys + keys - 1) / keys, wanted = (int64_t)f->call->queue->device->sm_count * SPLITS_PER_SM;
    int64_t splits = wanted / heads < 1 ? 1 : wanted / heads < tiles ? wanted / heads : tiles;
    int64_t each = (tiles + splits - 1) / splits;
    a.keys_each = (int32_t)(each * keys);
    a.splits = (int32_t)((tiles + each - 1) / each);
    size_t rows = (size_t)(heads * a.splits * ATTENTION_FEW), width = (size_t)f->width, bytes = (size_t)f->bytes;
    cuda_block *sums = cuda_scratch(f->call, rows * width * sizeof(float));
    cuda_block *stats = sums ? cuda_scratch(f->call, rows * 2 * sizeof(float)) : NULL;
    if (!stats) return false;
    a.sums = sums->at;
    a.stats = stats->at;
    size_t tile = (ATTENTION_FEW + 2 * (size_t)keys) * width * bytes;
    size_t merged = THREADS / 32 * ATTENTION_FEW * (width + 8) * sizeof(float);
    cuda_variant v = {.id = VARIANT_attention_split,
                      .t = f->q->dtype,
                      .option = (uint8_t)(f->size + f->extras.general * ATTENTION_SIZES)};
    return variant_run_with(f->call, v, heads * a.splits, THREADS, (unsigned)(tile > merged ? tile : merged), &a,
                            sizeof a) &&
           merge_splits(f, &a);
}

static bool attention(cuda_call *c)
{
    const attention_params *p = c->params;
    forward f = {.call = c,
                 .q = c->in[0],
                 .k = c->in[1],
                 .v = c->in[2],
                 .scale = p->scale,
                 .causal = p->causal,
                 .size = size_of(c->in[0], c->in[2]),
                 .bytes = (int)mx_dtype_size((mx_dtype)c->in[0]->dtype)};
    f.width = ATTENTION_SIZE(f.size);
    for (int i = 0; i < 3; i++) {
        if (!operand(c, c->in[i], &f.in[i])) return false;
    }
    if (!load_extras(c, &f.extras) || !output_by_position(c, 0, &f.out) || !cuda_output(c, 1, NULL, &f.lse))
        return false;
    bool few = f.q->shape[1] / f.k->shape[1] * f.q->shape[2] <= ATTENTION_FEW;
    return few ? run_splits(&f) : run_rows(&f);
}

/* ---- Backward */
typedef struct backward {
    cuda_call *call;
    const mx_array *q, *k;
    struct attention_side in[6], out[3]; /* q, k, v, result, nothing, dout; dq, dk, dv */
    struct attention_vjp_args common;
    extras extras;
    cu_ptr dsinks;
    int size;
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
                                     .rows = rows,
                                     .sinks = b->extras.sinks,
                                     .dsinks = b->dsinks};
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
                      .option = (uint8_t)(ATTENTION_PART(b->size, part) + b->extras.general * ATTENTION_PARTS)};
    return variant_run_with(b->call, v, of->shape[0] * a.heads * a.blocks, (unsigned)rows * 2,
                            (unsigned)((2 * rows + 4 * columns) * width * bytes) + stats, &a, sizeof a);
}

static bool attention_vjp(cuda_call *c)
{
    const mx_array *q = c->in[0], *k = c->in[1], *v = c->in[2];
    const attention_params *p = c->params;
    backward b = {.call = c, .q = q, .k = k, .size = size_of(q, v)};
    for (int i = 0; i < 6; i++) {
        if (i != 4 && !operand(c, c->in[i], &b.in[i])) return false;
    }
    if (!load_extras(c, &b.extras)) return false;
    for (int i = 0; i < c->nout; i++) {
        if (!(i < 3 ? output_by_position(c, i, &b.out[i]) : cuda_output(c, i, NULL, &b.dsinks))) return false;
    }
    b.common = (struct attention_vjp_args){.ahead = (int32_t)(k->shape[2] - q->shape[2]),
                                           .share = (int32_t)(q->shape[1] / k->shape[1]),
                                           .width = (int32_t)q->shape[3],
                                           .value_width = (int32_t)v->shape[3],
                                           .scale = p->scale,
                                           .causal = p->causal,
                                           .rules = b.extras.rules};
    return make_stats(&b) && run_part(&b, 0) && run_part(&b, 1) && (b.size < ATTENTION_SMALL || run_part(&b, 2));
}

const cuda_op cuda_attention = {.run = attention};
const cuda_op cuda_attention_vjp = {.run = attention_vjp};
