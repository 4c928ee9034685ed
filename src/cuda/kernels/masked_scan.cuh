// SPDX-License-Identifier: MIT
//
// Counts of a row's chunks become the numbers of true entries before them; the row's total is written behind all rows.
extern "C" __global__ void ENTRY(const masked_args a)
{
    __shared__ i64 sums[8];
    __shared__ i64 carry;
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    i64 *counts = (i64 *)a.counts + blockIdx.x * a.chunks.n;
    if (threadIdx.x == 0) carry = 0;
    for (i64 first = 0; first < a.chunks.n; first += blockDim.x) {
        i64 i = first + threadIdx.x, count = i < a.chunks.n ? counts[i] : 0, sum = count;
        for (int apart = 1; apart < 32; apart *= 2) {
            i64 below = __shfl_up_sync(0xffffffffu, sum, apart);
            if (lane >= apart) sum += below;
        }
        if (lane == 31) sums[warp] = sum;
        __syncthreads();
        i64 before = carry, all = carry;
        for (int w = 0; w < 8; w++) {
            if (w < warp) before += sums[w];
            all += sums[w];
        }
        if (i < a.chunks.n) counts[i] = before + sum - count;
        __syncthreads();
        if (threadIdx.x == 0) carry = all;
        __syncthreads();
    }
    if (threadIdx.x == 0) ((i64 *)a.counts)[gridDim.x * a.chunks.n + blockIdx.x] = carry;
}
