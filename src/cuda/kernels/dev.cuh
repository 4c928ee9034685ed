// SPDX-License-Identifier: MIT
//
// What every kernel may use: portable CUDA C.  No headers of CUDA or of the language, which NVRTC would read for longer than
// it compiles, no inline assembly, nothing that depends on the target.  Instructions are in dev_arch.cuh.
#pragma once
#include "cuda/kernels/dtypes.cuh"

// N values that are loaded and stored as one: p is on N * sizeof(T) bytes.
template <class T, int N> struct __align__(sizeof(T) * N) vec {
    T v[N];
};
template <int N, class T> DEVICE vec<T, N> ld_vec(const T *p)
{
    return *reinterpret_cast<const vec<T, N> *>(p);
}
template <int N, class T> DEVICE void st_vec(T *p, const vec<T, N> &x)
{
    *reinterpret_cast<vec<T, N> *>(p) = x;
}

#define WARP 0xffffffffu
#define INF __int_as_float(0x7f800000)

struct Sum {
    template <class T> static __device__ __forceinline__ T of(T a, T b) { return a + b; }
};
struct Max {
    template <class T> static __device__ __forceinline__ T of(T a, T b) { return a > b ? a : b; }
};
struct Min {
    template <class T> static __device__ __forceinline__ T of(T a, T b) { return a < b ? a : b; }
};

// All lanes of the warp get the fold of their values.
template <class F, class T> DEVICE T warp_fold(T x)
{
    for (int apart = 16; apart; apart >>= 1) x = F::of(x, __shfl_xor_sync(WARP, x, apart));
    return x;
}

// All threads of a block of whole warps get the fold; `shared` has 32 places.
template <class F, class T> DEVICE T block_fold(T x, T neutral, T *shared)
{
    int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, warps = blockDim.x >> 5;
    x = warp_fold<F>(x);
    if (lane == 0) shared[warp] = x;
    __syncthreads();
    x = warp_fold<F>(lane < warps ? shared[lane] : neutral);
    __syncthreads();
    return x;
}
