/* SPDX-License-Identifier: MIT
 *
 * Reductions by layout: what the heads of reductions, norms and scans share. */
#ifndef CUDA_REDUCE_H
#define CUDA_REDUCE_H

#include "cuda/side.h"
#include "cuda/kernels/reduce_args.cuh"

/* A reduction of x over its last `count` axes into output 0. */
bool cuda_reduce(cuda_call *c, int kind, mx_array *x, int count);
/* Lanes for each of `rows` adjacent rows of n elements, and whether they load vectors.  False: rows are folded in
 * chunks. */
bool cuda_reduce_rows(int64_t rows, int64_t n, int64_t bytes, int *lanes, bool *vectors);
/* Rows of accumulators (float32 for halves) at `in`, `stride` elements apart, added up: n adjacent results of the dtype
 * at `out`. */
bool cuda_add_rows(cuda_call *c, uint8_t dtype, cu_ptr in, int64_t rows, int64_t stride, int64_t n, cu_ptr out);

#endif
