/* SPDX-License-Identifier: MIT
 *
 * A row times a matrix, y = x B, and a matrix times a column, which is the same with A transposed.  Each element of the
 * matrix is used once, so it is read where it lies and in long runs: if the elements of one k are adjacent, a chunk
 * adds x[k] times row k to sums that stay in L1; if those of one output are, it forms scalar products.  K is cut into
 * ranges where the outputs alone are too few chunks; the sums of the ranges are added in order. */
#include "core/memory.h"
#include "cpu/kernels/gemm_parts.h"

enum {
    OUTPUTS = 4096,       /* sums of a chunk: 16 KiB of stack */
    X_BLOCK = 4096,       /* floats of x converted at a time: 8 KiB */
    CHUNK_WORK = 1 << 17, /* multiply-adds of a chunk: what the memory takes 10 us or more to bring */
    MAX_CHUNKS = 64,      /* more ranges of K bring nothing */
    STEPS = 8,            /* rows added in one visit of the sums */
    DOTS = 6,             /* outputs that share a load of x */
};

typedef struct {
    const cpu_gemm *g;
    const void *x, *matrix;
    const int64_t *x_batch, *matrix_batch;
    int64_t x_stride, k_stride, out_stride; /* of the matrix: one of the two is 1 */
    int64_t n;                              /* outputs of a product */
    int64_t ranges, blocks, width;          /* chunks of a product: ranges of K times blocks of `width` outputs */
    int64_t per_chunk;                      /* products, if they are single chunks */
    float *partial;                         /* product x range x output, if there are several ranges */
} vector_job;

/* x[k .. k + depth) as floats: where it lies, or converted into the buffer. */
static const float *load_x(const vector_job *s, int64_t at, int64_t k, int64_t depth, float *buffer)
{
    int type = s->g->dtype;
    if (type == GEMM_F32 && s->x_stride == 1) return (const float *)s->x + at + k;
    for (int64_t i = 0; i < depth; i++) buffer[i] = load_one(s->x, at + (k + i) * s->x_stride, type);
    return buffer;
}

/* sum[j] += x[0] b[0][j] + ... + x[steps - 1] b[steps - 1][j], in this order */
ALWAYS_INLINE void add_rows(float *sum, int64_t n, const float *x, const void *b, int64_t k_stride, const int steps,
                            const int type)
{
    for (int64_t j = 0; j < n; j += VEC) {
        int lanes = (int)min_i64(VEC, n - j);
        vec total = vec_load(sum + j);
        if (lanes == VEC) {
            UNROLL
            for (int i = 0; i < steps; i++)
                total = vec_fma(vec_set(x[i]), load_some(b, i * k_stride + j, VEC, type), total);
        } else {
            for (int i = 0; i < steps; i++)
                total = vec_fma(vec_set(x[i]), load_some(b, i * k_stride + j, lanes, type), total);
        }
        vec_store(sum + j, total);
    }
}

ALWAYS_INLINE void sum_rows(float *sum, int64_t n, const float *x, const void *b, int64_t k_stride, int64_t depth,
                            const int type)
{
    int64_t k = 0;
    for (; k + STEPS <= depth; k += STEPS)
        add_rows(sum, n, x + k, element(b, k * k_stride, type), k_stride, STEPS, type);
    for (; k < depth; k++) add_rows(sum, n, x + k, element(b, k * k_stride, type), k_stride, 1, type);
}

/* sum[j] += x . b[j] for j < dots; two chains an output hide the latency of the additions. */
ALWAYS_INLINE void add_dots(float *sum, const float *x, const void *b, int64_t out_stride, int64_t depth,
                            const int dots, const int type)
{
    vec total[DOTS][2];
    UNROLL
    for (int j = 0; j < dots; j++) total[j][0] = total[j][1] = vec_set(0);
    int64_t k = 0;
    for (; k + 2 * VEC <= depth; k += 2 * VEC) {
        vec x0 = vec_load(x + k), x1 = vec_load(x + k + VEC);
        UNROLL
        for (int j = 0; j < dots; j++) {
            total[j][0] = vec_fma(x0, load_some(b, j * out_stride + k, VEC, type), total[j][0]);
            total[j][1] = vec_fma(x1, load_some(b, j * out_stride + k + VEC, VEC, type), total[j][1]);
        }
    }
    for (; k < depth; k += VEC) {
        int lanes = (int)min_i64(VEC, depth - k);
        vec x0 = load_some(x, k, lanes, GEMM_F32);
        UNROLL
        for (int j = 0; j < dots; j++)
            total[j][0] = vec_fma(x0, load_some(b, j * out_stride + k, lanes, type), total[j][0]);
    }
    for (int j = 0; j < dots; j++) sum[j] += vec_sum(vec_add(total[j][0], total[j][1]));
}

ALWAYS_INLINE void sum_dots(float *sum, int64_t n, const float *x, const void *b, int64_t out_stride, int64_t depth,
                            const int type)
{
    int64_t j = 0;
    for (; j + DOTS <= n; j += DOTS)
        add_dots(sum + j, x, element(b, j * out_stride, type), out_stride, depth, DOTS, type);
    for (; j < n; j++) add_dots(sum + j, x, element(b, j * out_stride, type), out_stride, depth, 1, type);
}

ALWAYS_INLINE void sum_block(const vector_job *s, float *sum, int64_t n, const float *x, const void *b, int64_t depth,
                             const int type)
{
    if (s->out_stride == 1)
        sum_rows(sum, n, x, b, s->k_stride, depth, type);
    else
        sum_dots(sum, n, x, b, s->out_stride, depth, type);
}

/* The sums of outputs j .. j + n over one range of K. */
static void sum_range(const vector_job *s, int64_t product, int64_t range, int64_t j, int64_t n, float *sum)
{
    float buffer[X_BLOCK] ALIGNED(64);
    int64_t k = s->g->k * range / s->ranges, end = s->g->k * (range + 1) / s->ranges;
    int64_t x_at = batch_offset(s->x_batch, product);
    int64_t at = batch_offset(s->matrix_batch, product) + j * s->out_stride;
    memset(sum, 0, (size_t)n * sizeof(float));
    for (; k < end; k += X_BLOCK) {
        int64_t depth = min_i64(X_BLOCK, end - k);
        const float *x = load_x(s, x_at, k, depth, buffer);
        const void *b = element(s->matrix, at + k * s->k_stride, s->g->dtype);
        if (s->g->dtype == GEMM_F32)
            sum_block(s, sum, n, x, b, depth, GEMM_F32);
        else if (s->g->dtype == GEMM_F16)
            sum_block(s, sum, n, x, b, depth, GEMM_F16);
        else
            sum_block(s, sum, n, x, b, depth, GEMM_BF16);
    }
}

static void finish_outputs(const vector_job *s, int64_t product, int64_t j, int64_t n, const float *sum)
{
    const cpu_gemm *g = s->g;
    gemm_area t = {.c_offset = batch_offset(g->c_batch, product), .d_offset = batch_offset(g->d_batch, product)};
    if (g->m == 1)
        t.col = j, t.cols = n, t.rows = 1;
    else
        t.row = j, t.rows = n, t.cols = 1;
    KERNEL(gemm_finish)(g, &t, sum, 1);
}

static void vector_chunk(void *ctx, int64_t chunk)
{
    const vector_job *s = ctx;
    float sum[OUTPUTS + VEC] ALIGNED(64);
    int64_t block = chunk % s->blocks, range = chunk / s->blocks % s->ranges;
    int64_t product = chunk / s->blocks / s->ranges * s->per_chunk, end = min_i64(product + s->per_chunk, s->g->batch);
    int64_t j = block * s->width, n = min_i64(s->width, s->n - j);
    for (; product < end; product++) {
        sum_range(s, product, range, j, n, sum);
        if (s->partial)
            memcpy(s->partial + (product * s->ranges + range) * s->n + j, sum, (size_t)n * sizeof(float));
        else
            finish_outputs(s, product, j, n, sum);
    }
}

static void add_ranges(const vector_job *s)
{
    for (int64_t product = 0; product < s->g->batch; product++) {
        float *total = s->partial + product * s->ranges * s->n;
        for (int64_t range = 1; range < s->ranges; range++) {
            const float *more = total + range * s->n;
            SIMD
            for (int64_t j = 0; j < s->n; j++) total[j] += more[j];
        }
        finish_outputs(s, product, 0, s->n, total);
    }
}

static void plan(vector_job *s)
{
    int64_t k = s->g->k, batch = s->g->batch;
    s->width = s->out_stride == 1 ? OUTPUTS : min_i64(OUTPUTS, max_i64(1, CHUNK_WORK / k / DOTS) * DOTS);
    s->width = min_i64(s->width, s->n);
    s->blocks = ceil_div(s->n, s->width);
    s->ranges = min_i64(ceil_div(k * s->width, 2 * CHUNK_WORK), ceil_div(MAX_CHUNKS, s->blocks * batch));
    s->per_chunk = s->blocks * s->ranges > 1 ? 1 : min_i64(batch, ceil_div(CHUNK_WORK, s->n * k));
}

bool KERNEL(gemm_vector)(const cpu_gemm *g, cpu_parallel_fn parallel)
{
    vector_job s = {g, g->a, g->b, g->a_batch, g->b_batch, g->a_col, g->b_row, g->b_col, g->n, 0, 0, 0, 0, NULL};
    if (g->m != 1)
        s = (vector_job){g, g->b, g->a, g->b_batch, g->a_batch, g->b_row, g->a_col, g->a_row, g->m, 0, 0, 0, 0, NULL};
    if (s.k_stride != 1 && s.out_stride != 1) return KERNEL(gemm_blocks)(g, parallel);
    plan(&s);
    size_t capacity = 0;
    if (s.ranges > 1) {
        s.partial = block_alloc((size_t)(g->batch * s.ranges * s.n) * sizeof(float), &capacity);
        if (!s.partial) return false;
    }
    int64_t chunks = ceil_div(g->batch, s.per_chunk) * s.blocks * s.ranges;
    if (chunks == 1)
        vector_chunk(&s, 0);
    else
        parallel(chunks, vector_chunk, &s);
    if (s.partial) {
        add_ranges(&s);
        block_free(s.partial, capacity);
    }
    return true;
}
