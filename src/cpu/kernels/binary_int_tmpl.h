/* SPDX-License-Identifier: MIT
 *
 * Binary rows over integer types.  They are added and multiplied as unsigned, so that they wrap; the least integer over
 * -1 wraps too instead of trapping. */
#include "cpu/kernels/map_tmpl.h"

/* -1 is the largest value of an unsigned type. */
#define IS_MINUS_ONE(y) ((T)-1 < 1 && (y) == (T)-1)

ALWAYS_INLINE T NAME(quotient)(T x, T y)
{
    if (y == 0) return 0;
    return IS_MINUS_ONE(y) ? (T)(0 - (uint64_t)x) : (T)(x / y);
}

/* Has the sign of the divisor. */
ALWAYS_INLINE T NAME(floored_mod)(T x, T y)
{
    if (y == 0 || IS_MINUS_ONE(y)) return 0;
    T r = (T)(x % y);
    return r != 0 && (r > 0) != (y > 0) ? (T)(r + y) : r;
}

/* By squaring; a negative exponent gives 0. */
ALWAYS_INLINE T NAME(power_of)(T x, T y)
{
    uint64_t product = 1, square = (uint64_t)x, rest = (uint64_t)y;
    if (!(y > 0)) return y == 0;
    for (; rest; rest >>= 1) {
        product *= rest & 1 ? square : 1;
        square *= square;
    }
    return (T)product;
}

BINARY(add, (T)((uint64_t)x + (uint64_t)y))
BINARY(sub, (T)((uint64_t)x - (uint64_t)y))
BINARY(mul, (T)((uint64_t)x *(uint64_t)y))
BINARY(floor_div, NAME(quotient)(x, y))
BINARY(remainder, NAME(floored_mod)(x, y))
BINARY(power, NAME(power_of)(x, y))
BINARY(maximum, x > y ? x : y)
BINARY(minimum, x < y ? x : y)
#undef IS_MINUS_ONE
