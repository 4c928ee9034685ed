/* SPDX-License-Identifier: MIT
 *
 * Elementwise ops with three operands. */
#include "cuda/dispatch.h"

const cuda_op cuda_where = {
    .real = "x ? y : z", .integer = "x ? y : z", .boolean = "x ? y : z", .complex = "x ? y : z"};
