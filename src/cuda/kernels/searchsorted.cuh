// SPDX-License-Identifier: MIT
//
// Positions of values in sorted rows, by halving: the first element that is not less, OPTION 1: that is greater.  NaN sorts last.
#include "cuda/kernels/folds.cuh"
#include "cuda/kernels/scan_args.cuh"

typedef compute_t<T>::type A;

template <class S> DEVICE bool comes_before(S a, S b)
{
    return a < b || (!is_nan(a) && is_nan(b));
}
DEVICE bool comes_before(c64 a, c64 b)
{
    return less(a, b);
}

extern "C" __global__ void ENTRY(const __grid_constant__ search_args a)
{
    i64 step = (i64)gridDim.x * blockDim.x;
    for (i64 i = (i64)blockIdx.x * blockDim.x + threadIdx.x; i < a.total; i += step) {
        const T *row = reinterpret_cast<const T *>(a.sorted) + i / a.count * a.n;
        A value = load(reinterpret_cast<const T *>(a.values)[i]);
        i64 low = 0, high = a.n;
        while (low < high) {
            i64 middle = low + (high - low) / 2;
            A x = load(row[middle]);
            bool after = OPTION ? !comes_before(value, x) : comes_before(x, value);
            low = after ? middle + 1 : low;
            high = after ? high : middle;
        }
        reinterpret_cast<u32 *>(a.out)[i] = (u32)low;
    }
}
