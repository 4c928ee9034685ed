/* SPDX-License-Identifier: MIT
 *
 * Parameters of concatenate. */
#ifndef CORE_PARAMS_JOIN_H
#define CORE_PARAMS_JOIN_H

#include "core/op.h"

typedef struct concatenate_params {
    int axis;
} concatenate_params;

#endif
