/* SPDX-License-Identifier: MIT
 *
 * Parameters of reductions: the last `count` axes of the input go.  The public functions move the axes there first (a
 * view). */
#ifndef CORE_PARAMS_REDUCE_H
#define CORE_PARAMS_REDUCE_H

#include <stdint.h>

typedef struct reduce_params {
    int32_t count;
} reduce_params;

#endif
