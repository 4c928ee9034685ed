/* SPDX-License-Identifier: MIT
 *
 * The two halves of vmap, for bindings. An axis of -1 means: not mapped. replace takes the lists that trace gave. */
#ifndef MLX_TRANSFORMS_IMPL_H
#define MLX_TRANSFORMS_IMPL_H

#include <stddef.h>

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* trace runs `fun` on placeholders without the mapped axis: res_0 are these, res_1 what was made of them. replace
 * runs that on whole inputs. */
int mlx_detail_vmap_replace(mlx_vector_array *res, const mlx_vector_array inputs, const mlx_vector_array s_inputs,
                            const mlx_vector_array s_outputs, const int *in_axes, size_t in_axes_num,
                            const int *out_axes, size_t out_axes_num);
int mlx_detail_vmap_trace(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun,
                          const mlx_vector_array inputs, const int *in_axes, size_t in_axes_num);

#ifdef __cplusplus
}
#endif

#endif
