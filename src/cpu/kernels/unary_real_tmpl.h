/* SPDX-License-Identifier: MIT
 *
 * Unary rows over float32 and float64. */
#include "cpu/kernels/map_tmpl.h"

UNARY(exp, MATH(exp)(x))
