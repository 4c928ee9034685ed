/* SPDX-License-Identifier: MIT
 *
 * The version of the interface that is implemented. */
#ifndef MLX_VERSION_H
#define MLX_VERSION_H

#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As "0.31.2". */
int mlx_version(mlx_string *str_);

#ifdef __cplusplus
}
#endif

#endif
