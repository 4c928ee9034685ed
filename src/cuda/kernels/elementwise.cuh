// SPDX-License-Identifier: MIT
//
// The one elementwise kernel.  A program includes index.cuh, then defines: ENTRY, the kernel's name; NIN, the number of operands
// x, y, z; the types X, Y, Z and OUT, as stored, T, in which the last operand is computed, and INDEX, which counts elements; EXPR,
// the result; NDIM, the number of merged dimensions, ELEMENTWISE_FLAT or ELEMENTWISE_ANY; WIDTH, the elements of a vector, 16
// bytes of the largest type; then it includes this.  cuda/elementwise.c writes it.
#include "cuda/kernels/dev.cuh"
#include "cuda/kernels/elementwise_args.cuh"

enum { UNROLL = WIDTH < ELEMENTWISE_AT_ONCE ? 2 : 1 };

DEVICE compute_t<OUT>::type compute(compute_t<X>::type x, compute_t<Y>::type y, compute_t<Z>::type z)
{
    return (compute_t<OUT>::type)(EXPR);
}

// Operands that there are not have the type and the value of the first.
template <int operands, class P, class Q, class R> DEVICE void compute_into(OUT &r, P x, Q y, R z)
{
    if constexpr (operands == 1)
        store(r, compute(load(x), load(x), load(x)));
    else if constexpr (operands == 2)
        store(r, compute(load(x), load(y), load(x)));
    else
        store(r, compute(load(x), load(y), load(z)));
}

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
template <class S> DEVICE vec<S, WIDTH> load_run(u64 from, i64 at, bool adjacent)
{
    const S *p = reinterpret_cast<const S *>(from) + at;
    if (adjacent) return ld_vec<WIDTH>(p);
    vec<S, WIDTH> v;
    S s = *p;
#pragma unroll
    for (int j = 0; j < WIDTH; j++) v.v[j] = s;
    return v;
}

DEVICE void run_vectors(const elementwise_args &a, INDEX count)
{
    int last = (NDIM == ELEMENTWISE_FLAT ? 1 : NDIM < ELEMENTWISE_ANY ? NDIM : a.ndim) - 1;
    INDEX step = (INDEX)gridDim.x * ELEMENTWISE_BLOCK * UNROLL;
    for (INDEX i = (INDEX)blockIdx.x * ELEMENTWISE_BLOCK * UNROLL + threadIdx.x; i < count; i += step) {
        vec<X, WIDTH> x[UNROLL];
        vec<Y, WIDTH> y[UNROLL];
        vec<Z, WIDTH> z[UNROLL];
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            i64 at[NIN];
            if (i + u * ELEMENTWISE_BLOCK >= count) break;
            find(a, i + u * ELEMENTWISE_BLOCK, WIDTH, at);
            x[u] = load_run<X>(a.in[0], at[0], a.stride[0][last] != 0);
            if (NIN > 1) y[u] = load_run<Y>(a.in[1], at[NIN > 1], a.stride[1][last] != 0);
            if (NIN > 2) z[u] = load_run<Z>(a.in[2], at[NIN > 2 ? 2 : 0], a.stride[2][last] != 0);
        }
#pragma unroll
        for (int u = 0; u < UNROLL; u++) {
            vec<OUT, WIDTH> r;
            if (i + u * ELEMENTWISE_BLOCK >= count) break;
#pragma unroll
            for (int j = 0; j < WIDTH; j++) compute_into<NIN>(r.v[j], x[u].v[j], y[u].v[j], z[u].v[j]);
            st_vec<WIDTH>(reinterpret_cast<OUT *>(a.out) + (i64)(i + u * ELEMENTWISE_BLOCK) * WIDTH, r);
        }
    }
}

DEVICE void run_scalars(const elementwise_args &a, INDEX first, INDEX total)
{
    INDEX step = (INDEX)gridDim.x * ELEMENTWISE_BLOCK;
    for (INDEX i = first + (INDEX)blockIdx.x * ELEMENTWISE_BLOCK + threadIdx.x; i < total; i += step) {
        i64 at[NIN];
        find(a, i, 1, at);
        const X *x = reinterpret_cast<const X *>(a.in[0]) + at[0];
        const Y *y = reinterpret_cast<const Y *>(a.in[NIN > 1]) + at[NIN > 1];
        const Z *z = reinterpret_cast<const Z *>(a.in[NIN > 2 ? 2 : 0]) + at[NIN > 2 ? 2 : 0];
        compute_into<NIN>(reinterpret_cast<OUT *>(a.out)[i], *x, *y, *z);
    }
}

extern "C" __global__ void __launch_bounds__(ELEMENTWISE_BLOCK) ENTRY(const __grid_constant__ elementwise_args a)
{
    INDEX total = (INDEX)a.total, vectors = a.vectors ? total / WIDTH : 0;
    run_vectors(a, vectors);
    run_scalars(a, vectors * WIDTH, total);
}
