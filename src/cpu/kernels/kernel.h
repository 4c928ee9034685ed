/* SPDX-License-Identifier: MIT
 *
 * What every kernel source includes first. */
#ifndef CPU_KERNELS_KERNEL_H
#define CPU_KERNELS_KERNEL_H

#include "core/compiler.h"
#include "cpu/call.h"
#include "cpu/dispatch.h"
#include "cpu/kernels/level.h"

#define VIEW(name)
#define OP(name) extern const cpu_op KERNEL(name);
#include "core/ops.def"
#undef OP

bool KERNEL(run_tiles)(const mx_group *group, bool may_donate);
/* Any group of several nodes.  False without an error: it is better run node by node. */
bool KERNEL(run_group)(const mx_group *group, bool may_donate);
void KERNEL(copy_strided)(void *to, const void *from, mx_shape shape, const int64_t *strides, size_t bytes);
/* Copies between two layouts of one shape (strides in elements); they must not overlap. */
void KERNEL(copy_between)(void *to, const int64_t *to_strides, const void *from, const int64_t *from_strides,
                          mx_shape shape, size_t bytes);
/* Copies `bytes` past the caches: for results that are too large to stay there. */
void KERNEL(stream_copy)(void *to, const void *from, size_t bytes);
void KERNEL(stream_end)(void); /* to be called before other threads may read what was streamed */

#endif
