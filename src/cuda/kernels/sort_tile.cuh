// SPDX-License-Identifier: MIT
//
// Sorts tiles of 2048 different keys, each by a block: Batcher's bitonic network (1968) in shared memory.
extern "C" __global__ void ENTRY(const merge_args a)
{
    const int TILE = 2048;
    __shared__ u64 tile[TILE];
    u64 *keys = (u64 *)a.from + (u64)blockIdx.x * TILE;
    i64 rest = a.total - (i64)blockIdx.x * TILE;
    int n = rest < TILE ? (int)rest : TILE, end = 2;
    while (end < n) end *= 2;
    for (int i = threadIdx.x; i < end; i += blockDim.x) tile[i] = i < n ? keys[i] : ~(u64)0;
    __syncthreads();
    for (int size = 2; size <= end; size *= 2) {
        for (int apart = size / 2; apart; apart /= 2) {
            for (int p = threadIdx.x; p < end / 2; p += blockDim.x) {
                int i = 2 * p - (p & (apart - 1)), j = i + apart;
                u64 x = tile[i], y = tile[j];
                if ((x > y) == ((i & size) == 0)) {
                    tile[i] = y;
                    tile[j] = x;
                }
            }
            __syncthreads();
        }
    }
    for (int i = threadIdx.x; i < n; i += blockDim.x) keys[i] = tile[i];
}
