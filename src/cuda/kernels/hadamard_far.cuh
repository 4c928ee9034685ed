// SPDX-License-Identifier: MIT
//
// Butterflies at 1 to 4 distances from 4096 on: each thread has all points that meet.
#include "cuda/kernels/hadamard_args.cuh"

extern "C" __global__ void ENTRY(const hadamard_args a)
{
    typedef compute_t<T>::type A;
    const T *from = (const T *)a.from;
    i64 h = (i64)1 << a.log2_distance, step = (i64)gridDim.x * blockDim.x;
    int points = 1 << a.stages;
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < a.total; i += step) {
        i64 at = (i >> a.log2_distance << (a.log2_distance + a.stages)) + (i & (h - 1));
        A x[16];
#pragma unroll
        for (int j = 0; j < 16; j++) x[j] = j < points ? load(from[at + j * h]) : A(0);
#pragma unroll
        for (int apart = 1; apart < 16; apart *= 2) {
            if (apart >= points) break;
#pragma unroll
            for (int j = 0; j < 16; j++) {
                if (j & apart) continue;
                A p = x[j], q = x[j + apart];
                x[j] = p + q;
                x[j + apart] = p - q;
            }
        }
#pragma unroll
        for (int j = 0; j < 16; j++) {
            if (j < points) store(((U *)a.to)[at + j * h], (compute_t<U>::type)(x[j] * (A)a.scale));
        }
    }
}
