/* SPDX-License-Identifier: MIT
 *
 * Parameters of slices: slice, slice_update, diagonal, as_strided. */
#ifndef CORE_PARAMS_SLICE_H
#define CORE_PARAMS_SLICE_H

#include "core/op.h"

/* Element i of the slice along an axis is element start + i * step of the array; all of them are inside. */
typedef struct slice_params {
    param_shape start, step, size;
} slice_params;

typedef struct diagonal_params { /* of the last two axes */
    int64_t offset;              /* columns to the right of the main diagonal */
} diagonal_params;

typedef struct as_strided_params { /* in elements of the flattened array */
    param_shape shape, strides;
    int64_t offset;
} as_strided_params;

#endif
