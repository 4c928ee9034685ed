/* SPDX-License-Identifier: MIT
 *
 * Indices as kernels read them, for gathers and scatters. */
#ifndef CUDA_INDEX_H
#define CUDA_INDEX_H

#include "cuda/copy.h"
#include "core/op.h"

/* As in kernels/index.cuh. */
int index_kind(mx_dtype dtype);
/* The places of points that the inputs from `first` on name along the axes of x, for blocks of `sizes`; strides are
 * those of what the places lie in.  False: an error is recorded. */
bool index_places_of(cuda_call *c, struct index_places *p, const mx_array *x, const int64_t *strides, int first,
                     const param_axes *axes, const int64_t *sizes, bool clamp);
/* The places in a row-major x that the elements of an input name along an axis. */
bool index_places_along(cuda_call *c, struct index_places *p, const mx_array *x, int input, int axis, bool clamp);
/* The bits of all steps, in bytes; the places in units of so many elements. */
uint64_t index_places_step_bits(const struct index_places *p, size_t bytes);
void index_places_in_units(struct index_places *p, int64_t elements);

#endif
