// SPDX-License-Identifier: MIT
//
// Cross entropy of rows of logits x with class t, log(sum(exp x)) - x[t]; OPTION 2: its gradient, (softmax(x) - [i = t]) dy.  OPTION 1:
// rows that do not fit in registers, peak and sum found in one pass.  x: the logits; y: the classes; weight: dy.
#define LONG (OPTION & 1)
#define GRADIENT (OPTION >> 1)
#include "cuda/kernels/rows.cuh"

typedef logsumexp_fold<A> pair_fold;
struct peak_fold {
    DEVICE A none() { return -(A)INF; }
    DEVICE A of(A a, A b) { return a > b ? a : b; }
};

// Negative classes count from the end, others outside are clamped.
DEVICE i64 class_of(const row_args &a, i64 row)
{
    i64 at = a.wide ? reinterpret_cast<const i64 *>(a.y)[row] : reinterpret_cast<const int *>(a.y)[row];
    if (at < 0) at += a.n;
    return at < 0 ? 0 : at < a.n ? at : a.n - 1;
}

// Peak of a row, and the sum of exp(x - peak).  In registers the exponentials take the row's place.
DEVICE pair_fold::acc fold_row(row_of &x, const lanes_of_row &r, pair_fold::acc *shared)
{
    pair_fold::acc pair = pair_fold::none();
#if LONG
    EACH_STRIP
    {
        A *v = x.strip(r, k, -(A)INF);
        EACH_ELEMENT pair = pair_fold::of(pair, pair_fold::lift(v[j], 0));
    }
    return group_fold<pair_fold>(pair, r.lanes, shared);
#else
    A *places = reinterpret_cast<A *>(shared), peak = -(A)INF, total = 0;
    EACH_STRIP EACH_ELEMENT peak = peak_fold::of(peak, x.kept[k][j]);
    peak = group_fold<peak_fold>(peak, r.lanes, places);
    A base = GRADIENT || peak - peak == 0 ? peak : 0;
    EACH_STRIP EACH_ELEMENT
    {
        x.kept[k][j] = exp_of(x.kept[k][j] - base);
        total += x.kept[k][j];
    }
    pair.peak = base;
    pair.total = group_fold<sum_fold<A>>(total, r.lanes, places);
    return pair;
#endif
}

DEVICE void store_gradient(const row_args &a, i64 row, row_of &x, const lanes_of_row &r, pair_fold::acc pair)
{
    A dy = reinterpret_cast<const A *>(a.weight)[row];
    A scale = 1 / pair.total + (pair.peak - pair.peak); // a row without a peak has none: NaN
    i64 hit = class_of(a, row);
    EACH_STRIP
    {
        A *v = x.strip(r, k, -(A)INF);
        EACH_ELEMENT
        {
            A y = (LONG ? exp_of(v[j] - pair.peak) : v[j]) * scale;
            v[j] = (r.at(k, j) == hit ? y - 1 : y) * dy;
        }
        store_strip(reinterpret_cast<T *>(a.out) + row * r.n, v, r, k);
    }
}

extern "C" __global__ void __launch_bounds__(ROW_LONGEST, 2) ENTRY(const __grid_constant__ row_args a)
{
    __shared__ pair_fold::acc shared[32];
    lanes_of_row r = lanes_of(a);
    i64 each = blockDim.x / a.lanes;
#pragma unroll 1
    for (i64 first = blockIdx.x * each; first < a.rows; first += gridDim.x * each) {
        i64 row = first + threadIdx.x / a.lanes;
        bool there = row < a.rows;
        const T *from = reinterpret_cast<const T *>(a.x) + row * r.n;
        row_of x;
        if (there)
            x.read(from, r, -(A)INF);
        else
            EACH_STRIP EACH_ELEMENT x.kept[LONG ? 0 : k][j] = 0; // of no effect; a long row has the block to itself
        pair_fold::acc pair = fold_row(x, r, shared);
        if (!there) continue;
        if (GRADIENT)
            store_gradient(a, row, x, r, pair);
        else if (r.lane == 0)
            reinterpret_cast<A *>(a.out)[row] = pair_fold::finish(pair) - load(from[class_of(a, row)]);
    }
}
