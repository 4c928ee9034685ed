/* SPDX-License-Identifier: MIT
 *
 * Complex numbers in vectors, for Fourier transforms: a point is a vector of real parts and one of imaginary parts, a lane
 * for each transform that runs.  Shuffles between this and pairs of floats in memory. */
#ifndef CPU_KERNELS_FFT_SIMD_H
#define CPU_KERNELS_FFT_SIMD_H

#include "cpu/kernels/gemm_simd.h"

typedef struct cvec {
    vec re, im;
} cvec;

#if defined LEVEL_AVX512
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30
#define ODD 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31
#define LOW 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define HIGH 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
enum { VEC_LOG2 = 4 };
#elif defined LEVEL_AVX2
#define EVEN 0, 2, 4, 6, 8, 10, 12, 14
#define ODD 1, 3, 5, 7, 9, 11, 13, 15
#define LOW 0, 8, 1, 9, 2, 10, 3, 11
#define HIGH 4, 12, 5, 13, 6, 14, 7, 15
enum { VEC_LOG2 = 3 };
#else
#define EVEN 0, 2, 4, 6
#define ODD 1, 3, 5, 7
#define LOW 0, 4, 1, 5
#define HIGH 2, 6, 3, 7
enum { VEC_LOG2 = 2 };
#endif

/* VEC complex numbers in a row, and back. */
ALWAYS_INLINE cvec cvec_load(const float *p)
{
    vec a = vec_load(p), b = vec_load(p + VEC);
    return (cvec){SHUFFLE(a, b, EVEN), SHUFFLE(a, b, ODD)};
}
ALWAYS_INLINE void cvec_store(float *p, cvec x)
{
    vec_store(p, SHUFFLE(x.re, x.im, LOW));
    vec_store(p + VEC, SHUFFLE(x.re, x.im, HIGH));
}
ALWAYS_INLINE cvec cvec_add(cvec x, cvec y)
{
    return (cvec){x.re + y.re, x.im + y.im};
}
ALWAYS_INLINE cvec cvec_sub(cvec x, cvec y)
{
    return (cvec){x.re - y.re, x.im - y.im};
}
/* -i x */
ALWAYS_INLINE cvec cvec_turn(cvec x)
{
    return (cvec){x.im, -x.re};
}
ALWAYS_INLINE cvec cvec_mul(cvec x, vec re, vec im)
{
    return (cvec){vec_fma(-x.im, im, x.re * re), vec_fma(x.im, re, x.re * im)};
}
ALWAYS_INLINE cvec cvec_twiddle(cvec x, const float *w)
{
    return cvec_mul(x, vec_set(w[0]), vec_set(w[1]));
}

/* Rows and columns of VEC vectors exchanged: as many perfect shuffles as VEC has bits. */
ALWAYS_INLINE void transpose(vec *x)
{
    vec y[VEC];
    UNROLL
    for (int round = 0; round < VEC_LOG2; round++) {
        UNROLL
        for (int i = 0; i < VEC / 2; i++) {
            y[2 * i] = SHUFFLE(x[i], x[i + VEC / 2], LOW);
            y[2 * i + 1] = SHUFFLE(x[i], x[i + VEC / 2], HIGH);
        }
        UNROLL
        for (int i = 0; i < VEC; i++) x[i] = y[i];
    }
}

#endif
