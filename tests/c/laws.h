/* SPDX-License-Identifier: MIT
 *
 * The inside of the harness: a case (one sample with one dtype), arrays of numbers on the test's side, and the laws. */
#ifndef TESTS_C_LAWS_H
#define TESTS_C_LAWS_H

#include "check.h"
#include "core/memory.h"
#include "core/op.h"
#include <stdio.h>

/* ---- Numbers (values.c) */
enum { TEXT = 512 };
typedef ref_array numbers;

numbers numbers_new(int ndim, const int64_t *shape, mx_dtype dtype);
numbers numbers_copy(const numbers *a);
void numbers_free(numbers *a);
/* Reads an array, evaluating it, element by element through its strides; false: a pending error. */
bool numbers_read(mx_array *x, numbers *out);
void numbers_random(numbers *a, const op_input *how, uint64_t seed);
/* Numbers i, i + step, ... of a as one smaller array: slice `at` of the axis 0. */
numbers numbers_slice(const numbers *a, int64_t at);

/* The largest finite magnitude. */
double numbers_largest(const numbers *a);
/* Sets `scale` to the largest magnitude, at least `least`: for comparing two results that both keep a tolerance. */
void numbers_scale(numbers *a, double least);

/* How an array lies in memory; all say the same. */
typedef enum layout {
    ROW_MAJOR,
    COLUMN_MAJOR,
    GAPS,     /* every second element of the last axis, from an odd offset */
    REVERSED, /* negative strides on all axes */
    LAYOUT_COUNT
} layout;
extern const char *const layout_names[LAYOUT_COUNT];
/* Arrays made by hand over a buffer, so that no op of the library has a part in them.  Temporaries. */
mx_array *numbers_array(const numbers *a, layout how);
/* Stride 0 along `axis`, along which the values must be equal. */
mx_array *numbers_array_repeated(const numbers *a, int axis);

double dtype_eps(mx_dtype dtype);  /* of the real parts; 0 for integers and bools */
double dtype_tiny(mx_dtype dtype); /* the smallest subnormal */
double dtype_round(double x, mx_dtype dtype);
void dtype_encode(void *to, mx_dtype dtype, double re, double im, int64_t whole);
void dtype_decode(const void *from, mx_dtype dtype, double *re, double *im, int64_t *whole);
int64_t whole_wrap(int64_t whole, mx_dtype dtype);

/* False and a text if they differ: in any bit (but all NaN are one), or by more than eps epsilons of max(|want|,
 * scale). */
bool numbers_same(const numbers *got, const numbers *want, char text[TEXT]);
bool numbers_near(const numbers *got, const numbers *want, double eps, char text[TEXT]);
uint64_t random_bits(uint64_t *state); /* splitmix64 (Steele, Lea, Flood 2014) */
double random_in(uint64_t *state, double low, double high);

/* ---- Cases */
typedef struct law_case {
    const char *name;
    const mx_op *op; /* NULL: a composed function */
    const op_sample *sample;
    ref_fn ref;
    mx_dtype dtype;
    int nin;
    numbers in[SAMPLE_INPUTS];
    const char *law; /* for messages */
} law_case;

enum { BIG = 20000 }; /* elements: more is for values, layouts and levels only */
bool case_is_big(const law_case *c);
bool case_is_special(const law_case *c);
/* The largest magnitude that goes in: what a result near zero may be the difference of. */
double case_magnitude(const law_case *c);
/* All inputs as arrays of one layout. */
void case_arrays(const law_case *c, const numbers *in, layout how, mx_array **out);
/* The sample on these numbers, evaluated and read; false: a pending error. */
bool case_run(const law_case *c, const numbers *in, numbers *out);
/* Reports a failure and returns false; a pending error is told and cleared. */
bool law_fail(const law_case *c, const char *format, ...) PRINTF_LIKE(2, 3);
/* The first node of the op in the graph of x, breadth first; NULL if there is none. */
mx_array *find_node(mx_array *x, const mx_op *op);

/* The sample as a function of those inputs that a derivative can be taken by; the others are held. */
typedef struct case_function {
    const law_case *c;
    mx_array *in[SAMPLE_INPUTS];
    int slot[SAMPLE_INPUTS], n;
} case_function;
void case_function_floats(const law_case *c, case_function *f);
bool case_function_call(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout);
bool case_is_differentiable(const law_case *c);

/* ---- Laws: true if it holds, or has nothing to say of the case */
bool law_values(law_case *c);
bool law_layouts(law_case *c);
bool law_donation(law_case *c);
bool law_null(law_case *c);
bool law_jvp(law_case *c);
bool law_transpose(law_case *c);
bool law_vmap(law_case *c);
bool law_program(law_case *c);
bool law_fusion(law_case *c);
bool torture_case(law_case *c);

/* Calls `visit` for each case that the filters choose. */
void each_case(bool smallest_only, void (*visit)(law_case *c, void *ctx), void *ctx);
void count_result(bool ok);

/* Other processes (laws_process.c): outputs of all cases into a file, and two such files compared. */
bool record_outputs(const char *path);
int compare_levels(int argc, char **argv);
int compare_threads(int argc, char **argv);

#endif
