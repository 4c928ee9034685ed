// SPDX-License-Identifier: MIT
//
// What a scatter makes of a stored element and an update, as cpu/kernels/index_fold_tmpl.h: rounded at each step, integers wrap,
// a bool's sum is "or" and its product "and", complex numbers are ordered by the real, then the imaginary part.
enum { MODE_SET, MODE_ADD, MODE_PROD, MODE_MAX, MODE_MIN }; // mx_scatter_mode

template <class S> struct fold_t {
    static const bool FLOATS = (typename compute_t<S>::type)0.5 != 0;
    typedef typename compute_t<S>::type A;
    static __device__ __forceinline__ A sum(A a, A b) { return FLOATS ? a + b : (A)((u64)a + (u64)b); }
    static __device__ __forceinline__ A product(A a, A b) { return FLOATS ? a * b : (A)((u64)a * (u64)b); }
    static __device__ __forceinline__ bool larger(A a, A b) { return a > b || a != a; }
    static __device__ __forceinline__ bool smaller(A a, A b) { return a < b || a != a; }
};
template <> struct fold_t<bool> {
    typedef bool A;
    static __device__ __forceinline__ bool sum(bool a, bool b) { return a | b; }
    static __device__ __forceinline__ bool product(bool a, bool b) { return a & b; }
    static __device__ __forceinline__ bool larger(bool a, bool b) { return a > b; }
    static __device__ __forceinline__ bool smaller(bool a, bool b) { return a < b; }
};
template <> struct fold_t<c64> {
    typedef c64 A;
    static __device__ __forceinline__ c64 sum(c64 a, c64 b) { return make_c64(a.re + b.re, a.im + b.im); }
    static __device__ __forceinline__ c64 product(c64 a, c64 b)
    {
        return make_c64(a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re);
    }
    static __device__ __forceinline__ bool larger(c64 a, c64 b)
    {
        if (a.re != a.re || a.im != a.im) return true;
        if (b.re != b.re || b.im != b.im) return false;
        return a.re > b.re || (a.re == b.re && a.im > b.im);
    }
    static __device__ __forceinline__ bool smaller(c64 a, c64 b)
    {
        if (a.re != a.re || a.im != a.im) return true;
        if (b.re != b.re || b.im != b.im) return false;
        return a.re < b.re || (a.re == b.re && a.im < b.im);
    }
};

template <class S> DEVICE S fold_one(S stored, S update, int mode)
{
    typename fold_t<S>::A a = load(stored), b = load(update);
    S out;
    switch (mode) {
    case MODE_ADD: store(out, fold_t<S>::sum(a, b)); return out;
    case MODE_PROD: store(out, fold_t<S>::product(a, b)); return out;
    case MODE_MAX: return fold_t<S>::larger(a, b) ? stored : update;
    case MODE_MIN: return fold_t<S>::smaller(a, b) ? stored : update;
    default: return update;
    }
}
// Adjacent elements that are loaded, folded and stored as one.
template <class S> struct __align__(16) pack_t {
    static const int COUNT = 16 / sizeof(S);
    S v[COUNT];
};
template <class S> DEVICE pack_t<S> fold_one(pack_t<S> stored, pack_t<S> update, int mode)
{
#pragma unroll
    for (int k = 0; k < pack_t<S>::COUNT; k++) stored.v[k] = fold_one(stored.v[k], update.v[k], mode);
    return stored;
}
// Units are moved only.
DEVICE unit16 fold_one(unit16, unit16 update, int)
{
    return update;
}
