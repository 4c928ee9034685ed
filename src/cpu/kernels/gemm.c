/* SPDX-License-Identifier: MIT
 *
 * Entry of the matrix product: takes the cases apart in which blocks would cost more than the product. */
#include "cpu/kernels/gemm_parts.h"

enum {
    TINY_WORK = 256,       /* multiply-adds up to which no packing pays */
    THIN_MATRIX = 1 << 17, /* elements of B */
    OUTER_COLS = 4096,     /* of an outer product that a chunk takes at a time, as floats on its stack */
    OUTER_WORK = 1 << 16,  /* results of an outer product that make a chunk; smaller ones go with the blocks */
};

/* The same chain over k as the micro-kernel's, so a product has the same bits whichever way it goes. */
ALWAYS_INLINE void tiny(const cpu_gemm *g, int64_t product, const int type)
{
    const void *a = element(g->a, batch_offset(g->a_batch, product), type);
    const void *b = element(g->b, batch_offset(g->b_batch, product), type);
    int64_t c_at = batch_offset(g->c_batch, product), d_at = batch_offset(g->d_batch, product);
    bool with_d = g->d && g->beta != 0;
    for (int64_t i = 0; i < g->m; i++) {
        for (int64_t j = 0; j < g->n; j++) {
            float sum = 0;
            for (int64_t k = 0; k < g->k; k++) {
                float x = load_one(a, i * g->a_row + k * g->a_col, type);
                float y = load_one(b, k * g->b_row + j * g->b_col, type);
#if defined LEVEL_BASE
                sum = x * y + sum;
#else
                sum = FMA(x, y, sum);
#endif
            }
            sum *= g->alpha;
            if (with_d) sum += g->beta * load_one(g->d, d_at + i * g->d_row + j * g->d_col, type);
            store_one(g->c, c_at + i * g->c_row + j, sum, type);
        }
    }
    area_done(g, product, 0, g->m, 0, g->n);
}

/* No products: C = beta * D. */
static void addend_only(const cpu_gemm *g)
{
    static const float zeros[VEC] ALIGNED(64);
    cpu_gemm scaled = *g;
    scaled.alpha = 0;
    for (int64_t product = 0; product < g->batch; product++) {
        gemm_area t = {0, 0, 1, 0, batch_offset(g->c_batch, product), batch_offset(g->d_batch, product)};
        for (t.row = 0; t.row < g->m; t.row++) {
            for (t.col = 0; t.col < g->n; t.col += VEC) {
                t.cols = min_i64(VEC, g->n - t.col);
                KERNEL(gemm_finish)(&scaled, &t, zeros, 0);
            }
        }
        area_done(g, product, 0, g->m, 0, g->n);
    }
}

/* k = 1: nothing is summed, so all the time goes into writing C, and that is fastest row by row. */
typedef struct outer_job {
    const cpu_gemm *g;
    int64_t rows, chunks; /* of a chunk, of a product */
} outer_job;

ALWAYS_INLINE void outer_row(float *sum, float x, const float *b, int64_t n)
{
    int64_t j = 0;
    for (; j + VEC <= n; j += VEC) vec_store(sum + j, vec_fma(vec_set(x), vec_load(b + j), vec_set(0)));
    if (j < n) vec_store_n(sum + j, vec_fma(vec_set(x), vec_load_n(b + j, (int)(n - j)), vec_set(0)), (int)(n - j));
}

static void outer_chunk(void *ctx, int64_t chunk)
{
    const outer_job *job = ctx;
    const cpu_gemm *g = job->g;
    float b[OUTER_COLS + VEC] ALIGNED(64), sum[OUTER_COLS] ALIGNED(64);
    bool plain = g->dtype == GEMM_F32 && g->alpha == 1 && !(g->d && g->beta != 0);
    int64_t product = chunk / job->chunks, first = chunk % job->chunks * job->rows;
    int64_t end = min_i64(first + job->rows, g->m);
    const void *a = element(g->a, batch_offset(g->a_batch, product), g->dtype);
    gemm_area t = {
        .rows = 1, .c_offset = batch_offset(g->c_batch, product), .d_offset = batch_offset(g->d_batch, product)};
    for (t.col = 0; t.col < g->n; t.col += OUTER_COLS) {
        int64_t b_at = batch_offset(g->b_batch, product) + t.col * g->b_col;
        t.cols = min_i64(OUTER_COLS, g->n - t.col);
        for (int64_t j = 0; j < t.cols; j++) b[j] = load_one(g->b, b_at + j * g->b_col, g->dtype);
        for (t.row = first; t.row < end; t.row++) {
            float x = load_one(a, t.row * g->a_row, g->dtype);
            float *to = plain ? (float *)g->c + t.c_offset + t.row * g->c_row + t.col : sum;
            outer_row(to, x, b, t.cols);
            if (!plain) KERNEL(gemm_finish)(g, &t, sum, OUTER_COLS);
            area_done(g, product, t.row, 1, t.col, t.cols);
        }
    }
}

static void outer(const cpu_gemm *g, cpu_parallel_fn parallel)
{
    outer_job job = {.g = g, .rows = min_i64(g->m, ceil_div(OUTER_WORK, g->n))};
    job.chunks = ceil_div(g->m, job.rows);
    parallel(g->batch * job.chunks, outer_chunk, &job);
}

/* Several rows: where the matrix does not stay in L2, to pack it is what takes the time.  Pairs of bfloat16 are packed
 * faster than they are multiplied here, if they lie together. */
static bool prefers_thin(const cpu_gemm *g)
{
    if (g->m == 1 || g->n == 1) return true;
    if (g->m > FEW_ROWS || g->n * g->k < THIN_MATRIX) return false;
    bool pairs = g->b_row == 1 && KERNEL(gemm_choose_method)(g->dtype).k_per_step > 1;
    return !pairs || g->m <= FEW_ROWS / 2;
}

bool KERNEL(gemm)(const cpu_gemm *g, cpu_parallel_fn parallel)
{
    if (g->m <= 0 || g->n <= 0 || g->batch <= 0) return true;
    if (g->k <= 0) {
        addend_only(g);
        return true;
    }
    if (g->m * g->n * g->k <= TINY_WORK && g->batch <= TINY_WORK) {
        for (int64_t i = 0; i < g->batch; i++) {
            if (g->dtype == GEMM_F32)
                tiny(g, i, GEMM_F32);
            else if (g->dtype == GEMM_F16)
                tiny(g, i, GEMM_F16);
            else
                tiny(g, i, GEMM_BF16);
        }
        return true;
    }
    if (g->k == 1 && g->m * g->n >= OUTER_WORK) {
        outer(g, parallel);
        return true;
    }
    return prefers_thin(g) ? KERNEL(gemm_thin)(g, parallel) : KERNEL(gemm_blocks)(g, parallel);
}
