/* SPDX-License-Identifier: MIT
 *
 * Registers of bytes for copies: `reg` is the widest that the level has, in lanes of 16 bytes.  Interleaving works
 * within lanes, as the instructions do; reg_lanes then exchanges the lanes of as many registers as a register has.
 * reg_stream stores past the caches, where the machine can. */
#ifndef CPU_KERNELS_COPY_SIMD_H
#define CPU_KERNELS_COPY_SIMD_H

#include "core/compiler.h"
#include "cpu/kernels/level.h"
#include <stdint.h>
#include <string.h>
#if defined __x86_64__
#include <immintrin.h>
#endif

#if defined LEVEL_AVX512
typedef __m512i reg;
#define INTERLEAVE(half, a, b, bytes)                                                                                  \
    ((bytes) == 1   ? _mm512_unpack##half##_epi8(a, b)                                                                 \
     : (bytes) == 2 ? _mm512_unpack##half##_epi16(a, b)                                                                \
     : (bytes) == 4 ? _mm512_unpack##half##_epi32(a, b)                                                                \
                    : _mm512_unpack##half##_epi64(a, b))
#elif defined LEVEL_AVX2
typedef __m256i reg;
#define INTERLEAVE(half, a, b, bytes)                                                                                  \
    ((bytes) == 1   ? _mm256_unpack##half##_epi8(a, b)                                                                 \
     : (bytes) == 2 ? _mm256_unpack##half##_epi16(a, b)                                                                \
     : (bytes) == 4 ? _mm256_unpack##half##_epi32(a, b)                                                                \
                    : _mm256_unpack##half##_epi64(a, b))
#else
typedef uint8_t reg VECTOR(16);
typedef uint16_t reg_2 VECTOR(16);
typedef uint32_t reg_4 VECTOR(16);
typedef uint64_t reg_8 VECTOR(16);
#endif

enum { REG = sizeof(reg), LANE = 16, LANES = REG / LANE, LINE = 64 };

ALWAYS_INLINE reg reg_load(const void *p)
{
    reg x;
    memcpy(&x, p, sizeof x);
    return x;
}

ALWAYS_INLINE void reg_store(void *p, reg x)
{
    memcpy(p, &x, sizeof x);
}

/* p is aligned to REG. */
ALWAYS_INLINE void reg_stream(void *p, reg x)
{
#if defined LEVEL_AVX512
    _mm512_stream_si512(p, x);
#elif defined LEVEL_AVX2
    _mm256_stream_si256(p, x);
#elif defined __x86_64__
    _mm_stream_si128(p, (__m128i)x);
#else
    reg_store(p, x);
#endif
}

/* a0 b0 a1 b1 ... of the lower halves of all lanes, in elements of `bytes` (a constant). */
ALWAYS_INLINE reg reg_low(reg a, reg b, const int bytes)
{
#if !defined LEVEL_BASE
    return INTERLEAVE(lo, a, b, bytes);
#else
    if (bytes == 1) return SHUFFLE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    if (bytes == 2) return (reg)SHUFFLE((reg_2)a, (reg_2)b, 0, 8, 1, 9, 2, 10, 3, 11);
    if (bytes == 4) return (reg)SHUFFLE((reg_4)a, (reg_4)b, 0, 4, 1, 5);
    return (reg)SHUFFLE((reg_8)a, (reg_8)b, 0, 2);
#endif
}

/* ... and of the upper halves. */
ALWAYS_INLINE reg reg_high(reg a, reg b, const int bytes)
{
#if !defined LEVEL_BASE
    return INTERLEAVE(hi, a, b, bytes);
#else
    if (bytes == 1) return SHUFFLE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    if (bytes == 2) return (reg)SHUFFLE((reg_2)a, (reg_2)b, 4, 12, 5, 13, 6, 14, 7, 15);
    if (bytes == 4) return (reg)SHUFFLE((reg_4)a, (reg_4)b, 2, 6, 3, 7);
    return (reg)SHUFFLE((reg_8)a, (reg_8)b, 1, 3);
#endif
}

/* Lane l of r[k] becomes lane k of r[l]. */
ALWAYS_INLINE void reg_lanes(reg *r)
{
#if defined LEVEL_AVX512
    reg s0 = _mm512_shuffle_i64x2(r[0], r[1], 0x44), s1 = _mm512_shuffle_i64x2(r[0], r[1], 0xee);
    reg s2 = _mm512_shuffle_i64x2(r[2], r[3], 0x44), s3 = _mm512_shuffle_i64x2(r[2], r[3], 0xee);
    r[0] = _mm512_shuffle_i64x2(s0, s2, 0x88), r[1] = _mm512_shuffle_i64x2(s0, s2, 0xdd);
    r[2] = _mm512_shuffle_i64x2(s1, s3, 0x88), r[3] = _mm512_shuffle_i64x2(s1, s3, 0xdd);
#elif defined LEVEL_AVX2
    reg s0 = _mm256_permute2x128_si256(r[0], r[1], 0x20), s1 = _mm256_permute2x128_si256(r[0], r[1], 0x31);
    r[0] = s0, r[1] = s1;
#else
    (void)r;
#endif
}

#endif
