// SPDX-License-Identifier: MIT
//
// What elementwise programs read.  A program includes index.cuh, then defines NIN and NOUT, the numbers of operands and results;
// NDIM, of merged dimensions, ELEMENTWISE_FLAT or ELEMENTWISE_ANY; WIDTH, the elements of a vector, 16 bytes of the largest type;
// INDEX, which counts elements; includes this, and writes its steps and `read`, `compute` and `write` over them (cuda/source.c).
// Then it includes what runs them.
#include "cuda/kernels/dev.cuh"
#include "cuda/kernels/elementwise_args.cuh"

struct elementwise_args {
    long long total;
    int ndim, vectors; // vectors: the innermost dimension, unless flat, counts vectors
    u64 out[NOUT], in[NIN];
    struct index_divider shape[ELEMENTWISE_PLACES(NDIM)]; // outermost first
    long long stride[NIN][ELEMENTWISE_PLACES(NDIM)];
};

// Where element (vector: of `each` elements) i is in each operand.
DEVICE void find(const elementwise_args &a, INDEX i, int each, i64 *at)
{
    if (NDIM == ELEMENTWISE_FLAT) {
        for (int k = 0; k < NIN; k++) at[k] = (i64)(i * each) * a.stride[k][0];
        return;
    }
    int ndim = NDIM < ELEMENTWISE_ANY ? NDIM : a.ndim;
    for (int k = 0; k < NIN; k++) at[k] = 0;
#pragma unroll
    for (int d = ndim - 1; d > 0; d--) {
        INDEX column;
        i = divide(i, a.shape[d], column);
        for (int k = 0; k < NIN; k++) at[k] += (i64)column * a.stride[k][d];
    }
    for (int k = 0; k < NIN; k++) at[k] += (i64)i * a.stride[k][0];
}

// Elements beside each other, or one of them in all places.
template <int W, class S> DEVICE vec<S, W> load_run(const S *p, bool adjacent)
{
    if (adjacent) return ld_vec<W>(p);
    vec<S, W> v;
    S s = *p;
#pragma unroll
    for (int j = 0; j < W; j++) v.v[j] = s;
    return v;
}
// As it would be read again after it was written out: each step rounds to its type.
template <class S> DEVICE typename compute_t<S>::type stored(typename compute_t<S>::type x)
{
    S s;
    store(s, x);
    return load(s);
}
