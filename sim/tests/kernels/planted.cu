// SPDX-License-Identifier: MIT
//
// Kernels with one mistake each, which the simulator must catch.
#include "cuda/kernels/dev.cuh"

extern "C" __global__ void past_end(const float *a, float *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i <= n) out[i] = a[i] * 2;
}
extern "C" __global__ void past_shared(float *out)
{
    __shared__ float s[64];
    s[threadIdx.x] = 1;
    __syncthreads();
    out[threadIdx.x] = s[threadIdx.x + 1];
}
extern "C" __global__ void past_local(float *out, int k)
{
    float x[8];
    for (int i = 0; i < 8; i++) x[i] = i;
    __syncthreads();
    out[threadIdx.x] = x[(int)threadIdx.x + k];
}
extern "C" __global__ void misaligned(float *out)
{
    st_vec<4>(out + 1 + threadIdx.x * 4, vec<float, 4>{ { 1, 2, 3, 4 } });
}
extern "C" __global__ void shift(int *out, int n)
{
    out[threadIdx.x] = 1 << (n + (int)threadIdx.x);
}
extern "C" __global__ void loop_barrier(const float *a, const float *b, float *out, int n)
{
    __shared__ float as[16][17], bs[16][17];
    int tx = threadIdx.x, ty = threadIdx.y, row = blockIdx.y * 16 + ty, column = blockIdx.x * 16 + tx;
    float sum = 0;
    for (int k0 = 0; k0 < n; k0 += 16) {
        as[ty][tx] = a[row * n + k0 + tx];
        bs[ty][tx] = b[(k0 + ty) * n + column];
        __syncthreads();
        for (int k = 0; k < 16; k++) sum += as[ty][k] * bs[k][tx];
    }
    out[row * n + column] = sum;
}
static __device__ float fold_without_end(float x, float *shared)
{
    int lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    x = warp_fold<Sum>(x);
    if (lane == 0) shared[threadIdx.x >> 5] = x;
    __syncthreads();
    return warp_fold<Sum>(lane < warps ? shared[lane] : 0);
}
extern "C" __global__ void end_barrier(float *out)
{
    __shared__ float shared[32];
    float first = fold_without_end(threadIdx.x, shared);
    float second = fold_without_end(1, shared);
    out[threadIdx.x] = first + second;
}
extern "C" __global__ void unwritten(float *out)
{
    __shared__ float s[64];
    if (threadIdx.x < 32) s[threadIdx.x] = 1;
    __syncthreads();
    out[threadIdx.x] = s[threadIdx.x];
}
extern "C" __global__ void diverged(float *out)
{
    if (threadIdx.x < 16) __syncthreads();
    out[threadIdx.x] = __shfl_sync(WARP, 1.0f, 0);
}
extern "C" __global__ void absent_lanes(float *out)
{
    if (threadIdx.x & 1) out[threadIdx.x] = __shfl_sync(WARP, 1.0f, 0);
    else __syncthreads();
}
extern "C" __global__ void twice(const float *in, float *out, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) out[i] = 2 * in[i];
}
extern "C" __global__ void bank_conflict(float *out)
{
    __shared__ float s[32][32];
    int row = threadIdx.x / 32, column = threadIdx.x % 32;
    s[column][row] = threadIdx.x;
    __syncthreads();
    out[threadIdx.x] = s[row][column];
}
extern "C" __global__ void sector_waste(const float *in, float *out)
{
    out[threadIdx.x] = in[threadIdx.x * 32];
}
static __device__ __noinline__ void keep_local(float **p, float x)
{
    float v[4] = { x, x, x, x };
    *p = v;
}
extern "C" __global__ void dead_frame(float *out)
{
    float *p;
    keep_local(&p, threadIdx.x);
    __syncthreads();
    out[threadIdx.x] = p[1];
}
extern "C" __global__ void unlike_masks(float *out)
{
    if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(0xffffffffu, 1.0f, 0);
    else out[threadIdx.x] = __shfl_sync(0xffff0000u, 1.0f, 16);
    __syncthreads();
}
