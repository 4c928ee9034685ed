/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_SORT_H
#define CORE_PARAMS_SORT_H

#include <stdint.h>

typedef struct partition_params { /* along the last axis */
    int64_t kth;                  /* 0 .. n - 1 */
} partition_params;

#endif
