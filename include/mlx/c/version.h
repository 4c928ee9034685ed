/* SPDX-License-Identifier: MIT
 *
 * The version. */
#ifndef MLX_VERSION_H
#define MLX_VERSION_H

#include "mlx/c/string.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of MLX whose behaviour is implemented, as "0.32.2". */
int mlx_version(mlx_string *str_);

#ifdef __cplusplus
}
#endif

#endif
