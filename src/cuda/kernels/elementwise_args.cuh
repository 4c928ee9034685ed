// SPDX-License-Identifier: MIT
//
// What the host tells the elementwise kernels.  Plain C, read by both sides; the arguments themselves are only as long as a
// program needs: total; ndim and vectors; places of outputs, of operands; merged dimensions; strides of each operand.
#ifndef CUDA_KERNELS_ELEMENTWISE_ARGS
#define CUDA_KERNELS_ELEMENTWISE_ARGS

#include "cuda/kernels/index_args.cuh"

enum {
    ELEMENTWISE_DIMS = 17,
    ELEMENTWISE_BLOCK = 256,
    ELEMENTWISE_FLAT = 0,    // dimensions: every operand is adjacent or constant throughout, steps are stride[k][0]
    ELEMENTWISE_ANY = 4,     // ndim says how many
    ELEMENTWISE_AT_ONCE = 8, // elements that a thread has under way where they are 4 bytes or more
};

// Places for dimensions in the arguments.
#define ELEMENTWISE_PLACES(ndim) ((ndim) == ELEMENTWISE_FLAT ? 1 : (ndim) < ELEMENTWISE_ANY ? (ndim) : ELEMENTWISE_DIMS)
// Vectors that a thread loads before it computes.
#define ELEMENTWISE_UNROLL(operands, width) ((operands) <= 3 && (width) < ELEMENTWISE_AT_ONCE ? 2 : 1)

// Many flat programs in one launch: the kernel takes their table by value, of 4 KB at most.  Bytes of an entry; entries.
#define ELEMENTWISE_ENTRY_BYTES(operands, results) (16 + 8 * ((operands) + (results)))
#define ELEMENTWISE_TABLE_BYTES 4096
#define ELEMENTWISE_MANY(operands, results)                                                                            \
    ((ELEMENTWISE_TABLE_BYTES - 8) / ELEMENTWISE_ENTRY_BYTES(operands, results) < 64                                    \
         ? (ELEMENTWISE_TABLE_BYTES - 8) / ELEMENTWISE_ENTRY_BYTES(operands, results)                                   \
         : 64)

#endif
