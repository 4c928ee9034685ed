/* SPDX-License-Identifier: MIT
 *
 * References of arithmetic with two operands. */
#include "ref.h"

#define REF(name, on_real, on_complex, on_whole)                                                                       \
    void ref_##name(const ref_call *c);                                                                                \
    void ref_##name(const ref_call *c)                                                                                 \
    {                                                                                                                  \
        ref_each_pair(c, (ref_binary){on_real, on_complex, on_whole});                                                 \
    }
/* Integers wrap; bools are computed as integers and cut to "is it 0". */
#define ARITHMETIC(name, operator)                                                                                     \
    static double name(double a, double b)                                                                             \
    {                                                                                                                  \
        return a operator b;                                                                                           \
    }                                                                                                                  \
    static double complex name##_complex(double complex a, double complex b)                                           \
    {                                                                                                                  \
        return a operator b;                                                                                           \
    }                                                                                                                  \
    static int64_t name##_whole(int64_t a, int64_t b, bool is_unsigned)                                                \
    {                                                                                                                  \
        (void)is_unsigned;                                                                                             \
        return (int64_t)((uint64_t)a operator(uint64_t) b);                                                            \
    }                                                                                                                  \
    REF(name, name, name##_complex, name##_whole)

ARITHMETIC(add, +)
ARITHMETIC(sub, -)
ARITHMETIC(mul, *)

static double quotient(double a, double b)
{
    return a / b;
}
static double complex quotient_complex(double complex a, double complex b)
{
    return a / b;
}
static double floor_quotient(double a, double b)
{
    return floor(a / b);
}
static int64_t quotient_whole(int64_t a, int64_t b, bool is_unsigned)
{
    if (b == 0) return 0;
    if (is_unsigned) return (int64_t)((uint64_t)a / (uint64_t)b);
    return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}
static double remainder_real(double a, double b)
{
    double r = fmod(a, b);
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static int64_t remainder_whole(int64_t a, int64_t b, bool is_unsigned)
{
    if (b == 0 || (b == -1 && !is_unsigned)) return 0;
    if (is_unsigned) return (int64_t)((uint64_t)a % (uint64_t)b);
    int64_t r = a % b;
    return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}
static double complex power_complex(double complex a, double complex b)
{
    return cpow(a, b);
}
static int64_t power_whole(int64_t a, int64_t b, bool is_unsigned)
{
    uint64_t product = 1, square = (uint64_t)a;
    if (!is_unsigned && b < 0) return 0;
    for (uint64_t n = (uint64_t)b; n; n >>= 1, square *= square) product *= n & 1 ? square : 1;
    return (int64_t)product;
}

static double maximum(double a, double b)
{
    return isnan(a) || isnan(b) ? NAN : a > b ? a : b;
}
static double minimum(double a, double b)
{
    return isnan(a) || isnan(b) ? NAN : a < b ? a : b;
}
static bool above(double complex a, double complex b)
{
    return creal(a) > creal(b) || (creal(a) == creal(b) && cimag(a) > cimag(b));
}
static double complex maximum_complex(double complex a, double complex b)
{
    return above(a, b) ? a : b;
}
static double complex minimum_complex(double complex a, double complex b)
{
    return above(a, b) ? b : a;
}
static int64_t maximum_whole(int64_t a, int64_t b, bool is_unsigned)
{
    return (is_unsigned ? (uint64_t)a > (uint64_t)b : a > b) ? a : b;
}
static int64_t minimum_whole(int64_t a, int64_t b, bool is_unsigned)
{
    return (is_unsigned ? (uint64_t)a > (uint64_t)b : a > b) ? b : a;
}
static double logaddexp(double a, double b)
{
    if (isnan(a) || isnan(b)) return NAN;
    double high = fmax(a, b), low = fmin(a, b);
    return isinf(high) || isinf(low) ? high : high + log1p(exp(low - high));
}
static double complex logaddexp_complex(double complex a, double complex b)
{
    double complex high = above(a, b) ? a : b, low = above(a, b) ? b : a;
    return high + clog(1 + cexp(low - high));
}

REF(div, quotient, quotient_complex, NULL)
REF(floor_div, floor_quotient, NULL, quotient_whole)
REF(remainder, remainder_real, NULL, remainder_whole)
REF(power, pow, power_complex, power_whole)
REF(maximum, maximum, maximum_complex, maximum_whole)
REF(minimum, minimum, minimum_complex, minimum_whole)
REF(logaddexp, logaddexp, logaddexp_complex, NULL)
REF(arctan2, atan2, NULL, NULL)
