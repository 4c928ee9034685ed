/* SPDX-License-Identifier: MIT
 *
 * Parameters of the ops that lay data out anew: reshape, broadcast, transpose. */
#ifndef CORE_PARAMS_LAYOUT_H
#define CORE_PARAMS_LAYOUT_H

#include "core/op.h"

typedef struct shape_params { /* reshape, broadcast */
    param_shape shape;
} shape_params;

typedef struct axes_params { /* expand_dims: of the result; squeeze: of the input; sorted */
    param_axes axes;
} axes_params;

typedef struct transpose_params { /* axis i of the result is axis order[i] of the input */
    param_axes order;
} transpose_params;

#endif
