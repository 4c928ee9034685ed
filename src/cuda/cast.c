/* SPDX-License-Identifier: MIT
 *
 * Casts: the generator's own, kernels/math.cuh and complex.cuh. */
#include "cuda/dispatch.h"

const cuda_op cuda_astype = {.real = "(cast_t<compute_t<OUT>::type, T>::of(x))",
                             .integer = "(cast_t<compute_t<OUT>::type, T>::of(x))",
                             .boolean = "(cast_t<compute_t<OUT>::type, T>::of(x))",
                             .complex = "(cast_t<compute_t<OUT>::type, T>::of(x))"};
