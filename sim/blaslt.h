/* SPDX-License-Identifier: MIT
 *
 * The part of cuBLASLt's binary interface that is simulated, and a product as the stream runs it.  LT_VALUES is compared with
 * the toolkit's headers where they are installed. */
#ifndef SIM_BLASLT_H
#define SIM_BLASLT_H

#include "sim.h"

#define LT_VALUES(V)                                                                                                   \
    V(LT_R_32F, 0, CUDA_R_32F)                                                                                         \
    V(LT_R_64F, 1, CUDA_R_64F)                                                                                         \
    V(LT_R_16F, 2, CUDA_R_16F)                                                                                         \
    V(LT_C_32F, 4, CUDA_C_32F)                                                                                         \
    V(LT_R_16BF, 14, CUDA_R_16BF)                                                                                      \
    V(LT_COMPUTE_32F, 68, CUBLAS_COMPUTE_32F)                                                                          \
    V(LT_COMPUTE_64F, 70, CUBLAS_COMPUTE_64F)                                                                          \
    V(LT_COMPUTE_TF32, 77, CUBLAS_COMPUTE_32F_FAST_TF32)                                                               \
    V(LT_TRANS_A, 3, CUBLASLT_MATMUL_DESC_TRANSA)                                                                      \
    V(LT_TRANS_B, 4, CUBLASLT_MATMUL_DESC_TRANSB)                                                                      \
    V(LT_EPILOGUE, 7, CUBLASLT_MATMUL_DESC_EPILOGUE)                                                                   \
    V(LT_BIAS_POINTER, 8, CUBLASLT_MATMUL_DESC_BIAS_POINTER)                                                           \
    V(LT_EPILOGUE_DEFAULT, 1, CUBLASLT_EPILOGUE_DEFAULT)                                                               \
    V(LT_EPILOGUE_BIAS, 4, CUBLASLT_EPILOGUE_BIAS)                                                                     \
    V(LT_BATCH_COUNT, 5, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT)                                                           \
    V(LT_BATCH_STRIDE, 6, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET)                                                 \
    V(LT_PREFERENCE_WORKSPACE, 1, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES)                                            \
    V(LT_PREFERENCE_REDUCTIONS, 3, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK)                                         \
    V(LT_PREFERENCE_ALIGNMENT, 5, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES)

enum lt_value {
#define LT_VALUE(name, value, theirs) name = value,
    LT_VALUES(LT_VALUE)
#undef LT_VALUE
};

/* Column-major: element (i, j) of product b is at i + j * leading + b * stride. */
typedef struct sim_operand {
    uint64_t at;
    int type;
    uint64_t rows, columns;
    int64_t leading, stride;
} sim_operand;

/* D = alpha op(A) op(B) + beta C + bias. */
typedef struct sim_product {
    sim_operand operand[4];
    int batch;
    bool a_transposed, b_transposed, tf32;
    double alpha[2], beta[2];
    uint64_t bias, workspace;
    size_t workspace_bytes;
} sim_product;

unsigned sim_lt_bytes(int type);
/* Runs a sim_product. */
void sim_multiply(const void *product);

#endif
