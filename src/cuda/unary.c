/* SPDX-License-Identifier: MIT
 *
 * Unary elementwise ops that are exact: signs, squares, rounding, bits, parts of complex numbers. */
#include "cuda/dispatch.h"

const cuda_op cuda_abs = {.real = "abs_of(x)", .integer = "x > 0 ? x : (T)(0 - (u64)x)", .complex = "abs_of(x)"};
const cuda_op cuda_neg = {.real = "-x", .integer = "(T)(0 - (u64)x)", .complex = "make_c64(-x.re, -x.im)"};
const cuda_op cuda_sign = {
    .real = "(T)((x > 0) - (x < 0))", .integer = "x > 0 ? (T)1 : x == 0 ? (T)0 : (T)-1", .complex = "sign_of(x)"};
const cuda_op cuda_square = {.real = "x * x", .integer = "(T)((u64)x * (u64)x)", .complex = "mul_c64(x, x)"};
const cuda_op cuda_floor = {.real = "floor_of(x)"};
const cuda_op cuda_ceil = {.real = "ceil_of(x)"};
const cuda_op cuda_round = {.real = "round_of(x)", .complex = "make_c64(rintf(x.re), rintf(x.im))"};
const cuda_op cuda_bitwise_invert = {.integer = "(T)~x", .boolean = "!x"};
const cuda_op cuda_real = {.complex = "x.re"};
const cuda_op cuda_imag = {.complex = "x.im"};
const cuda_op cuda_conjugate = {.complex = "make_c64(x.re, -x.im)"};
