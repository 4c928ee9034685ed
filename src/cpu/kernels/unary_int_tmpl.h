/* SPDX-License-Identifier: MIT
 *
 * Unary rows over integer types.  They wrap, so they are computed as unsigned; an unsigned x is never below 0, so that
 * the same rows serve both. */
#include "cpu/kernels/map_tmpl.h"

UNARY(abs, x > 0 ? x : (T)(0 - (uint64_t)x))
UNARY(neg, (T)(0 - (uint64_t)x))
UNARY(sign, x > 0 ? (T)1 : x == 0 ? (T)0 : (T)-1)
UNARY(square, (T)((uint64_t)x *(uint64_t)x))
UNARY(invert, (T)~x)
