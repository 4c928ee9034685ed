/* SPDX-License-Identifier: MIT
 *
 * Attention without a matrix of scores (Rabe and Staats 2021; Dao et al., "FlashAttention", 2022): for a block of queries the keys come
 * block by block, with a running maximum and sum for each row.  Backward, the probabilities are made again from the row's logsumexp.
 * Products go through the library's GEMM, one thread each; threads share out blocks of queries, backward key heads.  Results lie as
 * (B, L, N, D), so that the heads are merged again without a copy. */
#include "core/memory.h"
#include "core/params/attention.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/kernel.h"
#include "cpu/kernels/math_f32.h"
#include <math.h>
#include <string.h>

enum { QUERIES = 64, KEYS = 256, HEAD = ATTENTION_MAX_HEAD };

typedef struct attention_job {
    const attention_params *p;
    const mx_array *q, *k, *v, *mask, *sinks, *out, *lse, *dout; /* mask, sinks: may be NULL */
    mx_array *result, *result_lse, *dq, *dk, *dv, *dsinks;
    int64_t query_heads, key_heads, queries, keys, head, values, blocks; /* head, values: sizes of keys and values */
    bool excludes;                                                       /* some scores may be ATTENTION_EXCLUDED */
    _Atomic bool failed;
} attention_job;

/* Rows of one head as float32: where they lie, or converted into `spare`. */
typedef struct rows {
    const float *at;
    int64_t stride;
} rows;

static char *row_address(const mx_array *x, int64_t b, int64_t h, int64_t row)
{
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype);
    return (char *)array_data(x) + (b * x->strides[0] + h * x->strides[1] + row * x->strides[2]) * bytes;
}

static rows load_rows(const mx_array *x, int64_t b, int64_t h, int64_t first, int64_t count, float *spare)
{
    int64_t n = x->shape[3];
    if (x->dtype == MX_FLOAT32) return (rows){(const float *)(const void *)row_address(x, b, h, first), x->strides[2]};
    for (int64_t r = 0; r < count; r++) {
        const uint16_t *from = (const uint16_t *)(const void *)row_address(x, b, h, first + r);
        if (x->dtype == MX_FLOAT16) {
            f16_to_f32_tile(spare + r * n, from, n);
        } else {
            bf16_to_f32_tile(spare + r * n, from, n);
        }
    }
    return (rows){spare, n};
}

static void store_row(const mx_array *x, int64_t b, int64_t h, int64_t row, const float *from)
{
    void *to = row_address(x, b, h, row);
    int64_t n = x->shape[3];
    if (x->dtype == MX_FLOAT32) {
        memcpy(to, from, (size_t)n * sizeof *from);
    } else if (x->dtype == MX_FLOAT16) {
        f32_to_f16_tile(to, from, n);
    } else {
        f32_to_bf16_tile(to, from, n);
    }
}

/* ---- Products on one thread */
static void in_order(int64_t chunks, cpu_chunk_fn fn, void *ctx)
{
    for (int64_t i = 0; i < chunks; i++) fn(ctx, i);
}

/* c (m, n) = alpha a b; a transposed operand has its strides swapped. */
static bool multiply(float *c, int64_t m, int64_t n, int64_t k, float alpha, rows a, bool a_transposed, rows b,
                     bool b_transposed)
{
    cpu_gemm g = {.m = m,
                  .n = n,
                  .k = k,
                  .batch = 1,
                  .a = a.at,
                  .b = b.at,
                  .c = c,
                  .c_row = n,
                  .alpha = alpha,
                  .dtype = GEMM_F32};
    g.a_row = a_transposed ? 1 : a.stride;
    g.a_col = a_transposed ? a.stride : 1;
    g.b_row = b_transposed ? 1 : b.stride;
    g.b_col = b_transposed ? b.stride : 1;
    return KERNEL(gemm)(&g, in_order);
}

static void add_to(float *y, const float *x, int64_t n)
{
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] += x[i];
}

static void scale_row(float *y, float factor, int64_t n)
{
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] *= factor;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* How many of `count` keys from `first` on query `row` sees. */
static int64_t visible(const attention_job *j, int64_t row, int64_t first, int64_t count)
{
    int64_t n = j->p->causal && !j->excludes ? row + j->keys - j->queries + 1 - first : count;
    return n < 0 ? 0 : n < count ? n : count;
}

/* ---- Masks */
/* n elements of a row of the mask as they are added. */
static void load_mask(const mx_array *x, const char *at, int64_t n, float *to)
{
    uint16_t half[KEYS];
    int64_t step = x->strides[3];
    if (x->dtype == MX_FLOAT32) {
        for (int64_t i = 0; i < n; i++) to[i] = ((const float *)(const void *)at)[i * step];
        return;
    }
    for (int64_t i = 0; i < n; i++) half[i] = ((const uint16_t *)(const void *)at)[i * step];
    if (x->dtype == MX_FLOAT16) {
        f16_to_f32_tile(to, half, n);
    } else {
        bf16_to_f32_tile(to, half, n);
    }
}

/* n scores of a row from key `first` on; what is excluded becomes ATTENTION_EXCLUDED. */
static void mask_row(const attention_job *j, float *s, int64_t b, int64_t h, int64_t row, int64_t first, int64_t n)
{
    if (!j->excludes) return;
    int64_t seen = j->p->causal ? row + j->keys - j->queries + 1 - first : n;
    const mx_array *mask = j->mask;
    const char *at =
        mask ? row_address(mask, b, h, row) + first * mask->strides[3] * (int64_t)mx_dtype_size((mx_dtype)mask->dtype)
             : NULL;
    if (mask && mask->dtype != MX_BOOL) {
        float added[KEYS];
        load_mask(mask, at, n, added);
        add_to(s, added, n);
    } else if (mask) {
        for (int64_t i = 0; i < n; i++) s[i] = at[i * mask->strides[3]] ? s[i] : ATTENTION_EXCLUDED;
    }
    for (int64_t i = seen < 0 ? 0 : seen; i < n; i++) s[i] = ATTENTION_EXCLUDED;
}

static float sink_of(const attention_job *j, int64_t b, int64_t h, int64_t row)
{
    const int64_t *stride = j->sinks->strides;
    return ((const float *)array_data(j->sinks))[b * stride[0] + h * stride[1] + row * stride[2]];
}

/* ---- Forward */
/* exp(score - peak) in place of n scores, zeros after; returns their sum. */
static float exp_row(float *s, int64_t n, int64_t all, float peak)
{
    float total = 0;
    SIMD_SUM(total)
    for (int64_t i = 0; i < n; i++) {
        s[i] = exp_f32(s[i] - peak);
        total += s[i];
    }
    for (int64_t i = n; i < all; i++) s[i] = 0;
    return total;
}

static float peak_of(const float *s, int64_t n, float peak)
{
    SIMD_MAX(peak)
    for (int64_t i = 0; i < n; i++) peak = s[i] > peak ? s[i] : peak;
    return peak;
}

typedef struct forward_state {
    float score[QUERIES * KEYS] ALIGNED(64), part[QUERIES * HEAD] ALIGNED(64), sum[QUERIES * HEAD] ALIGNED(64);
    float peak[QUERIES], total[QUERIES];
} forward_state;

/* The running softmax of a block of scores: earlier sums are scaled down where a row's peak rises. */
static void update_rows(const attention_job *j, forward_state *f, int64_t b, int64_t h, int64_t first_query,
                        int64_t queries, int64_t first_key, int64_t keys)
{
    for (int64_t r = 0; r < queries; r++) {
        float *s = f->score + r * keys;
        int64_t n = visible(j, first_query + r, first_key, keys);
        mask_row(j, s, b, h, first_query + r, first_key, n);
        float peak = peak_of(s, n, f->peak[r]), factor = peak == f->peak[r] ? 1.0f : exp_f32(f->peak[r] - peak);
        f->total[r] = f->total[r] * factor + exp_row(s, n, keys, peak - peak == 0 ? peak : 0.0f);
        if (factor != 1.0f) scale_row(f->sum + r * j->values, factor, j->values);
        f->peak[r] = peak;
    }
}

/* A sink is a score without a value. */
static void start_rows(const attention_job *j, forward_state *f, int64_t b, int64_t h, int64_t first, int64_t queries)
{
    memset(f->sum, 0, (size_t)(queries * j->values) * sizeof *f->sum);
    for (int64_t r = 0; r < queries; r++) {
        float peak = j->sinks ? sink_of(j, b, h, first + r) : -INFINITY;
        f->peak[r] = peak;
        f->total[r] = exp_f32(peak - peak == 0 ? 0.0f : peak);
    }
}

static void forward_block(void *ctx, int64_t i)
{
    attention_job *j = ctx;
    int64_t block = i % j->blocks, h = i / j->blocks % j->query_heads, b = i / j->blocks / j->query_heads;
    int64_t key_head = h / (j->query_heads / j->key_heads), first = block * QUERIES;
    int64_t queries = least(j->queries - first, QUERIES), d = j->head, dv = j->values;
    forward_state f;
    int64_t most = least(j->keys, KEYS), spares = (queries + most) * d + most * dv;
    size_t capacity;
    float *spare = block_alloc((size_t)(j->q->dtype == MX_FLOAT32 ? 0 : spares) * sizeof *spare, &capacity);
    bool ok = spare != NULL;
    start_rows(j, &f, b, h, first, queries);
    rows q = ok ? load_rows(j->q, b, h, first, queries, spare) : (rows){0};
    int64_t seen = visible(j, first + queries - 1, 0, j->keys);
    for (int64_t at = 0; ok && at < seen && !cpu_stopped(); at += KEYS) {
        int64_t n = seen - at < KEYS ? seen - at : KEYS;
        rows k = load_rows(j->k, b, key_head, at, n, spare + queries * d),
             v = load_rows(j->v, b, key_head, at, n, spare + (queries + most) * d);
        ok = multiply(f.score, queries, n, d, j->p->scale, q, false, k, true);
        if (!ok) break;
        update_rows(j, &f, b, h, first, queries, at, n);
        ok = multiply(f.part, queries, dv, n, 1, (rows){f.score, n}, false, v, false);
        if (ok) add_to(f.sum, f.part, queries * dv);
    }
    for (int64_t r = 0; ok && r < queries; r++) {
        scale_row(f.sum + r * dv, 1 / f.total[r], dv);
        store_row(j->result, b, h, first + r, f.sum + r * dv);
        ((float *)array_data(j->result_lse))[(b * j->query_heads + h) * j->queries + first + r] =
            f.peak[r] + logf(f.total[r]);
    }
    block_free(spare, capacity);
    if (!ok) atomic_store(&j->failed, true);
}

/* ---- Backward */
typedef struct backward_state {
    float *p, *ds, *part, *dq;
    float *spare[4]; /* q, dout, k, v of 16-bit floats */
    float delta[QUERIES];
    size_t capacity;
} backward_state;

/* No larger than the job needs: these bytes count, and clearing or faulting in the most that can be takes longer than the products of
 * small heads. */
static bool backward_alloc(const attention_job *j, backward_state *s)
{
    int64_t queries = least(j->queries, QUERIES), keys = least(j->keys, KEYS), d = j->head, dv = j->values;
    int64_t most = d > dv ? d : dv;
    bool wide = j->q->dtype == MX_FLOAT32;
    /* `part` takes products with as many rows as there are keys, and as there are queries. */
    int64_t sizes[] = {queries * keys,
                       queries * keys,
                       (queries > keys ? queries : keys) * most,
                       queries * d,
                       wide ? 0 : queries * most,
                       wide ? 0 : queries * dv,
                       wide ? 0 : keys * d,
                       wide ? 0 : keys * dv},
            total = 0;
    float **parts[] = {&s->p, &s->ds, &s->part, &s->dq, &s->spare[0], &s->spare[1], &s->spare[2], &s->spare[3]};
    for (int i = 0; i < 8; i++) total += sizes[i] = (sizes[i] + 15) / 16 * 16;
    float *at = block_alloc((size_t)total * sizeof(float), &s->capacity);
    for (int i = 0; at && i < 8; at += sizes[i++]) *parts[i] = at;
    return at != NULL;
}

/* The same where scores may be excluded: nothing changes those. */
static void masked_gradient(float *p, float *ds, int64_t n, float shift, float delta, float share)
{
    bool low = shift < ATTENTION_LOW && shift > -INFINITY;
    SIMD
    for (int64_t i = 0; i < n; i++) {
        float x = p[i];
        p[i] = low && x < ATTENTION_LOW ? share : exp_f32(x - shift);
        ds[i] = x == ATTENTION_EXCLUDED ? 0 : p[i] * (ds[i] - delta);
    }
}

/* p from scores, ds = p (dp - delta) in place of dp. */
static void backward_rows(const attention_job *j, backward_state *s, int64_t b, int64_t h, int64_t first_query,
                          int64_t queries, int64_t first_key, int64_t keys)
{
    const float *lse = (const float *)array_data(j->lse) + (b * j->query_heads + h) * j->queries;
    for (int64_t r = 0; r < queries; r++) {
        float *p = s->p + r * keys, *ds = s->ds + r * keys, shift = lse[first_query + r], delta = s->delta[r];
        int64_t n = visible(j, first_query + r, first_key, keys);
        mask_row(j, p, b, h, first_query + r, first_key, n);
        if (j->excludes) {
            masked_gradient(p, ds, n, shift, delta, 1.0f / (float)j->keys);
            continue;
        }
        SIMD
        for (int64_t i = 0; i < n; i++) {
            p[i] = exp_f32(p[i] - shift);
            ds[i] = p[i] * (ds[i] - delta);
        }
        for (int64_t i = n; i < keys; i++) p[i] = ds[i] = 0;
    }
}

static void row_products(float *delta, rows a, rows b, int64_t count, int64_t n)
{
    for (int64_t r = 0; r < count; r++) {
        float total = 0;
        SIMD_SUM(total)
        for (int64_t i = 0; i < n; i++) total += a.at[r * a.stride + i] * b.at[r * b.stride + i];
        delta[r] = total;
    }
}

static void sink_gradients(const attention_job *j, const backward_state *s, int64_t b, int64_t h, int64_t first,
                           int64_t queries)
{
    int64_t at = (b * j->query_heads + h) * j->queries + first;
    const float *lse = (const float *)array_data(j->lse) + at;
    float *to = (float *)array_data(j->dsinks) + at;
    for (int64_t r = 0; r < queries; r++) to[r] = -exp_f32(sink_of(j, b, h, first + r) - lse[r]) * s->delta[r];
}

/* A block of queries of head h against all its keys; dk (keys, head) and dv (keys, values) are added to. */
static bool backward_block(attention_job *j, backward_state *s, int64_t b, int64_t h, int64_t first, float *dk,
                           float *dv)
{
    int64_t d = j->head, width = j->values, queries = least(j->queries - first, QUERIES),
            key_head = h / (j->query_heads / j->key_heads);
    rows out = load_rows(j->out, b, h, first, queries, s->spare[0]),
         dout = load_rows(j->dout, b, h, first, queries, s->spare[1]);
    row_products(s->delta, out, dout, queries, width);
    if (j->dsinks) sink_gradients(j, s, b, h, first, queries);
    rows q = load_rows(j->q, b, h, first, queries, s->spare[0]);
    memset(s->dq, 0, (size_t)(queries * d) * sizeof *s->dq);
    int64_t seen = visible(j, first + queries - 1, 0, j->keys);
    for (int64_t at = 0; at < seen && !cpu_stopped(); at += KEYS) {
        int64_t n = seen - at < KEYS ? seen - at : KEYS;
        rows k = load_rows(j->k, b, key_head, at, n, s->spare[2]), v = load_rows(j->v, b, key_head, at, n, s->spare[3]);
        rows p = {s->p, n}, ds = {s->ds, n};
        if (!multiply(s->p, queries, n, d, j->p->scale, q, false, k, true)) return false;
        if (!multiply(s->ds, queries, n, width, 1, dout, false, v, true)) return false;
        backward_rows(j, s, b, h, first, queries, at, n);
        if (!multiply(s->part, n, width, queries, 1, p, true, dout, false)) return false;
        add_to(dv + at * width, s->part, n * width);
        if (!multiply(s->part, n, d, queries, j->p->scale, ds, true, q, false)) return false;
        add_to(dk + at * d, s->part, n * d);
        if (!multiply(s->part, queries, d, n, j->p->scale, ds, false, k, false)) return false;
        add_to(s->dq, s->part, queries * d);
    }
    for (int64_t r = 0; r < queries; r++) store_row(j->dq, b, h, first + r, s->dq + r * d);
    return true;
}

static void backward_head(void *ctx, int64_t i)
{
    attention_job *j = ctx;
    int64_t key_head = i % j->key_heads, b = i / j->key_heads, group = j->query_heads / j->key_heads, d = j->head;
    backward_state s = {0};
    float *sums = mx_alloc((size_t)(j->keys * (d + j->values)), sizeof *sums), *dv = sums ? sums + j->keys * d : NULL;
    bool ok = sums && backward_alloc(j, &s);
    for (int64_t h = key_head * group; ok && h < (key_head + 1) * group; h++) {
        for (int64_t first = 0; ok && first < j->queries && !cpu_stopped(); first += QUERIES)
            ok = backward_block(j, &s, b, h, first, sums, dv);
    }
    for (int64_t row = 0; ok && row < j->keys; row++) {
        store_row(j->dk, b, key_head, row, sums + row * d);
        store_row(j->dv, b, key_head, row, dv + row * j->values);
    }
    block_free(s.p, s.capacity);
    mx_free(sums);
    if (!ok) atomic_store(&j->failed, true);
}

/* ---- The ops */
/* (B, N, L, D) laid out as (B, L, N, D). */
static bool output_by_position(cpu_call *c, int i)
{
    if (!cpu_output(c, i)) return false;
    mx_array *x = &c->out[i];
    x->strides[3] = 1;
    x->strides[1] = x->shape[3];
    x->strides[2] = x->shape[3] * x->shape[1];
    x->strides[0] = x->strides[2] * x->shape[2];
    array_set_contiguity(x);
    return true;
}

static mx_array *rows_adjacent(cpu_call *c, int i)
{
    const mx_array *x = c->in[i];
    return x->strides[x->ndim - 1] == 1 || x->shape[x->ndim - 1] == 1 ? c->in[i] : cpu_contiguous(c, i);
}

static bool finish(const attention_job *j)
{
    if (!j->failed) return true;
    return mx_failed() ? false : mx_fail_false(MX_MEMORY, "[scaled_dot_product_attention] out of memory.");
}

/* The mask and the sinks come behind the other inputs. */
static void set_sizes(attention_job *j, cpu_call *c)
{
    j->p = c->params;
    j->mask = j->p->masked ? c->in[c->nin - 1 - j->p->sinks] : NULL;
    j->sinks = j->p->sinks ? c->in[c->nin - 1] : NULL;
    j->query_heads = j->q->shape[1], j->queries = j->q->shape[2], j->head = j->q->shape[3];
    j->key_heads = j->k->shape[1], j->keys = j->k->shape[2], j->values = j->v->shape[3];
    j->excludes = j->mask || (j->p->causal && j->queries > j->keys);
}

static bool attention(cpu_call *c)
{
    attention_job j = {.q = rows_adjacent(c, 0), .k = rows_adjacent(c, 1), .v = rows_adjacent(c, 2)};
    if (!j.q || !j.k || !j.v || !output_by_position(c, 0) || !cpu_output(c, 1)) return false;
    set_sizes(&j, c);
    j.result = &c->out[0];
    j.result_lse = &c->out[1];
    j.blocks = (j.queries + QUERIES - 1) / QUERIES;
    cpu_parallel(j.q->shape[0] * j.query_heads * j.blocks, forward_block, &j);
    return finish(&j);
}

static bool attention_vjp(cpu_call *c)
{
    mx_array *in[6];
    for (int i = 0; i < 6; i++) {
        if (!(in[i] = i == 4 ? cpu_contiguous(c, i) : rows_adjacent(c, i))) return false;
    }
    for (int i = 0; i < c->nout; i++) {
        if (!(i < 3 ? output_by_position(c, i) : cpu_output(c, i))) return false;
    }
    attention_job j = {.q = in[0],
                       .k = in[1],
                       .v = in[2],
                       .out = in[3],
                       .lse = in[4],
                       .dout = in[5],
                       .dq = &c->out[0],
                       .dk = &c->out[1],
                       .dv = &c->out[2],
                       .dsinks = c->nout == 4 ? &c->out[3] : NULL};
    set_sizes(&j, c);
    cpu_parallel(j.q->shape[0] * j.key_heads, backward_head, &j);
    return finish(&j);
}

const cpu_op KERNEL(attention) = {.run = attention};
const cpu_op KERNEL(attention_vjp) = {.run = attention_vjp};
