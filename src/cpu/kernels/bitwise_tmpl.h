/* SPDX-License-Identifier: MIT
 *
 * Bitwise rows over words of a size. */
#include "cpu/kernels/map_tmpl.h"

BINARY(and, x &y)
BINARY(or, x | y)
BINARY(xor, x ^ y)
