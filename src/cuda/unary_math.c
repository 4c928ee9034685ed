/* SPDX-License-Identifier: MIT
 *
 * Roots, exponentials, logarithms, trigonometric and hyperbolic functions: CUDA's own, within their documented ulps, and
 * complex.cuh's. */
#include "cuda/dispatch.h"

const cuda_op cuda_sqrt = {.real = "sqrt_of(x)", .complex = "sqrt_of(x)"};
const cuda_op cuda_rsqrt = {.real = "(T)1 / sqrt_of(x)", .complex = "div_of(make_c64(1, 0), sqrt_of(x))"};
const cuda_op cuda_reciprocal = {.real = "(T)1 / x", .complex = "div_of(make_c64(1, 0), x)"};
const cuda_op cuda_exp = {.real = "exp_of(x)", .complex = "exp_of(x)"};
const cuda_op cuda_expm1 = {.real = "expm1_of(x)"};
const cuda_op cuda_log = {.real = "log_of(x)", .complex = "log_of(x)"};
const cuda_op cuda_log2 = {.real = "log2_of(x)", .complex = "log_of(x, 1.4426950408889634)"};
const cuda_op cuda_log10 = {.real = "log10_of(x)", .complex = "log_of(x, 0.43429448190325182)"};
const cuda_op cuda_log1p = {.real = "log1p_of(x)", .complex = "log1p_of(x)"};
const cuda_op cuda_sin = {.real = "sin_of(x)", .complex = "sin_of(x)"};
const cuda_op cuda_cos = {.real = "cos_of(x)", .complex = "cos_of(x)"};
const cuda_op cuda_tan = {.real = "tan_of(x)", .complex = "tan_of(x)"};
const cuda_op cuda_sinh = {.real = "sinh_of(x)", .complex = "sinh_of(x)"};
const cuda_op cuda_cosh = {.real = "cosh_of(x)", .complex = "cosh_of(x)"};
const cuda_op cuda_tanh = {.real = "tanh_of(x)", .complex = "tanh_of(x)"};
const cuda_op cuda_arcsin = {.real = "asin_of(x)", .complex = "asin_of(x)"};
const cuda_op cuda_arccos = {.real = "acos_of(x)", .complex = "acos_of(x)"};
const cuda_op cuda_arctan = {.real = "atan_of(x)", .complex = "atan_of(x)"};
const cuda_op cuda_arcsinh = {.real = "asinh_of(x)", .complex = "asinh_of(x)"};
const cuda_op cuda_arccosh = {.real = "acosh_of(x)", .complex = "acosh_of(x)"};
const cuda_op cuda_arctanh = {.real = "atanh_of(x)", .complex = "atanh_of(x)"};
const cuda_op cuda_erf = {.real = "erf_of(x)"};
const cuda_op cuda_erfinv = {.real = "erfinv_of(x)"};
const cuda_op cuda_sigmoid = {.real = "sigmoid_of(x)", .complex = "sigmoid_of(x)"};
