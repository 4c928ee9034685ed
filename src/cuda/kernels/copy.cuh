// SPDX-License-Identifier: MIT
//
// Copies between two layouts, in units of T.  OPTION 1: numbers of elements need 64 bits.
#if OPTION
typedef u64 INDEX;
#else
typedef u32 INDEX;
#endif

extern "C" __global__ void ENTRY(const copy_args a)
{
    const int COUNT = index_elements<T>::count;
    T *to = (T *)a.to, x[COUNT];
    const T *from = (const T *)a.from;
    INDEX total = (INDEX)a.total, step = (INDEX)gridDim.x * blockDim.x * COUNT;
    for (INDEX first = (INDEX)blockIdx.x * blockDim.x * COUNT + threadIdx.x; first < total; first += step) {
#pragma unroll
        for (int k = 0; k < COUNT; k++) {
            INDEX i = first + k * blockDim.x;
            if (i < total) x[k] = from[walk_offset(a.walk, i, 1)];
        }
#pragma unroll
        for (int k = 0; k < COUNT; k++) {
            INDEX i = first + k * blockDim.x;
            if (i < total) to[walk_offset(a.walk, i, 0)] = x[k];
        }
    }
}
