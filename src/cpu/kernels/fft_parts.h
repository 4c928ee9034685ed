/* SPDX-License-Identifier: MIT
 *
 * What the files of the Fourier transform share: passes over vectors, and lines of points in memory. */
#ifndef CPU_KERNELS_FFT_PARTS_H
#define CPU_KERNELS_FFT_PARTS_H

#include "cpu/fft.h"
#include "cpu/kernels/fft_simd.h"

/* Lines of complex numbers: point j of line l is at 2 * (j * point + l * line) floats from `at`. */
typedef struct fft_lines {
    float *at;
    int64_t point, line;
} fft_lines;

/* What is done: `inverse` exchanges real and imaginary parts on the way in and out, which conjugates the roots. */
typedef struct fft_job {
    const fft_plan *plan;
    fft_lines from, to; /* the same lines, or apart */
    int64_t count;      /* of lines */
    bool inverse;
    float scale;
} fft_job;

/* Vectors in scratch memory are aligned. */
ALWAYS_INLINE int64_t fft_aligned(int64_t bytes)
{
    return (bytes + 63) & ~(int64_t)63;
}

/* The transform of x by the passes of a plan of lines; the result is in x or y, which is returned. */
cvec *KERNEL(fft_passes)(const fft_plan *plan, cvec *x, cvec *y);

/* Bytes of scratch memory for one line (or VEC of them), and the transforms of all lines of a job; a plan of lines runs
 * them across, the others one after the other. */
int64_t KERNEL(fft_scratch)(const fft_plan *plan);
void KERNEL(fft_run)(const fft_job *job, void *scratch, bool threaded);

#endif
