/* SPDX-License-Identifier: MIT
 *
 * Reductions by layout: what the heads of reductions, norms and scans share. */
#ifndef CUDA_REDUCE_H
#define CUDA_REDUCE_H

#include "cuda/side.h"
#include "cuda/kernels/reduce_args.cuh"

/* A reduction of x over its last `count` axes into output 0. */
bool cuda_reduce(cuda_call *c, int kind, mx_array *x, int count);
/* ---- The same in steps, for a kernel that computes the elements: x's strides are those of a value that is nowhere. */
void cuda_reduce_plan(reduce_args *a, int kind, const mx_array *x, const mx_array *out, int count);
int64_t cuda_reduce_blocks(const reduce_args *a);
int64_t cuda_reduce_width(const reduce_args *a, int kind, uint8_t dtype); /* elements of a load, if they are adjacent */
static inline bool cuda_reduce_is_whole(const reduce_args *a)
{
    return a->outer_chunks * a->inner_chunks == 1;
}
/* Else room for what the first pass writes, as a->out; then what makes results of that. */
bool cuda_reduce_partial(cuda_call *c, int kind, uint8_t dtype, reduce_args *a);
bool cuda_reduce_finish(cuda_call *c, int kind, uint8_t dtype, const reduce_args *a, cu_ptr out);

/* Lanes for each of `rows` adjacent rows of n elements, and whether they load vectors.  False: rows are folded in
 * chunks. */
bool cuda_reduce_rows(int64_t rows, int64_t n, int64_t bytes, int *lanes, bool *vectors);
/* Rows of accumulators (float32 for halves) at `in`, `stride` elements apart, added up: n adjacent results of the dtype
 * at `out`. */
bool cuda_add_rows(cuda_call *c, uint8_t dtype, cu_ptr in, int64_t rows, int64_t stride, int64_t n, cu_ptr out);

#endif
