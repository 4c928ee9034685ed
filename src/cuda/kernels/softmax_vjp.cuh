// SPDX-License-Identifier: MIT
//
// y (v - sum(y v)) of rows: the Jacobian of softmax, whose result y is, times v.  OPTION 1: rows that do not fit in registers.
#define LONG OPTION
#include "cuda/kernels/rows.cuh"

extern "C" __global__ void __launch_bounds__(ROW_LONGEST, 2) ENTRY(const __grid_constant__ row_args a)
{
    __shared__ A shared[32];
    lanes_of_row r = lanes_of(a);
    i64 each = blockDim.x / a.lanes;
#pragma unroll 1
    for (i64 first = blockIdx.x * each; first < a.rows; first += gridDim.x * each) {
        i64 row = first + threadIdx.x / a.lanes;
        bool there = row < a.rows;
        row_of y, v;
        A total = 0;
        if (there) {
            y.read(reinterpret_cast<const T *>(a.x) + row * r.n, r, 0);
            v.read(reinterpret_cast<const T *>(a.y) + row * r.n, r, 0);
            EACH_STRIP
            {
                A *p = y.strip(r, k, 0), *q = v.strip(r, k, 0);
                EACH_ELEMENT total += p[j] * q[j];
            }
        }
        total = group_fold<sum_fold<A>>(total, r.lanes, shared);
        if (!there) continue;
        EACH_STRIP
        {
            A *p = y.strip(r, k, 0), *q = v.strip(r, k, 0);
            EACH_ELEMENT p[j] *= q[j] - total;
            store_strip(reinterpret_cast<T *>(a.out) + row * r.n, p, r, k);
        }
    }
}
