/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_RANDOM_H
#define CORE_PARAMS_RANDOM_H

#include "core/op.h"

/* random_bits: from keys (..., 2) words of `width` bytes and shape (..., shape); each key counts from zero. */
typedef struct random_bits_params {
    param_shape shape;
    int32_t width;
} random_bits_params;

#endif
