/* SPDX-License-Identifier: MIT
 *
 * The sources that the elementwise generator writes. */
#ifndef CUDA_ELEMENTWISE_H
#define CUDA_ELEMENTWISE_H

#include "cuda/dispatch.h"
#include "cuda/kernels/elementwise_args.cuh"

enum { ELEMENTWISE_SOURCE = 2048, ELEMENTWISE_ENTRY = 96 };

/* What a source depends on.  Zero it first: its padding is compared too. */
typedef struct elementwise_key {
    uint16_t op;
    uint8_t ndim, nin, wide; /* ndim: of the merged shape, up to ELEMENTWISE_ANY; wide: 64-bit element numbers */
    uint8_t out, in[ELEMENTWISE_OPERANDS];
} elementwise_key;

/* The type of a dtype's elements in CUDA C. */
const char *elementwise_type(uint8_t dtype);
/* The op's expression for its last operand's dtype; NULL: it has none. */
const char *elementwise_expression(const cuda_op *op, uint8_t dtype);
/* False: an error is recorded. */
bool elementwise_source(const char *name, const char *expression, const elementwise_key *key,
                        char source[ELEMENTWISE_SOURCE], char entry[ELEMENTWISE_ENTRY]);

#endif
