/* SPDX-License-Identifier: MIT
 *
 * Arithmetic rows over real and integer types.  Integers wrap: they are added as unsigned. */
#include "cpu/kernels/map_tmpl.h"

BINARY(add, ADD(x, y))
BINARY(mul, MUL(x, y))
