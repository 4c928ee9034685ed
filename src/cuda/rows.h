/* SPDX-License-Identifier: MIT
 *
 * What the heads of kernels on rows of adjacent elements share. */
#ifndef CUDA_ROWS_H
#define CUDA_ROWS_H

#include "cuda/variant.h"
#include "cuda/kernels/row_args.cuh"

/* Sets n, rows, lanes and vectors for rows of the last axis of x; the addresses are set already.  True: a row is too
 * long for registers. */
bool rows_plan(row_args *a, const mx_array *x);
/* Threads for a row of n elements. */
int rows_lanes(int64_t n, int64_t bytes);
/* Blocks of all rows, and threads of each. */
int64_t rows_blocks(const row_args *a);
unsigned rows_threads(const row_args *a);

#endif
