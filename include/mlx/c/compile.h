/* SPDX-License-Identifier: MIT
 *
 * Tracing a function once and running the traced graph afterwards. */
#ifndef MLX_COMPILE_H
#define MLX_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mlx/c/closure.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How much is done to a traced graph. */
typedef enum mlx_compile_mode_ {
    MLX_COMPILE_MODE_DISABLED = 0,
    MLX_COMPILE_MODE_NO_SIMPLIFY = 1,
    MLX_COMPILE_MODE_NO_FUSE = 2,
    MLX_COMPILE_MODE_ENABLED = 3
} mlx_compile_mode;

/* A closure that traces `fun` at its first call for each signature and replays the graph; shapeless: sizes may differ.
 */
int mlx_compile(mlx_closure *res, const mlx_closure fun, bool shapeless);

/* The same with the caller's own identity and constants as part of the key, and ways to forget what was traced. */
int mlx_detail_compile(mlx_closure *res, const mlx_closure fun, uintptr_t fun_id, bool shapeless,
                       const uint64_t *constants, size_t constants_num);
int mlx_detail_compile_clear_cache(void);
int mlx_detail_compile_erase(uintptr_t fun_id);

/* Switches for the process. */
int mlx_disable_compile(void);
int mlx_enable_compile(void);
int mlx_set_compile_mode(mlx_compile_mode mode);

#ifdef __cplusplus
}
#endif

#endif
