/* SPDX-License-Identifier: MIT
 *
 * Kernels of binary elementwise ops. */
#include "cpu/kernels/rows.h"

#define ADD(x, y) ((x) + (y))
#define MUL(x, y) ((x) * (y))
#define TEMPLATE "cpu/kernels/binary_arith_tmpl.h"
#include "cpu/kernels/each_real.h"
#undef ADD
#undef MUL

#define ADD(x, y) (T)((uint64_t)(x) + (uint64_t)(y))
#define MUL(x, y) (T)((uint64_t)(x) * (uint64_t)(y))
#define TEMPLATE "cpu/kernels/binary_arith_tmpl.h"
#include "cpu/kernels/each_int.h"

ELEMENTWISE(add, TILES_REAL(add), TILES_INT(add))
ELEMENTWISE(mul, TILES_REAL(mul), TILES_INT(mul))
