// SPDX-License-Identifier: MIT
//
// Threefry-2x32 with 20 rounds (Salmon et al., 2011), as core/threefry.h; counters as in cpu/kernels/random.c: with h = n / 2 and
// odd = n % 2, counter (i, h + odd + i) gives words i and h + odd + i, and if n is odd, counter (h, 0) gives word h.
#include "cuda/kernels/random_args.cuh"

DEVICE u32 turn(u32 x, int bits)
{
    return x << bits | x >> (32 - bits);
}

#define GROUP(r0, r1, r2, r3, ka, kb, n)                                                                               \
    x += y, y = turn(y, r0) ^ x;                                                                                       \
    x += y, y = turn(y, r1) ^ x;                                                                                       \
    x += y, y = turn(y, r2) ^ x;                                                                                       \
    x += y, y = turn(y, r3) ^ x;                                                                                       \
    x += (ka), y += (kb) + (n)

DEVICE void threefry(u32 k0, u32 k1, u32 &a, u32 &b)
{
    u32 k2 = k0 ^ k1 ^ 0x1bd11bdau, x = a + k0, y = b + k1;
    GROUP(13, 15, 26, 6, k1, k2, 1u);
    GROUP(17, 29, 16, 24, k2, k0, 2u);
    GROUP(13, 15, 26, 6, k0, k1, 3u);
    GROUP(17, 29, 16, 24, k1, k2, 4u);
    GROUP(13, 15, 26, 6, k2, k0, 5u);
    a = x;
    b = y;
}

// Word `at` of a key's output; the last one may be cut, and then the words of later keys are not aligned.
DEVICE void store_word(const random_bits_args &a, u8 *to, i64 at, u32 word)
{
    if (!(a.bytes & 3)) {
        ((u32 *)to)[at] = word;
        return;
    }
    for (int k = 0; k < 4 && 4 * at + k < a.bytes; k++) to[4 * at + k] = (u8)(word >> 8 * k);
}

extern "C" __global__ void ENTRY(const random_bits_args a)
{
    u64 total = (u64)a.total, step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += step) {
        u64 pair, key = divide(i, a.pairs, pair);
        u8 *to = (u8 *)a.to + key * a.bytes;
        u32 k0 = ((const u32 *)a.keys)[2 * key], k1 = ((const u32 *)a.keys)[2 * key + 1];
        bool whole = (i64)pair < a.half;
        u32 x = (u32)pair, y = whole ? (u32)(pair + a.half + a.odd) : 0;
        threefry(k0, k1, x, y);
        store_word(a, to, pair, x);
        if (whole) store_word(a, to, pair + a.half + a.odd, y);
    }
}
