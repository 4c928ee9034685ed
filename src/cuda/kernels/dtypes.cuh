// SPDX-License-Identifier: MIT
//
// The stored types of arrays, without any CUDA header: the 16-bit floats are bits, computed in float32 and rounded once, in
// integer arithmetic as on the CPU (core/half_bits.h); a complex number is two floats.
#pragma once

typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long long i64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
struct f16 {
    u16 bits;
};
struct bf16 {
    u16 bits;
};

struct c64 {
    float re, im;
};

static __device__ __forceinline__ float f16_to_f32(f16 h)
{
    u32 sign = (u32)(h.bits & 0x8000u) << 16, exponent = h.bits >> 10 & 31u, fraction = h.bits & 1023u;
    if (exponent == 31) return __uint_as_float(sign | 0x7f800000u | fraction << 13 | (fraction ? 0x400000u : 0u));
    if (exponent) return __uint_as_float(sign | (exponent + 112) << 23 | fraction << 13);
    // Subnormal: fraction * 2^-24, which is exact.
    float x = (float)fraction * 0x1p-24f;
    return __uint_as_float(sign | __float_as_uint(x));
}
static __device__ __forceinline__ f16 f32_to_f16(float x)
{
    u32 bits = __float_as_uint(x), sign = bits >> 16 & 0x8000u, size = bits & 0x7fffffffu, out;
    if (size > 0x7f800000u) {
        out = 0x7e00u | (size >> 13 & 0x3ffu);
    } else if (size >= 0x477ff000u) { // 65520 and more
        out = 0x7c00u;
    } else if (size >= 0x38800000u) { // 2^-14: normal
        out = (size - 0x38000000u + 0xfffu + (size >> 13 & 1u)) >> 13;
    } else {
        // Adding 0.5 leaves the multiple of 2^-24 in the lowest bits, rounded to nearest even.
        out = __float_as_uint(__uint_as_float(size) + 0.5f) - 0x3f000000u;
    }
    f16 h = {(u16)(sign | out)};
    return h;
}
static __device__ __forceinline__ float bf16_to_f32(bf16 h)
{
    return __uint_as_float((u32)h.bits << 16);
}
static __device__ __forceinline__ bf16 f32_to_bf16(float x)
{
    u32 bits = __float_as_uint(x), nan = bits >> 16 | 0x40u, rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    bf16 h = {(u16)((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded)};
    return h;
}

template <class S> struct compute_t {
    typedef S type;
};
template <> struct compute_t<f16> {
    typedef float type;
};
template <> struct compute_t<bf16> {
    typedef float type;
};

template <class S> static __device__ __forceinline__ S load(S x)
{
    return x;
}
static __device__ __forceinline__ float load(f16 x)
{
    return f16_to_f32(x);
}
static __device__ __forceinline__ float load(bf16 x)
{
    return bf16_to_f32(x);
}
template <class S> static __device__ __forceinline__ void store(S &to, S x)
{
    to = x;
}
static __device__ __forceinline__ void store(f16 &to, float x)
{
    to = f32_to_f16(x);
}
static __device__ __forceinline__ void store(bf16 &to, float x)
{
    to = f32_to_bf16(x);
}
