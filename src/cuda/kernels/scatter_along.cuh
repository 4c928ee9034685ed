// SPDX-License-Identifier: MIT
//
// Along an axis of (outer, axis, inner): a thread for each (outer, inner) applies the indices in order.  OPTION 0: set.
#include "cuda/kernels/index_fold.cuh"

extern "C" __global__ void ENTRY(const along_args a)
{
    u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (u64)a.total; i += step) {
        u64 column, outer = divide(i, a.inner, column);
        i64 at = (i64)outer * a.count * a.inner.n + column;
        T *to = (T *)a.to + (i64)outer * a.size * a.inner.n + column;
        for (i64 j = 0; j < a.count; j++, at += a.inner.n) {
            i64 index = index_at(a.index, a.kind, at, a.size);
            if (!a.clamp && (index < 0 || index >= a.size)) continue;
            index = index < 0 ? 0 : index >= a.size ? a.size - 1 : index;
            T update = ((const T *)a.updates)[at], *place = to + index * a.inner.n;
            *place = OPTION ? fold_one(*place, update, a.mode) : update;
        }
    }
}
