/* SPDX-License-Identifier: MIT
 *
 * What the vectorisable math functions are made of: bit casts, sign handling and the multiply-add of a level.
 *
 * The functions are branch-free scalars that the compiler turns into vectors inside a SIMD loop, so selection is ?: on
 * values that are all computed, and nothing here calls a library.  MULADD is a fused multiply-add where the level has
 * the instruction and two roundings where it has not (fmaf would be a call); the algorithms are accurate either way. */
#ifndef CPU_KERNELS_MATH_BITS_H
#define CPU_KERNELS_MATH_BITS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/compiler.h"

#if defined __FMA__ || defined __ARM_FEATURE_FMA
#define MULADD(a, b, c) FMA(a, b, c)
#else
#define MULADD(a, b, c) ((a) * (b) + (c))
#endif

ALWAYS_INLINE uint32_t bits_f32(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

ALWAYS_INLINE float float_of_bits(uint32_t u)
{
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

ALWAYS_INLINE uint64_t bits_f64(double x)
{
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

ALWAYS_INLINE double double_of_bits(uint64_t u)
{
    double x;
    memcpy(&x, &u, sizeof x);
    return x;
}

ALWAYS_INLINE float abs_f32(float x)
{
    return float_of_bits(bits_f32(x) & 0x7fffffffu);
}
ALWAYS_INLINE double abs_f64(double x)
{
    return double_of_bits(bits_f64(x) & 0x7fffffffffffffffu);
}

/* y >= +0 (or NaN) gets the sign of x. */
ALWAYS_INLINE float with_sign_f32(float y, float x)
{
    return float_of_bits(bits_f32(y) | (bits_f32(x) & 0x80000000u));
}

ALWAYS_INLINE double with_sign_f64(double y, double x)
{
    return double_of_bits(bits_f64(y) | (bits_f64(x) & 0x8000000000000000u));
}

/* 1.5 * 2^23 and 1.5 * 2^52: adding one leaves a small number rounded to the nearest integer in the low bits of the
 * sum. */
#define ROUND_F32 12582912.0f
#define ROUND_F64 6755399441055744.0

#endif
