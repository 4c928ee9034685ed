/* SPDX-License-Identifier: MIT
 *
 * float16 and bfloat16 tiles to and from float32, vectorised at every level.
 *
 * Same values as core/half_bits.h bit for bit (tests/c/test_math.c compares them on all halves and floats).  float16 uses
 * the F16C instructions where the level has them; else integer arithmetic, where adding 0.5 makes the adder round a
 * subnormal half in place. */
#ifndef CPU_KERNELS_HALF_H
#define CPU_KERNELS_HALF_H

#include "core/half_bits.h"
#include "cpu/kernels/half_simd.h"
#include "cpu/kernels/math_bits.h"

ALWAYS_INLINE float half_widen(uint32_t half)
{
    uint32_t magnitude = half & 0x7fffu, shifted = magnitude << 13;
    float subnormal = (float)(int32_t)magnitude * 0x1p-24f;
    uint32_t bits = shifted + (112u << 23);
    bits = magnitude < 0x400u ? bits_f32(subnormal) : bits;
    bits = magnitude >= 0x7c00u ? shifted | 0x7f800000u : bits;
    bits = magnitude > 0x7c00u ? bits | 0x400000u : bits;
    return float_of_bits(bits | (half & 0x8000u) << 16);
}

ALWAYS_INLINE uint32_t half_of_float(float x)
{
    uint32_t bits = bits_f32(x), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
    uint32_t normal = (magnitude - (112u << 23) + 0xfffu + (magnitude >> 13 & 1u)) >> 13;
    uint32_t subnormal = bits_f32(float_of_bits(magnitude) + 0.5f) - bits_f32(0.5f);
    uint32_t nan = 0x7e00u | (magnitude >> 13 & 0x3ffu);
    uint32_t half = magnitude < (113u << 23) ? subnormal : normal;
    half = magnitude >= 0x477ff000u ? 0x7c00u : half; /* 65520 and more */
    half = magnitude > 0x7f800000u ? nan : half;
    return half | sign;
}

static inline void f16_to_f32_tile(float *out, const uint16_t *in, int64_t n)
{
    SIMD
    for (int64_t i = half_simd_widen(out, in, n); i < n; i++) out[i] = half_widen(in[i]);
}

static inline void f32_to_f16_tile(uint16_t *out, const float *in, int64_t n)
{
    SIMD
    for (int64_t i = half_simd_narrow(out, in, n); i < n; i++) out[i] = (uint16_t)half_of_float(in[i]);
}

static inline void bf16_to_f32_tile(float *out, const uint16_t *in, int64_t n)
{
    SIMD
    for (int64_t i = 0; i < n; i++) out[i] = float_of_bits((uint32_t)in[i] << 16);
}

static inline void f32_to_bf16_tile(uint16_t *out, const float *in, int64_t n)
{
    SIMD
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits = bits_f32(in[i]), rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
        out[i] = (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? bits >> 16 | 0x40u : rounded);
    }
}

#endif
