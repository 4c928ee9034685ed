/* SPDX-License-Identifier: MIT
 *
 * float64 functions for the kernels, under the names of math_f32.h.
 *
 * exp, log and sigmoid are branch-free for SIMD loops (at most 2 ulp; methods and polynomials as in math_f32.h); the
 * others are libm's, called element by element: float64 is the precise dtype here, not the fast one. */
#ifndef CPU_KERNELS_MATH_F64_H
#define CPU_KERNELS_MATH_F64_H

#include <float.h>

#include "cpu/kernels/math_bits.h"
#include "cpu/kernels/math_f32.h"

#define LIBM_F64(name)                                                                                                 \
    ALWAYS_INLINE double name##_f64(double x)                                                                          \
    {                                                                                                                  \
        return name(x);                                                                                                \
    }
LIBM_F64(exp2)
LIBM_F64(expm1)
LIBM_F64(log2)
LIBM_F64(log10)
LIBM_F64(log1p)
LIBM_F64(sin)
LIBM_F64(cos)
LIBM_F64(tan)
LIBM_F64(sinh)
LIBM_F64(cosh)
LIBM_F64(tanh)
LIBM_F64(asin)
LIBM_F64(acos)
LIBM_F64(atan)
LIBM_F64(asinh)
LIBM_F64(acosh)
LIBM_F64(atanh)
LIBM_F64(erf)
LIBM_F64(sqrt)
LIBM_F64(rint)
LIBM_F64(floor)
LIBM_F64(ceil)
LIBM_F64(trunc)
#undef LIBM_F64

ALWAYS_INLINE double rsqrt_f64(double x)
{
    return 1.0 / sqrt(x);
}
ALWAYS_INLINE double pow_f64(double x, double y)
{
    return pow(x, y);
}
ALWAYS_INLINE double atan2_f64(double y, double x)
{
    return atan2(y, x);
}

/* 2^n for an integer n between -1022 and 1023 held in a double */
ALWAYS_INLINE double power_of_two_f64(double n)
{
    return double_of_bits((bits_f64(n + ROUND_F64) + 1023) << 52);
}

ALWAYS_INLINE double exp_f64(double x)
{
    x = x > 710.0 ? 710.0 : x;
    x = x < -746.0 ? -746.0 : x;
    double k = MULADD(x, 1.4426950408889634, ROUND_F64) - ROUND_F64;
    double r = MULADD(k, -0x1.62e42fecp-1, x); /* 31 bits of ln 2: the product is exact */
    r = MULADD(k, -0x1.d1cf79abc9e3bp-32, r);
    double q = MULADD(r, 2.0826539391981193e-09, 2.5112146046980924e-08);
    q = MULADD(q, r, 2.755758276471291e-07);
    q = MULADD(q, r, 2.7557234554484974e-06);
    q = MULADD(q, r, 2.4801586924689536e-05);
    q = MULADD(q, r, 0.0001984126989668493);
    q = MULADD(q, r, 0.0013888888889117168);
    q = MULADD(q, r, 0.008333333333316916);
    q = MULADD(q, r, 0.04166666666666609);
    q = MULADD(q, r, 0.16666666666666682);
    q = MULADD(q, r, 0.5);
    double y = 1.0 + MULADD(r * r, q, r), half = (k * 0.5 + ROUND_F64) - ROUND_F64;
    return y * power_of_two_f64(half) * power_of_two_f64(k - half); /* in two steps: subnormal and infinite results */
}

/* With s = f / (2 + f): log(1 + f) = 2 atanh(s) = f - s (f - R), R = 2 s^2 (1/3 + s^2/5 + ...); only the small term has
 * the error of s. */
ALWAYS_INLINE double log_f64(double x)
{
    const uint64_t root = 0x3fe6a09e667f3bcdu; /* sqrt(1/2) */
    double big = x < DBL_MIN ? x * 0x1p54 : x, less = x < DBL_MIN ? 54.0 : 0.0;
    uint64_t u = bits_f64(big) + (0x3ff0000000000000u - root);
    double f = double_of_bits((u & 0xfffffffffffffu) + root) - 1.0, s = f / (2.0 + f), z = s * s;
    double k = double_of_bits(u >> 52 | 0x4330000000000000u) - (0x1p52 + 1023.0) - less;
    double p = MULADD(z, 0.07397764271617059, 0.07657046918531304);
    p = MULADD(p, z, 0.09091781291377414);
    p = MULADD(p, z, 0.11111099303922643);
    p = MULADD(p, z, 0.14285714371018515);
    p = MULADD(p, z, 0.19999999999708168);
    p = MULADD(p, z, 0.3333333333333367);
    double low = s * (f - (z + z) * p) - k * 0x1.d1cf79abc9e3bp-32;
    double y = k * 0x1.62e42fecp-1 + (f - low);
    y = x > 0.0 ? y : (x == 0.0 ? -(double)INFINITY : (double)NAN);
    return x < (double)INFINITY ? y : x;
}

ALWAYS_INLINE double sigmoid_f64(double x)
{
    double e = exp_f64(-abs_f64(x));
    return (x < 0.0 ? e : 1.0) / (1.0 + e);
}

/* log(e^x + e^y) */
ALWAYS_INLINE double logaddexp_f64(double x, double y)
{
    double high = x > y ? x : y, low = x > y ? y : x;
    double r = low > -(double)INFINITY && high < (double)INFINITY ? high + log1p(exp(low - high)) : high;
    return x == x && y == y ? r : x + y;
}

/* From the float32 value, two steps of Halley's method on erf, or on erfc where 1 - |x| says more. */
static inline double erfinv_f64(double x)
{
    double a = abs_f64(x);
    if (!(a < 1.0)) return a == 1.0 ? x * (double)INFINITY : (double)NAN;
    if (a < 1e-9) return x * 0.88622692545275801;
    double y = a < 0.999999 ? (double)erfinv_f32((float)a) : sqrt(-log((1.0 - a) * (1.7724538509055159 * 3.5)));
    for (int i = 0; i < (a < 0.999999 ? 2 : 5); i++) {
        double error = a < 0.5 ? erf(y) - a : (1.0 - a) - erfc(y);
        double step = error / (1.1283791670955126 * exp(-y * y));
        y -= step / (1.0 + y * step);
    }
    return with_sign_f64(y, x);
}

#endif
