/* SPDX-License-Identifier: MIT
 *
 * The SIMD levels: one table of kernels each, chosen once at start. */
#ifndef CPU_DISPATCH_H
#define CPU_DISPATCH_H

#include "cpu/call.h"

/* Everything that is built once per level. */
typedef struct cpu_level {
    const char *name;
    const cpu_op *const *ops; /* by mx_op_id; NULL for ops that never run (views that cannot fail, placeholders) */
    bool (*run_tiles)(const mx_group *group, bool may_donate); /* elementwise groups */
    bool (*run_group)(const mx_group *group, bool may_donate); /* groups of several nodes */
    void (*copy_strided)(void *to, const void *from, mx_shape shape, const int64_t *strides, size_t bytes);
    bool (*gemm)(const cpu_gemm *g, cpu_parallel_fn parallel);
} cpu_level;

extern const cpu_level cpu_level_base, cpu_level_avx2, cpu_level_avx512;
/* The level in use: the best that the CPU has, or what MICA_CPU_LEVEL names (base, avx2, avx512). */
const cpu_level *cpu_level_now(void);

/* Copies elements of `bytes` (1, 2, 4, 8) laid out by strides (in elements) to row-major order. */
void cpu_copy_strided(void *to, const void *from, mx_shape shape, const int64_t *strides, size_t bytes);

#endif
