// SPDX-License-Identifier: MIT
//
// Sorted updates: the first (fold) or the last (set) of those for one place does the work of all, in the order of
// their numbers.  OPTION 0: set; 1: fold; 2: fold 16 bytes at once.
#include "cuda/kernels/index_fold.cuh"

#if OPTION == 2
typedef pack_t<T> P;
#else
typedef T P;
#endif

DEVICE P read_update(const scatter_args &a, u64 key, u64 element)
{
    i64 point = a.first + (i64)(key & (((u64)1 << a.point_bits) - 1));
    return ((const P *)a.updates)[point * a.block_size.n + element];
}

// Updates from number `at` on, and whole tiles of them that are folded already.
DEVICE P fold_run(const scatter_args &a, P folded, i64 at, u64 element)
{
    const u64 *keys = (const u64 *)a.keys;
    u64 key = keys[at], place = key >> a.point_bits;
    while (key >> a.point_bits == place) {
        bool tiled = a.tile && !(at & (a.tile - 1)) && at + a.tile <= a.points;
        if (tiled && keys[at + a.tile - 1] >> a.point_bits == place) {
            i64 tile = at / a.tile;
            folded = fold_one(folded, ((const P *)a.partial)[tile * a.block_size.n + element], a.mode);
            at += a.tile;
            if (at >= a.points) break;
            key = keys[at];
        } else {
            u64 next = at + 1 < a.points ? keys[at + 1] : ~key; // another place
            folded = fold_one(folded, read_update(a, key, element), a.mode);
            at++;
            key = next;
        }
    }
    return folded;
}

extern "C" __global__ void ENTRY(const scatter_args a)
{
    const u64 *keys = (const u64 *)a.keys;
    u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (u64)a.total; i += step) {
        u64 element, at = divide(i, a.block_size, element), key = keys[at], place = key >> a.point_bits;
        u64 beside = OPTION ? at - 1 : at + 1; // the neighbour that would do the work
        if (place == a.dropped || (beside < (u64)a.points && keys[beside] >> a.point_bits == place)) continue;
        P *to = (P *)a.to + place + walk_offset(a.block, element);
        *to = OPTION ? fold_run(a, *to, (i64)at, element) : read_update(a, key, element);
    }
}
