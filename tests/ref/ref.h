/* SPDX-License-Identifier: MIT
 *
 * References: what each op should give, in naive loops over doubles.  They share no code with src/, only the parameter
 * structs of core/params/.  Numbers of floating and complex dtypes are in re and im; integers and bools are in `whole`
 * (uint64 as its bits) and, rounded, in re as well. */
#ifndef TESTS_REF_REF_H
#define TESTS_REF_REF_H

#include "mica/types.h"
#include <complex.h>
#include <math.h>

typedef struct ref_array {
    mx_dtype dtype;
    int ndim;
    int64_t shape[MX_MAX_NDIM];
    int64_t size;
    double *re, *im; /* im is all zero for real dtypes */
    int64_t *whole;  /* exact values of integers and bools */
    /* Outputs only: the magnitude that rounding errors grow from where it is more than |result|, as sum |terms| for a
     * sum. All zero at first. */
    double *scale;
} ref_array;

/* One application of an op.  The outputs have their shape and dtype; the reference writes `whole` where the dtype is an
 * integer or bool (excess bits are cut off by the harness), else re and im (rounded to the dtype by the harness). */
typedef struct ref_call {
    const void *params; /* of the op, or of the sample for a composed function; NULL if there are none */
    const ref_array *in;
    ref_array *out;
    int nin, nout;
} ref_call;
typedef void (*ref_fn)(const ref_call *c);

static inline bool is_whole(const ref_array *a)
{
    return !mx_dtype_is(a->dtype, MX_INEXACT);
}
/* uint64 is the one dtype whose `whole` must be read as unsigned. */
static inline bool is_unsigned(const ref_array *a)
{
    return mx_dtype_is(a->dtype, MX_UNSIGNED_INTEGER);
}

/* The multi-index of the i-th element, row-major, and the way back. */
void index_unravel(const ref_array *a, int64_t i, int64_t index[MX_MAX_NDIM]);
int64_t index_ravel(const ref_array *a, const int64_t *index);
/* Where element i of `out` comes from in `a`, broadcast to out's shape. */
int64_t index_broadcast(const ref_array *out, int64_t i, const ref_array *a);
/* Copies element `from` of a to element `to` of out, whatever the dtype. */
void copy_element(ref_array *out, int64_t to, const ref_array *a, int64_t from);

/* Not re + im * I, which makes NaN of an infinite part. */
double complex complex_of(double re, double im);

/* Elementwise references in a line: what to do with reals, complex numbers and whole numbers (NULL: never asked).  What
 * is returned goes to `whole` or to re and im, as the output's dtype wants it. */
typedef struct ref_unary {
    double (*on_real)(double x);
    double complex (*on_complex)(double complex x);
    int64_t (*on_whole)(int64_t x, bool is_unsigned);
} ref_unary;
typedef struct ref_binary {
    double (*on_real)(double a, double b);
    double complex (*on_complex)(double complex a, double complex b);
    int64_t (*on_whole)(int64_t a, int64_t b, bool is_unsigned);
} ref_binary;
void ref_each(const ref_call *c, ref_unary f);
void ref_each_pair(const ref_call *c, ref_binary f);

#endif
