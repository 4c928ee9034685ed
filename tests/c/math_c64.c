/* SPDX-License-Identifier: MIT
 *
 * Part of test_math: complex64 of the CPU kernels against double complex, and MLX's float32 recipes against recorded
 * values.
 *
 * Errors of complex functions are norm-wise, |got - true| / |true| in units of 2^-24: one part may be smaller than the
 * other's error. */
#include <complex.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cpu/kernels/math_c64.h"
#include "cpu/kernels/mlx_math.h"
#include "math_levels.h"

enum { SAMPLES = 20000 };

static int failures;

static uint32_t scramble(uint32_t u)
{
    u = (u ^ u >> 16) * 0x7feb352du;
    u = (u ^ u >> 15) * 0x846ca68bu;
    return u ^ u >> 16;
}

/* Parts of either sign with magnitudes from 2^low to 2^high. */
static float sample_part(uint32_t at, int low, int high)
{
    uint32_t u = scramble(at);
    float size = ldexpf(1.0f + (float)(u & 0xffffu) / 65536.0f, low + (int)(u >> 16 & 0x7fffu) % (high - low));
    return u >> 31 ? -size : size;
}

static c64_t sample(uint32_t at, int low, int high)
{
    return (c64_t){sample_part(2 * at, low, high), sample_part(2 * at + 1, low, high)};
}

static double complex wide_log1p(double complex z)
{
    double re = creal(z), im = cimag(z);
    return 0.5 * log1p(re * (2 + re) + im * im) + _Complex_I * atan2(im, 1 + re);
}

static double complex wide_log2(double complex z)
{
    return clog(z) * 1.4426950408889634;
}
static double complex wide_log10(double complex z)
{
    return clog(z) * 0.43429448190325182;
}
static double complex wide_rsqrt(double complex z)
{
    return 1 / csqrt(z);
}
static double complex wide_square(double complex z)
{
    return z * z;
}
static double complex wide_reciprocal(double complex z)
{
    return 1 / z;
}
static double complex wide_sigmoid(double complex z)
{
    return 1 / (1 + cexp(-z));
}
static double complex wide_sign(double complex z)
{
    return z / cabs(z);
}

#define ROW(name, function)                                                                                            \
    {                                                                                                                  \
#name, name##_c64, function, -20, 5                                                                            \
    }
static const struct {
    const char *name;
    c64_t (*f)(c64_t);
    double complex (*ref)(double complex);
    int low, high;
} unary_rows[] = {
    ROW(exp, cexp),
    ROW(log, clog),
    ROW(sqrt, csqrt),
    ROW(sin, csin),
    ROW(cos, ccos),
    ROW(tan, ctan),
    ROW(sinh, csinh),
    ROW(cosh, ccosh),
    ROW(tanh, ctanh),
    ROW(asin, casin),
    ROW(acos, cacos),
    ROW(atan, catan),
    ROW(asinh, casinh),
    ROW(acosh, cacosh),
    ROW(atanh, catanh),
    ROW(log1p, wide_log1p),
    ROW(log2, wide_log2),
    ROW(log10, wide_log10),
    ROW(rsqrt, wide_rsqrt),
    ROW(square, wide_square),
    ROW(reciprocal, wide_reciprocal),
    ROW(sigmoid, wide_sigmoid),
    ROW(sign, wide_sign),
};

static double complex wide_mul(double complex a, double complex b)
{
    return a * b;
}
static double complex wide_div(double complex a, double complex b)
{
    return a / b;
}
static double complex wide_add(double complex a, double complex b)
{
    return a + b;
}
static double complex wide_sub(double complex a, double complex b)
{
    return a - b;
}

static const struct {
    const char *name;
    c64_t (*f)(c64_t, c64_t);
    double complex (*ref)(double complex, double complex);
    int low, high;
} binary_rows[] = {
    {"mul", mul_c64, wide_mul, -40, 40}, {"mul_plain", mul_plain_c64, wide_mul, -40, 40},
    {"div", div_c64, wide_div, -40, 40}, {"add", add_c64, wide_add, -40, 40},
    {"sub", sub_c64, wide_sub, -40, 40}, {"pow", pow_c64, cpow, -8, 3},
};

static double norm_error(c64_t got, double complex want)
{
    double error = hypot(got.re - creal(want), got.im - cimag(want)), size = cabs(want);
    return error / (size * 0x1p-24);
}

static void report(const char *name, double worst, c64_t at)
{
    bool bad = !(worst < 8);
    if (bad) failures++;
    printf("%-10s %6.2f * 2^-24 at %.9g%+.9gi%s\n", name, worst, at.re, at.im, bad ? "  FAILED" : "");
}

static void test_values(void)
{
    for (size_t r = 0; r < sizeof unary_rows / sizeof *unary_rows; r++) {
        double worst = 0;
        c64_t at = {0, 0};
        for (uint32_t i = 0; i < SAMPLES; i++) {
            c64_t z = sample(i, unary_rows[r].low, unary_rows[r].high);
            double e = norm_error(unary_rows[r].f(z), unary_rows[r].ref(wide_of_c64(z)));
            if (!(e <= worst)) worst = e, at = z;
        }
        report(unary_rows[r].name, worst, at);
    }
    for (size_t r = 0; r < sizeof binary_rows / sizeof *binary_rows; r++) {
        double worst = 0;
        c64_t at = {0, 0};
        for (uint32_t i = 0; i < SAMPLES; i++) {
            c64_t z = sample(2 * i, binary_rows[r].low, binary_rows[r].high);
            c64_t w = sample(2 * i + 1, binary_rows[r].low, binary_rows[r].high);
            double e = norm_error(binary_rows[r].f(z, w), binary_rows[r].ref(wide_of_c64(z), wide_of_c64(w)));
            if (!(e <= worst)) worst = e, at = z;
        }
        report(binary_rows[r].name, worst, at);
    }
}

static bool same_float(float a, float b)
{
    return (a != a && b != b) || (a == b && !signbit(a) == !signbit(b));
}

static void check_is(const char *what, c64_t got, float re, float im)
{
    if (same_float(got.re, re) && same_float(got.im, im)) return;
    failures++;
    printf("%s: got %g%+gi, must be %g%+gi  FAILED\n", what, got.re, got.im, re, im);
}

/* Recorded from MLX. */
static void test_special_values(void)
{
    const float inf = INFINITY, nan = NAN;
    check_is("1+i / 0", div_c64((c64_t){1, 1}, (c64_t){0, 0}), inf, inf);
    check_is("0 / 0", div_c64((c64_t){0, 0}, (c64_t){0, 0}), nan, nan);
    check_is("1 / 0", div_c64((c64_t){1, 0}, (c64_t){0, 0}), inf, nan);
    check_is("inf / 1+i", div_c64((c64_t){inf, 0}, (c64_t){1, 1}), inf, -inf);
    check_is("1+i / inf+i", div_c64((c64_t){1, 1}, (c64_t){inf, 1}), 0, 0);
    check_is("tiny / tiny", div_c64((c64_t){1e-40f, 1e-40f}, (c64_t){1e-40f, 1e-40f}), 1, 0);
    check_is("large / large", div_c64((c64_t){3e38f, 3e38f}, (c64_t){3e38f, 3e38f}), 1, 0);
    check_is("inf * 1+i", mul_c64((c64_t){inf, 0}, (c64_t){1, 1}), inf, inf);
    check_is("inf+inf i * i", mul_c64((c64_t){inf, inf}, (c64_t){0, 1}), -inf, inf);
    check_is("sign 0", sign_c64((c64_t){0, 0}), 0, 0);
    check_is("sign -3", sign_c64((c64_t){-3, 0}), -1, 0);
    check_is("rsqrt 0", rsqrt_c64((c64_t){0, 0}), inf, nan);
    volatile float zero = 0; /* a constant would be folded by the compiler, which has another opinion of 0^0 */
    check_is("0 ^ 0", pow_c64((c64_t){zero, 0}, (c64_t){zero, 0}), nan, nan);
    check_is("log 0", log_c64((c64_t){0, 0}), -inf, 0);
    check_is("log2 0", log2_c64((c64_t){0, 0}), -inf, 0);
    check_is("log1p inf", log1p_c64((c64_t){inf, 0}), inf, 0);
    check_is("log1p of -1 + tiny i", log1p_c64((c64_t){-1, 1e-30f}), -69.0775528f, 1.57079637f);
    check_is("sigmoid -200", sigmoid_c64((c64_t){-200, 0}), 0, 0);
    check_is("sigmoid 200", sigmoid_c64((c64_t){200, 0}), 1, 0);
    c64_t a = {1, 2}, b = {1, 3}, c = {2, 0}, n = {1, nan};
    bool ordered = less_c64(a, b) && less_c64(a, c) && !less_c64(b, a) && !less_c64(a, a) && less_equal_c64(a, a);
    bool with_nan = !less_c64(a, n) && !less_c64(n, a) && !equal_c64(n, n);
    if (!ordered || !with_nan) failures++, printf("comparisons  FAILED\n");
}

/* The hash of 2^16 values; a NaN counts as one pattern. */
static uint32_t hash_of(float (*f)(float), bool uniform)
{
    uint32_t hash = 2166136261u;
    for (uint32_t i = 0; i < 65536; i++) {
        uint32_t u = i << 16 | scramble(i) >> 16;
        float y = f(uniform ? (float)u / 4294967296.0f * 2.0f - 1.0f : float_of_bits(u));
        hash = (hash ^ (y != y ? 0x7fc00000u : bits_f32(y))) * 16777619u;
    }
    return hash;
}

/* Hashes of MLX's values, recorded from its CPU build. */
static void test_mlx_recipes(void)
{
    static const struct {
        const char *name;
        float (*f)(float);
        uint32_t any_bits, uniform;
    } rows[] = {{"exp_mlx", exp_mlx, 0x9506ea2au, 0xd6b8130cu},
                {"erf_mlx", erf_mlx, 0x60d7ef11u, 0xd968e2c8u},
                {"erfinv_mlx", erfinv_mlx, 0x8ea72b4fu, 0xf81366adu}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        uint32_t any = hash_of(rows[r].f, false), uniform = hash_of(rows[r].f, true);
        bool good = any == rows[r].any_bits && uniform == rows[r].uniform;
        if (!good) failures++;
        printf("%-10s %08" PRIx32 " %08" PRIx32 "%s\n", rows[r].name, any, uniform, good ? "" : "  FAILED");
    }
}

int check_math_c64(void)
{
    test_values();
    test_special_values();
    test_mlx_recipes();
    return failures;
}
