/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_MATMUL_H
#define CORE_PARAMS_MATMUL_H

/* matmul: alpha (a b); with a third input c: beta c + alpha (a b). */
typedef struct matmul_params {
    float alpha, beta;
} matmul_params;

#endif
