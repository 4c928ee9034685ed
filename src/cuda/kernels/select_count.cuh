// SPDX-License-Identifier: MIT
//
// A round of radix select: how often each digit follows the known bits of the kth key, in all tiles of a row.  Sums of integers, so the
// order of the atomics does not matter.
#include "cuda/kernels/sort_digit.cuh"

extern "C" __global__ void __launch_bounds__(SORT_THREADS) ENTRY(const __grid_constant__ sort_args a)
{
    __shared__ u32 counts[WARPS][SORT_RADIX];
    int warp = threadIdx.x >> 5, above = a.shift + 8;
#pragma unroll 1
    for (i64 unit = blockIdx.x; unit < a.rows * a.tiles; unit += gridDim.x) {
        i64 row = unit / a.tiles, first = (unit - row * a.tiles) * TILE;
        const T *x = reinterpret_cast<const T *>(a.from) + row * a.n;
        u64 known = reinterpret_cast<const select_state *>(a.picked)[row].key >> a.shift >> 8;
        for (int w = 0; w < WARPS; w++) counts[w][threadIdx.x] = 0;
        __syncthreads();
#pragma unroll
        for (int j = 0; j < ITEMS; j++) {
            i64 i = first + j * SORT_THREADS + threadIdx.x;
            if (i >= a.n) continue;
            u64 key = key_of(x[i]);
            if (above >= 64 || key >> above == known) atomicAdd(&counts[warp][(int)(key >> a.shift) & (SORT_RADIX - 1)], 1u);
        }
        __syncthreads();
        u32 sum = 0;
        for (int w = 0; w < WARPS; w++) sum += counts[w][threadIdx.x];
        if (sum) atomicAdd(reinterpret_cast<u64 *>(a.totals) + row * SORT_RADIX + threadIdx.x, (u64)sum);
        __syncthreads();
    }
}
