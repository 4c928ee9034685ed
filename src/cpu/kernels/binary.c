/* SPDX-License-Identifier: MIT
 *
 * Kernels of binary arithmetic.  Integers wrap, and a quotient or remainder by zero is zero; bools are computed as
 * integers and are then "not 0". */
#include "cpu/kernels/math_c64.h"
#include "cpu/kernels/math_f32.h"
#include "cpu/kernels/math_f64.h"
#include "cpu/kernels/rows.h"

#define TEMPLATE "cpu/kernels/binary_real_tmpl.h"
#include "cpu/kernels/each_real.h"
#define TEMPLATE "cpu/kernels/binary_int_tmpl.h"
#include "cpu/kernels/each_int.h"

/* The larger by real, then imaginary part; a NaN wins. */
ALWAYS_INLINE bool has_nan(c64_t z)
{
    return z.re != z.re || z.im != z.im;
}

#define T c64_t
#define NAME(name) name##_c64
#include "cpu/kernels/map_tmpl.h"
BINARY(add, add_c64(x, y))
BINARY(sub, sub_c64(x, y))
BINARY(mul, mul_c64(x, y))
BINARY(div, div_c64(x, y))
BINARY(power, pow_c64(x, y))
BINARY(maximum, has_nan(x) || (!has_nan(y) && less_c64(y, x)) ? x : y)
BINARY(minimum, has_nan(x) || (!has_nan(y) && less_c64(x, y)) ? x : y)
BINARY(logaddexp, logaddexp_c64(x, y))
#include "cpu/kernels/each_end.h"

#define T bool
#define NAME(name) name##_bool
#include "cpu/kernels/map_tmpl.h"
BINARY(or, x | y)
BINARY(and, x &y)
BINARY(xor, x != y)
BINARY(none, (bool)(x & !x & y))
BINARY(power, x | !y)
#include "cpu/kernels/each_end.h"

#define TILES_ARITHMETIC(name) TILES_REAL(name), TILES_INT(name), TILES_COMPLEX(name)
CHAINED(add, TILES_ARITHMETIC(add), [MX_BOOL] = or_tile_bool)
CHAINED(sub, TILES_ARITHMETIC(sub), [MX_BOOL] = xor_tile_bool)
CHAINED(mul, TILES_ARITHMETIC(mul), [MX_BOOL] = and_tile_bool)
CHAINED(div, TILES_REAL(div), TILES_COMPLEX(div))
ELEMENTWISE(floor_div, TILES_REAL(floor_div), TILES_INT(floor_div), [MX_BOOL] = and_tile_bool)
ELEMENTWISE(remainder, TILES_REAL(remainder), TILES_INT(remainder), [MX_BOOL] = none_tile_bool)
ELEMENTWISE(power, TILES_ARITHMETIC(power), TILES_BOOL(power))
CHAINED(maximum, TILES_ARITHMETIC(maximum), [MX_BOOL] = or_tile_bool)
CHAINED(minimum, TILES_ARITHMETIC(minimum), [MX_BOOL] = and_tile_bool)
ELEMENTWISE(logaddexp, TILES_REAL(logaddexp), TILES_COMPLEX(logaddexp))
ELEMENTWISE(arctan2, TILES_REAL(arctan2))
