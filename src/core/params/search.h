/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_SEARCH_H
#define CORE_PARAMS_SEARCH_H

#include <stdbool.h>

typedef struct arg_params { /* argmax, argmin: along the last axis */
    bool largest;
} arg_params;

typedef struct searchsorted_params { /* the first position whose element is not less (right: greater) */
    bool right;
} searchsorted_params;

#endif
