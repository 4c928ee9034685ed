/* SPDX-License-Identifier: MIT
 *
 * Binary rows over float32 and float64. */
#include "cpu/kernels/map_tmpl.h"

/* A remainder has the sign of the divisor. */
ALWAYS_INLINE T NAME(floored_mod)(T x, T y)
{
    T r = (T)(sizeof(T) == sizeof(float) ? fmodf((float)x, (float)y) : fmod((double)x, (double)y));
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}

BINARY(add, x + y)
BINARY(sub, x - y)
BINARY(mul, x *y)
BINARY(div, x / y)
BINARY(floor_div, MATH(floor)(x / y))
BINARY(remainder, NAME(floored_mod)(x, y))
BINARY(power, MATH(pow)(x, y))
BINARY(maximum, x > y || x != x ? x : y)
BINARY(minimum, x < y || x != x ? x : y)
BINARY(logaddexp, MATH(logaddexp)(x, y))
BINARY(arctan2, MATH(atan2)(x, y))
