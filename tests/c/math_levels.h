/* SPDX-License-Identifier: MIT
 *
 * What test_math.c is linked with: the tables that math_tiles.c exports once per SIMD level, and the checks of
 * math_c64.c. */
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

/* Checks complex64 and MLX's recipes; returns how many checks failed. */
int check_math_c64(void);

#endif
