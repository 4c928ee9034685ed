// SPDX-License-Identifier: MIT
//
// Multiplies floats in place: cuFFT's transforms are sums.
#include "cuda/kernels/fft_args.cuh"

extern "C" __global__ void ENTRY(const fft_scale_args a)
{
    float *x = (float *)a.at, scale = (float)a.scale;
    u64 step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (u64)a.total; i += step) x[i] *= scale;
}
