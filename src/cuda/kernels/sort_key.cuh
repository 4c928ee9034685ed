// SPDX-License-Identifier: MIT
//
// Keys: unsigned integers in the order of a sort.  -0 and 0 have one key, and so have all NaN, which is the greatest.
#pragma once
#include "cuda/kernels/dev.cuh"
#include "cuda/kernels/sort_args.cuh"

template <class T> struct sort_key {
    typedef u32 type; // of up to 4 bytes
};
template <> struct sort_key<u64> {
    typedef u64 type;
};
template <> struct sort_key<i64> {
    typedef u64 type;
};
template <> struct sort_key<double> {
    typedef u64 type;
};
template <> struct sort_key<c64> {
    typedef u64 type;
};

template <class K> DEVICE K float_key(K bits, K top, K infinity)
{
    K size = bits & (top - 1), key = bits & top ? (top - 1) ^ size : top | size;
    if (!size) key = top;
    return size > infinity ? (K)(top | (top - 1)) : key;
}

template <class T> DEVICE u32 key_of(T x) // bool, unsigned
{
    return (u32)x;
}
DEVICE u32 key_of(i8 x)
{
    return (u8)x ^ 0x80u;
}
DEVICE u32 key_of(i16 x)
{
    return (u16)x ^ 0x8000u;
}
DEVICE u32 key_of(i32 x)
{
    return (u32)x ^ 0x80000000u;
}
DEVICE u64 key_of(u64 x)
{
    return x;
}
DEVICE u64 key_of(i64 x)
{
    return (u64)x ^ (u64)1 << 63;
}
DEVICE u32 key_of(f16 x)
{
    return float_key<u32>(x.bits, 0x8000u, 0x7c00u);
}
DEVICE u32 key_of(bf16 x)
{
    return float_key<u32>(x.bits, 0x8000u, 0x7f80u);
}
DEVICE u32 key_of(float x)
{
    return float_key<u32>(__float_as_uint(x), 0x80000000u, 0x7f800000u);
}
DEVICE u64 key_of(double x)
{
    return float_key<u64>((u64)__double_as_longlong(x), (u64)1 << 63, (u64)0x7ff << 52);
}
// Real parts first; all whose real part is NaN are equal.
DEVICE u64 key_of(c64 x)
{
    u32 re = key_of(x.re), im = key_of(x.im);
    return ~re ? (u64)re << 32 | im : ~(u64)0;
}
