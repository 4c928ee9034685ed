/* SPDX-License-Identifier: MIT
 *
 * Parameters of gathers and scatters.  An index that points outside is clamped or drops its element (a gather then
 * gives 0): reads clamp and writes drop, and the transpose of each does as the other does. */
#ifndef CORE_PARAMS_INDEX_H
#define CORE_PARAMS_INDEX_H

#include "core/op.h"

typedef struct take_params {
    int axis;
} take_params;

typedef struct gather_params {
    param_axes axes;
    param_shape sizes;
    bool drop;
} gather_params;

typedef struct scatter_params {
    param_axes axes;
    int mode; /* an mx_scatter_mode */
    bool clamp;
} scatter_params;

typedef struct take_along_axis_params {
    int axis;
    bool drop;
} take_along_axis_params;

typedef struct scatter_along_axis_params {
    int axis;
    int mode; /* an mx_scatter_mode */
    bool clamp;
} scatter_along_axis_params;

#endif
