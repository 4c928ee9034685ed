/* SPDX-License-Identifier: MIT
 *
 * Entry of the matrix product: takes the cases apart in which blocks would cost more than the product. */
#include "cpu/kernels/gemm_parts.h"

enum {
    TINY_WORK = 256,       /* multiply-adds up to which no packing pays */
    THIN_MATRIX = 1 << 17, /* elements of B */
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
    }
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
    return prefers_thin(g) ? KERNEL(gemm_thin)(g, parallel) : KERNEL(gemm_blocks)(g, parallel);
}
