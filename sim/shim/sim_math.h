/* SPDX-License-Identifier: MIT
 *
 * CUDA's mathematical and bit functions by builtins of the host's compiler. */
template <class D, class S> static inline D sim_bits(S s)
{
    static_assert(sizeof(D) == sizeof(S), "a cast of bits keeps the size");
    D d;
    __builtin_memcpy(&d, &s, sizeof d);
    return d;
}

/* name(double), name##f(float) and the overload name(float) */
#define SIM_MATH1(n)                                                                                                   \
    static inline float n##f(float x)                                                                                  \
    {                                                                                                                  \
        return __builtin_##n##f(x);                                                                                    \
    }                                                                                                                  \
    static inline double n(double x)                                                                                   \
    {                                                                                                                  \
        return __builtin_##n(x);                                                                                       \
    }                                                                                                                  \
    static inline float n(float x)                                                                                     \
    {                                                                                                                  \
        return __builtin_##n##f(x);                                                                                    \
    }
#define SIM_MATH2(n)                                                                                                   \
    static inline float n##f(float x, float y)                                                                         \
    {                                                                                                                  \
        return __builtin_##n##f(x, y);                                                                                 \
    }                                                                                                                  \
    static inline double n(double x, double y)                                                                         \
    {                                                                                                                  \
        return __builtin_##n(x, y);                                                                                    \
    }                                                                                                                  \
    static inline float n(float x, float y)                                                                            \
    {                                                                                                                  \
        return __builtin_##n##f(x, y);                                                                                 \
    }
SIM_MATH1(exp)
SIM_MATH1(exp2)
SIM_MATH1(expm1)
SIM_MATH1(log)
SIM_MATH1(log2)
SIM_MATH1(log10)
SIM_MATH1(log1p)
SIM_MATH1(sqrt)
SIM_MATH1(cbrt)
SIM_MATH1(sin)
SIM_MATH1(cos)
SIM_MATH1(tan)
SIM_MATH1(asin)
SIM_MATH1(acos)
SIM_MATH1(atan)
SIM_MATH1(sinh)
SIM_MATH1(cosh)
SIM_MATH1(tanh)
SIM_MATH1(asinh)
SIM_MATH1(acosh)
SIM_MATH1(atanh)
SIM_MATH1(erf)
SIM_MATH1(erfc)
SIM_MATH1(lgamma)
SIM_MATH1(tgamma)
SIM_MATH1(fabs)
SIM_MATH1(floor)
SIM_MATH1(ceil)
SIM_MATH1(trunc)
SIM_MATH1(rint)
SIM_MATH1(round)
SIM_MATH1(nearbyint)
static inline double sinpi(double x)
{
    return __builtin_sin(3.14159265358979323846 * (x - 2 * __builtin_rint(x / 2)));
}
static inline double cospi(double x)
{
    return __builtin_cos(3.14159265358979323846 * (x - 2 * __builtin_rint(x / 2)));
}
SIM_MATH2(pow)
SIM_MATH2(fmod)
SIM_MATH2(atan2)
SIM_MATH2(fmax)
SIM_MATH2(fmin)
SIM_MATH2(hypot)
SIM_MATH2(copysign)
SIM_MATH2(remainder)
SIM_MATH2(nextafter)
/* A start within 1e-2 from the asymptotic series, then Halley's steps on erf, or on erfc where 1 - |x| says more. */
static inline double erfinv(double x)
{
    double a = __builtin_fabs(x);
    if (!(a < 1)) return a == 1 ? x * __builtin_inf() : __builtin_nan("");
    if (a < 1e-9) return x * 0.88622692545275801;
    double w = log((1 - a) * (1 + a)), m = 4.330746750799873 + w / 2;
    double y = __builtin_sqrt(__builtin_sqrt(m * m - w / 0.147) - m);
    for (int i = 0; i < 4; i++) {
        double error = a < 0.5 ? erf(y) - a : (1 - a) - erfc(y), step = error / (1.1283791670955126 * exp(-y * y));
        y -= step / (1 + y * step);
    }
    return __builtin_copysign(y, x);
}
static inline float erfinvf(float x)
{
    return (float)erfinv((double)x);
}
static inline float fmaf(float a, float b, float c)
{
    return __builtin_fmaf(a, b, c);
}
static inline double fma(double a, double b, double c)
{
    return __builtin_fma(a, b, c);
}
static inline float fma(float a, float b, float c)
{
    return __builtin_fmaf(a, b, c);
}
static inline float ldexpf(float x, int e)
{
    return __builtin_ldexpf(x, e);
}
static inline double ldexp(double x, int e)
{
    return __builtin_ldexp(x, e);
}
static inline float rsqrtf(float x)
{
    return 1.0f / __builtin_sqrtf(x);
}
static inline double rsqrt(double x)
{
    return 1.0 / __builtin_sqrt(x);
}
static inline void sincosf(float x, float *s, float *c)
{
    *s = __builtin_sinf(x), *c = __builtin_cosf(x);
}
static inline void sincos(double x, double *s, double *c)
{
    *s = __builtin_sin(x), *c = __builtin_cos(x);
}
static inline int isnan(float x)
{
    return __builtin_isnan(x);
}
static inline int isnan(double x)
{
    return __builtin_isnan(x);
}
static inline int isinf(float x)
{
    return __builtin_isinf(x);
}
static inline int isinf(double x)
{
    return __builtin_isinf(x);
}
static inline int isfinite(float x)
{
    return __builtin_isfinite(x);
}
static inline int isfinite(double x)
{
    return __builtin_isfinite(x);
}
static inline int signbit(float x)
{
    return __builtin_signbit(x);
}
static inline int signbit(double x)
{
    return __builtin_signbit(x);
}
static inline int abs(int x)
{
    return x < 0 ? -x : x;
}
static inline long long llabs(long long x)
{
    return x < 0 ? -x : x;
}
static inline long long abs(long long x)
{
    return x < 0 ? -x : x;
}

/* Exact rounding by name, and the fast ones, which here are exact too */
#define SIM_ROUNDED(T, s)                                                                                              \
    static inline T __##s##add_rn(T a, T b)                                                                            \
    {                                                                                                                  \
        return a + b;                                                                                                  \
    }                                                                                                                  \
    static inline T __##s##sub_rn(T a, T b)                                                                            \
    {                                                                                                                  \
        return a - b;                                                                                                  \
    }                                                                                                                  \
    static inline T __##s##mul_rn(T a, T b)                                                                            \
    {                                                                                                                  \
        return a * b;                                                                                                  \
    }                                                                                                                  \
    static inline T __##s##div_rn(T a, T b)                                                                            \
    {                                                                                                                  \
        return a / b;                                                                                                  \
    }
SIM_ROUNDED(float, f)
SIM_ROUNDED(double, d)
static inline float __fmaf_rn(float a, float b, float c)
{
    return __builtin_fmaf(a, b, c);
}
static inline double __fma_rn(double a, double b, double c)
{
    return __builtin_fma(a, b, c);
}
static inline float __fsqrt_rn(float x)
{
    return __builtin_sqrtf(x);
}
static inline float __frcp_rn(float x)
{
    return 1.0f / x;
}
static inline float __fdividef(float a, float b)
{
    return a / b;
}
static inline float __expf(float x)
{
    return __builtin_expf(x);
}
static inline float __logf(float x)
{
    return __builtin_logf(x);
}
static inline float __log2f(float x)
{
    return __builtin_log2f(x);
}
static inline float __sinf(float x)
{
    return __builtin_sinf(x);
}
static inline float __cosf(float x)
{
    return __builtin_cosf(x);
}
static inline int __float2int_rn(float x)
{
    return (int)__builtin_rintf(x);
}
static inline int __float2int_rz(float x)
{
    return (int)x;
}

#define SIM_MIN_MAX(T)                                                                                                 \
    static inline T min(T a, T b)                                                                                      \
    {                                                                                                                  \
        return b < a ? b : a;                                                                                          \
    }                                                                                                                  \
    static inline T max(T a, T b)                                                                                      \
    {                                                                                                                  \
        return a < b ? b : a;                                                                                          \
    }
SIM_MIN_MAX(int)
SIM_MIN_MAX(unsigned)
SIM_MIN_MAX(long)
SIM_MIN_MAX(unsigned long)
SIM_MIN_MAX(long long)
SIM_MIN_MAX(unsigned long long)
static inline float min(float a, float b)
{
    return __builtin_fminf(a, b);
}
static inline float max(float a, float b)
{
    return __builtin_fmaxf(a, b);
}
static inline double min(double a, double b)
{
    return __builtin_fmin(a, b);
}
static inline double max(double a, double b)
{
    return __builtin_fmax(a, b);
}

static inline float __uint_as_float(unsigned x)
{
    return sim_bits<float>(x);
}
static inline float __int_as_float(int x)
{
    return sim_bits<float>(x);
}
static inline unsigned __float_as_uint(float x)
{
    return sim_bits<unsigned>(x);
}
static inline int __float_as_int(float x)
{
    return sim_bits<int>(x);
}
static inline double __longlong_as_double(long long x)
{
    return sim_bits<double>(x);
}
static inline long long __double_as_longlong(double x)
{
    return sim_bits<long long>(x);
}

static inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}
static inline int __popcll(unsigned long long x)
{
    return __builtin_popcountll(x);
}
static inline int __clz(int x)
{
    return x ? __builtin_clz((unsigned)x) : 32;
}
static inline int __clzll(long long x)
{
    return x ? __builtin_clzll((unsigned long long)x) : 64;
}
static inline int __ffs(int x)
{
    return __builtin_ffs(x);
}
static inline int __ffsll(long long x)
{
    return __builtin_ffsll(x);
}
static inline unsigned __brev(unsigned x)
{
    unsigned r = 0;
    for (int i = 0; i < 32; i++) r |= (x >> i & 1) << (31 - i);
    return r;
}
static inline unsigned __umulhi(unsigned a, unsigned b)
{
    return (unsigned)((unsigned long long)a * b >> 32);
}
static inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b)
{
    return (unsigned long long)((unsigned __int128)a * b >> 64);
}
static inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned n)
{
    return (unsigned)((((unsigned long long)high << 32 | low) << (n & 31)) >> 32);
}
static inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned n)
{
    return (unsigned)(((unsigned long long)high << 32 | low) >> (n & 31));
}
static inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector)
{
    unsigned long long bytes = (unsigned long long)b << 32 | a;
    unsigned r = 0;
    for (int i = 0; i < 4; i++) r |= (unsigned)(bytes >> 8 * (selector >> 4 * i & 7) & 255) << 8 * i;
    return r;
}
template <class T> static inline T __ldg(const T *p)
{
    return *p;
}
template <class T> static inline T __ldcs(const T *p)
{
    return *p;
}
template <class T> static inline T __ldcg(const T *p)
{
    return *p;
}
template <class T> static inline void __stcs(T *p, T v)
{
    *p = v;
}
template <class T> static inline void __stcg(T *p, T v)
{
    *p = v;
}
