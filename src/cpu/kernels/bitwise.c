/* SPDX-License-Identifier: MIT
 *
 * Kernels of bitwise ops and shifts. */
#include "cpu/kernels/rows.h"

#define TEMPLATE "cpu/kernels/bitwise_tmpl.h"
#include "cpu/kernels/each_size.h"
#define TEMPLATE "cpu/kernels/shift_tmpl.h"
#include "cpu/kernels/each_int.h"

ELEMENTWISE(bitwise_and, TILES_BY_SIZE(and))
ELEMENTWISE(bitwise_or, TILES_BY_SIZE(or))
ELEMENTWISE(bitwise_xor, TILES_BY_SIZE(xor))
ELEMENTWISE(left_shift, TILES_INT(left_shift))
ELEMENTWISE(right_shift, TILES_INT(right_shift))
