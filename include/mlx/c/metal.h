/* SPDX-License-Identifier: MIT
 *
 * The Metal back-end, which exists on Apple's machines only. */
#ifndef MLX_METAL_H
#define MLX_METAL_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Never elsewhere; capturing is an error then. */
int mlx_metal_is_available(bool *res);
int mlx_metal_start_capture(const char *path);
int mlx_metal_stop_capture(void);

#ifdef __cplusplus
}
#endif

#endif
