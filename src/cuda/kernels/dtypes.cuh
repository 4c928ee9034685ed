// SPDX-License-Identifier: MIT
//
// The stored types of arrays, without any CUDA header: the 16-bit floats are bits, computed in float32 and rounded once, by
// the machine's own instructions (dev_arch.cuh); a complex number is two floats.
#pragma once

typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long long i64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#include "cuda/kernels/dev_arch.cuh"

#define DEVICE static __device__ __forceinline__

struct f16 {
    u16 bits;
    f16() = default;
    __device__ __forceinline__ explicit f16(float x) : bits(f32_to_f16_bits(x)) {}
    __device__ __forceinline__ explicit operator float() const { return f16_bits_to_f32(bits); }
};
struct bf16 {
    u16 bits;
    bf16() = default;
    __device__ __forceinline__ explicit bf16(float x) : bits(f32_to_bf16_bits(x)) {}
    __device__ __forceinline__ explicit operator float() const { return bf16_bits_to_f32(bits); }
};
struct __align__(8) c64 {
    float re, im;
};

// What an element is computed in.
template <class S> struct compute_t {
    typedef S type;
};
template <> struct compute_t<f16> {
    typedef float type;
};
template <> struct compute_t<bf16> {
    typedef float type;
};

template <class S> DEVICE S load(S x)
{
    return x;
}
DEVICE float load(f16 x)
{
    return float(x);
}
DEVICE float load(bf16 x)
{
    return float(x);
}
template <class S> DEVICE void store(S &to, S x)
{
    to = x;
}
DEVICE void store(f16 &to, float x)
{
    to = f16(x);
}
DEVICE void store(bf16 &to, float x)
{
    to = bf16(x);
}
