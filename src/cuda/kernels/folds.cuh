// SPDX-License-Identifier: MIT
//
// What rows and columns are folded with.  A fold over stored type T has: acc, what is carried; none(), which changes nothing;
// lift(x, i), element i alone; of(a, b), in any order; finish(a), the result.  Values are the CPU's (cpu/kernels/reduce.c,
// search_tmpl.h, softmax_tmpl.h): integers wrap, a NaN stays once it is in.
#pragma once
#include "cuda/kernels/dev.cuh"
#include "cuda/kernels/math.cuh"

// ---- Numbers
template <class A> DEVICE A plus(A a, A b)
{
    return (A)((u64)a + (u64)b);
}
DEVICE float plus(float a, float b)
{
    return a + b;
}
DEVICE double plus(double a, double b)
{
    return a + b;
}
DEVICE c64 plus(c64 a, c64 b)
{
    return make_c64(a.re + b.re, a.im + b.im);
}
template <class A> DEVICE A times(A a, A b)
{
    return (A)((u64)a * (u64)b);
}
DEVICE float times(float a, float b)
{
    return a * b;
}
DEVICE double times(double a, double b)
{
    return a * b;
}
DEVICE c64 times(c64 a, c64 b)
{
    return mul_c64(a, b);
}

template <class A> DEVICE bool less(A a, A b)
{
    return a < b;
}
DEVICE bool less(c64 a, c64 b)
{
    return a.re < b.re || (a.re == b.re && a.im < b.im);
}
template <class A> DEVICE bool is_nan(A a)
{
    return a != a;
}
DEVICE bool is_nan(c64 a)
{
    return a.re != a.re;
}

// The least and the greatest number of a type.
template <class A> struct bounds {
    DEVICE A low() { return (A)-1 < (A)1 ? (A)((u64)1 << (8 * sizeof(A) - 1)) : (A)0; }
    DEVICE A high() { return (A)~low(); }
};
template <> struct bounds<bool> {
    DEVICE bool low() { return false; }
    DEVICE bool high() { return true; }
};
template <> struct bounds<float> {
    DEVICE float low() { return -INF; }
    DEVICE float high() { return INF; }
};
template <> struct bounds<double> {
    DEVICE double low() { return -(double)INF; }
    DEVICE double high() { return (double)INF; }
};
template <> struct bounds<c64> {
    DEVICE c64 low() { return make_c64(-INF, -INF); }
    DEVICE c64 high() { return make_c64(INF, INF); }
};

// ---- Folds
template <class T> struct value_fold {
    typedef typename compute_t<T>::type acc;
    typedef T out;
    DEVICE acc lift(acc x, i64) { return x; }
    DEVICE acc finish(acc a) { return a; }
};
template <class T> struct sum_fold : value_fold<T> {
    typedef typename compute_t<T>::type acc;
    DEVICE acc none() { return cast_t<acc, i32>::of(0); }
    DEVICE acc of(acc a, acc b) { return plus(a, b); }
};
template <class T> struct prod_fold : value_fold<T> {
    typedef typename compute_t<T>::type acc;
    DEVICE acc none() { return cast_t<acc, i32>::of(1); }
    DEVICE acc of(acc a, acc b) { return times(a, b); }
};
template <class T> struct min_fold : value_fold<T> {
    typedef typename compute_t<T>::type acc;
    DEVICE acc none() { return bounds<acc>::high(); }
    DEVICE acc of(acc a, acc b) { return less(b, a) || is_nan(b) ? b : a; }
};
template <class T> struct max_fold : value_fold<T> {
    typedef typename compute_t<T>::type acc;
    DEVICE acc none() { return bounds<acc>::low(); }
    DEVICE acc of(acc a, acc b) { return less(a, b) || is_nan(b) ? b : a; }
};

// The first of the greatest (least) elements.  Comparisons with a NaN are false, so it wins only as element 0.
template <class T, bool largest> struct arg_fold {
    typedef typename compute_t<T>::type value;
    struct acc {
        value best;
        u32 at;
    };
    typedef u32 out;
    DEVICE acc none()
    {
        acc a = {largest ? bounds<value>::low() : bounds<value>::high(), 0xffffffffu};
        return a;
    }
    DEVICE acc lift(value x, i64 i)
    {
        acc a = {x, (u32)i};
        return is_nan(x) && i ? none() : a;
    }
    DEVICE acc of(acc a, acc b)
    {
        bool b_wins = largest ? less(a.best, b.best) : less(b.best, a.best);
        bool a_wins = largest ? less(b.best, a.best) : less(a.best, b.best);
        b_wins |= !a_wins && b.at < a.at;
        return is_nan(a.best) || !(b_wins || is_nan(b.best)) ? a : b;
    }
    DEVICE u32 finish(acc a) { return a.at; }
};
// log(sum(exp x)) with the sum scaled by the peak so far.  Equal peaks are told apart from others, for infinities have no difference.
template <class T> struct logsumexp_fold {
    typedef typename compute_t<T>::type value;
    struct __align__(2 * sizeof(value)) acc {
        value peak, total;
    };
    typedef T out;
    DEVICE acc none()
    {
        acc a = {bounds<value>::low(), 0};
        return a;
    }
    DEVICE acc lift(value x, i64)
    {
        acc a = {x, 1};
        return a;
    }
    DEVICE acc of(acc a, acc b)
    {
        value apart = a.peak - b.peak;
        value e = a.peak == b.peak ? (value)1 : exp_of(apart > 0 ? -apart : apart);
        acc high_a = {a.peak, a.total + b.total * e}, high_b = {b.peak, a.total * e + b.total};
        return a.peak > b.peak ? high_a : high_b;
    }
    DEVICE value finish(acc a) { return log_of(a.total) + a.peak; }
};

// ---- Folding across lanes
template <class A> DEVICE A shuffle_xor(A x, int apart)
{
    u32 words[(sizeof(A) + 3) / 4] = {0};
    memcpy(words, &x, sizeof(A));
    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++) words[i] = __shfl_xor_sync(WARP, words[i], apart);
    memcpy(&x, words, sizeof(A));
    return x;
}

// Each group of lanes (a power of two up to 32, or the block of whole warps) gets the fold of its values.  All threads of the block
// call it; `shared` has 32 places.
template <class F, class A> DEVICE A group_fold(A x, int group, A *shared)
{
    for (int apart = group < 32 ? group >> 1 : 16; apart; apart >>= 1) x = F::of(x, shuffle_xor(x, apart));
    if (group <= 32) return x;
    int lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    if (lane == 0) shared[threadIdx.x >> 5] = x;
    __syncthreads();
    x = lane < warps ? shared[lane] : F::none();
    for (int apart = 16; apart; apart >>= 1) x = F::of(x, shuffle_xor(x, apart));
    __syncthreads(); // `shared` may be written again
    return x;
}
