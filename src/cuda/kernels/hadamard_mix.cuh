// SPDX-License-Identifier: MIT
//
// The product of a matrix of signs, of order 12, 20 or 28 (OPTION 0, 1, 2), with the parts of each row: a thread has one column.
#include "cuda/kernels/hadamard_args.cuh"

extern "C" __global__ void ENTRY(const hadamard_args a)
{
    typedef compute_t<T>::type A;
    const int ORDER = 12 + 8 * OPTION;
    i64 step = (i64)gridDim.x * blockDim.x;
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < a.total; i += step) {
        i64 row = i / a.power, at = row * ORDER * a.power + (i - row * a.power);
        const T *from = (const T *)a.from + at;
        A x[ORDER];
#pragma unroll
        for (int j = 0; j < ORDER; j++) x[j] = load(from[j * a.power]);
        for (int k = 0; k < ORDER; k++) {
            u32 minus = a.minus[k];
            A sum = 0;
#pragma unroll
            for (int j = 0; j < ORDER; j++) sum += minus >> j & 1 ? -x[j] : x[j];
            store(((U *)a.to)[at + k * a.power], (compute_t<U>::type)(sum * (A)a.scale));
        }
    }
}
