/* SPDX-License-Identifier: MIT
 *
 * Elementwise programs: the steps of a group, of which a lone op is the shortest, as one kernel. */
#ifndef CUDA_ELEMENTWISE_H
#define CUDA_ELEMENTWISE_H

#include "cuda/dispatch.h"
#include "cuda/kernels/elementwise_args.cuh"

enum {
    ELEMENTWISE_OPERANDS = 16,
    ELEMENTWISE_RESULTS = 16,
    ELEMENTWISE_STEPS = 64,
    ELEMENTWISE_STEP = 64, /* a source from here on is a step, else an operand */
    ELEMENTWISE_SOURCE = 32768,
    ELEMENTWISE_ENTRY = 96,
    ELEMENTWISE_ARGS =
        2 + ELEMENTWISE_OPERANDS + ELEMENTWISE_RESULTS + (2 + ELEMENTWISE_OPERANDS) * ELEMENTWISE_DIMS, /* words */
};

typedef struct elementwise_step {
    uint16_t op;
    uint8_t dtype, nin, from[3];
    bool written; /* is the next result */
} elementwise_step;

/* What a source depends on; only the steps that there are count.  Zero what is before the steps: its padding is
 * compared too. */
typedef struct elementwise_key {
    char kind;                                      /* no other key begins so */
    uint8_t ndim, wide, nin, nout, count, spare[2]; /* ndim: merged, up to ELEMENTWISE_ANY; wide: 64-bit numbers */
    uint8_t in[ELEMENTWISE_OPERANDS];
    elementwise_step steps[ELEMENTWISE_STEPS];
} elementwise_key;
enum { ELEMENTWISE_KIND = 'e' };

/* A program and what it reads and writes.  All results have the shape. */
typedef struct elementwise_program {
    mx_array *in[ELEMENTWISE_OPERANDS], *out[ELEMENTWISE_RESULTS];
    int uses[ELEMENTWISE_OPERANDS]; /* nodes' inputs that each operand is */
    mx_shape shape;
    int64_t total;
    elementwise_key key;
} elementwise_program;

/* Dimensions that all operands lay out alike are merged. */
typedef struct elementwise_layout {
    int ndim;
    bool vectors; /* of 16 bytes: the innermost dimension, unless flat, counts them */
    int64_t size[ELEMENTWISE_DIMS], stride[ELEMENTWISE_OPERANDS][ELEMENTWISE_DIMS];
} elementwise_layout;

/* Steps are added in order; false (no error): the program is full. */
void elementwise_start(elementwise_program *p, mx_shape shape);
bool elementwise_add(elementwise_program *p, const mx_array *node, const uint8_t *from, bool written);
/* The number of an operand, shared by those that are the same array if `once`; -1: the program is full. */
int elementwise_operand(elementwise_program *p, mx_array *x, bool once);
/* Lays out the operands, which makes the key whole. */
void elementwise_place(elementwise_program *p, elementwise_layout *l);
size_t elementwise_key_bytes(const elementwise_key *key);
/* Elements of a vector. */
int elementwise_width(const elementwise_key *key);
/* The kernel, to be compiled: jit_add.  NULL: an error is recorded. */
cuda_kernel *elementwise_kernel(cuda_device *d, const elementwise_key *key, bool later);
/* Collects the kernel's launch, or only makes the results if they are empty. */
bool elementwise_launch(cuda_call *c, const elementwise_program *p, elementwise_layout *l, cuda_kernel *kernel,
                        const char *name);

/* ---- source.c.  False: an error is recorded. */
bool elementwise_source(const elementwise_key *key, char source[ELEMENTWISE_SOURCE], char entry[ELEMENTWISE_ENTRY]);
/* The type of a dtype's elements in CUDA C. */
const char *elementwise_type(uint8_t dtype);
/* The op's expression for its last operand's dtype; NULL: it has none. */
const char *elementwise_expression(const cuda_op *op, uint8_t dtype);

#endif
