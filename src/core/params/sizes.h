/* SPDX-License-Identifier: MIT
 *
 * Parameters of what a shapeless program knows of sizes: regroup, element_count. */
#ifndef CORE_PARAMS_SIZES_H
#define CORE_PARAMS_SIZES_H

#include "core/op.h"

typedef struct regroup_params { /* axes first to last (none, if last < first) become `shape`; a -1 is what is left */
    int32_t first, last;
    param_shape shape;
} regroup_params;

typedef struct element_count_params { /* the product of the sizes of the axes */
    param_axes axes;
    mx_dtype dtype;
    bool inverted; /* 1 over it */
} element_count_params;

#endif
