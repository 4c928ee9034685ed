/* SPDX-License-Identifier: MIT
 *
 * complex64 functions for the kernels: C99 float _Complex behind our own struct.
 *
 * Products and quotients follow Annex G of C99, as MLX's do: an infinite operand gives an infinite result even where
 * the plain formula says NaN.  What C99 lacks, and what its float versions lose, is computed in double. */
#ifndef CPU_KERNELS_MATH_C64_H
#define CPU_KERNELS_MATH_C64_H

#include <complex.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/compiler.h"
#include "core/complex.h"

#undef I /* the name is wanted elsewhere; C99 spells it _Complex_I too */

ALWAYS_INLINE float _Complex c99_of_c64(c64_t z)
{
    float _Complex w;
    memcpy(&w, &z, sizeof w);
    return w;
}

ALWAYS_INLINE c64_t c64_of_c99(float _Complex w)
{
    c64_t z;
    memcpy(&z, &w, sizeof z);
    return z;
}

/* Through double: the parts are narrowed one by one, never multiplied. */
ALWAYS_INLINE double _Complex wide_of_c64(c64_t z)
{
    double parts[2] = {z.re, z.im};
    double _Complex w;
    memcpy(&w, parts, sizeof w);
    return w;
}

ALWAYS_INLINE c64_t c64_of_wide(double _Complex w)
{
    return (c64_t){(float)creal(w), (float)cimag(w)};
}

ALWAYS_INLINE c64_t add_c64(c64_t a, c64_t b)
{
    return (c64_t){a.re + b.re, a.im + b.im};
}
ALWAYS_INLINE c64_t sub_c64(c64_t a, c64_t b)
{
    return (c64_t){a.re - b.re, a.im - b.im};
}
ALWAYS_INLINE c64_t neg_c64(c64_t a)
{
    return (c64_t){-a.re, -a.im};
}
ALWAYS_INLINE c64_t conj_c64(c64_t a)
{
    return (c64_t){a.re, -a.im};
}

/* The plain formula, for SIMD loops over finite numbers. */
ALWAYS_INLINE c64_t mul_plain_c64(c64_t a, c64_t b)
{
    return (c64_t){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

ALWAYS_INLINE c64_t mul_c64(c64_t a, c64_t b)
{
    return c64_of_c99(c99_of_c64(a) * c99_of_c64(b));
}
ALWAYS_INLINE c64_t div_c64(c64_t a, c64_t b)
{
    return c64_of_c99(c99_of_c64(a) / c99_of_c64(b));
}
ALWAYS_INLINE c64_t square_c64(c64_t z)
{
    return mul_c64(z, z);
}
ALWAYS_INLINE c64_t reciprocal_c64(c64_t z)
{
    return div_c64((c64_t){1, 0}, z);
}

ALWAYS_INLINE float abs_c64(c64_t z)
{
    return hypotf(z.re, z.im);
}
ALWAYS_INLINE float arg_c64(c64_t z)
{
    return atan2f(z.im, z.re);
}

/* z / |z|, and 0 at 0 */
ALWAYS_INLINE c64_t sign_c64(c64_t z)
{
    double size = sqrt((double)z.re * z.re + (double)z.im * z.im);
    return size == 0 ? z : (c64_t){(float)(z.re / size), (float)(z.im / size)};
}

/* Order: by real, then by imaginary part; NaN compares false. */
ALWAYS_INLINE bool equal_c64(c64_t a, c64_t b)
{
    return a.re == b.re && a.im == b.im;
}
ALWAYS_INLINE bool less_c64(c64_t a, c64_t b)
{
    return a.re < b.re || (a.re == b.re && a.im < b.im);
}
ALWAYS_INLINE bool less_equal_c64(c64_t a, c64_t b)
{
    return less_c64(a, b) || equal_c64(a, b);
}

#define LIBM_C64(name, function)                                                                                       \
    ALWAYS_INLINE c64_t name##_c64(c64_t z)                                                                            \
    {                                                                                                                  \
        return c64_of_c99(function(c99_of_c64(z)));                                                                    \
    }
LIBM_C64(exp, cexpf)
LIBM_C64(log, clogf)
LIBM_C64(sqrt, csqrtf)
LIBM_C64(sin, csinf)
LIBM_C64(cos, ccosf)
LIBM_C64(tan, ctanf)
LIBM_C64(sinh, csinhf)
LIBM_C64(cosh, ccoshf)
LIBM_C64(tanh, ctanhf)
LIBM_C64(asin, casinf)
LIBM_C64(acos, cacosf)
LIBM_C64(atan, catanf)
LIBM_C64(asinh, casinhf)
LIBM_C64(acosh, cacoshf)
LIBM_C64(atanh, catanhf)
#undef LIBM_C64

ALWAYS_INLINE c64_t rint_c64(c64_t z)
{
    return (c64_t){rintf(z.re), rintf(z.im)};
}

ALWAYS_INLINE c64_t log2_c64(c64_t z)
{
    double _Complex w = clog(wide_of_c64(z));
    return (c64_t){(float)(creal(w) * 1.4426950408889634), (float)(cimag(w) * 1.4426950408889634)};
}

ALWAYS_INLINE c64_t log10_c64(c64_t z)
{
    double _Complex w = clog(wide_of_c64(z));
    return (c64_t){(float)(creal(w) * 0.43429448190325182), (float)(cimag(w) * 0.43429448190325182)};
}

/* |1 + z|^2 = 1 + (re (2 + re) + im^2): the products of floats are exact in double.  Near -1 it is the sum 1 + re that
 * is. */
ALWAYS_INLINE c64_t log1p_c64(c64_t z)
{
    double re = z.re, im = z.im, sum = 1.0 + re;
    double excess = isinf(z.im) ? (double)INFINITY : (re + re) + (re * re + im * im);
    double size = excess < -0.5 ? log(hypot(sum, im)) : 0.5 * log1p(excess);
    return (c64_t){(float)size, (float)atan2(im, sum)};
}

ALWAYS_INLINE c64_t rsqrt_c64(c64_t z)
{
    return reciprocal_c64(sqrt_c64(z));
}
/* 0^0 is libm's NaN, as in MLX. */
ALWAYS_INLINE c64_t pow_c64(c64_t z, c64_t w)
{
    return c64_of_wide(cpow(wide_of_c64(z), wide_of_c64(w)));
}

/* The exponential is taken where it cannot overflow. */
ALWAYS_INLINE c64_t sigmoid_c64(c64_t z)
{
    bool left = z.re < 0;
    double _Complex e = cexp(wide_of_c64(left ? z : neg_c64(z)));
    return c64_of_wide((left ? e : 1.0) / (1.0 + e));
}

ALWAYS_INLINE c64_t logaddexp_c64(c64_t a, c64_t b)
{
    c64_t high = less_c64(a, b) ? b : a, low = less_c64(a, b) ? a : b;
    if (high.re == INFINITY || low.re == -INFINITY) return high;
    return add_c64(high, log1p_c64(exp_c64(sub_c64(low, high))));
}

#endif
