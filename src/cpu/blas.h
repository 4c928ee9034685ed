/* SPDX-License-Identifier: MIT
 *
 * OpenBLAS, opened at run time: float64 and complex64 products, and LAPACK. */
#ifndef CPU_BLAS_H
#define CPU_BLAS_H

#include <stdbool.h>
#include <stdint.h>

/* Row-major C (m, n) = alpha A B + beta C; `transposed` operands are read as columns.  Leading dimensions in elements.
 * False: an error is recorded. */
typedef struct blas_product {
    bool complex64; /* else float64 */
    bool a_transposed, b_transposed;
    int64_t m, n, k, lda, ldb, ldc;
    const void *a, *b;
    void *c;
    double alpha, beta;
} blas_product;
bool blas_gemm(const blas_product *p);
/* Sets the function pointer at `function` to its function of that name; leaves it, if there is none. */
void blas_find(const char *name, void *function);
/* The name of its core ("SkylakeX"), or why there is none. */
const char *blas_core(void);

#endif
