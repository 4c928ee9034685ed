/* SPDX-License-Identifier: MIT
 *
 * Attention composed of matrix products and one pass over rows of scores, in float32 until they are probabilities.  The scores of as many
 * batches, key heads or queries at a time as fit a share of the device's memory: a window.  Backward, the scores are made again from the
 * logsumexp; what several windows or query heads add to keys and values is summed in float32.  Results lie as (B, L, N, D), as the
 * CPU's do, so that heads are merged again without a copy. */
#include "core/params/attention.h"
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/kernels/attention_args.cuh"
#include "cuda/kernels/attention_rows_args.cuh"
#include "cuda/product.h"
#include <string.h>

enum { PITCH = 8, MEMORY_SHARE = 512, WINDOW_MOST = 256 << 20, BLOCKS_PER_SM = 16, QUERIES_LEAST = 16 };

/* An operand (B, heads, L, D); its last axis is adjacent. */
typedef struct view {
    cu_ptr at;
    int64_t stride[4];
} view;

/* Key heads `head` .. and their query heads. */
typedef struct window {
    int64_t batch, batches, head, heads, query, queries;
} window;

typedef struct job {
    cuda_call *call;
    const attention_params *params;
    mx_dtype dtype;
    int64_t batches, key_heads, share, queries, keys, width, pitch; /* share: query heads of a key head */
    view q, k, v, out, dout, dq, dk, dv;
    cu_ptr lse, scores, dprobs, probs, dscores, sums[2];
    window most;
} job;

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* ---- Arrays */
static bool operand(cuda_call *c, mx_array *x, view *v)
{
    if (x->strides[3] == 1 || x->shape[3] == 1) {
        memcpy(v->stride, x->strides, sizeof v->stride);
        v->stride[3] = 1;
        return cuda_operand(c, x, &v->at);
    }
    shape_row_major(array_shape(x), v->stride);
    return cuda_contiguous(c, x, &v->at);
}

static bool output_by_position(cuda_call *c, int i, view *v)
{
    if (!cuda_output(c, i, NULL, &v->at)) return false;
    mx_array *x = &c->out[i];
    x->strides[3] = 1;
    x->strides[1] = x->shape[3];
    x->strides[2] = x->shape[3] * x->shape[1];
    x->strides[0] = x->strides[2] * x->shape[2];
    memcpy(v->stride, x->strides, sizeof v->stride);
    array_set_contiguity(x);
    return true;
}

static job job_of(cuda_call *c)
{
    const mx_array *q = c->in[0], *k = c->in[1];
    return (job){.call = c,
                 .params = c->params,
                 .dtype = (mx_dtype)q->dtype,
                 .batches = q->shape[0],
                 .key_heads = k->shape[1],
                 .share = (int32_t)(q->shape[1] / k->shape[1]),
                 .queries = (int32_t)q->shape[2],
                 .keys = (int32_t)k->shape[2],
                 .width = (int32_t)q->shape[3],
                 .pitch = (k->shape[2] + PITCH - 1) / PITCH * PITCH};
}

/* ---- Windows */
/* The largest whose scores, of `bytes` each, fit. */
static void choose_window(job *j, int64_t bytes)
{
    int64_t room = (int64_t)(j->call->queue->device->bytes / MEMORY_SHARE);
    int64_t row = j->share * j->pitch * bytes, head = row * j->queries, batch = head * j->key_heads;
    if (room > WINDOW_MOST) room = WINDOW_MOST;
    j->most = (window){.batches = 1, .heads = 1, .queries = j->queries};
    if (batch <= room) {
        j->most.heads = j->key_heads;
        j->most.batches = least(j->batches, room / batch);
    } else if (head <= room) {
        j->most.heads = room / head;
    } else {
        int64_t queries = room / row / QUERIES_LEAST * QUERIES_LEAST;
        j->most.queries = least(j->queries, queries > QUERIES_LEAST ? queries : QUERIES_LEAST);
    }
}

static int64_t window_scores(const job *j)
{
    return j->most.batches * j->most.heads * j->share * j->most.queries * j->pitch;
}

typedef bool (*window_fn)(job *j, const window *w);

/* Queries innermost; `last` after all queries of some heads. */
static bool each_window(job *j, window_fn run, window_fn last)
{
    for (int64_t b = 0; b < j->batches; b += j->most.batches) {
        for (int64_t h = 0; h < j->key_heads; h += j->most.heads) {
            window w = {b, least(j->most.batches, j->batches - b), h, least(j->most.heads, j->key_heads - h), 0, 0};
            for (; w.query < j->queries; w.query += w.queries) {
                w.queries = least(j->most.queries, j->queries - w.query);
                if (!run(j, &w)) return false;
            }
            if (last && !last(j, &w)) return false;
        }
    }
    return true;
}

/* ---- Matrices of a window: its batch is (batches, key heads, query heads of each) */
static cuda_matrix query_matrix(const job *j, const window *w, const view *v)
{
    int64_t first = w->batch * v->stride[0] + w->head * j->share * v->stride[1] + w->query * v->stride[2];
    return (cuda_matrix){.at = v->at + (cu_ptr)(first * (int64_t)mx_dtype_size(j->dtype)),
                         .row = v->stride[2],
                         .col = 1,
                         .batch = {v->stride[0], j->share * v->stride[1], v->stride[1]}};
}

static cuda_matrix key_matrix(const job *j, const window *w, const view *v)
{
    int64_t first = w->batch * v->stride[0] + w->head * v->stride[1];
    return (cuda_matrix){.at = v->at + (cu_ptr)(first * (int64_t)mx_dtype_size(j->dtype)),
                         .row = v->stride[2],
                         .col = 1,
                         .batch = {v->stride[0], v->stride[1], 0}};
}

static cuda_matrix score_matrix(const job *j, const window *w, cu_ptr at)
{
    int64_t head = w->queries * j->pitch;
    return (cuda_matrix){
        .at = at, .row = j->pitch, .col = 1, .batch = {w->heads * j->share * head, j->share * head, head}};
}

static cuda_matrix transposed(cuda_matrix m)
{
    int64_t row = m.row;
    m.row = m.col;
    m.col = row;
    return m;
}

/* to (queries, keys) = alpha x y' */
static bool make_scores(job *j, const window *w, const view *x, const view *y, float alpha, cu_ptr to)
{
    cuda_product p = {.in = j->dtype,
                      .out = MX_FLOAT32,
                      .m = w->queries,
                      .n = j->keys,
                      .k = j->width,
                      .ndim = 3,
                      .shape = {w->batches, w->heads, j->share},
                      .a = query_matrix(j, w, x),
                      .b = transposed(key_matrix(j, w, y)),
                      .d = score_matrix(j, w, to),
                      .alpha = alpha};
    return cuda_multiply(j->call, &p);
}

/* to (queries, width) = alpha scores x */
static bool apply_scores(job *j, const window *w, cu_ptr scores, const view *x, float alpha, const view *to)
{
    cuda_product p = {.in = j->dtype,
                      .out = j->dtype,
                      .m = w->queries,
                      .n = j->width,
                      .k = j->keys,
                      .ndim = 3,
                      .shape = {w->batches, w->heads, j->share},
                      .a = score_matrix(j, w, scores),
                      .b = key_matrix(j, w, x),
                      .d = query_matrix(j, w, to),
                      .alpha = alpha};
    return cuda_multiply(j->call, &p);
}

static bool run_rows(job *j, const window *w, int option)
{
    struct attention_rows_args a = {.scores = j->scores,
                                    .dprobs = j->dprobs,
                                    .probs = j->probs,
                                    .dscores = j->dscores,
                                    .lse = j->lse,
                                    .out = j->out.at,
                                    .dout = j->dout.at,
                                    .rows = (u32)(w->batches * w->heads * j->share * w->queries),
                                    .queries = (u32)w->queries,
                                    .heads = (u32)(w->heads * j->share),
                                    .from_batch = w->batch,
                                    .from_head = w->head * j->share,
                                    .from_query = w->query,
                                    .all_heads = j->key_heads * j->share,
                                    .all_queries = j->queries,
                                    .keys = j->keys,
                                    .pitch = j->pitch,
                                    .width = j->width,
                                    .seen = j->params->causal ? j->keys - j->queries + 1 : j->keys};
    memcpy(a.out_stride, j->out.stride, sizeof a.out_stride);
    memcpy(a.dout_stride, j->dout.stride, sizeof a.dout_stride);
    cuda_variant v = {.id = VARIANT_attention_rows, .t = (uint8_t)j->dtype, .option = (uint8_t)option};
    int64_t blocks = (a.rows + VARIANT_BLOCK / 32 - 1) / (VARIANT_BLOCK / 32);
    return variant_run(j->call, v, least(blocks, (int64_t)j->call->queue->device->sm_count * BLOCKS_PER_SM),
                       VARIANT_BLOCK, &a, sizeof a);
}

/* Room for a window's scores; probabilities of float32 take their place. */
static bool take_scores(job *j, cu_ptr *scores, cu_ptr *probs)
{
    int64_t n = window_scores(j);
    cuda_block *s = cuda_scratch(j->call, (size_t)n * sizeof(float));
    cuda_block *p = s && j->dtype != MX_FLOAT32 ? cuda_scratch(j->call, (size_t)n * mx_dtype_size(j->dtype)) : s;
    if (!p) return false;
    *scores = s->at;
    *probs = p->at;
    return true;
}

/* ---- Forward */
enum { THREADS = 128, CHUNK_BYTES = 16 };

/* Where x lies with rows on 16 bytes: in place or in a copy. */
static bool aligned_operand(cuda_call *c, mx_array *x, struct attention_side *side)
{
    cu_ptr from;
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype), strides[4], odd;
    if (!cuda_operand(c, x, &from)) return false;
    odd = (int64_t)from;
    for (int i = 0; i < 3; i++) {
        side->stride[i] = x->shape[i] == 1 ? 0 : x->strides[i];
        odd |= side->stride[i] * bytes;
    }
    side->at = from;
    if (odd % CHUNK_BYTES == 0 && (x->strides[3] == 1 || x->shape[3] == 1)) return true;
    strides[3] = 1;
    strides[2] = side->stride[2] = (x->shape[3] * bytes + CHUNK_BYTES - 1) / CHUNK_BYTES * CHUNK_BYTES / bytes;
    strides[1] = side->stride[1] = x->shape[2] * strides[2];
    strides[0] = side->stride[0] = x->shape[1] * strides[1];
    cuda_block *copy = cuda_scratch(c, (size_t)(x->shape[0] * strides[0] * bytes));
    if (!copy) return false;
    side->at = copy->at;
    return cuda_copy_between(c, copy->at, strides, from, x->strides, array_shape(x), (size_t)bytes);
}

static bool output_side(cuda_call *c, int i, struct attention_side *side)
{
    view v;
    if (!output_by_position(c, i, &v)) return false;
    side->at = v.at;
    memcpy(side->stride, v.stride, sizeof side->stride);
    return true;
}

/* The index of the least of the kernels' head sizes that is enough. */
static int size_of(int64_t width)
{
    int i = 0;
    while (ATTENTION_SIZE(i) < width) i++;
    return i;
}

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
    cu_ptr lse;
    if (!aligned_operand(c, c->in[0], &a.q) || !aligned_operand(c, c->in[1], &a.k) ||
        !aligned_operand(c, c->in[2], &a.v) || !output_side(c, 0, &a.out) || !cuda_output(c, 1, NULL, &lse))
        return false;
    a.lse = lse;
    int size = size_of(a.width), width = ATTENTION_SIZE(size), bytes = (int)mx_dtype_size((mx_dtype)q->dtype);
    int rows = ATTENTION_ROWS(width, bytes), keys = ATTENTION_KEYS(width, bytes);
    a.blocks = (a.queries + rows - 1) / rows;
    cuda_variant variant = {
        .id = VARIANT_attention, .t = q->dtype, .option = (uint8_t)(size + (p->scale < 0 ? ATTENTION_SIZES : 0))};
    return variant_run_with(c, variant, q->shape[0] * a.heads * a.blocks, THREADS,
                            (unsigned)((rows + 2 * keys) * width * bytes), &a, sizeof a);
}

/* ---- Backward */
/* to (keys, width) of each key head = the sum over its query heads of alpha scores' x; `sums` is where it is collected
 * in float32 if it has several terms. */
static bool add_keys(job *j, const window *w, cu_ptr scores, const view *x, float alpha, cu_ptr sums, const view *to)
{
    size_t bytes = mx_dtype_size(j->dtype);
    cuda_product p = {.in = j->dtype,
                      .out = sums ? MX_FLOAT32 : j->dtype,
                      .m = j->keys,
                      .n = j->width,
                      .k = w->queries,
                      .ndim = 2,
                      .shape = {w->batches, w->heads},
                      .a = transposed(score_matrix(j, w, scores)),
                      .b = query_matrix(j, w, x),
                      .d = key_matrix(j, w, to),
                      .alpha = alpha};
    int64_t head = j->keys * j->width;
    if (sums) p.d = (cuda_matrix){.at = sums, .row = j->width, .col = 1, .batch = {w->heads * head, head}};
    for (int64_t h = 0; h < j->share; h++) {
        p.beta = h || w->query ? 1 : 0;
        p.c = p.d;
        if (!cuda_multiply(j->call, &p)) return false;
        p.a.at += (cu_ptr)(p.a.batch[2] * (int64_t)bytes);
        p.b.at += (cu_ptr)(p.b.batch[2] * (int64_t)bytes);
    }
    return true;
}

static bool backward_window(job *j, const window *w)
{
    float scale = j->params->scale;
    return make_scores(j, w, &j->q, &j->k, scale, j->scores) && make_scores(j, w, &j->dout, &j->v, 1, j->dprobs) &&
           run_rows(j, w, 0) && apply_scores(j, w, j->dscores, &j->k, scale, &j->dq) &&
           add_keys(j, w, j->dscores, &j->q, scale, j->sums[0], &j->dk) &&
           add_keys(j, w, j->probs, &j->dout, 1, j->sums[1], &j->dv);
}

static bool round_sums(job *j, const window *w)
{
    const view *to[2] = {&j->dk, &j->dv};
    for (int i = 0; i < 2; i++) {
        struct attention_round_args a = {.from = j->sums[i],
                                         .to = key_matrix(j, w, to[i]).at,
                                         .rows = (u32)(w->batches * w->heads * j->keys),
                                         .keys = (u32)j->keys,
                                         .heads = (u32)w->heads,
                                         .width = j->width};
        memcpy(a.stride, to[i]->stride, sizeof a.stride);
        cuda_variant v = {.id = VARIANT_attention_rows, .t = (uint8_t)j->dtype, .option = 1};
        int64_t blocks = (a.rows + VARIANT_BLOCK / 32 - 1) / (VARIANT_BLOCK / 32);
        if (!variant_run(j->call, v, least(blocks, (int64_t)j->call->queue->device->sm_count * BLOCKS_PER_SM),
                         VARIANT_BLOCK, &a, sizeof a))
            return false;
    }
    return true;
}

static bool attention_vjp(cuda_call *c)
{
    job j = job_of(c);
    choose_window(&j, 2 * (int64_t)(sizeof(float) + mx_dtype_size(j.dtype)));
    bool ok = operand(c, c->in[0], &j.q) && operand(c, c->in[1], &j.k) && operand(c, c->in[2], &j.v) &&
              operand(c, c->in[3], &j.out) && cuda_contiguous(c, c->in[4], &j.lse) && operand(c, c->in[5], &j.dout) &&
              output_by_position(c, 0, &j.dq) && output_by_position(c, 1, &j.dk) && output_by_position(c, 2, &j.dv) &&
              take_scores(&j, &j.scores, &j.probs) && take_scores(&j, &j.dprobs, &j.dscores);
    bool sums = j.dtype != MX_FLOAT32 && (j.share > 1 || j.most.queries < j.queries);
    for (int i = 0; i < 2 && ok && sums; i++) {
        int64_t n = j.most.batches * j.most.heads * j.keys * j.width;
        cuda_block *b = cuda_scratch(c, (size_t)n * sizeof(float));
        if ((ok = b != NULL)) j.sums[i] = b->at;
    }
    return ok && each_window(&j, backward_window, sums ? round_sums : NULL);
}

const cuda_op cuda_attention = {.run = attention};
const cuda_op cuda_attention_vjp = {.run = attention_vjp};
