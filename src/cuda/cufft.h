/* SPDX-License-Identifier: MIT
 *
 * Fourier transforms by cuFFT. */
#ifndef CUDA_CUFFT_H
#define CUDA_CUFFT_H

#include "cuda/side.h"

/* `batch` transforms of n points along lines: points are `stride` apart, lines `distance`, in elements of each side's own
 * type.  A transform from reals or to them may spoil its input. */
typedef struct cufft_lines {
    cu_ptr at;
    int64_t stride, distance;
} cufft_lines;
typedef struct cufft_transform {
    cu_enum type; /* FFT_C2C, ... */
    bool inverse;
    int64_t n, batch;
    cufft_lines from, to;
} cufft_transform;

/* Is there a library?  What is missing is said once. */
bool cufft_is_there(cuda_call *c);
bool cufft_collect(cuda_call *c, const cufft_transform *t);

#endif
