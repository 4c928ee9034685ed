/* SPDX-License-Identifier: MIT
 *
 * Plans of Fourier transforms: how a number of points is cut into passes, and the roots of unity that these need.  Made
 * once, in double, for all levels; kept in a list of the process, so that the next transform of that size finds them. */
#ifndef CPU_FFT_H
#define CPU_FFT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { FFT_MAX_PRIME = 61, FFT_MAX_PASSES = 40 };

/* One pass of Stockham's algorithm: n = radix * m * s, s the product of the radices before it. */
typedef struct fft_pass {
    int radix;
    int64_t m, s;
    const float *twiddle; /* [p][k - 1] = exp(-2 pi i p k / (radix m)), p < m, 0 < k < radix */
    const float *roots;   /* exp(-2 pi i k / radix): of odd radices over 5 */
} fft_pass;

typedef enum fft_kind {
    FFT_LINES, /* passes over vectors that hold a point of several transforms each; no prime over FFT_MAX_PRIME */
    FFT_SPLIT, /* n = columns * rows, each by FFT_LINES: Bailey's four steps */
    FFT_CHIRP, /* any n, as a convolution of m points: Bluestein */
    FFT_REAL,  /* roots for the transform of 2 n reals as n complex numbers */
} fft_kind;

typedef struct fft_plan fft_plan;
struct fft_plan {
    fft_kind kind;
    int lanes; /* of a vector */
    int64_t n;
    _Atomic int32_t refs;
    int64_t bytes;  /* of all that it holds itself */
    fft_plan *next; /* in the list */
    fft_pass passes[FFT_MAX_PASSES];
    int pass_count;
    fft_plan *columns, *rows;
    float *groups;     /* SPLIT: [j / lanes][k] = exp(-2 pi i (j - j % lanes) k / n), k < columns->n, j < rows->n */
    float *in_group;   /* SPLIT: [k], lanes real parts and lanes imaginary ones: exp(-2 pi i l k / n), l < lanes */
    fft_plan *wide;    /* CHIRP: of m points */
    float *chirp;      /* CHIRP: exp(-pi i j j / n), j < n.  REAL: exp(-pi i j / n), j <= n */
    float *spectrum;   /* CHIRP: the transform of the conjugate chirp, over m */
    float *tables[64]; /* to be freed: passes, then the others */
    int table_count;
};

/* How a transform of n points that lie side by side runs, and one of many lines across. */
fft_kind fft_kind_of(int64_t n, bool across);
/* A reference; NULL: an error is recorded. */
fft_plan *fft_plan_get(int64_t n, int lanes, fft_kind kind);
void fft_plan_drop(fft_plan *plan);

#endif
