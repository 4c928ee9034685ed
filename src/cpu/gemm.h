/* SPDX-License-Identifier: MIT
 *
 * The matrix product of the CPU backend: C = alpha * (A B) + beta * D over a batch of independent products, for float32
 * and the two 16-bit floats.  Built once per SIMD level from cpu/kernels/gemm*.c.
 *
 * Products are accumulated in float32 over the whole K and rounded once, to nearest even; subnormal bfloat16 may count
 * as zero, for there are instructions that do so.  The order of the sum and the
 * chunks depend on sizes, strides and the level only, so the bits do not depend on the number of threads. */
#ifndef CPU_GEMM_H
#define CPU_GEMM_H

#include <stdbool.h>
#include <stdint.h>

enum gemm_type { GEMM_F32, GEMM_F16, GEMM_BF16 }; /* the 16-bit types are their bits in a uint16_t */

/* Part of the result of one product. */
typedef struct {
    int64_t product, row, rows, col, cols;
} cpu_area;

/* Strides and offsets are in elements and may be zero or negative, except that C's rows lie apart and its columns are
 * adjacent.  C overlaps no operand.  D is not read when beta is 0. */
typedef struct {
    int64_t m, n, k;
    int64_t batch;                                        /* number of products, may be 0 */
    const int64_t *a_batch, *b_batch, *c_batch, *d_batch; /* each product's offset, or NULL: all 0 */
    const void *a;
    int64_t a_row, a_col;
    const void *b;
    int64_t b_row, b_col;
    void *c;
    int64_t c_row;
    const void *d; /* NULL: no addend */
    int64_t d_row, d_col;
    float alpha, beta;
    int dtype; /* enum gemm_type, of all four matrices */
    /* What else happens to results while they are in the cache, or NULL: called by any thread on areas of C that are
     * final; each element is in one of them. */
    void (*epilogue)(void *ctx, const cpu_area *area);
    void *epilogue_ctx;
} cpu_gemm;

/* Runs fn(ctx, 0), ..., fn(ctx, chunks - 1) in any order on any threads and waits for all. */
typedef void (*cpu_chunk_fn)(void *ctx, int64_t chunk);
typedef void (*cpu_parallel_fn)(int64_t chunks, cpu_chunk_fn fn, void *ctx);

/* False when scratch memory cannot be had: the error is recorded and C is untouched. */
bool cpu_gemm_base(const cpu_gemm *g, cpu_parallel_fn parallel);
bool cpu_gemm_avx2(const cpu_gemm *g, cpu_parallel_fn parallel);
bool cpu_gemm_avx512(const cpu_gemm *g, cpu_parallel_fn parallel);

#endif
