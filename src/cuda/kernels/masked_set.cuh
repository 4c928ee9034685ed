// SPDX-License-Identifier: MIT
//
// Writes a row's values, one after the other, where the mask is true.  A warp has 256 adjacent entries.
extern "C" __global__ void ENTRY(const masked_args a)
{
    __shared__ u32 counts[8];
    u64 chunk, row = divide((u64)blockIdx.x, a.chunks, chunk);
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    i64 at = (i64)chunk * 2048 + warp * 256 + lane;
    const u8 *mask = (const u8 *)a.mask + row * a.n;
    T *to = (T *)a.to + row * a.n;
    const T *values = (const T *)a.values + row * a.values_row;
    u32 ballots[8], count = 0;
#pragma unroll
    for (int k = 0; k < 8; k++) {
        ballots[k] = __ballot_sync(0xffffffffu, at + 32 * k < a.n && mask[at + 32 * k]);
        count += __popc(ballots[k]);
    }
    if (lane == 0) counts[warp] = count;
    __syncthreads();
    i64 before = ((const i64 *)a.counts)[blockIdx.x];
    for (int w = 0; w < warp; w++) before += counts[w];
#pragma unroll
    for (int k = 0; k < 8; k++) {
        i64 place = before + __popc(ballots[k] & ((1u << lane) - 1));
        if (ballots[k] >> lane & 1 && place < a.values_row) to[at + 32 * k] = values[place];
        before += __popc(ballots[k]);
    }
}
