/* SPDX-License-Identifier: MIT
 *
 * Kernels of comparisons.  Complex numbers are ordered by real, then imaginary part; false < true. */
#include "cpu/kernels/math_c64.h"
#include "cpu/kernels/rows.h"

#define EQUAL(x, y) ((x) == (y))
#define LESS(x, y) ((x) < (y))
#define LESS_EQUAL(x, y) ((x) <= (y))
#define TEMPLATE "cpu/kernels/compare_tmpl.h"
#include "cpu/kernels/each_real.h"
#define TEMPLATE "cpu/kernels/compare_tmpl.h"
#include "cpu/kernels/each_int.h"
#define T bool
#define NAME(name) name##_bool
#include "cpu/kernels/compare_tmpl.h"
#include "cpu/kernels/each_end.h"
#undef EQUAL
#undef LESS
#undef LESS_EQUAL

#define EQUAL(x, y) equal_c64(x, y)
#define LESS(x, y) less_c64(x, y)
#define LESS_EQUAL(x, y) less_equal_c64(x, y)
#define T c64_t
#define NAME(name) name##_c64
#include "cpu/kernels/compare_tmpl.h"
#include "cpu/kernels/each_end.h"

#define TILES_ALL(name) TILES_REAL(name), TILES_INT(name), TILES_BOOL(name), TILES_COMPLEX(name)
ELEMENTWISE(equal, TILES_ALL(equal))
ELEMENTWISE(not_equal, TILES_ALL(not_equal))
ELEMENTWISE(less, TILES_ALL(less))
ELEMENTWISE(less_equal, TILES_ALL(less_equal))
