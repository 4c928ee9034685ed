/* SPDX-License-Identifier: MIT
 *
 * Exact unary rows over float32 and float64.  The sign of NaN is 0, as MLX's. */
#include "cpu/kernels/map_tmpl.h"

UNARY(abs, MATH(abs)(x))
UNARY(neg, -x)
UNARY(sign, (T)((x > 0) - (x < 0)))
UNARY(square, x *x)
UNARY(floor, MATH(floor)(x))
UNARY(ceil, MATH(ceil)(x))
UNARY(round, MATH(rint)(x))
