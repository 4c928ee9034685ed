/* SPDX-License-Identifier: MIT
 *
 * Shift rows over integer types.  A count outside of the type's bits shifts everything out: it leaves 0, or -1 of a
 * negative number shifted right, as NumPy says. */
#include "cpu/kernels/map_tmpl.h"

#define BITS (8 * sizeof(T))
BINARY(left_shift, (uint64_t)y >= BITS ? (T)0 : (T)((uint64_t)x << y))
BINARY(right_shift, (uint64_t)y < BITS ? (T)(x >> y) : x >= 1 || x == 0 ? (T)0 : (T)-1)
#undef BITS
