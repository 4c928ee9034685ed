/* SPDX-License-Identifier: MIT
 *
 * The C types of 16-bit floats, where the compiler has them. */
#ifndef MLX_HALF_H
#define MLX_HALF_H

#if defined(__ARM_FEATURE_FP16_SCALAR_ARITHMETIC) || defined(__aarch64__)
#define HAS_FLOAT16
typedef __fp16 float16_t;
#endif

#if defined(__ARM_FEATURE_BF16) || defined(__aarch64__)
#define HAS_BFLOAT16
typedef __bf16 bfloat16_t;
#endif

#endif
