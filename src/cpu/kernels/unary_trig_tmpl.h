/* SPDX-License-Identifier: MIT
 *
 * Trigonometric rows of the types that have no tile function of their own. */
UNARY(sin, MATH(sin)(x))
UNARY(cos, MATH(cos)(x))
UNARY(tan, MATH(tan)(x))
