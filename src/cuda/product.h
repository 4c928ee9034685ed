/* SPDX-License-Identifier: MIT
 *
 * Matrix products of data on the device: what matmul is made of. */
#ifndef CUDA_PRODUCT_H
#define CUDA_PRODUCT_H

#include "cuda/side.h"

/* A batch of matrices; strides in elements. */
typedef struct cuda_matrix {
    cu_ptr at;
    int64_t row, col, batch[MX_MAX_NDIM];
} cuda_matrix;

/* d (m, n) = alpha a b + beta c + bias for each index of `shape`.  d's columns are adjacent (col is 1). */
typedef struct cuda_product {
    mx_dtype in, out; /* of a and b; of c and d: the same, or float32 for 16-bit floats */
    int64_t m, n, k;
    int ndim; /* of the batch */
    int64_t shape[MX_MAX_NDIM];
    cuda_matrix a, b, c, d; /* c is not read if beta is 0 */
    cu_ptr bias;            /* n values that are added to every row, besides c; 0: none */
    float alpha, beta;
} cuda_product;

/* Collects it.  False: an error is recorded. */
bool cuda_multiply(cuda_call *call, const cuda_product *p);

/* skinny.c: has it a few rows, and a matrix that is read in units of 16 bytes?  Collects such a one. */
bool product_is_skinny(const cuda_product *p);
bool product_skinny(cuda_call *call, const cuda_product *p);

/* Can cuBLASLt read a matrix of these strides where it lies? */
bool product_can_read(int64_t rows, int64_t columns, int64_t row, int64_t col);

#endif
