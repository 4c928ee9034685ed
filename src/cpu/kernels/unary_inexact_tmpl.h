/* SPDX-License-Identifier: MIT
 *
 * Unary rows over float32, float64 and complex64. */
#include "cpu/kernels/map_tmpl.h"

UNARY(sqrt, MATH(sqrt)(x))
UNARY(rsqrt, MATH(rsqrt)(x))
UNARY(reciprocal, MATH(reciprocal)(x))
UNARY(exp, MATH(exp)(x))
UNARY(log, MATH(log)(x))
UNARY(log2, MATH(log2)(x))
UNARY(log10, MATH(log10)(x))
UNARY(log1p, MATH(log1p)(x))
UNARY(sinh, MATH(sinh)(x))
UNARY(cosh, MATH(cosh)(x))
UNARY(tanh, MATH(tanh)(x))
UNARY(arcsin, MATH(asin)(x))
UNARY(arccos, MATH(acos)(x))
UNARY(arctan, MATH(atan)(x))
UNARY(arcsinh, MATH(asinh)(x))
UNARY(arccosh, MATH(acosh)(x))
UNARY(arctanh, MATH(atanh)(x))
