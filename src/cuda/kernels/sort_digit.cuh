// SPDX-License-Identifier: MIT
//
// What the kernels of long rows share: tiles of a row, and the digit by which a pass moves an element.
#pragma once
#include "cuda/kernels/sort_key.cuh"

typedef sort_key<T>::type K;
enum { TILE = sizeof(T) == 8 ? SORT_TILE_WIDE : SORT_TILE, ITEMS = TILE / SORT_THREADS, WARPS = SORT_THREADS / 32 };

// Of a partition: less, equal or greater than the chosen key.
struct digit_of {
    K chosen;
    int shift;
    __device__ __forceinline__ digit_of(const sort_args &a, i64 row) : chosen(0), shift(a.shift)
    {
        if (OPTION & SORT_PARTS) chosen = (K) reinterpret_cast<const select_state *>(a.picked)[row].key;
    }
    __device__ __forceinline__ int operator()(T x) const
    {
        K key = key_of(x);
        return OPTION & SORT_PARTS ? (key >= chosen) + (key > chosen) : (int)(key >> shift) & (SORT_RADIX - 1);
    }
};
