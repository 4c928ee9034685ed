/* SPDX-License-Identifier: MIT
 *
 * The table that tests/c/math_tiles.c exports once per SIMD level, for tests/c/test_math.c. */
#ifndef TESTS_C_MATH_LEVELS_H
#define TESTS_C_MATH_LEVELS_H

#include <stdint.h>

typedef struct {
    const char *name;
    void (*run)(float *out, const float *in, int64_t n);
} math_unary_row;

typedef struct {
    const char *name;
    void (*run)(float *out, const float *a, const float *b, int64_t n);
} math_binary_row;

typedef struct {
    const char *name;
    void (*run)(double *out, const double *in, int64_t n);
} math_double_row;

typedef struct {
    const math_unary_row *unary; /* a table ends with a NULL name */
    const math_binary_row *binary;
    const math_double_row *doubles;
    void (*f16_to_f32)(float *out, const uint16_t *in, int64_t n);
    void (*f32_to_f16)(uint16_t *out, const float *in, int64_t n);
    void (*bf16_to_f32)(float *out, const uint16_t *in, int64_t n);
    void (*f32_to_bf16)(uint16_t *out, const float *in, int64_t n);
} math_level;

extern const math_level cpu_math_base, cpu_math_avx2, cpu_math_avx512;

#endif
