/* SPDX-License-Identifier: MIT
 *
 * One vector type for the matrix product: `vec` is the widest register of floats that the level has, VEC its length.
 * Micro-kernel, packing and epilogue are written once over it.  The 16-bit floats are converted on load and store:
 * float16 by instruction where there is one, else by integer arithmetic that gives the same bits, subnormals included;
 * NaN stays NaN. */
#ifndef CPU_KERNELS_GEMM_SIMD_H
#define CPU_KERNELS_GEMM_SIMD_H

#include <stdint.h>
#include <string.h>
#include "core/compiler.h"
#include "cpu/gemm.h"
#include "cpu/kernels/half.h"
#include "cpu/kernels/level.h"

#if defined LEVEL_AVX512
#include <immintrin.h>

typedef __m512 vec;
enum { VEC = 16 };

ALWAYS_INLINE vec vec_set(float x)
{
    return _mm512_set1_ps(x);
}
ALWAYS_INLINE vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
ALWAYS_INLINE void vec_store(float *p, vec x)
{
    _mm512_storeu_ps(p, x);
}
ALWAYS_INLINE vec vec_add(vec x, vec y)
{
    return _mm512_add_ps(x, y);
}
ALWAYS_INLINE vec vec_mul(vec x, vec y)
{
    return _mm512_mul_ps(x, y);
}
ALWAYS_INLINE vec vec_fma(vec x, vec y, vec z)
{
    return _mm512_fmadd_ps(x, y, z);
}
ALWAYS_INLINE __mmask16 first_lanes(int n)
{
    return (__mmask16)((1u << n) - 1);
}
ALWAYS_INLINE vec vec_load_n(const float *p, int n)
{
    return _mm512_maskz_loadu_ps(first_lanes(n), p);
}
ALWAYS_INLINE void vec_store_n(float *p, vec x, int n)
{
    _mm512_mask_storeu_ps(p, first_lanes(n), x);
}
ALWAYS_INLINE vec widen(__m256i h, const int type)
{
    return type == GEMM_F16 ? _mm512_cvtph_ps(h) : _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(h), 16));
}
ALWAYS_INLINE __m256i narrow(vec x, const int type)
{
    if (type == GEMM_F16) return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m512i bits = _mm512_castps_si512(x), high = _mm512_srli_epi32(bits, 16);
    __m512i odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
    __m512i rounded = _mm512_srli_epi32(_mm512_add_epi32(_mm512_add_epi32(bits, odd), _mm512_set1_epi32(0x7fff)), 16);
    __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    return _mm512_cvtepi32_epi16(_mm512_mask_or_epi32(rounded, nan, high, _mm512_set1_epi32(0x40)));
}
ALWAYS_INLINE vec vec_load_half(const uint16_t *p, const int type)
{
    return widen(_mm256_loadu_si256((const __m256i *)p), type);
}
ALWAYS_INLINE vec vec_load_half_n(const uint16_t *p, int n, const int type)
{
    return widen(_mm256_maskz_loadu_epi16(first_lanes(n), p), type);
}
ALWAYS_INLINE void vec_store_half(uint16_t *p, vec x, const int type)
{
    _mm256_storeu_si256((__m256i *)p, narrow(x, type));
}
ALWAYS_INLINE void vec_store_half_n(uint16_t *p, vec x, int n, const int type)
{
    _mm256_mask_storeu_epi16(p, first_lanes(n), narrow(x, type));
}

#elif defined LEVEL_AVX2
#include <immintrin.h>

typedef __m256 vec;
enum { VEC = 8 };

ALWAYS_INLINE vec vec_set(float x)
{
    return _mm256_set1_ps(x);
}
ALWAYS_INLINE vec vec_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
ALWAYS_INLINE void vec_store(float *p, vec x)
{
    _mm256_storeu_ps(p, x);
}
ALWAYS_INLINE vec vec_add(vec x, vec y)
{
    return _mm256_add_ps(x, y);
}
ALWAYS_INLINE vec vec_mul(vec x, vec y)
{
    return _mm256_mul_ps(x, y);
}
ALWAYS_INLINE vec vec_fma(vec x, vec y, vec z)
{
    return _mm256_fmadd_ps(x, y, z);
}
ALWAYS_INLINE __m256i first_lanes(int n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
ALWAYS_INLINE vec vec_load_n(const float *p, int n)
{
    return _mm256_maskload_ps(p, first_lanes(n));
}
ALWAYS_INLINE void vec_store_n(float *p, vec x, int n)
{
    _mm256_maskstore_ps(p, first_lanes(n), x);
}
ALWAYS_INLINE vec widen(__m128i h, const int type)
{
    return type == GEMM_F16 ? _mm256_cvtph_ps(h) : _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(h), 16));
}
ALWAYS_INLINE __m128i narrow(vec x, const int type)
{
    if (type == GEMM_F16) return _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256i bits = _mm256_castps_si256(x), high = _mm256_srli_epi32(bits, 16);
    __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
    __m256i rounded = _mm256_srli_epi32(_mm256_add_epi32(_mm256_add_epi32(bits, odd), _mm256_set1_epi32(0x7fff)), 16);
    __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    __m256i kept = _mm256_blendv_epi8(rounded, _mm256_or_si256(high, _mm256_set1_epi32(0x40)), nan);
    return _mm_packus_epi32(_mm256_castsi256_si128(kept), _mm256_extracti128_si256(kept, 1));
}
ALWAYS_INLINE vec vec_load_half(const uint16_t *p, const int type)
{
    return widen(_mm_loadu_si128((const __m128i *)p), type);
}
ALWAYS_INLINE void vec_store_half(uint16_t *p, vec x, const int type)
{
    _mm_storeu_si128((__m128i *)p, narrow(x, type));
}

#else

typedef float vec VECTOR(16);
typedef uint32_t vec_bits VECTOR(16);
enum { VEC = 4 };

ALWAYS_INLINE vec vec_set(float x)
{
    return (vec){x, x, x, x};
}
ALWAYS_INLINE vec vec_load(const float *p)
{
    vec x;
    memcpy(&x, p, sizeof x);
    return x;
}
ALWAYS_INLINE void vec_store(float *p, vec x)
{
    memcpy(p, &x, sizeof x);
}
ALWAYS_INLINE vec vec_add(vec x, vec y)
{
    return x + y;
}
ALWAYS_INLINE vec vec_mul(vec x, vec y)
{
    return x * y;
}
ALWAYS_INLINE vec vec_fma(vec x, vec y, vec z)
{
    return x * y + z;
} /* two roundings: the level has no FMA */
ALWAYS_INLINE vec vec_load_n(const float *p, int n)
{
    float x[VEC] = {0};
    for (int i = 0; i < n; i++) x[i] = p[i];
    return vec_load(x);
}
ALWAYS_INLINE void vec_store_n(float *p, vec x, int n)
{
    for (int i = 0; i < n; i++) p[i] = x[i];
}
/* float16: the exponent is rebased by a product, which is exact and brings subnormals along; 31 becomes 255. */
ALWAYS_INLINE vec vec_load_half(const uint16_t *p, const int type)
{
    vec_bits h = {p[0], p[1], p[2], p[3]};
    if (type == GEMM_BF16) return (vec)(h << 16);
    vec_bits magnitude = h & 0x7fff, special = (vec_bits)(magnitude > 0x7bff) & 0x7f800000;
    vec_bits rebased = (vec_bits)((vec)(magnitude << 13) * 0x1p112f);
    return (vec)(rebased | special | (h & 0x8000) << 16);
}
ALWAYS_INLINE void vec_store_half(uint16_t *p, vec x, const int type)
{
    for (int i = 0; i < VEC; i++) p[i] = type == GEMM_F16 ? (uint16_t)half_of_float(x[i]) : f32_to_bf16(x[i]);
}

#endif

#if !defined LEVEL_AVX512
ALWAYS_INLINE vec vec_load_half_n(const uint16_t *p, int n, const int type)
{
    uint16_t h[VEC] = {0};
    for (int i = 0; i < n; i++) h[i] = p[i];
    return vec_load_half(h, type);
}
ALWAYS_INLINE void vec_store_half_n(uint16_t *p, vec x, int n, const int type)
{
    uint16_t h[VEC];
    vec_store_half(h, x, type);
    for (int i = 0; i < n; i++) p[i] = h[i];
}
#endif

/* Rows become columns: four rows at a time within 128-bit lanes, then the lanes change places. */
ALWAYS_INLINE void vec_transpose(vec *r)
{
    vec q[VEC];
    UNROLL
    for (int i = 0; i < VEC; i += 4) {
#if defined LEVEL_AVX512
        vec t0 = _mm512_unpacklo_ps(r[i], r[i + 1]), t1 = _mm512_unpackhi_ps(r[i], r[i + 1]);
        vec t2 = _mm512_unpacklo_ps(r[i + 2], r[i + 3]), t3 = _mm512_unpackhi_ps(r[i + 2], r[i + 3]);
        q[i] = _mm512_shuffle_ps(t0, t2, 0x44), q[i + 1] = _mm512_shuffle_ps(t0, t2, 0xee);
        q[i + 2] = _mm512_shuffle_ps(t1, t3, 0x44), q[i + 3] = _mm512_shuffle_ps(t1, t3, 0xee);
#elif defined LEVEL_AVX2
        vec t0 = _mm256_unpacklo_ps(r[i], r[i + 1]), t1 = _mm256_unpackhi_ps(r[i], r[i + 1]);
        vec t2 = _mm256_unpacklo_ps(r[i + 2], r[i + 3]), t3 = _mm256_unpackhi_ps(r[i + 2], r[i + 3]);
        q[i] = _mm256_shuffle_ps(t0, t2, 0x44), q[i + 1] = _mm256_shuffle_ps(t0, t2, 0xee);
        q[i + 2] = _mm256_shuffle_ps(t1, t3, 0x44), q[i + 3] = _mm256_shuffle_ps(t1, t3, 0xee);
#else
        vec t0 = SHUFFLE(r[i], r[i + 1], 0, 4, 1, 5), t1 = SHUFFLE(r[i], r[i + 1], 2, 6, 3, 7);
        vec t2 = SHUFFLE(r[i + 2], r[i + 3], 0, 4, 1, 5), t3 = SHUFFLE(r[i + 2], r[i + 3], 2, 6, 3, 7);
        q[i] = SHUFFLE(t0, t2, 0, 1, 4, 5), q[i + 1] = SHUFFLE(t0, t2, 2, 3, 6, 7);
        q[i + 2] = SHUFFLE(t1, t3, 0, 1, 4, 5), q[i + 3] = SHUFFLE(t1, t3, 2, 3, 6, 7);
#endif
    }
    UNROLL
    for (int c = 0; c < 4; c++) {
#if defined LEVEL_AVX512
        vec s0 = _mm512_shuffle_f32x4(q[c], q[4 + c], 0x44), s1 = _mm512_shuffle_f32x4(q[c], q[4 + c], 0xee);
        vec s2 = _mm512_shuffle_f32x4(q[8 + c], q[12 + c], 0x44), s3 = _mm512_shuffle_f32x4(q[8 + c], q[12 + c], 0xee);
        r[c] = _mm512_shuffle_f32x4(s0, s2, 0x88), r[4 + c] = _mm512_shuffle_f32x4(s0, s2, 0xdd);
        r[8 + c] = _mm512_shuffle_f32x4(s1, s3, 0x88), r[12 + c] = _mm512_shuffle_f32x4(s1, s3, 0xdd);
#elif defined LEVEL_AVX2
        r[c] = _mm256_permute2f128_ps(q[c], q[4 + c], 0x20), r[4 + c] = _mm256_permute2f128_ps(q[c], q[4 + c], 0x31);
#else
        r[c] = q[c];
#endif
    }
}

/* The sum of the lanes, by halves: the order is the same wherever it is used. */
ALWAYS_INLINE float vec_sum(vec x)
{
    typedef float quarter VECTOR(16);
#if defined LEVEL_AVX512
    __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
#elif defined LEVEL_AVX2
    __m256 half = x;
#endif
#if defined LEVEL_BASE
    quarter q = x;
#else
    quarter q = (quarter)_mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
#endif
    q += SHUFFLE(q, q, 2, 3, 2, 3);
    return q[0] + q[1];
}

/* Element access by type; `type` is a constant wherever speed matters. */
ALWAYS_INLINE const void *element(const void *p, int64_t i, const int type)
{
    return type == GEMM_F32 ? (const void *)((const float *)p + i) : (const void *)((const uint16_t *)p + i);
}

ALWAYS_INLINE float load_one(const void *p, int64_t i, const int type)
{
    if (type == GEMM_F32) return ((const float *)p)[i];
    uint16_t h = ((const uint16_t *)p)[i];
    return type == GEMM_F16 ? half_widen(h) : float_of_bits((uint32_t)h << 16);
}

ALWAYS_INLINE void store_one(void *p, int64_t i, float x, const int type)
{
    if (type == GEMM_F32)
        ((float *)p)[i] = x;
    else
        ((uint16_t *)p)[i] = type == GEMM_F16 ? (uint16_t)half_of_float(x) : f32_to_bf16(x);
}

ALWAYS_INLINE vec load_some(const void *p, int64_t i, int n, const int type)
{
    if (type == GEMM_F32) return n == VEC ? vec_load((const float *)p + i) : vec_load_n((const float *)p + i, n);
    const uint16_t *h = (const uint16_t *)p + i;
    return n == VEC ? vec_load_half(h, type) : vec_load_half_n(h, n, type);
}

ALWAYS_INLINE void store_some(void *p, int64_t i, vec x, int n, const int type)
{
    if (type == GEMM_F32) {
        if (n == VEC)
            vec_store((float *)p + i, x);
        else
            vec_store_n((float *)p + i, x, n);
    } else {
        if (n == VEC)
            vec_store_half((uint16_t *)p + i, x, type);
        else
            vec_store_half_n((uint16_t *)p + i, x, n, type);
    }
}

#endif
