// SPDX-License-Identifier: MIT
//
// How often each digit is in each tile of long rows: the first of the three kernels of a pass of radix sort.
#include "cuda/kernels/sort_digit.cuh"

extern "C" __global__ void __launch_bounds__(SORT_THREADS) ENTRY(const __grid_constant__ sort_args a)
{
    __shared__ u32 counts[WARPS][SORT_RADIX];
    int warp = threadIdx.x >> 5;
#pragma unroll 1
    for (i64 unit = blockIdx.x; unit < a.rows * a.tiles; unit += gridDim.x) {
        i64 row = unit / a.tiles, tile = unit - row * a.tiles, first = tile * TILE;
        const T *x = reinterpret_cast<const T *>(a.from) + row * a.n;
        digit_of digit(a, row);
        for (int w = 0; w < WARPS; w++) counts[w][threadIdx.x] = 0;
        __syncthreads();
#pragma unroll
        for (int j = 0; j < ITEMS; j++) {
            i64 i = first + j * SORT_THREADS + threadIdx.x;
            if (i < a.n) atomicAdd(&counts[warp][digit(x[i])], 1u);
        }
        __syncthreads();
        u32 sum = 0;
        for (int w = 0; w < WARPS; w++) sum += counts[w][threadIdx.x];
        reinterpret_cast<i64 *>(a.counts)[(row * SORT_RADIX + threadIdx.x) * a.tiles + tile] = sum;
        __syncthreads();
    }
}
