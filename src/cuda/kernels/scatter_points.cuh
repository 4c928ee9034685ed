// SPDX-License-Identifier: MIT
//
// A few points whose blocks meet at equal places only: a thread for each element of the block applies them in order.  OPTION as in
// scatter_sorted.cuh.
#include "cuda/kernels/index_fold.cuh"

#if OPTION == 2
typedef pack_t<T> P;
#else
typedef T P;
#endif

extern "C" __global__ void ENTRY(const points_args a)
{
    const P *updates = (const P *)a.updates;
    u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (u64)a.total; i += step) {
        P *to = (P *)a.to + walk_offset(a.block, i);
        for (u32 point = 0; point < (u32)a.points; point++) {
            i64 place = place_of<false>(a.places, point);
            if (place == OUTSIDE) continue;
            P update = updates[(i64)point * a.total + i];
            to[place] = OPTION ? fold_one(to[place], update, a.mode) : update;
        }
    }
}
