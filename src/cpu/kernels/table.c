/* SPDX-License-Identifier: MIT
 *
 * This level's kernels by op.  A missing kernel does not link. */
#include "cpu/kernels/kernel.h"

#define VIEW(name)
#define OP(name) [OP_##name] = &KERNEL(name),
static const cpu_op *const ops[OP_COUNT] = {
#include "core/ops.def"
};
#undef OP

#if defined LEVEL_AVX512
#define LEVEL_NAME "avx512"
#elif defined LEVEL_AVX2
#define LEVEL_NAME "avx2"
#else
#define LEVEL_NAME "base"
#endif

const cpu_level KERNEL(level) = {
    .name = LEVEL_NAME,
    .ops = ops,
    .run_tiles = KERNEL(run_tiles),
    .run_group = KERNEL(run_group),
    .copy_strided = KERNEL(copy_strided),
    .gemm = KERNEL(gemm),
};
