// SPDX-License-Identifier: MIT
//
// start + i * step: floats are rounded once, integers wrap in their dtype.
template <class S> struct count_t {
    static __device__ __forceinline__ S of(const arange_args &a, u64 i)
    {
        return (S)(a.first + i * a.pace);
    }
};
#define COUNT_FLOAT(S)                                                                                                 \
    template <> struct count_t<S> {                                                                                    \
        static __device__ __forceinline__ S of(const arange_args &a, u64 i)                                            \
        {                                                                                                              \
            return (S)(a.start + (double)(i64)i * a.step);                                                             \
        }                                                                                                              \
    };
COUNT_FLOAT(float)
COUNT_FLOAT(double)
template <> struct count_t<c64> {
    static __device__ __forceinline__ c64 of(const arange_args &a, u64 i)
    {
        return make_c64(count_t<float>::of(a, i), 0);
    }
};

extern "C" __global__ void ENTRY(const arange_args a)
{
    u64 total = (u64)a.total, step = (u64)gridDim.x * blockDim.x;
    for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < total; i += step)
        store(((T *)a.to)[i], count_t<compute_t<T>::type>::of(a, i));
}
