// SPDX-License-Identifier: MIT
//
// Rows of adjacent elements, one for a group of lanes.  A program defines T, the stored type, and LONG: 0 if a row fits in the
// registers of its lanes, LOADS strips of VECTOR elements each, 1 if it is walked in strips as often as it is needed.  Strip k of a
// lane is one load of 16 bytes; where rows are not aligned, VECTOR loads of elements a row of lanes apart, so that lanes still read
// side by side.
#pragma once
#include "cuda/kernels/folds.cuh"
#include "cuda/kernels/row_args.cuh"

typedef compute_t<T>::type A;
enum { VECTOR = 16 / sizeof(T), LOADS = ROW_VALUES(sizeof(T)) / VECTOR };

template <bool wide> struct index_of {
    typedef i64 type;
};
template <> struct index_of<false> {
    typedef int type;
};
typedef index_of<LONG != 0>::type INDEX;

struct lanes_of_row {
    INDEX n;
    int lane, lanes, strips;
    bool vectors;
    // The place of element j of strip k.
    __device__ __forceinline__ INDEX at(int k, int j) const
    {
        return vectors ? ((INDEX)k * lanes + lane) * VECTOR + j : ((INDEX)k * VECTOR + j) * lanes + lane;
    }
};
DEVICE lanes_of_row lanes_of(const row_args &a)
{
    lanes_of_row r;
    r.n = (INDEX)a.n;
    r.lanes = a.lanes;
    r.lane = threadIdx.x & (a.lanes - 1);
    r.vectors = a.vectors;
    r.strips = LONG ? (int)((r.n + r.lanes * VECTOR - 1) / (r.lanes * VECTOR)) : LOADS;
    return r;
}

DEVICE void load_strip(A *v, const T *x, const lanes_of_row &r, int k, A fill)
{
    if (r.vectors) {
        bool there = r.at(k, 0) < r.n;
        vec<T, VECTOR> w;
        if (there) w = ld_vec<VECTOR>(x + r.at(k, 0));
#pragma unroll
        for (int j = 0; j < VECTOR; j++) v[j] = there ? load(w.v[j]) : fill;
    } else {
#pragma unroll
        for (int j = 0; j < VECTOR; j++) v[j] = r.at(k, j) < r.n ? load(x[r.at(k, j)]) : fill;
    }
}
DEVICE void store_strip(T *y, const A *v, const lanes_of_row &r, int k)
{
    if (r.vectors) {
        vec<T, VECTOR> w;
#pragma unroll
        for (int j = 0; j < VECTOR; j++) store(w.v[j], v[j]);
        if (r.at(k, 0) < r.n) st_vec<VECTOR>(y + r.at(k, 0), w);
    } else {
#pragma unroll
        for (int j = 0; j < VECTOR; j++)
            if (r.at(k, j) < r.n) store(y[r.at(k, j)], v[j]);
    }
}
DEVICE A rounded(A x)
{
    T stored;
    store(stored, x);
    return load(stored);
}

// A row's strips, kept in registers or read again for each use.
struct row_of {
    const T *x;
    A kept[LONG ? 1 : LOADS][VECTOR];
    __device__ __forceinline__ void read(const T *from, const lanes_of_row &r, A fill)
    {
        x = from;
        if (LONG) return;
#pragma unroll
        for (int k = 0; k < LOADS; k++) load_strip(kept[LONG ? 0 : k], x, r, k, fill);
    }
    __device__ __forceinline__ A *strip(const lanes_of_row &r, int k, A fill)
    {
        if (LONG) load_strip(kept[0], x, r, k, fill);
        return kept[LONG ? 0 : k];
    }
};

// Strips in registers need their numbers when they are compiled; others go one by one.
#if LONG
#define EACH_STRIP _Pragma("unroll 1") for (int k = 0; k < r.strips; k++)
#else
#define EACH_STRIP _Pragma("unroll") for (int k = 0; k < (int)LOADS; k++)
#endif
#define EACH_ELEMENT _Pragma("unroll") for (int j = 0; j < VECTOR; j++)
