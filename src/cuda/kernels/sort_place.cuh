// SPDX-License-Identifier: MIT
//
// Where there are many tiles, a block for each digit of a row: their counts become how many there are in the tiles before, and the
// digit's total.
#include "cuda/kernels/dev.cuh"
#include "cuda/kernels/sort_args.cuh"
#include "cuda/kernels/sort_scan.cuh"

extern "C" __global__ void __launch_bounds__(SORT_THREADS) ENTRY(const __grid_constant__ sort_args a)
{
    __shared__ i64 shared[32];
#pragma unroll 1
    for (i64 unit = blockIdx.x; unit < a.rows * SORT_RADIX; unit += gridDim.x) {
        i64 *counts = reinterpret_cast<i64 *>(a.counts) + unit * a.tiles, before = 0;
#pragma unroll 1
        for (i64 first = 0; first < a.tiles; first += SORT_THREADS) {
            i64 i = first + threadIdx.x, total, own = i < a.tiles ? counts[i] : 0;
            i64 ahead = before_thread(own, total, shared);
            if (i < a.tiles) counts[i] = before + ahead;
            before += total;
        }
        if (threadIdx.x == 0) reinterpret_cast<i64 *>(a.totals)[unit] = before;
    }
}
