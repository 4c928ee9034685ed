// SPDX-License-Identifier: MIT
//
// A few points whose blocks meet at equal places only: a thread for each element of the block applies them in order.  OPTION 0: set.
#include "cuda/kernels/index_fold.cuh"

extern "C" __global__ void ENTRY(const points_args a)
{
    const T *updates = (const T *)a.updates;
    u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (u64)a.total; i += step) {
        T *to = (T *)a.to + walk_offset(a.block, i);
        for (u32 point = 0; point < (u32)a.points; point++) {
            i64 place = place_of<false>(a.places, point);
            if (place == OUTSIDE) continue;
            T update = updates[(i64)point * a.total + i];
            to[place] = OPTION ? fold_one(to[place], update, a.mode) : update;
        }
    }
}
