/* SPDX-License-Identifier: MIT
 *
 * Copies between layouts, and the walks over layouts that other kernels share. */
#ifndef CUDA_COPY_H
#define CUDA_COPY_H

#include "cuda/variant.h"
#include "cuda/kernels/index_args.cuh"

/* Numbers from here on take 64 bits in a kernel. */
#define INDEX_WIDE ((int64_t)1 << 31)

struct index_divider index_divider_of(int64_t n);
/* Merges the dimensions that both layouts (or one: b is NULL) lay out alike. */
struct index_walk index_walk_of(mx_shape shape, const int64_t *a, const int64_t *b);
/* Units of the most bytes (16 at most) in which the walk's elements can be moved, where all of its innermost dimension
 * is adjacent in each layout; `odd` has bits of addresses and steps that the units have to divide too.  Rewrites the
 * walk in units. */
size_t index_walk_widen(struct index_walk *w, int layouts, size_t bytes, uint64_t odd);

/* Strides in elements of `bytes`; the places may not overlap. */
bool cuda_copy_between(cuda_call *c, cu_ptr to, const int64_t *to_strides, cu_ptr from, const int64_t *from_strides,
                       mx_shape shape, size_t bytes);
/* Where x lies row-major: in place or in a scratch copy. */
bool cuda_contiguous(cuda_call *c, mx_array *x, cu_ptr *at);
/* The operand x becomes output 0, in its memory where nobody else needs that.  To be called when nothing that can fail
 * comes before the first launch. */
bool cuda_output_from(cuda_call *c, mx_array *x, cu_ptr *at);

#endif
