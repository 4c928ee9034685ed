// SPDX-License-Identifier: MIT
//
// How many entries of each chunk of a row of the mask are true.
extern "C" __global__ void ENTRY(const masked_args a)
{
    __shared__ u32 counts[8];
    u64 chunk, row = divide((u64)blockIdx.x, a.chunks, chunk);
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    i64 at = (i64)chunk * 2048 + warp * 256 + lane;
    const u8 *mask = (const u8 *)a.mask + row * a.n;
    u32 count = 0;
    for (int k = 0; k < 8; k++) count += __popc(__ballot_sync(0xffffffffu, at + 32 * k < a.n && mask[at + 32 * k]));
    if (lane == 0) counts[warp] = count;
    __syncthreads();
    if (threadIdx.x) return;
    for (int w = 1; w < 8; w++) count += counts[w];
    ((i64 *)a.counts)[blockIdx.x] = count;
}
