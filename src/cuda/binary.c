/* SPDX-License-Identifier: MIT
 *
 * Binary arithmetic.  Integers are added and multiplied as unsigned, so that they wrap. */
#include "cuda/dispatch.h"

const cuda_op cuda_add = {.real = "x + y",
                          .integer = "(T)((u64)x + (u64)y)",
                          .boolean = "x | y",
                          .complex = "make_c64(x.re + y.re, x.im + y.im)"};
const cuda_op cuda_sub = {.real = "x - y",
                          .integer = "(T)((u64)x - (u64)y)",
                          .boolean = "x != y",
                          .complex = "make_c64(x.re - y.re, x.im - y.im)"};
const cuda_op cuda_mul = {
    .real = "x * y", .integer = "(T)((u64)x * (u64)y)", .boolean = "x & y", .complex = "mul_c64(x, y)"};
const cuda_op cuda_div = {.real = "x / y", .complex = "div_of(x, y)"};
const cuda_op cuda_floor_div = {.real = "floor_of(x / y)", .integer = "quotient<T>(x, y)", .boolean = "x & y"};
const cuda_op cuda_remainder = {.real = "floored_mod<T>(x, y)", .integer = "integer_mod<T>(x, y)", .boolean = "false"};
const cuda_op cuda_power = {
    .real = "power_of(x, y)", .integer = "integer_power<T>(x, y)", .boolean = "x | !y", .complex = "power_of(x, y)"};
const cuda_op cuda_maximum = {
    .real = "x > y || x != x ? x : y", .integer = "x > y ? x : y", .boolean = "x | y", .complex = "larger_of(x, y)"};
const cuda_op cuda_minimum = {
    .real = "x < y || x != x ? x : y", .integer = "x < y ? x : y", .boolean = "x & y", .complex = "smaller_of(x, y)"};
const cuda_op cuda_logaddexp = {.real = "logaddexp_of<T>(x, y)", .complex = "logaddexp_of(x, y)"};
const cuda_op cuda_arctan2 = {.real = "atan2_of(x, y)"};
