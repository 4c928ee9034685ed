// SPDX-License-Identifier: MIT
//
// Copies of rows that repeat one element, T, in 16 bytes at a time.
extern "C" __global__ void ENTRY(const copy_args a)
{
    const int COUNT = 16 / sizeof(T);
    union {
        T element[COUNT];
        unit16 all;
    } x;
    u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (u64)a.total; i += step) {
        T element = ((const T *)a.from)[walk_offset(a.walk, i, 1)];
#pragma unroll
        for (int k = 0; k < COUNT; k++) x.element[k] = element;
        ((unit16 *)a.to)[walk_offset(a.walk, i, 0)] = x.all;
    }
}
