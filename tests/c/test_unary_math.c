/* SPDX-License-Identifier: MIT
 *
 * Elementwise functions with one operand: roots, exponentials, logarithms, trigonometry.  2 ulp are promised in
 * float32; the functions of libm that complex64 uses lose more. */
#include "check.h"

/* A function with the range in which it is smooth. */
#define REAL_FUNCTION(name, low, high, ...)                                                                            \
    static mx_array *name##_of(mx_array *const *x)                                                                     \
    {                                                                                                                  \
        return mx_##name(x[0]);                                                                                        \
    }                                                                                                                  \
    const op_sample samples_##name[] = {                                                                               \
        {"a matrix", name##_of, {IN_RANGE(low, high, 3, 5)}, FLOATS, 4},                                               \
        {"integers", name##_of, {IN_RANGE(low, high, 3, 5)}, INTS | BOOLS, 4},                                         \
        {"special values", name##_of, {IN_SPECIAL(30, 30)}, FLOATS, 4},                                                \
        {"nothing", name##_of, {IN(3, 0)}, REALS, 4},                                                                  \
        {"many elements", name##_of, {IN_RANGE(low, high, 3, 50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16), 4},       \
        __VA_ARGS__{0},                                                                                                \
    };
/* ... that takes complex numbers too; the derivative of some is not the transpose of their jvp, as in MLX (NO_GRAD). */
#define FUNCTION(name, low, high, complex_flags)                                                                       \
    REAL_FUNCTION(name, low, high, {"complex", name##_of, {IN_RANGE(low, high, 3, 5)}, COMPLEX, 24, complex_flags},    \
                  {"a scalar", name##_of, {IN_RANGE_SCALAR(low, high)}, INEXACT, 24, complex_flags}, )
#define IN_RANGE_SCALAR(from, to)                                                                                      \
    {                                                                                                                  \
        .kind = INPUT_RANGE, .low = (from), .high = (to)                                                               \
    }

FUNCTION(sqrt, 0.1, 4, NO_GRAD)
FUNCTION(rsqrt, 0.1, 4, NO_GRAD)
FUNCTION(reciprocal, 0.3, 3, 0)
REAL_FUNCTION(exp, -2, 2, {"complex", exp_of, {IN_RANGE(-2, 2, 3, 5)}, COMPLEX, 24},
              {"wide range", exp_of, {IN_RANGE(-80, 80, 61, 67)}, FLOATS, 4, NO_GRAD}, )
FUNCTION(log, 0.2, 4, 0)
FUNCTION(log2, 0.2, 4, 0)
FUNCTION(log10, 0.2, 4, 0)
FUNCTION(log1p, -0.7, 3, 0)
FUNCTION(sin, -3, 3, 0)
FUNCTION(cos, -3, 3, NO_GRAD)
FUNCTION(tan, -1.2, 1.2, 0)
FUNCTION(sinh, -3, 3, 0)
FUNCTION(cosh, -3, 3, 0)
FUNCTION(tanh, -3, 3, 0)
FUNCTION(arcsin, -0.9, 0.9, NO_GRAD)
FUNCTION(arccos, -0.9, 0.9, NO_GRAD)
FUNCTION(arctan, -0.9, 0.9, NO_GRAD)
FUNCTION(arcsinh, -4, 4, NO_GRAD)
FUNCTION(arccosh, 1.2, 5, NO_GRAD)
FUNCTION(arctanh, -0.9, 0.9, NO_GRAD)
REAL_FUNCTION(expm1, -2, 2, {"wide range", expm1_of, {IN_RANGE(-80, 80, 61, 67)}, FLOATS, 4, NO_GRAD}, )
REAL_FUNCTION(erf, -3, 3)
REAL_FUNCTION(erfinv, -0.9, 0.9)
REAL_FUNCTION(sigmoid, -5, 5, {"wide range", sigmoid_of, {IN_RANGE(-80, 80, 61, 67)}, FLOATS, 4}, )

TEST(functions_keep_floats_and_make_ints_float32)
{
    CHECK_SHAPE(mx_exp(check_random(SHAPE(4), MX_BFLOAT16, -1, 1, 1)), SHAPE(4), MX_BFLOAT16);
    CHECK_SHAPE(mx_exp(check_random(SHAPE(4), MX_INT8, 0, 3, 1)), SHAPE(4), MX_FLOAT32);
    CHECK_SHAPE(mx_sigmoid(mx_bool(true)), SCALAR_SHAPE, MX_FLOAT32);
}

TEST(real_functions_refuse_complex_numbers)
{
    mx_array *z = mx_complex(1, 2);
    CHECK_CODE(mx_expm1(z), MX_VALUE, "[expm1]");
    CHECK_CODE(mx_erf(z), MX_VALUE, "[erf]");
    CHECK_CODE(mx_erfinv(z), MX_VALUE, "[erfinv]");
    CHECK_CODE(mx_sigmoid(z), MX_VALUE, "[sigmoid]");
}

/* The tile functions take a slow path where one argument of a tile is huge. */
TEST(sines_of_huge_arguments)
{
    mx_array *x = mx_from_data((float[]){1e30f, 0.5f, -1e10f}, SHAPE(3), MX_FLOAT32);
    CHECK_VALUES(mx_sin(x), 1e-7, sin((double)1e30f), sin(0.5), sin(-1e10));
    CHECK_VALUES(mx_cos(x), 1e-7, cos((double)1e30f), cos(0.5), cos(-1e10));
    CHECK_VALUES(mx_tan(x), 1e-6, tan((double)1e30f), tan(0.5), tan(-1e10));
}
