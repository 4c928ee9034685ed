// SPDX-License-Identifier: MIT
//
// softmax of rows, y = exp(x - max x) / sum(exp(x - max x)).  OPTION 1: rows that do not fit in registers are read twice, peak and sum
// found in one pass.  A row with an infinite peak has no softmax: NaN, as on the CPU.
#define LONG OPTION
#include "cuda/kernels/rows.cuh"

struct peak_fold {
    DEVICE A none() { return -(A)INF; }
    DEVICE A of(A a, A b) { return a > b ? a : b; }
};

#if LONG
typedef logsumexp_fold<A> pair_fold;
DEVICE void softmax_row(const row_args &a, i64 row, bool there, const lanes_of_row &r, pair_fold::acc *shared)
{
    row_of x;
    x.x = reinterpret_cast<const T *>(a.x) + row * r.n;
    T *y = reinterpret_cast<T *>(a.out) + row * r.n;
    pair_fold::acc pair = pair_fold::none();
#pragma unroll 1
    for (int k = 0; k < r.strips; k++) {
        A *v = x.strip(r, k, -(A)INF);
        EACH_ELEMENT pair = pair_fold::of(pair, pair_fold::lift(v[j], 0));
    }
    pair = group_fold<pair_fold>(pair, r.lanes, shared);
    A scale = 1 / pair.total + (pair.peak - pair.peak);
#pragma unroll 1
    for (int k = 0; k < r.strips; k++) {
        A *v = x.strip(r, k, 0);
        EACH_ELEMENT v[j] = exp_of(v[j] - pair.peak) * scale;
        store_strip(y, v, r, k);
    }
}
typedef pair_fold::acc shared_t;
#else
typedef A shared_t;
DEVICE void softmax_row(const row_args &a, i64 row, bool there, const lanes_of_row &r, A *shared)
{
    row_of x;
    if (there) x.read(reinterpret_cast<const T *>(a.x) + row * r.n, r, -(A)INF);
    A peak = -(A)INF, total = 0;
    EACH_STRIP EACH_ELEMENT peak = peak_fold::of(peak, there ? x.kept[k][j] : 0);
    peak = group_fold<peak_fold>(peak, r.lanes, shared);
    EACH_STRIP EACH_ELEMENT
    {
        x.kept[k][j] = exp_of((there ? x.kept[k][j] : 0) - peak);
        total += x.kept[k][j];
    }
    total = group_fold<sum_fold<A>>(total, r.lanes, shared);
    A scale = 1 / total;
    EACH_STRIP EACH_ELEMENT x.kept[k][j] *= scale;
    if (!there) return;
    EACH_STRIP store_strip(reinterpret_cast<T *>(a.out) + row * r.n, x.kept[k], r, k);
}
#endif

extern "C" __global__ void __launch_bounds__(ROW_LONGEST, 2) ENTRY(const __grid_constant__ row_args a)
{
    __shared__ shared_t shared[32];
    lanes_of_row r = lanes_of(a);
    i64 each = blockDim.x / a.lanes;
#pragma unroll 1
    for (i64 first = blockIdx.x * each; first < a.rows; first += gridDim.x * each) {
        i64 row = first + threadIdx.x / a.lanes;
        softmax_row(a, row, row < a.rows, r, shared);
    }
}
