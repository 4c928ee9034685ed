/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_HADAMARD_H
#define CORE_PARAMS_HADAMARD_H

#include <stdbool.h>
#include <stdint.h>

/* The last axis has order * 2^k points.  With `transposed` the matrix of that order is transposed: those of order 20
 * and 28 are not symmetric. */
typedef struct hadamard_params {
    double scale;
    int32_t order; /* 1, 12, 20 or 28 */
    bool transposed;
} hadamard_params;

#endif
