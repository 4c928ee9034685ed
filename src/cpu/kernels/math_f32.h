/* SPDX-License-Identifier: MIT
 *
 * float32 functions for SIMD loops: branch-free, at most 2 ulp from the true value over all floats, C99 special values.
 *
 * Arguments are reduced as by Cody and Waite (the constant in parts, so that the product with a small integer is exact)
 * and the rest is a minimax polynomial by Remez (tools/minimax.py).  The frequent functions stay in float; the others
 * go through double, which costs a factor of two and makes every rounding but the last invisible.
 *
 * sin, cos and tan: the _fast form is right up to TRIG_LIMIT; the tile functions patch the rare larger arguments. */
#ifndef CPU_KERNELS_MATH_F32_H
#define CPU_KERNELS_MATH_F32_H

#include <float.h>
#include <stdbool.h>

#include "cpu/kernels/math_bits.h"
#include "cpu/kernels/math_wide.h"

/* ---- rounding: half to even, and to the directed integers; floats of 2^23 and more are integers ---- */

ALWAYS_INLINE float rint_f32(float x)
{
#ifdef __SSE4_1__
    return rintf(x);
#else
    float a = abs_f32(x), r = (a + 0x1p23f) - 0x1p23f;
    return with_sign_f32(a < 0x1p23f ? r : a, x);
#endif
}

ALWAYS_INLINE float floor_f32(float x)
{
#ifdef __SSE4_1__
    return floorf(x);
#else
    float r = rint_f32(x);
    return r > x ? r - 1.0f : r; /* never -0 from a positive x: there r = 0 is not above x */
#endif
}

ALWAYS_INLINE float ceil_f32(float x)
{
#ifdef __SSE4_1__
    return ceilf(x);
#else
    return float_of_bits(bits_f32(floor_f32(float_of_bits(bits_f32(x) ^ 0x80000000u))) ^ 0x80000000u);
#endif
}

ALWAYS_INLINE float trunc_f32(float x)
{
#ifdef __SSE4_1__
    return truncf(x);
#else
    return with_sign_f32(floor_f32(abs_f32(x)), x);
#endif
}

ALWAYS_INLINE float sqrt_f32(float x)
{
    return sqrtf(x);
}
ALWAYS_INLINE float rsqrt_f32(float x)
{
    return 1.0f / sqrtf(x);
}

/* ---- exp: x = n ln 2 + r, e^x = 2^n (1 + r + r^2 q(r)) ---- */

/* e^r - 1 for the rest, and n as an integer */
ALWAYS_INLINE float expm1_rest(float x, uint32_t *n)
{
    float t = MULADD(x, 1.44269502f, ROUND_F32), k = t - ROUND_F32;
    float r = MULADD(k, -0.693145752f, x); /* 15 bits of ln 2: the product is exact */
    r = MULADD(k, -1.42860677e-6f, r);
    float q = MULADD(r, 0.00138147071f, 0.00836878177f);
    q = MULADD(q, r, 0.041668389f);
    q = MULADD(q, r, 0.166665196f);
    q = MULADD(q, r, 0.49999994f);
    *n = bits_f32(t) - bits_f32(ROUND_F32);
    return MULADD(r * r, q, r);
}

/* The scale 2^n is applied in two steps, so that the result may be subnormal or infinite. */
ALWAYS_INLINE float scale_f32(float y, uint32_t n)
{
    int32_t half = (int32_t)n >> 1, rest = (int32_t)n - half;
    return y * float_of_bits((uint32_t)(half + 127) << 23) * float_of_bits((uint32_t)(rest + 127) << 23);
}

ALWAYS_INLINE float exp_f32(float x)
{
    uint32_t n;
    x = x > 89.0f ? 89.0f : x;
    x = x < -104.0f ? -104.0f : x;
    float y = 1.0f + expm1_rest(x, &n);
    return scale_f32(y, n);
}

/* e^x where the result is known to be a normal number: |x| <= 87 */
ALWAYS_INLINE float exp_normal_f32(float x)
{
    uint32_t n;
    float y = 1.0f + expm1_rest(x, &n);
    return y * float_of_bits((n + 127u) << 23);
}

ALWAYS_INLINE float exp2_f32(float x)
{
    x = x > 129.0f ? 129.0f : x;
    x = x < -151.0f ? -151.0f : x;
    float t = x + ROUND_F32, r = x - (t - ROUND_F32);
    float q = MULADD(r, 0.000153532499f, 0.00133990031f);
    q = MULADD(q, r, 0.00961843878f);
    q = MULADD(q, r, 0.0555033199f);
    q = MULADD(q, r, 0.240226477f);
    q = MULADD(q, r, 0.693147182f);
    return scale_f32(MULADD(q, r, 1.0f), bits_f32(t) - bits_f32(ROUND_F32));
}

/* ---- log: x = 2^k (1 + f) with 1 + f between sqrt(1/2) and sqrt(2); 1 + f - 1 is exact ---- */

/* f, and k, of a normal number */
ALWAYS_INLINE float log_parts(float x, int32_t *k)
{
    uint32_t u = bits_f32(x) - 0x3f3504f3u; /* sqrt(1/2) */
    *k = (int32_t)u >> 23;
    return float_of_bits((u & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
}

ALWAYS_INLINE float log_split(float x, float *k)
{
    float big = x < FLT_MIN ? x * 0x1p23f : x, less = x < FLT_MIN ? 23.0f : 0.0f;
    int32_t whole;
    float f = log_parts(big, &whole);
    *k = (float)whole - less;
    return f;
}

/* log(1 + f) - f */
ALWAYS_INLINE float log_rest(float f)
{
    float p = MULADD(f, -0.0763512552f, 0.12761946f);
    p = MULADD(p, f, -0.131601349f);
    p = MULADD(p, f, 0.142017081f);
    p = MULADD(p, f, -0.166233554f);
    p = MULADD(p, f, 0.200012282f);
    p = MULADD(p, f, -0.250008225f);
    p = MULADD(p, f, 0.333333313f);
    return f * f * MULADD(p, f, -0.5f);
}

/* Infinity and NaN stay, 0 gives -infinity, less gives NaN. */
ALWAYS_INLINE float log_special(float y, float x)
{
    y = x > 0.0f ? y : (x == 0.0f ? -INFINITY : NAN);
    return x < INFINITY ? y : x;
}

ALWAYS_INLINE float log_f32(float x)
{
    float k, f = log_split(x, &k), low = MULADD(k, 1.42860677e-6f, log_rest(f));
    return log_special(MULADD(k, 0.693145752f, f) + low, x);
}

/* 1 + x = u + c with u rounded: 2^k (1 + f) = u, and c 2^-k / (1 + f) is what the logarithm of u lacks. */
ALWAYS_INLINE float log1p_f32(float x)
{
    float u = 1.0f + x, c = x - (u - 1.0f);
    int32_t k;
    float f = log_parts(u, &k);
    float lost = c * float_of_bits((uint32_t)(127 - (k < 126 ? k : 126)) << 23), whole = (float)k;
    float low = MULADD(whole, 1.42860677e-6f, MULADD(lost, MULADD(f, f - 1.0f, 1.0f), log_rest(f)));
    float y = log_special(MULADD(whole, 0.693145752f, f) + low, u);
    return x == 0.0f ? x : y; /* keeps -0 */
}

ALWAYS_INLINE float log2_f32(float x)
{
    return log_special((float)log2_wide(x), x);
}
ALWAYS_INLINE float log10_f32(float x)
{
    return log_special((float)(log_wide(x) * 0.43429448190325183), x);
}

/* ---- tanh, sigmoid, erf ---- */

ALWAYS_INLINE float tanh_f32(float x)
{
    float a = abs_f32(x), z = a * a, c = a > 10.0f ? 10.0f : a;
    float p = MULADD(z, 0.00173672661f, -0.00765693886f);
    p = MULADD(p, z, 0.0214518569f);
    p = MULADD(p, z, -0.0538926795f);
    p = MULADD(p, z, 0.133326933f);
    p = MULADD(p, z, -0.333333164f);
    float small = MULADD(a * z, p, a), big = 1.0f - 2.0f / (exp_normal_f32(c + c) + 1.0f);
    return with_sign_f32(a < 0.75f ? small : big, x);
}

/* 1 / (1 + e^-x) with e^-x = S (1 + t): the sum 1 + S + S t is rounded once, for low is what 1 + S loses.  All of it is
 * scaled by 2^-32, so that neither a large S overflows nor a small result is lost. */
ALWAYS_INLINE float sigmoid_f32(float x)
{
    const float one = 0x1p-32f;
    float v = -x;
    v = v < -60.0f ? -60.0f : v;
    v = v > 104.0f ? 104.0f : v;
    uint32_t n;
    float t = expm1_rest(v, &n), scale = float_of_bits((n + 95u) << 23);
    float sum = one + scale, low = one - (sum - scale);
    return 1.0f / (sum + MULADD(scale, t, low)) * one;
}

/* Below 1 a polynomial, from 1 on 1 - exp(P), P the polynomial for log(erfc). */
ALWAYS_INLINE float erf_f32(float x)
{
    float a = abs_f32(x), z = a * a, c = a > 4.0f ? 4.0f : a;
    float p = MULADD(z, 7.85051307e-05f, -0.000800926471f);
    p = MULADD(p, z, 0.00518823182f);
    p = MULADD(p, z, -0.0268537663f);
    p = MULADD(p, z, 0.112835839f);
    p = MULADD(p, z, -0.37612626f);
    p = MULADD(p, z, 0.128379166f);
    float q = MULADD(c, -2.16974149e-05f, 0.000441470183f);
    q = MULADD(q, c, -0.00420527207f);
    q = MULADD(q, c, 0.0252103042f);
    q = MULADD(q, c, -0.108422041f);
    q = MULADD(q, c, -0.633216441f);
    q = MULADD(q, c, -1.12958026f);
    q = MULADD(q, c, 0.000188460675f);
    float small = MULADD(a, p, a), big = 1.0f - exp_normal_f32(q);
    return with_sign_f32(a < 1.0f ? small : big, x);
}

/* ---- sin, cos, tan: |x| = n pi/2 + r ---- */

#define TRIG_LIMIT 0x1p28f

/* pi/2 in parts of 25, 25 and 53 bits: exact products for n < 2^28.  r is good to 2^-53, far below the 2^-35 that
 * floats come near 0. */
ALWAYS_INLINE double trig_rest(float a, double *n)
{
    double x = a, k = MULADD(x, 0.63661977236758138, ROUND_F64) - ROUND_F64;
    double r = MULADD(k, -1.5707963109016418, x);
    r = MULADD(k, -1.5893254712295857e-08, r);
    *n = k;
    return MULADD(k, -6.123233995736766e-17, r);
}

/* sin(r + quarter pi/2), the sign left to the caller but for quarter & 2 */
ALWAYS_INLINE float sin_quarter(float r, uint32_t quarter)
{
    float z = r * r;
    float s = MULADD(z, -0.000195146335f, 0.00833215564f);
    s = MULADD(s, z, -0.166666552f);
    s = MULADD(r * z, s, r);
    float c = MULADD(z, 2.44323601e-05f, -0.00138873095f);
    c = MULADD(c, z, 0.0416666456f);
    c = MULADD(z * z, c, MULADD(z, -0.5f, 1.0f));
    return float_of_bits(bits_f32(quarter & 1u ? c : s) ^ (quarter & 2u) << 30);
}

ALWAYS_INLINE float sin_fast_f32(float x)
{
    double n, r = trig_rest(abs_f32(x), &n);
    float y = sin_quarter((float)r, (uint32_t)(int32_t)n);
    return float_of_bits(bits_f32(y) ^ (bits_f32(x) & 0x80000000u));
}

ALWAYS_INLINE float cos_fast_f32(float x)
{
    double n, r = trig_rest(abs_f32(x), &n);
    return sin_quarter((float)r, (uint32_t)(int32_t)n + 1u);
}

ALWAYS_INLINE float tan_fast_f32(float x)
{
    double n, r = trig_rest(abs_f32(x), &n), z = r * r;
    double s = MULADD(z, -2.4759871686285592e-08, 2.7555331735544556e-06);
    s = MULADD(s, z, -0.00019841263691985564);
    s = MULADD(s, z, 0.008333333325011986);
    s = MULADD(s, z, -0.1666666666662999);
    s = MULADD(r * z, s, r);
    double c = MULADD(z, -2.7205017173437194e-07, 2.479945127599759e-05);
    c = MULADD(c, z, -0.001388888346687348);
    c = MULADD(c, z, 0.04166666661911984);
    c = MULADD(z * z, c, MULADD(z, -0.5, 1.0));
    double half = n * 0.5, even = (half + ROUND_F64) - ROUND_F64;
    float y = (float)(half == even ? s / c : -c / s);
    return float_of_bits(bits_f32(y) ^ (bits_f32(x) & 0x80000000u));
}

/* The slow path, for any argument: the reduction of libm. */
NO_INLINE MAYBE_UNUSED static float sin_slow_f32(float x)
{
    return (float)sin((double)x);
}
NO_INLINE MAYBE_UNUSED static float cos_slow_f32(float x)
{
    return (float)cos((double)x);
}
NO_INLINE MAYBE_UNUSED static float tan_slow_f32(float x)
{
    return (float)tan((double)x);
}

ALWAYS_INLINE float sin_f32(float x)
{
    return abs_f32(x) <= TRIG_LIMIT ? sin_fast_f32(x) : sin_slow_f32(x);
}
ALWAYS_INLINE float cos_f32(float x)
{
    return abs_f32(x) <= TRIG_LIMIT ? cos_fast_f32(x) : cos_slow_f32(x);
}
ALWAYS_INLINE float tan_f32(float x)
{
    return abs_f32(x) <= TRIG_LIMIT ? tan_fast_f32(x) : tan_slow_f32(x);
}

/* Whether a tile has an argument above TRIG_LIMIT (or a NaN). */
static inline bool trig_has_huge(const float *in, int64_t n)
{
    int32_t huge = 0;
    PRAGMA(omp simd reduction(| : huge))
    for (int64_t i = 0; i < n; i++) huge |= (int32_t)(bits_f32(in[i]) & 0x7fffffffu) > 0x4d800000;
    return huge != 0;
}

#define TRIG_TILE 256

/* out may be in: a piece is looked at before it is overwritten. */
static inline void sin_tile_f32(float *out, const float *in, int64_t n)
{
    for (int64_t at = 0; at < n; at += TRIG_TILE) {
        int64_t end = n - at < TRIG_TILE ? n : at + TRIG_TILE;
        if (trig_has_huge(in + at, end - at)) {
            for (int64_t i = at; i < end; i++) out[i] = sin_f32(in[i]);
        } else {
            SIMD
            for (int64_t i = at; i < end; i++) out[i] = sin_fast_f32(in[i]);
        }
    }
}

static inline void cos_tile_f32(float *out, const float *in, int64_t n)
{
    for (int64_t at = 0; at < n; at += TRIG_TILE) {
        int64_t end = n - at < TRIG_TILE ? n : at + TRIG_TILE;
        if (trig_has_huge(in + at, end - at)) {
            for (int64_t i = at; i < end; i++) out[i] = cos_f32(in[i]);
        } else {
            SIMD
            for (int64_t i = at; i < end; i++) out[i] = cos_fast_f32(in[i]);
        }
    }
}

static inline void tan_tile_f32(float *out, const float *in, int64_t n)
{
    for (int64_t at = 0; at < n; at += TRIG_TILE) {
        int64_t end = n - at < TRIG_TILE ? n : at + TRIG_TILE;
        if (trig_has_huge(in + at, end - at)) {
            for (int64_t i = at; i < end; i++) out[i] = tan_f32(in[i]);
        } else {
            SIMD
            for (int64_t i = at; i < end; i++) out[i] = tan_fast_f32(in[i]);
        }
    }
}

/* ---- inverse trigonometric ---- */

ALWAYS_INLINE float atan_f32(float x)
{
    float a = abs_f32(x), t = a > 1.0f ? 1.0f / a : a, z = t * t;
    float p = MULADD(z, -0.00179360539f, 0.0109145055f);
    p = MULADD(p, z, -0.0311776027f);
    p = MULADD(p, z, 0.0579572842f);
    p = MULADD(p, z, -0.084034279f);
    p = MULADD(p, z, 0.109521769f);
    p = MULADD(p, z, -0.142642394f);
    p = MULADD(p, z, 0.199985474f);
    p = MULADD(p, z, -0.333332986f);
    p = MULADD(t * z, p, t);
    return with_sign_f32(a > 1.0f ? 1.57079637f - (p + 4.37113883e-8f) : p, x);
}

/* asin(s) = s + t: of s = a below 1/2, and above of s = sqrt((1 - a) / 2), where asin(a) = pi/2 - 2 asin(s) */
ALWAYS_INLINE float asin_part(float a, float *s)
{
    float z = a >= 0.5f ? 0.5f - 0.5f * a : a * a, y = a >= 0.5f ? sqrtf(z) : a;
    float p = MULADD(z, 0.0421782508f, 0.0241729431f);
    p = MULADD(p, z, 0.0454716086f);
    p = MULADD(p, z, 0.0749528855f);
    p = MULADD(p, z, 0.166667521f);
    *s = y;
    return y * z * p;
}

ALWAYS_INLINE float asin_f32(float x)
{
    /* asin = 2 (pi/4 - s - t), pi/4 in two parts and the difference with its rounding error (Dekker) */
    float a = abs_f32(x), s, t = asin_part(a, &s), d = 0.785398185f - s, error = (0.785398185f - d) - s;
    float far = d - (t + (2.18556941e-8f - error));
    return with_sign_f32(a >= 0.5f ? far + far : s + t, x);
}

ALWAYS_INLINE float acos_f32(float x)
{
    float a = abs_f32(x), s, p = asin_part(a, &s) + s, q = p + p;
    float near = x > 0.0f ? q : 3.14159274f - (q + 8.74227766e-8f);
    float far = 1.57079637f - (x > 0.0f ? p + 4.37113883e-8f : 4.37113883e-8f - p);
    return a >= 0.5f ? near : far;
}

/* ---- hyperbolic, through double ---- */

ALWAYS_INLINE float expm1_f32(float x)
{
    double c = x > 90.0f ? 90.0f : x, scale;
    c = c < -20.0 ? -20.0 : c;
    double r = exp_reduce_wide(c, &scale);
    float y = (float)MULADD(scale, expm1_rest_wide(r), scale - 1.0);
    return float_of_bits(bits_f32(y) | (bits_f32(x) & 0x80000000u)); /* for -0; every other sign is right already */
}

/* e^r = C + S, even and odd part: with |x| = n ln 2 + r, a = 2^(n-1), b = 2^-(n+1):
 * cosh x = (a + b) C + (a - b) S, sinh |x| = (a - b) C + (a + b) S.  Nothing cancels, so sinh is right near 0 too. */
ALWAYS_INLINE double sinh_cosh_parts(float x, double *even, double *odd, double *sum)
{
    float a = abs_f32(x);
    double scale, r = exp_reduce_wide(a > 90.0f ? 90.0f : a, &scale), z = r * r;
    double inverse = 0.5 * double_of_bits(0x7fe0000000000000u - bits_f64(scale)); /* 2^-n from the exponent of 2^n */
    double s = MULADD(z, 2.7630827228084037e-06, 0.0001984119557253022);
    s = MULADD(s, z, 0.008333333362886726);
    s = MULADD(s, z, 0.16666666666630145);
    double c = MULADD(z, 2.4872852910195204e-05, 0.00138888306597215);
    c = MULADD(c, z, 0.041666666814110916);
    *odd = MULADD(r * z, s, r);
    *even = MULADD(z * z, c, MULADD(z, 0.5, 1.0));
    *sum = 0.5 * scale + inverse;
    return 0.5 * scale - inverse;
}

ALWAYS_INLINE float sinh_f32(float x)
{
    double even, odd, sum, difference = sinh_cosh_parts(x, &even, &odd, &sum);
    return with_sign_f32((float)MULADD(sum, odd, difference * even), x);
}

ALWAYS_INLINE float cosh_f32(float x)
{
    double even, odd, sum, difference = sinh_cosh_parts(x, &even, &odd, &sum);
    return (float)MULADD(sum, even, difference * odd);
}

/* ---- logarithms through double ---- */

ALWAYS_INLINE float asinh_f32(float x)
{
    /* sqrt(1 + a^2) - 1 is lost below 2^-26, where it is less than a quarter of an ulp of a. */
    float a = abs_f32(x);
    double d = a, y = log1p_wide(d + (sqrt(MULADD(d, d, 1.0)) - 1.0));
    return with_sign_f32(a < INFINITY ? (float)y : a, x);
}

ALWAYS_INLINE float acosh_f32(float x)
{
    double d = x, y = log1p_wide((d - 1.0) + sqrt((d - 1.0) * (d + 1.0)));
    return x >= 1.0f ? (x < INFINITY ? (float)y : x) : NAN;
}

ALWAYS_INLINE float atanh_f32(float x)
{
    float a = abs_f32(x);
    double d = a, y = 0.5 * log1p_wide((d + d) / (1.0 - d));
    float r = a < 1.0f ? (float)y : (a == 1.0f ? INFINITY : NAN);
    return with_sign_f32(r, x);
}

/* log(e^x + e^y).  Where the two terms cancel, the error is 2^-40 of the larger argument. */
ALWAYS_INLINE float logaddexp_f32(float x, float y)
{
    float high = x > y ? x : y, low = x > y ? y : x;
    double d = (double)low - (double)high, sum = high + log1p_wide(exp_wide(d < -120.0 ? -120.0 : d));
    float r = low > -INFINITY && high < INFINITY ? (float)sum : high;
    return x == x && y == y ? r : x + y;
}

/* ---- erfinv: x P(w) with w = -log(1 - x^2) (Giles, 2012), P in w up to 5 and in sqrt(w) above ---- */

ALWAYS_INLINE float erfinv_f32(float x)
{
    double d = x, w = -log_wide(MULADD(d, -d, 1.0)), s = sqrt(w);
    double p = MULADD(w, 1.31709239343637e-10, -3.186984531374822e-09);
    p = MULADD(p, w, 2.339351815740836e-08);
    p = MULADD(p, w, 4.6907810414147195e-08);
    p = MULADD(p, w, -1.4443083794750825e-06);
    p = MULADD(p, w, 3.1372704823019074e-06);
    p = MULADD(p, w, 4.4897377001490804e-05);
    p = MULADD(p, w, -0.00012646297441596972);
    p = MULADD(p, w, -0.0023359337277650315);
    p = MULADD(p, w, 0.011549563221184578);
    p = MULADD(p, w, 0.2320136439372662);
    p = MULADD(p, w, 0.8862269258281029);
    double q = MULADD(s, -8.89789990092453e-06, 0.00027689112048342264);
    q = MULADD(q, s, -0.0037291000935262743);
    q = MULADD(q, s, 0.02788683462107657);
    q = MULADD(q, s, -0.12046868181363396);
    q = MULADD(q, s, 0.2504596310659447);
    q = MULADD(q, s, 0.1921340168238859);
    q = MULADD(q, s, -2.7537951749794374);
    q = MULADD(q, s, 7.86272688743406);
    q = MULADD(q, s, -11.2278335787958);
    q = MULADD(q, s, 8.822820697977894);
    q = MULADD(q, s, -1.969382190182556);
    float a = abs_f32(x), y = (float)(d * (w <= 5.0 ? p : q));
    float outside = a == 1.0f ? with_sign_f32(INFINITY, x) : NAN;
    return a < 1.0f ? y : outside;
}

/* ---- two arguments ---- */

ALWAYS_INLINE float atan2_f32(float y, float x)
{
    double a = abs_f32(y), b = abs_f32(x), high = a > b ? a : b, low = a > b ? b : a;
    double q = low / high;
    q = high > 0.0 ? q : 0.0;
    q = low < (double)INFINITY ? q : 1.0;
    double t = atan_wide(q);
    t = a > b ? 1.5707963267948966 - t : t;
    t = with_sign_f64(1.0, (double)x) < 0.0 ? 3.1415926535897931 - t : t; /* -0 counts as negative */
    float r = with_sign_f32((float)t, y);
    return x == x && y == y ? r : x + y;
}

/* |x|^y = 2^(y log2 |x|) in double; sign and special values as C99. */
ALWAYS_INLINE float pow_f32(float x, float y)
{
    double b = x, a = abs_f64(b), e = y, l = log2_wide(a);
    l = a > 0.0 ? l : -(double)INFINITY;
    l = a < (double)INFINITY ? l : a;
    double p = ((l == 0.0) | (e == 0.0)) ? 0.0 : e * l; /* 1^y and x^0 are 1, even of infinity and NaN */
    double size = abs_f64(p); /* one clamp: gcc turns two into a form that it cannot vectorise at SSE2 */
    p = with_sign_f64(size > 160.0 ? 160.0 : size, p);
    double t = p + ROUND_F64, r = (p - (t - ROUND_F64)) * 0.69314718055994531;
    double scale = double_of_bits((bits_f64(t) + 1023) << 52), z = MULADD(scale, expm1_rest_wide(r), scale);

    /* Is y an integer, and odd?  Floats too large for the rounding constant are even integers, and come back unchanged.
     */
    double half = e * 0.5, whole = (e + ROUND_F64) - ROUND_F64, half_whole = (half + ROUND_F64) - ROUND_F64;
    uint64_t sign = bits_f64(b) & 0x8000000000000000u;
    z = ((whole == e) & (half_whole != half)) ? double_of_bits(bits_f64(z) | sign) : z;
    return (float)(((b < 0.0) & (a < (double)INFINITY) & (whole != e)) ? (double)NAN : z);
}

#endif
