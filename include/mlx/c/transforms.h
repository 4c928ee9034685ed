/* SPDX-License-Identifier: MIT
 *
 * Evaluation and function transforms. */
#ifndef MLX_TRANSFORMS_H
#define MLX_TRANSFORMS_H

#include <stddef.h>

#include "mlx/c/array.h"
#include "mlx/c/closure.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Starts the evaluation and returns; reading waits. */
int mlx_async_eval(const mlx_vector_array outputs);

/* A closure that keeps only the inputs of `fun` and computes the rest again for its gradient. */
int mlx_checkpoint(mlx_closure *res, const mlx_closure fun);

/* `fun` with rules of the caller's in the place of the derived ones. */
int mlx_custom_function(mlx_closure *res, const mlx_closure fun, const mlx_closure_custom fun_vjp /* may be empty */,
                        const mlx_closure_custom_jvp fun_jvp /* may be empty */,
                        const mlx_closure_custom_vmap fun_vmap /* may be empty */);
int mlx_custom_vjp(mlx_closure *res, const mlx_closure fun, const mlx_closure_custom fun_vjp);

/* Evaluates and waits. */
int mlx_eval(const mlx_vector_array outputs);

/* res_0: outputs of `fun`; res_1: the Jacobian times the tangents, one for each primal. */
int mlx_jvp(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun, const mlx_vector_array primals,
            const mlx_vector_array tangents);

/* A closure that gives all outputs of `fun` and the gradient of the first, which must be a scalar, by the inputs that
 * `argnums` lists. */
int mlx_value_and_grad(mlx_closure_value_and_grad *res, const mlx_closure fun, const int *argnums, size_t argnums_num);

/* res_0: outputs of `fun`; res_1: the cotangents, one for each output, times the Jacobian. */
int mlx_vjp(mlx_vector_array *res_0, mlx_vector_array *res_1, const mlx_closure fun, const mlx_vector_array primals,
            const mlx_vector_array cotangents);

#ifdef __cplusplus
}
#endif

#endif
