// SPDX-License-Identifier: MIT
//
// What elementwise expressions call: one name for all types, results as the CPU's (cpu/kernels): integers wrap, a remainder
// has the sign of the divisor, the extreme of a NaN is NaN, a float outside an integer's range converts as x86 does.
#pragma once
#include "cuda/kernels/dtypes.cuh"

#define MATH1(name, f32, f64)                                                                                          \
    static __device__ __forceinline__ float name(float x)                                                              \
    {                                                                                                                  \
        return f32;                                                                                                    \
    }                                                                                                                  \
    static __device__ __forceinline__ double name(double x)                                                            \
    {                                                                                                                  \
        return f64;                                                                                                    \
    }
MATH1(abs_of, fabsf(x), fabs(x))
MATH1(floor_of, floorf(x), floor(x))
MATH1(ceil_of, ceilf(x), ceil(x))
MATH1(round_of, rintf(x), rint(x))
MATH1(sqrt_of, sqrtf(x), sqrt(x))
MATH1(exp_of, expf(x), exp(x))
MATH1(expm1_of, expm1f(x), expm1(x))
MATH1(log_of, logf(x), log(x))
MATH1(log2_of, log2f(x), log2(x))
MATH1(log10_of, log10f(x), log10(x))
MATH1(log1p_of, log1pf(x), log1p(x))
MATH1(sin_of, sinf(x), sin(x))
MATH1(cos_of, cosf(x), cos(x))
MATH1(tan_of, tanf(x), tan(x))
MATH1(sinh_of, sinhf(x), sinh(x))
MATH1(cosh_of, coshf(x), cosh(x))
MATH1(tanh_of, tanhf(x), tanh(x))
MATH1(asin_of, asinf(x), asin(x))
MATH1(acos_of, acosf(x), acos(x))
MATH1(atan_of, atanf(x), atan(x))
MATH1(asinh_of, asinhf(x), asinh(x))
MATH1(acosh_of, acoshf(x), acosh(x))
MATH1(atanh_of, atanhf(x), atanh(x))
MATH1(erf_of, erff(x), erf(x))
MATH1(erfinv_of, erfinvf(x), erfinv(x))
#undef MATH1

#define MATH2(name, f32, f64)                                                                                          \
    static __device__ __forceinline__ float name(float x, float y)                                                     \
    {                                                                                                                  \
        return f32;                                                                                                    \
    }                                                                                                                  \
    static __device__ __forceinline__ double name(double x, double y)                                                  \
    {                                                                                                                  \
        return f64;                                                                                                    \
    }
MATH2(power_of, powf(x, y), pow(x, y))
MATH2(atan2_of, atan2f(x, y), atan2(x, y))
MATH2(fmod_of, fmodf(x, y), fmod(x, y))
#undef MATH2

// ---- Reals
// By the exponential that cannot overflow: of 1 / (1 + exp(-x)) nothing is left where exp(-x) is infinite.
template <class T> static __device__ __forceinline__ T sigmoid_of(T x)
{
    T small = exp_of(-abs_of(x));
    return (x >= 0 ? (T)1 : small) / ((T)1 + small);
}
template <class T> static __device__ __forceinline__ T floored_mod(T x, T y)
{
    T r = fmod_of(x, y);
    return r != 0 && (r < 0) != (y < 0) ? r + y : r;
}
// max + log1p(exp(-|x - y|)); equal infinities are their own sum.
template <class T> static __device__ __forceinline__ T logaddexp_of(T x, T y)
{
    T high = x > y || x != x ? x : y, low = x > y || x != x ? y : x;
    if (x != x || y != y) return x + y;
    return high == low && !(high - low == 0) ? high : high + log1p_of(exp_of(low - high));
}

// ---- Integers: computed as unsigned, so that they wrap
template <class T> static __device__ __forceinline__ bool is_minus_one(T y)
{
    return (T)-1 < (T)1 && y == (T)-1;
}
template <class T> static __device__ __forceinline__ T quotient(T x, T y)
{
    if (y == 0) return 0;
    return is_minus_one(y) ? (T)(0 - (u64)x) : (T)(x / y);
}
template <class T> static __device__ __forceinline__ T integer_mod(T x, T y)
{
    if (y == 0 || is_minus_one(y)) return 0;
    T r = (T)(x % y);
    return r != 0 && (r > 0) != (y > 0) ? (T)(r + y) : r;
}
template <class T> static __device__ __forceinline__ T integer_power(T x, T y)
{
    u64 product = 1, square = (u64)x, rest = (u64)y;
    if (!(y > 0)) return (T)(y == 0);
    for (; rest; rest >>= 1) {
        product *= rest & 1 ? square : 1;
        square *= square;
    }
    return (T)product;
}

// ---- Casts.  The CPU converts through int32 or int64; outside their range it gives their least number.
static __device__ __forceinline__ i32 to_i32(double x)
{
    return x > -2147483649.0 && x < 2147483648.0 ? (i32)x : (i32)(-2147483647 - 1);
}
static __device__ __forceinline__ i64 to_i64(double x)
{
    return x >= -9223372036854775808.0 && x < 9223372036854775808.0 ? (i64)x : (i64)0x8000000000000000ull;
}
static __device__ __forceinline__ u64 to_u64(double x)
{
    return x >= 9223372036854775808.0 ? (u64)to_i64(x - 9223372036854775808.0) ^ (u64)1 << 63 : (u64)to_i64(x);
}

template <class To, class From> struct cast_t {
    static __device__ __forceinline__ To of(From x)
    {
        return (To)x;
    }
};
template <class From> struct cast_t<bool, From> {
    static __device__ __forceinline__ bool of(From x)
    {
        return x != 0;
    }
};
#define CAST_FLOAT(To, expression)                                                                                     \
    template <> struct cast_t<To, float> {                                                                             \
        static __device__ __forceinline__ To of(float x)                                                               \
        {                                                                                                              \
            return (To)(expression);                                                                                   \
        }                                                                                                              \
    };                                                                                                                 \
    template <> struct cast_t<To, double> {                                                                            \
        static __device__ __forceinline__ To of(double x)                                                              \
        {                                                                                                              \
            return (To)(expression);                                                                                   \
        }                                                                                                              \
    };
CAST_FLOAT(u8, to_i32(x))
CAST_FLOAT(u16, to_i32(x))
CAST_FLOAT(u32, to_i64(x))
CAST_FLOAT(u64, to_u64(x))
CAST_FLOAT(i8, to_i32(x))
CAST_FLOAT(i16, to_i32(x))
CAST_FLOAT(i32, to_i32(x))
CAST_FLOAT(i64, to_i64(x))
#undef CAST_FLOAT

// ---- Complex numbers
static __device__ __forceinline__ c64 make_c64(float re, float im)
{
    c64 z = {re, im};
    return z;
}
// Annex G of C99: an infinite factor gives an infinite product even where the plain formula says NaN.
static __device__ __forceinline__ float unit_of(float x, bool infinite)
{
    return copysignf(infinite ? 1.0f : 0.0f, x);
}
static __device__ __forceinline__ c64 mul_infinite(c64 a, c64 b, bool a_is, bool b_is)
{
    if (a_is) a = make_c64(unit_of(a.re, isinf(a.re)), unit_of(a.im, isinf(a.im)));
    if (b_is) b = make_c64(unit_of(b.re, isinf(b.re)), unit_of(b.im, isinf(b.im)));
    if (a.re != a.re) a.re = copysignf(0.0f, a.re);
    if (a.im != a.im) a.im = copysignf(0.0f, a.im);
    if (b.re != b.re) b.re = copysignf(0.0f, b.re);
    if (b.im != b.im) b.im = copysignf(0.0f, b.im);
    float infinity = __int_as_float(0x7f800000);
    return make_c64(infinity * (a.re * b.re - a.im * b.im), infinity * (a.re * b.im + a.im * b.re));
}
static __device__ __forceinline__ c64 mul_c64(c64 a, c64 b)
{
    float rr = a.re * b.re, ii = a.im * b.im, ri = a.re * b.im, ir = a.im * b.re;
    float re = rr - ii, im = ri + ir;
    if (re == re || im == im) return make_c64(re, im);
    bool a_is = isinf(a.re) || isinf(a.im), b_is = isinf(b.re) || isinf(b.im);
    bool overflow = isinf(rr) || isinf(ii) || isinf(ri) || isinf(ir);
    return a_is || b_is || overflow ? mul_infinite(a, b, a_is, b_is) : make_c64(re, im);
}
template <class From> struct cast_t<c64, From> {
    static __device__ __forceinline__ c64 of(From x)
    {
        return make_c64((float)x, 0);
    }
};

#include "cuda/kernels/random_math.cuh"
#include "cuda/kernels/complex.cuh"
