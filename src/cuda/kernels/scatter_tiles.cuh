// SPDX-License-Identifier: MIT
//
// Long runs of updates for one place: tiles of sorted updates that lie inside of one are folded ahead.
// OPTION as in scatter_sorted.cuh.
#include "cuda/kernels/index_fold.cuh"

#if OPTION == 2
typedef pack_t<T> P;
#else
typedef T P;
#endif

extern "C" __global__ void ENTRY(const scatter_args a)
{
    const u64 *keys = (const u64 *)a.keys;
    const P *updates = (const P *)a.updates;
    u64 mask = ((u64)1 << a.point_bits) - 1, step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (u64)a.total; i += step) {
        u64 element, tile = divide(i, a.block_size, element);
        i64 at = (i64)tile * a.tile, end = at + a.tile;
        if (keys[at] >> a.point_bits != keys[end - 1] >> a.point_bits) continue;
        P folded = updates[(a.first + (i64)(keys[at] & mask)) * a.block_size.n + element];
        for (at++; at < end; at++)
            folded = fold_one(folded, updates[(a.first + (i64)(keys[at] & mask)) * a.block_size.n + element], a.mode);
        ((P *)a.partial)[i] = folded;
    }
}
