/* SPDX-License-Identifier: MIT
 *
 * Tiles over the functions of cpu/kernels/math_f32.h, math_f64.h and half.h, compiled once per SIMD level like
 * the kernels themselves. */
#include "cpu/kernels/half.h"
#include "cpu/kernels/level.h"
#include "cpu/kernels/math_f32.h"
#include "cpu/kernels/math_f64.h"
#include "math_levels.h"

ALWAYS_INLINE void map_unary(float *RESTRICT out, const float *RESTRICT in, int64_t n, float (*f)(float))
{
    SIMD
    for (int64_t i = 0; i < n; i++) out[i] = f(in[i]);
}

ALWAYS_INLINE void map_binary(float *RESTRICT out, const float *RESTRICT a, const float *RESTRICT b, int64_t n,
                              float (*f)(float, float))
{
    SIMD
    for (int64_t i = 0; i < n; i++) out[i] = f(a[i], b[i]);
}

#define UNARY(name)                                                                                                    \
    static void tile_##name(float *out, const float *in, int64_t n)                                                    \
    {                                                                                                                  \
        map_unary(out, in, n, name##_f32);                                                                             \
    }
/* clang-format off */
#define EACH_UNARY(ROW) \
    ROW(exp) ROW(exp2) ROW(log) ROW(log2) ROW(log10) ROW(tanh) ROW(sigmoid) ROW(erf) ROW(atan) ROW(asin) ROW(acos) \
    ROW(rsqrt) ROW(rint) ROW(floor) ROW(ceil) ROW(trunc) ROW(expm1) ROW(log1p) ROW(sinh) ROW(cosh) ROW(asinh) \
    ROW(acosh) ROW(atanh) ROW(erfinv)
/* clang-format on */
EACH_UNARY(UNARY)

#define NAMED(name) {#name, tile_##name},
#define BINARY(name)                                                                                                   \
    static void tile_##name(float *out, const float *a, const float *b, int64_t n)                                     \
    {                                                                                                                  \
        map_binary(out, a, b, n, name##_f32);                                                                          \
    }
#define EACH_BINARY(ROW) ROW(pow) ROW(atan2) ROW(logaddexp)
EACH_BINARY(BINARY)

static const math_unary_row unary_rows[] = {
    EACH_UNARY(NAMED){"sin", sin_tile_f32},
    {"cos", cos_tile_f32},
    {"tan", tan_tile_f32},
    {0},
};

ALWAYS_INLINE void map_double(double *RESTRICT out, const double *RESTRICT in, int64_t n, double (*f)(double))
{
    SIMD
    for (int64_t i = 0; i < n; i++) out[i] = f(in[i]);
}

#define DOUBLE(name)                                                                                                   \
    static void double_##name(double *out, const double *in, int64_t n)                                                \
    {                                                                                                                  \
        map_double(out, in, n, name##_f64);                                                                            \
    }
#define EACH_DOUBLE(ROW) ROW(exp) ROW(log) ROW(sigmoid) ROW(rsqrt)
EACH_DOUBLE(DOUBLE)

static void double_erfinv(double *out, const double *in, int64_t n)
{
    for (int64_t i = 0; i < n; i++) out[i] = erfinv_f64(in[i]);
}

#define NAMED_DOUBLE(name) {#name, double_##name},
static const math_double_row double_rows[] = {EACH_DOUBLE(NAMED_DOUBLE){"erfinv", double_erfinv}, {0}};

static const math_binary_row binary_rows[] = {EACH_BINARY(NAMED){0}};

const math_level KERNEL(math) = {
    unary_rows, binary_rows, double_rows, f16_to_f32_tile, f32_to_f16_tile, bf16_to_f32_tile, f32_to_bf16_tile,
};
