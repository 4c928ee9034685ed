// SPDX-License-Identifier: MIT
//
// Butterflies at distances below 4096, or below `power`: a thread has 16 points at distance 1, then 16, then 256, so a block meets three
// times.  Points of several rows lie side by side.
#include "cuda/kernels/hadamard_args.cuh"

typedef compute_t<T>::type A;
const int EACH = 16, THREADS = HADAMARD_NEAR / EACH;

// Four distances, doubling from h; x[j] are at h * j.
DEVICE void butterflies(A x[EACH], i64 h, i64 end)
{
#pragma unroll
    for (int apart = 1; apart < EACH; apart *= 2) {
        if (h * apart >= end) return;
#pragma unroll
        for (int j = 0; j < EACH; j++) {
            if (j & apart) continue;
            A a = x[j], b = x[j + apart];
            x[j] = a + b;
            x[j + apart] = a - b;
        }
    }
}

// Groups of 16 are kept apart: 32 threads would meet in two banks.
DEVICE int padded(int i)
{
    return i + i / EACH;
}

extern "C" __global__ void ENTRY(const hadamard_args a)
{
    __shared__ A shared[HADAMARD_NEAR + HADAMARD_NEAR / EACH];
    i64 first = (i64)blockIdx.x * HADAMARD_NEAR;
    const T *from = (const T *)a.from + first;
    U *to = (U *)a.to + first;
    int t = threadIdx.x, n = a.total - first < HADAMARD_NEAR ? (int)(a.total - first) : HADAMARD_NEAR;
    A x[EACH];
#pragma unroll
    for (int j = 0; j < EACH; j++) x[j] = t + j * THREADS < n ? load(from[t + j * THREADS]) : A(0);
#pragma unroll
    for (int j = 0; j < EACH; j++) shared[padded(t + j * THREADS)] = x[j];
    for (int h = 1; h < HADAMARD_NEAR; h *= EACH) {
        int at = t / h * h * EACH + t % h;
        __syncthreads();
#pragma unroll
        for (int j = 0; j < EACH; j++) x[j] = shared[padded(at + j * h)];
        butterflies(x, h, a.power);
        if (h * EACH == HADAMARD_NEAR) break; // at is t, h is THREADS: what is stored below
        __syncthreads();
#pragma unroll
        for (int j = 0; j < EACH; j++) shared[padded(at + j * h)] = x[j];
    }
#pragma unroll
    for (int j = 0; j < EACH; j++) {
        if (t + j * THREADS < n) store(to[t + j * THREADS], (compute_t<U>::type)(x[j] * (A)a.scale));
    }
}
