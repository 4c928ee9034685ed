// SPDX-License-Identifier: MIT
//
// The gradients of RMS norm and layer norm (ops/norm.c has the formulas).  A group of lanes takes every groups-th row and adds up its
// share of the weight's and the bias's gradient, a row of `parts` for each, in registers or, for long rows, there.  The parts are
// summed by a reduction.
#include "cuda/kernels/moments.cuh"

struct gradient {
    A weight[LONG ? 1 : LOADS][VECTOR], bias[LONG ? 1 : LOADS][VECTOR];
};

// Adds to (FIRST: sets) the parts of a strip.
DEVICE void put_parts(A *part, const A *v, const lanes_of_row &r, int k, bool add)
{
    EACH_ELEMENT
    {
        INDEX i = r.at(k, j);
        if (i < r.n) part[i] = add ? part[i] + v[j] : v[j];
    }
}

DEVICE void backward_row(const row_args &a, i64 row, bool there, const lanes_of_row &r, gradient &g, A *part, A *shared)
{
    row_of x, dy;
    const T *weight = reinterpret_cast<const T *>(a.weight);
    A along = 0, total = 0, w[VECTOR];
    if (there) {
        x.read(reinterpret_cast<const T *>(a.x) + row * r.n, r, 0);
        dy.read(reinterpret_cast<const T *>(a.y) + row * r.n, r, 0);
    }
    moments m = moments_of(x, there, r, a.eps, shared);
    if (there) EACH_STRIP
        {
            A *v = x.strip(r, k, 0), *d = dy.strip(r, k, 0);
            load_strip(w, weight, r, k, 0);
            EACH_ELEMENT
            {
                along += d[j] * w[j] * ((v[j] - m.mean) * m.inverse);
                total += d[j] * w[j];
            }
        }
    along = group_fold<sum_fold<A>>(along, r.lanes, shared) / (A)r.n;
    total = CENTRED ? group_fold<sum_fold<A>>(total, r.lanes, shared) / (A)r.n : 0;
    if (!there) return;
    EACH_STRIP
    {
        A *v = x.strip(r, k, 0), *d = dy.strip(r, k, 0), *dw = g.weight[LONG ? 0 : k], *db = g.bias[LONG ? 0 : k];
        load_strip(w, weight, r, k, 0);
        EACH_ELEMENT
        {
            A unit = (v[j] - m.mean) * m.inverse;
            dw[j] = (LONG ? 0 : dw[j]) + d[j] * unit;
            if (CENTRED) db[j] = (LONG ? 0 : db[j]) + d[j];
            v[j] = m.inverse * (d[j] * w[j] - total - unit * along);
        }
        store_strip(reinterpret_cast<T *>(a.out) + row * r.n, v, r, k);
        if (LONG) put_parts(part, dw, r, k, true);
        if (LONG && CENTRED) put_parts(part + r.n, db, r, k, true);
    }
}

extern "C" __global__ void __launch_bounds__(ROW_LONGEST, 1) ENTRY(const __grid_constant__ row_args a)
{
    __shared__ A shared[32];
    lanes_of_row r = lanes_of(a);
    i64 each = blockDim.x / a.lanes, groups = gridDim.x * each, group = blockIdx.x * each + threadIdx.x / a.lanes;
    A *part = reinterpret_cast<A *>(a.parts) + group * 2 * r.n;
    gradient g;
    EACH_STRIP EACH_ELEMENT g.weight[LONG ? 0 : k][j] = g.bias[LONG ? 0 : k][j] = 0;
    if (LONG) EACH_STRIP
        {
            put_parts(part, g.weight[0], r, k, false);
            put_parts(part + r.n, g.bias[0], r, k, false);
        }
#pragma unroll 1
    for (i64 first = 0; first < a.rows; first += groups)
        backward_row(a, first + group, first + group < a.rows, r, g, part, shared);
    if (LONG) return;
    EACH_STRIP
    {
        put_parts(part, g.weight[k], r, k, false);
        if (CENTRED) put_parts(part + r.n, g.bias[k], r, k, false);
    }
}
