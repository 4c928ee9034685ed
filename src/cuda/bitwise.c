/* SPDX-License-Identifier: MIT
 *
 * Bitwise ops. */
#include "cuda/dispatch.h"

const cuda_op cuda_bitwise_and = {.integer = "(T)(x & y)", .boolean = "x & y"};
const cuda_op cuda_bitwise_or = {.integer = "(T)(x | y)", .boolean = "x | y"};
const cuda_op cuda_bitwise_xor = {.integer = "(T)(x ^ y)", .boolean = "x != y"};
