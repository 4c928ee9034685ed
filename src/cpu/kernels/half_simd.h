/* SPDX-License-Identifier: MIT
 *
 * float16 conversion by the F16C and AVX-512 instructions.  Both functions return how many elements they have done:
 * whole vectors only, none at a level without the instructions. */
#ifndef CPU_KERNELS_HALF_SIMD_H
#define CPU_KERNELS_HALF_SIMD_H

#include <stdint.h>

#include "core/compiler.h"

#if defined __AVX512F__

#include <immintrin.h>

ALWAYS_INLINE int64_t half_simd_widen(float *out, const uint16_t *in, int64_t n)
{
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        _mm512_storeu_ps(out + i, _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(in + i))));
    return i;
}

ALWAYS_INLINE int64_t half_simd_narrow(uint16_t *out, const float *in, int64_t n)
{
    int64_t i = 0;
    for (; i + 16 <= n; i += 16)
        _mm256_storeu_si256((__m256i *)(out + i), _mm512_cvtps_ph(_mm512_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
    return i;
}

#elif defined __F16C__

#include <immintrin.h>

ALWAYS_INLINE int64_t half_simd_widen(float *out, const uint16_t *in, int64_t n)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(in + i))));
    return i;
}

ALWAYS_INLINE int64_t half_simd_narrow(uint16_t *out, const float *in, int64_t n)
{
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(out + i), _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
    return i;
}

#else

ALWAYS_INLINE int64_t half_simd_widen(float *out, const uint16_t *in, int64_t n)
{
    (void)out, (void)in, (void)n;
    return 0;
}

ALWAYS_INLINE int64_t half_simd_narrow(uint16_t *out, const float *in, int64_t n)
{
    (void)out, (void)in, (void)n;
    return 0;
}

#endif

#endif
