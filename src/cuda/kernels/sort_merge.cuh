// SPDX-License-Identifier: MIT
//
// Merges pairs of sorted runs of different keys: each key looks for its place in the other run.  The length of a run is a power
// of 2.
extern "C" __global__ void ENTRY(const merge_args a)
{
    const u64 *from = (const u64 *)a.from;
    i64 step = (i64)gridDim.x * blockDim.x;
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < a.total; i += step) {
        i64 pair = i & ~(2 * a.run - 1), mine = i & ~(a.run - 1), other = mine == pair ? pair + a.run : pair;
        i64 low = other < a.total ? other : a.total, high = low + a.run < a.total ? low + a.run : a.total;
        u64 key = from[i];
        while (low < high) {
            i64 middle = low + (high - low) / 2;
            if (from[middle] < key) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        i64 before = other < a.total ? low - other : 0;
        ((u64 *)a.to)[pair + (i - mine) + before] = key;
    }
}
