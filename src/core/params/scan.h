/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_SCAN_H
#define CORE_PARAMS_SCAN_H

#include <stdbool.h>
#include <stdint.h>

enum scan_kind { SCAN_SUM, SCAN_PROD, SCAN_MAX, SCAN_MIN, SCAN_LOGADDEXP, SCAN_KIND_COUNT };

/* Along the last axis; exclusive scans start from the identity. */
typedef struct scan_params {
    int32_t kind; /* enum scan_kind */
    bool reverse, inclusive;
} scan_params;

#endif
