// SPDX-License-Identifier: MIT
//
// What the host tells the elementwise kernels.  Plain C, read by both sides.
#ifndef CUDA_KERNELS_ELEMENTWISE_ARGS
#define CUDA_KERNELS_ELEMENTWISE_ARGS

#include "cuda/kernels/index_args.cuh"

enum {
    ELEMENTWISE_OPERANDS = 3,
    ELEMENTWISE_DIMS = 17,
    ELEMENTWISE_BLOCK = 256,
    ELEMENTWISE_FLAT = 0,   // dimensions: every operand is adjacent or constant throughout, steps are stride[k][0]
    ELEMENTWISE_ANY = 4,    // ndim says how many
    ELEMENTWISE_AT_ONCE = 8 // elements that a thread has under way where they are 4 bytes or more
};

// Merged dimensions, outermost first; strides in elements.  Vectors: the innermost dimension, unless flat, counts vectors.
typedef struct elementwise_args {
    long long total;
    unsigned long long out, in[ELEMENTWISE_OPERANDS];
    int ndim, vectors;
    struct index_divider shape[ELEMENTWISE_DIMS];
    long long stride[ELEMENTWISE_OPERANDS][ELEMENTWISE_DIMS];
} elementwise_args;

#endif
