/* SPDX-License-Identifier: MIT
 *
 * MLX's formulas over float32 and float64. */
#include "cpu/kernels/map_tmpl.h"

UNARY(erfinv, erfinv_mlx((float)x))
UNARY(erf, erf_mlx((float)x))
UNARY(exp, exp_mlx((float)x))
UNARY(log, MATH(log_mlx)(x))
UNARY(log1p, MATH(log1p_mlx)(x))
