// SPDX-License-Identifier: MIT
//
// RMS norm and layer norm of rows: (x - mean) * inverse, times the weight, plus the bias, rounded after each step.
#include "cuda/kernels/moments.cuh"

// Two blocks an SM, 64 registers a thread, keep enough loads under way; 16 centred halves do not fit in them.
enum { BLOCKS = sizeof(T) == 2 && CENTRED ? 1 : 2 };

extern "C" __global__ void __launch_bounds__(ROW_LONGEST, BLOCKS) ENTRY(const __grid_constant__ row_args a)
{
    __shared__ A shared[32];
    lanes_of_row r = lanes_of(a);
    i64 each = blockDim.x / a.lanes;
#pragma unroll 1
    for (i64 first = blockIdx.x * each; first < a.rows; first += gridDim.x * each) {
        i64 row = first + threadIdx.x / a.lanes;
        bool there = row < a.rows;
        row_of x;
        if (there) x.read(reinterpret_cast<const T *>(a.x) + row * r.n, r, 0);
        moments m = moments_of(x, there, r, a.eps, shared);
        if (!there) continue;
        EACH_STRIP
        {
            A *v = x.strip(r, k, 0), w[VECTOR];
            load_strip(w, reinterpret_cast<const T *>(a.weight), r, k, 0);
            EACH_ELEMENT v[j] = rounded((v[j] - m.mean) * m.inverse) * w[j];
            if (CENTRED) {
                load_strip(w, reinterpret_cast<const T *>(a.bias), r, k, 0);
                EACH_ELEMENT v[j] = rounded(v[j]) + w[j];
            }
            store_strip(reinterpret_cast<T *>(a.out) + row * r.n, v, r, k);
        }
    }
}
