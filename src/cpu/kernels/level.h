/* SPDX-License-Identifier: MIT
 *
 * Every file of this folder is compiled once per SIMD level, with LEVEL_BASE, LEVEL_AVX2 or LEVEL_AVX512 defined and
 * the matching -march.  KERNEL pastes the level's suffix to a name, so the three objects live in one library and the
 * dispatcher takes the best that the CPU has.  REGISTER is the bytes of a vector register. */
#ifndef CPU_KERNELS_LEVEL_H
#define CPU_KERNELS_LEVEL_H

#if defined LEVEL_AVX512
#define KERNEL(name) cpu_##name##_avx512
#define REGISTER 64
#elif defined LEVEL_AVX2
#define KERNEL(name) cpu_##name##_avx2
#define REGISTER 32
#elif defined LEVEL_BASE
#define KERNEL(name) cpu_##name##_base
#define REGISTER 16
#else
#error "compile this folder with LEVEL_BASE, LEVEL_AVX2 or LEVEL_AVX512"
#endif

#endif
