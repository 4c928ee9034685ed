/* SPDX-License-Identifier: MIT
 *
 * Parameters of arange. */
#ifndef CORE_PARAMS_CREATE_H
#define CORE_PARAMS_CREATE_H

#include "core/op.h"

typedef struct arange_params { /* start + i * step; both cast to an integer dtype first */
    double start, step;
    int64_t count;
    mx_dtype dtype;
} arange_params;

#endif
