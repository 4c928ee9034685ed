/* SPDX-License-Identifier: MIT
 *
 * MLX's own float32 formulas, bit for bit: the random distributions are defined by them (truncated_normal, normal,
 * laplace...).
 *
 * Scalar and slower than math_f32.h, which is nearer to the true value; use them for random numbers only. FMA here is
 * one rounding at every level.  log and log1p in these recipes are libm's logf and log1pf, so equal bits need an equal
 * libm. erfinv: Giles, "Approximating the erfinv function" (2012); erf: Abramowitz and Stegun 7.1.26. */
#ifndef CPU_KERNELS_MLX_MATH_H
#define CPU_KERNELS_MLX_MATH_H

#include <stdbool.h>

#include "cpu/kernels/math_bits.h"

static inline float log_mlx(float x)
{
    return logf(x);
}
static inline float log1p_mlx(float x)
{
    return log1pf(x);
}

static inline float exp_mlx(float x)
{
    if (x != x) return x;
    if (x > 88.0f) return INFINITY;
    if (x < -88.0f) return 0.0f;
    float y = x * 1.442695f, n = (float)floor((double)y + 0.5), f = y - n;
    float p = FMA(1.535336188319500e-4f, f, 1.339887440266574e-3f);
    p = FMA(p, f, 9.618437357674640e-3f);
    p = FMA(p, f, 5.550332471162809e-2f);
    p = FMA(p, f, 2.402264791363012e-1f);
    p = FMA(p, f, 6.931472028550421e-1f);
    p = FMA(p, f, 1.0f);
    return p * float_of_bits((uint32_t)((int32_t)n + 127) << 23);
}

static inline float erf_mlx(float x)
{
    float a = abs_f32(x), t = 1.0f / FMA(0.3275911f, a, 1.0f);
    float q = FMA(1.061405429f, t, -1.453152027f);
    q = FMA(q, t, 1.421413741f);
    q = FMA(q, t, -0.284496736f);
    q = FMA(q, t, 0.254829592f);
    float e = -exp_mlx(-x * x), y = FMA(e * t, q, 1.0f);
    return x > 0.0f ? y : -y;
}

static inline float erfinv_mlx(float x)
{
    static const float tail[] = {3.03697567e-10f, 2.93243101e-8f, 1.22150334e-6f,  2.84108955e-5f, 3.93552968e-4f,
                                 3.02698812e-3f,  4.83185798e-3f, -2.64646143e-1f, 8.40016484e-1f};
    static const float body[] = {5.43877832e-9f,  1.43285448e-7f, 1.22774793e-6f, 1.12963626e-7f,  -5.61530760e-5f,
                                 -1.47697632e-4f, 2.31468678e-3f, 1.15392581e-2f, -2.32015476e-1f, 8.86226892e-1f};
    float t = log_mlx(FMA(x, -x, 1.0f));
    bool in_tail = abs_f32(t) > 6.125f;
    const float *c = in_tail ? tail : body;
    float p = c[0];
    for (int i = 1; i < (in_tail ? 9 : 10); i++) p = FMA(p, t, c[i]);
    return x * p;
}

#endif
