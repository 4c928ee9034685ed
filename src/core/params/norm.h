/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_NORM_H
#define CORE_PARAMS_NORM_H

typedef struct norm_params {
    float eps;
} norm_params;

#endif
