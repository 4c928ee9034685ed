/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_SOFTMAX_H
#define CORE_PARAMS_SOFTMAX_H

#include <stdbool.h>

typedef struct softmax_params {
    bool precise; /* halves compute in float32 either way; kept for export */
} softmax_params;

#endif
