/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_FFT_H
#define CORE_PARAMS_FFT_H

#include "core/op.h"

/* scale * sum over x of exp(-+ 2 pi i j k / n), for each axis of the list (not negative).  `real`: from reals to the first
 * n / 2 + 1 points of the last listed axis, or with `inverse` back to n reals. */
typedef struct fft_params {
    param_axes axes;
    int64_t n;      /* points of the last listed axis, in full */
    int64_t points; /* of all listed axes */
    double scale;
    bool inverse, real;
} fft_params;

#endif
