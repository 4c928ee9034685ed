/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_ROPE_H
#define CORE_PARAMS_ROPE_H

#include <stdbool.h>
#include <stdint.h>

/* Inputs: x (..., T, D), offset (int32, 0-d or one entry for each index of axis 0), and freqs (float32, dims/2) if base
 * is 0.  With `backward` the rotation goes the other way: the rotation matrices are orthogonal, so that is the
 * transpose. */
typedef struct rope_params {
    int32_t dims;
    float base, scale;
    bool traditional, backward;
} rope_params;

#endif
