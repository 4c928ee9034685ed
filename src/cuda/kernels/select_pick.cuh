// SPDX-License-Identifier: MIT
//
// A block a row: the digit that the kth key has, by the counts of all digits, which become 0 for the next round.  OPTION 1: nothing is
// known yet, so what is there is only made ready.
#include "cuda/kernels/dev.cuh"
#include "cuda/kernels/sort_args.cuh"
#include "cuda/kernels/sort_scan.cuh"

extern "C" __global__ void __launch_bounds__(SORT_RADIX) ENTRY(const __grid_constant__ sort_args a)
{
    __shared__ i64 shared[32];
#pragma unroll 1
    for (i64 row = blockIdx.x; row < a.rows; row += gridDim.x) {
        select_state *state = reinterpret_cast<select_state *>(a.picked) + row;
        i64 *count = reinterpret_cast<i64 *>(a.totals) + row * SORT_RADIX + threadIdx.x;
        if (OPTION) {
            if (threadIdx.x == 0) state->key = 0, state->kth = a.kth;
        } else {
            i64 own = *count, total, kth = state->kth, before = before_thread(own, total, shared);
            if (before <= kth && kth < before + own) {
                state->key |= (u64)threadIdx.x << a.shift;
                state->kth = kth - before;
            }
            __syncthreads();
        }
        *count = 0;
    }
}
