/* SPDX-License-Identifier: MIT
 *
 * Kernels of elementwise ops with three operands. */
#include "cpu/kernels/rows.h"

#define TEMPLATE "cpu/kernels/ternary_tmpl.h"
#include "cpu/kernels/each_size.h"

ELEMENTWISE(where, TILES_BY_SIZE(where), [MX_FLOAT16] = where_tile_2, [MX_BFLOAT16] = where_tile_2)
