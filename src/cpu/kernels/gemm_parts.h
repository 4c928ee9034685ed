/* SPDX-License-Identifier: MIT
 *
 * The parts of the matrix product, one SIMD level at a time:
 *   gemm.c         entry: empty, tiny and thin cases, else blocks
 *   gemm_blocks.c  blocks of K and N, what is packed where, chunks
 *   gemm_pack.c    operands to float32 panels in the order in which the micro-kernel reads
 *   gemm_micro.c   a register tile, and its way to C
 *   gemm_thin.c    few rows or one column: no reuse, so memory bandwidth is all that counts */
#ifndef CPU_KERNELS_GEMM_PARTS_H
#define CPU_KERNELS_GEMM_PARTS_H

#include "cpu/gemm.h"
#include "cpu/kernels/gemm_simd.h"

/* The register tile is TILE_ROWS x TILE_COLS: 28 of 32, 12 of 16 and 8 of 16 registers accumulate.  A panel of A
 * (TILE_ROWS x BLOCK_K) stays in L1 while panels of B stream from L2; GROUP panels share each visit of a panel of B. */
#if defined LEVEL_AVX512
enum { TILE_ROWS = 14, BLOCK_K = 384, GROUP = 1 };
#elif defined LEVEL_AVX2
enum { TILE_ROWS = 6, BLOCK_K = 384, GROUP = 4 };
#else
enum { TILE_ROWS = 4, BLOCK_K = 384, GROUP = 4 };
#endif
enum { TILE_COLS = 2 * VEC };

/* How a product is packed and multiplied.  K runs in steps of `k_per_step` elements, each one float of a panel.
 *
 * pack lays lanes of an operand (rows of A, columns of B) side by side for each step:
 * out[step * out_row + lane] = x[lane * lane_stride + k * k_stride].  lanes <= VEC, depth counts k.  A row of `out` may
 * be written up to VEC lanes wide: what lies beyond `lanes` is zero or from the operand, and is overwritten by the next
 * row.
 *
 * micro does c (+)= a b over `steps`: a has `rows` (1..TILE_ROWS) floats a step, b `vecs` (1, 2) vectors, each step
 * b_row floats on.  `add` keeps what c holds. */
typedef struct {
    int k_per_step;
    void (*pack)(float *out, int64_t out_row, const void *x, int64_t lane_stride, int64_t k_stride, int lanes,
                 int64_t depth, int type);
    void (*micro)(int rows, int vecs, int64_t steps, const float *a, const float *b, int64_t b_row, float *c,
                  int64_t c_row, bool add);
} gemm_method;

/* Operands become float32.  Where the CPU multiplies pairs of bfloat16 and adds them in float32 (AVX512_BF16), bfloat16
 * is packed as it is, two k in a step, at twice the speed; subnormals then count as zero. */
void KERNEL(gemm_pack)(float *out, int64_t out_row, const void *x, int64_t lane_stride, int64_t k_stride, int lanes,
                       int64_t depth, int type);
void KERNEL(gemm_pack_pairs)(float *out, int64_t out_row, const void *x, int64_t lane_stride, int64_t k_stride,
                             int lanes, int64_t depth, int type);
gemm_method KERNEL(gemm_choose_method)(int type);

/* C[rows, cols] of one product, from `row`, `col` on = alpha * sum + beta * D, rounded to the dtype.  c_offset and
 * d_offset are those of the product. */
typedef struct {
    int64_t row, col, rows, cols;
    int64_t c_offset, d_offset;
} gemm_area;
void KERNEL(gemm_finish)(const cpu_gemm *g, const gemm_area *area, const float *sum, int64_t sum_row);

ALWAYS_INLINE void area_done(const cpu_gemm *g, int64_t product, int64_t row, int64_t rows, int64_t col, int64_t cols)
{
    if (g->epilogue && rows > 0) g->epilogue(g->epilogue_ctx, &(cpu_area){product, row, rows, col, cols});
}

/* All that has m, n, k >= 1. */
bool KERNEL(gemm_blocks)(const cpu_gemm *g, cpu_parallel_fn parallel);

/* m <= FEW_ROWS or n == 1: gemm_blocks where no stride of the matrix is 1. */
enum { FEW_ROWS = 8 };
bool KERNEL(gemm_thin)(const cpu_gemm *g, cpu_parallel_fn parallel);

ALWAYS_INLINE int64_t batch_offset(const int64_t *offsets, int64_t product)
{
    return offsets ? offsets[product] : 0;
}
ALWAYS_INLINE int64_t min_i64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}
ALWAYS_INLINE int64_t max_i64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}
ALWAYS_INLINE int64_t ceil_div(int64_t a, int64_t b)
{
    return (a + b - 1) / b;
}

#endif
