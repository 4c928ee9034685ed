/* SPDX-License-Identifier: MIT
 *
 * References of elementwise functions with one operand: libm in double. */
#include "ref.h"

#define REF(name, on_real, on_complex)                                                                                 \
    void ref_##name(const ref_call *c);                                                                                \
    void ref_##name(const ref_call *c)                                                                                 \
    {                                                                                                                  \
        ref_each(c, (ref_unary){on_real, on_complex, NULL});                                                           \
    }

static double rsqrt(double x)
{
    return 1 / sqrt(x);
}
static double complex crsqrt(double complex x)
{
    return 1 / csqrt(x);
}
static double reciprocal(double x)
{
    return 1 / x;
}
static double complex creciprocal(double complex x)
{
    return 1 / x;
}
static double complex complex_log2(double complex x)
{
    return clog(x) / log(2);
}
static double complex complex_log10(double complex x)
{
    return clog(x) / log(10);
}
static double complex complex_log1p(double complex x)
{
    return clog(1 + x);
}
static double sigmoid(double x)
{
    return x < 0 ? exp(x) / (1 + exp(x)) : 1 / (1 + exp(-x));
}

/* Newton's method on erf, or on erfc where that says more. */
static double erfinv(double x)
{
    double a = fabs(x), y = a < 0.9 ? a : sqrt(-log((1 - a) * 2));
    if (a >= 1 || isnan(a)) return a == 1 ? x * INFINITY : NAN;
    for (int i = 0; i < 100; i++) {
        double error = a < 0.5 ? erf(y) - a : (1 - a) - erfc(y);
        y -= error / (1.1283791670955126 * exp(-y * y));
    }
    return copysign(y, x);
}

REF(sqrt, sqrt, csqrt)
REF(rsqrt, rsqrt, crsqrt)
REF(reciprocal, reciprocal, creciprocal)
REF(exp, exp, cexp)
REF(expm1, expm1, NULL)
REF(log, log, clog)
REF(log2, log2, complex_log2)
REF(log10, log10, complex_log10)
REF(log1p, log1p, complex_log1p)
REF(sin, sin, csin)
REF(cos, cos, ccos)
REF(tan, tan, ctan)
REF(sinh, sinh, csinh)
REF(cosh, cosh, ccosh)
REF(tanh, tanh, ctanh)
REF(arcsin, asin, casin)
REF(arccos, acos, cacos)
REF(arctan, atan, catan)
REF(arcsinh, asinh, casinh)
REF(arccosh, acosh, cacosh)
REF(arctanh, atanh, catanh)
REF(erf, erf, NULL)
REF(erfinv, erfinv, NULL)
REF(sigmoid, sigmoid, NULL)
