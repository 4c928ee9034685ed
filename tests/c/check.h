/* SPDX-License-Identifier: MIT
 *
 * What a test file needs: samples of ops, to which the harness applies the laws (tests/README.md lists them), and
 * TEST for special cases.
 *
 * A sample is one expression around one op, made through the public API, and what goes in: shapes, ranges, dtypes. */
#ifndef TESTS_C_CHECK_H
#define TESTS_C_CHECK_H

#include "core/compiler.h"
#include "mica.h"
#include "../ref/ref.h"

/* ---- Sets of dtypes */
#define DTYPE(dtype) (1u << (dtype))
enum {
    BOOLS = DTYPE(MX_BOOL),
    UNSIGNED = DTYPE(MX_UINT8) | DTYPE(MX_UINT16) | DTYPE(MX_UINT32) | DTYPE(MX_UINT64),
    SIGNED = DTYPE(MX_INT8) | DTYPE(MX_INT16) | DTYPE(MX_INT32) | DTYPE(MX_INT64),
    INTS = UNSIGNED | SIGNED,
    HALVES = DTYPE(MX_FLOAT16) | DTYPE(MX_BFLOAT16),
    FLOATS = HALVES | DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT64),
    COMPLEX = DTYPE(MX_COMPLEX64),
    INEXACT = FLOATS | COMPLEX,
    REALS = BOOLS | INTS | FLOATS,
    ALL = REALS | COMPLEX,
};

/* ---- Inputs */
enum { SAMPLE_INPUTS = 4, SAMPLE_NDIM = 6 };

typedef enum input_kind {
    INPUT_NONE,
    INPUT_RANGE,   /* random in [low, high]; integers: the whole numbers in it */
    INPUT_SPECIAL, /* NaN, infinities, zeros of both signs, subnormals, the largest; all bits of integers */
} input_kind;

typedef struct op_input {
    input_kind kind;
    int ndim;
    int64_t shape[SAMPLE_NDIM];
    double low, high;
    bool fixed; /* `dtype` holds, whatever dtype the sample runs with */
    mx_dtype dtype;
} op_input;

#define DIMS_OF(...) .ndim = (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), .shape = {__VA_ARGS__}
/* IN(3, 4): values in [-2, 2], integers in [-9, 9]. */
#define IN(...)                                                                                                        \
    {                                                                                                                  \
        .kind = INPUT_RANGE, DIMS_OF(__VA_ARGS__)                                                                      \
    }
#define IN_SCALAR                                                                                                      \
    {                                                                                                                  \
        .kind = INPUT_RANGE                                                                                            \
    }
#define IN_RANGE(from, to, ...)                                                                                        \
    {                                                                                                                  \
        .kind = INPUT_RANGE, .low = (from), .high = (to), DIMS_OF(__VA_ARGS__)                                         \
    }
/* A dtype of its own: indices, masks, conditions. */
#define IN_OF(type, from, to, ...)                                                                                     \
    {                                                                                                                  \
        .kind = INPUT_RANGE, .low = (from), .high = (to), .fixed = true, .dtype = (type), DIMS_OF(__VA_ARGS__)         \
    }
/* A 0-d integer. */
#define IN_INDEX_SCALAR(from, to)                                                                                      \
    {                                                                                                                  \
        .kind = INPUT_RANGE, .low = (from), .high = (to), .fixed = true, .dtype = MX_INT32                             \
    }
#define IN_INDEX(from, to, ...) IN_OF(MX_INT32, from, to, __VA_ARGS__)
#define IN_MASK(...) IN_OF(MX_BOOL, 0, 1, __VA_ARGS__)
#define IN_SPECIAL(...)                                                                                                \
    {                                                                                                                  \
        .kind = INPUT_SPECIAL, DIMS_OF(__VA_ARGS__)                                                                    \
    }

/* ---- Samples */
enum {
    NULL_ALLOWED = 1, /* some array argument may be NULL: the law of errors does not apply */
    NO_GRAD = 2,      /* not differentiable at these inputs: ties, steps */
    NO_VMAP = 4,      /* not to be batched: the result depends on the whole (random keys) */
    FULL_ONLY = 8,    /* too slow for every commit: runs with --full */
    ANY_ORDER = 16, /* sums whose order depends on the inputs' strides: the law of layouts allows twice the epsilons */
};

typedef struct op_sample {
    const char *what;
    mx_array *(*apply)(mx_array *const *in);
    op_input in[SAMPLE_INPUTS];
    unsigned dtypes; /* a run for each */
    /* The error allowed, in epsilons of the result's dtype times max(|result|, scale).  0: exactly the reference,
     * rounded once; right for integers, movement, comparisons, + - * / and sqrt. */
    double eps;
    unsigned flags;
    const void *params; /* composed functions only: what their reference is told */
} op_sample;

/* Every op X of core/ops.def has, or the tests do not link:
 *     const op_sample samples_X[] = { { "what", apply, {IN(3, 4)}, FLOATS }, { 0 } };     in tests/c/test_<family>.c
 *     void ref_X(const ref_call *c);                                                      in tests/ref/<family>.c */
#define OP(name)                                                                                                       \
    extern const op_sample samples_##name[];                                                                           \
    void ref_##name(const ref_call *c);
#include "core/ops.def"
#undef OP

/* The same for a public function that is a composition of ops: in the test file,
 *     static const op_sample mean_samples[] = { ... };
 *     COMPOSED(mean, mean_samples, ref_mean)
 * Its reference gets the sample's inputs and the sample's params. */
typedef struct composed_function {
    const char *name;
    const op_sample *samples;
    ref_fn ref;
    struct composed_function *next;
} composed_function;
void check_add_function(composed_function *f);
#define COMPOSED(function_name, function_samples, function_ref)                                                        \
    CONSTRUCTOR static void add_function_##function_name(void)                                                         \
    {                                                                                                                  \
        static composed_function f = {#function_name, function_samples, function_ref, NULL};                           \
        check_add_function(&f);                                                                                        \
    }

/* ---- Special cases
 *
 * TEST(name) { ... } runs in a scope of its own and fails if a CHECK does, if it leaves an error pending, or if it
 * leaks.  A failed CHECK is printed and the test goes on. */
typedef struct test_case {
    const char *name, *file;
    void (*run)(void);
    struct test_case *next;
} test_case;
void check_add_test(test_case *t);
#define TEST(test_name)                                                                                                \
    static void test_##test_name(void);                                                                                \
    CONSTRUCTOR static void add_test_##test_name(void)                                                                 \
    {                                                                                                                  \
        static test_case t = {#test_name, __FILE__, test_##test_name, NULL};                                           \
        check_add_test(&t);                                                                                            \
    }                                                                                                                  \
    static void test_##test_name(void)

bool check_that(bool ok, const char *file, int line, const char *format, ...) PRINTF_LIKE(4, 5);
bool check_error(bool failed, mx_code code, const char *start, const char *file, int line, const char *text);
bool check_values(mx_array *x, const double *want, int count, double tolerance, const char *file, int line);
bool check_shape(mx_array *x, mx_shape want, mx_dtype dtype, const char *file, int line);

#define CHECK(condition) check_that((condition), __FILE__, __LINE__, "%s", #condition)
/* The call fails (NULL or false) with a message that begins so, and, for the second, with this code. */
#define CHECK_ERROR(call, start) check_error(!(call), MX_OK, start, __FILE__, __LINE__, #call)
#define CHECK_CODE(call, code, start) check_error(!(call), code, start, __FILE__, __LINE__, #call)
/* The elements of x, row-major: CHECK_VALUES(mx_neg(x), 1e-6, 1, 2, 3). */
#define CHECK_VALUES(x, tolerance, ...)                                                                                \
    check_values(x, (const double[]){__VA_ARGS__}, (int)(sizeof((const double[]){__VA_ARGS__}) / sizeof(double)),      \
                 tolerance, __FILE__, __LINE__)
#define CHECK_SHAPE(x, shape, dtype) check_shape(x, shape, dtype, __FILE__, __LINE__)

/* Equal dtypes, sizes and bits; any NaN is as good as another. */
bool same_bits(mx_array *a, mx_array *b);
/* A small array for special cases, random in [low, high] by the seed; a temporary. */
mx_array *check_random(mx_shape shape, mx_dtype dtype, double low, double high, uint64_t seed);
/* The nodes that live, to compare before and after; only differences mean anything, modulo a slab. */
int64_t check_live_nodes(void);
bool check_is_full(void); /* --full */
/* Waits for all streams: a worker lets go of its last tape after the readers have gone on. */
void check_synchronize(void);

#endif
