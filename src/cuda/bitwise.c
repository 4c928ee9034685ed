/* SPDX-License-Identifier: MIT
 *
 * Bitwise ops.  A count outside of the type's bits shifts everything out: it leaves 0, or -1 of a negative number
 * shifted right. */
#include "cuda/dispatch.h"

const cuda_op cuda_bitwise_and = {.integer = "(T)(x & y)", .boolean = "x & y"};
const cuda_op cuda_bitwise_or = {.integer = "(T)(x | y)", .boolean = "x | y"};
const cuda_op cuda_bitwise_xor = {.integer = "(T)(x ^ y)", .boolean = "x != y"};
const cuda_op cuda_left_shift = {.integer = "(u64)y >= 8 * sizeof(T) ? (T)0 : (T)((u64)x << y)"};
const cuda_op cuda_right_shift = {.integer = "(u64)y < 8 * sizeof(T) ? (T)(x >> y) : x < 0 ? (T)-1 : (T)0"};
