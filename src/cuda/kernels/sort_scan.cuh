// SPDX-License-Identifier: MIT
//
// The sum of what the threads before this one have, of a block of whole warps.
#pragma once
#include "cuda/kernels/dev.cuh"

template <class N> DEVICE N before_thread(N own, N &total, N *shared) // `shared` has 32 places
{
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
    N sum = own;
#pragma unroll
    for (int apart = 1; apart < 32; apart *= 2) {
        N other = __shfl_up_sync(WARP, sum, apart);
        if (lane >= apart) sum += other;
    }
    if (lane == 31) shared[warp] = sum;
    __syncthreads();
    N before = 0;
    total = 0;
#pragma unroll 1
    for (int w = 0; w < warps; w++) {
        if (w == warp) before = total;
        total += shared[w];
    }
    __syncthreads();
    return before + sum - own;
}
