/* SPDX-License-Identifier: MIT
 *
 * The CUDA back-end. */
#ifndef MLX_CUDA_H
#define MLX_CUDA_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Is there a usable CUDA device? */
int mlx_cuda_is_available(bool *res);

#ifdef __cplusplus
}
#endif

#endif
