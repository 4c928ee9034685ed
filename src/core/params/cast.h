/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_CAST_H
#define CORE_PARAMS_CAST_H

#include "mica/types.h"

typedef struct astype_params {
    mx_dtype dtype;
} astype_params;

#endif
