/* SPDX-License-Identifier: MIT
 *
 * Unary rows over float32 and float64 only. */
UNARY(expm1, MATH(expm1)(x))
UNARY(erf, MATH(erf)(x))
UNARY(erfinv, MATH(erfinv)(x))
UNARY(sigmoid, MATH(sigmoid)(x))
