/* SPDX-License-Identifier: MIT
 *
 * exp and log of doubles to about 2^-44: intermediate steps of float32 functions, never results of their own.
 *
 * The range is that of floats and a little more.  Reduction as by Cody and Waite, polynomials by Remez
 * (tools/minimax.py). Only operations that SSE2 has for doubles and 64-bit integers: no arithmetic shift, no comparison
 * of 64-bit integers. */
#ifndef CPU_KERNELS_MATH_WIDE_H
#define CPU_KERNELS_MATH_WIDE_H

#include "cpu/kernels/math_bits.h"

/* x = n ln 2 + r; returns r and sets *scale = 2^n.  |x| < 700, a NaN stays in r. */
ALWAYS_INLINE double exp_reduce_wide(double x, double *scale)
{
    double t = MULADD(x, 1.4426950408889634, ROUND_F64), k = t - ROUND_F64;
    *scale = double_of_bits((bits_f64(t) + 1023) << 52);
    double r = MULADD(k, -0x1.62e42fec00000p-1, x); /* 31 bits of ln 2: the product is exact */
    return MULADD(k, -0x1.d1cf79abc9e3bp-32, r);
}

/* e^r - 1 for |r| <= ln 2 / 2 */
ALWAYS_INLINE double expm1_rest_wide(double r)
{
    double q = MULADD(r, 2.7492733809773863e-06, 2.488096722717511e-05);
    q = MULADD(q, r, 0.0001984154071889084);
    q = MULADD(q, r, 0.0013888810830045982);
    q = MULADD(q, r, 0.008333333093201627);
    q = MULADD(q, r, 0.041666666964099985);
    q = MULADD(q, r, 0.16666666667271);
    q = MULADD(q, r, 0.4999999999966124);
    return MULADD(r * r, q, r);
}

ALWAYS_INLINE double exp_wide(double x)
{
    double scale, r = exp_reduce_wide(x, &scale);
    return MULADD(scale, expm1_rest_wide(r), scale);
}

/* (2 / s) atanh(s) for 2 atanh(s) = log(1 + f), s = f / (2 + f) and z = s^2 */
ALWAYS_INLINE double log_series_wide(double z)
{
    double p = MULADD(z, 0.09791730177150372, 0.11088118759068384);
    p = MULADD(p, z, 0.14286053984294067);
    p = MULADD(p, z, 0.19999997816643048);
    p = MULADD(p, z, 0.3333333333788319);
    return MULADD(p, z + z, 2.0);
}

/* x = 2^k (1 + f), 1 + f between sqrt(1/2) and sqrt(2); returns log(1 + f).  x is normal and positive. */
ALWAYS_INLINE double log_split_wide(double x, double *k)
{
    const uint64_t root = 0x3fe6a09e667f3bcdu; /* sqrt(1/2) */
    uint64_t u = bits_f64(x) + (0x3ff0000000000000u - root);
    double m = double_of_bits((u & 0xfffffffffffffu) + root), s = (m - 1.0) / (m + 1.0);
    *k = double_of_bits(u >> 52 | 0x4330000000000000u) - (0x1p52 + 1023.0); /* an integer in the low bits of 2^52 */
    return s * log_series_wide(s * s);
}

ALWAYS_INLINE double log_wide(double x)
{
    double k, y = log_split_wide(x, &k);
    return MULADD(k, 0.69314718055994531, y);
}

ALWAYS_INLINE double log2_wide(double x)
{
    double k, y = log_split_wide(x, &k);
    return MULADD(y, 1.4426950408889634, k);
}

/* log(1 + t) for t > -1: what 1 + t loses of t matters only where the log is near t. */
ALWAYS_INLINE double log1p_wide(double t)
{
    double u = 1.0 + t;
    return log_wide(u) + (t - (u - 1.0));
}

/* atan of 0 <= t <= 1 */
ALWAYS_INLINE double atan_wide(double t)
{
    double z = t * t;
    double p = MULADD(z, 0.00044069435264656266, -0.0033264890338845885);
    p = MULADD(p, z, 0.011778630292103798);
    p = MULADD(p, z, -0.026547728798341625);
    p = MULADD(p, z, 0.04417901793152717);
    p = MULADD(p, z, -0.0605694797529482);
    p = MULADD(p, z, 0.07510506234597387);
    p = MULADD(p, z, -0.09053627646280789);
    p = MULADD(p, z, 0.11106142969135828);
    p = MULADD(p, z, -0.14285320822537734);
    p = MULADD(p, z, 0.1999998421750589);
    p = MULADD(p, z, -0.33333333111003544);
    return MULADD(t * z, p, t);
}

#endif
