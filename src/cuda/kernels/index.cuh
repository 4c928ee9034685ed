// SPDX-License-Identifier: MIT
//
// What copies, gathers and scatters share: from the number of an element to where it lies.
#pragma once
#include "cuda/kernels/math.cuh"
#include "cuda/kernels/index_args.cuh"

typedef uint4 unit16;

// Threads take this many elements at once, so that enough bytes are under way.
template <class S> struct index_elements {
    static const int count = sizeof(S) >= 16 ? 2 : 4;
};

#define OUTSIDE ((i64)1 << 63) // the place of an index that drops its element

// ---- Division; INDEX is u32 (below 2^31) or u64.  A divisor from 2^31 on has no magic.
DEVICE u32 divide(u32 x, const index_divider &d, u32 &rest)
{
    u32 q = (__umulhi(x, d.magic) + x) >> d.shift;
    rest = x - q * (u32)d.n;
    return q;
}
DEVICE u64 divide(u64 x, const index_divider &d, u64 &rest)
{
    u64 q;
    if (x >> 31) {
        q = x / (u64)d.n;
    } else {
        q = d.magic ? (__umulhi((u32)x, d.magic) + (u32)x) >> d.shift : 0;
    }
    rest = x - q * (u64)d.n;
    return q;
}

template <class INDEX> DEVICE i64 walk_offset(const index_walk &w, INDEX i, int layout = 0)
{
    i64 at = 0;
    for (int d = w.ndim - 1; d > 0; d--) {
        INDEX column;
        i = divide(i, w.shape[d], column);
        at += (i64)column * w.stride[layout][d];
    }
    return at + (i64)i * w.stride[layout][0];
}

// ---- Indices
DEVICE i64 index_at(u64 from, int kind, i64 at, i64 size)
{
    i64 x;
    switch (kind) {
    case 0: x = ((const u8 *)from)[at]; break;
    case 1: x = ((const u16 *)from)[at]; break;
    case 2: x = ((const u32 *)from)[at]; break;
    case 3: x = (i64)((const u64 *)from)[at]; return x < 0 ? (i64)(~(u64)0 >> 1) : x; // beyond int64: outside
    case 4: x = ((const i8 *)from)[at]; break;
    case 5: x = ((const i16 *)from)[at]; break;
    case 6: x = ((const i32 *)from)[at]; break;
    default: x = ((const i64 *)from)[at];
    }
    return x < 0 ? x + size : x;
}

// ONE: there is one array of indices.
template <bool ONE, class INDEX> DEVICE i64 place_of(const index_places &p, INDEX point)
{
    INDEX c1, c2, c0 = divide(point, p.shape[2], c2);
    c0 = divide(c0, p.shape[1], c1);
    i64 place = (i64)c0 * p.base[0] + (i64)c1 * p.base[1] + (i64)c2 * p.base[2];
    bool inside = true;
    for (int a = 0; a < (ONE ? 1 : p.axes); a++) {
        i64 at = (i64)c0 * p.stride[a][0] + (i64)c1 * p.stride[a][1] + (i64)c2 * p.stride[a][2];
        i64 index = index_at(p.index[a], p.kind[a], at, p.size[a]), room = p.room[a];
        inside &= index >= 0 && index <= room;
        index = index > room ? room : index;
        place += (index < 0 ? 0 : index) * p.step[a];
    }
    return inside || p.clamp ? place : OUTSIDE;
}
