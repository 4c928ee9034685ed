/* SPDX-License-Identifier: MIT
 *
 * Elementwise programs: the steps of a group, of which a lone op is the shortest, as one kernel. */
#ifndef CUDA_ELEMENTWISE_H
#define CUDA_ELEMENTWISE_H

#include "cuda/dispatch.h"
#include "cuda/kernels/elementwise_args.cuh"

enum {
    PROGRAM_OPERANDS = 16,
    PROGRAM_RESULTS = 16,
    PROGRAM_STEPS = 64,
    PROGRAM_STEP = 64, /* a source from here on is a step, else an operand */
    PROGRAM_SOURCE = 32768,
    PROGRAM_ENTRY = 96,
    PROGRAM_ARGS = 2 + PROGRAM_OPERANDS + PROGRAM_RESULTS + (2 + PROGRAM_OPERANDS) * ELEMENTWISE_DIMS, /* words */
};

typedef struct program_step {
    uint16_t op;
    uint8_t dtype, nin, from[3];
    bool written; /* is the next result */
} program_step;

/* What a source depends on; only the steps that there are count.  Zero what is before the steps: its padding is
 * compared too. */
typedef struct program_key {
    char kind;                                      /* no other key begins so */
    uint8_t ndim, wide, nin, nout, count, spare[2]; /* ndim: merged, up to ELEMENTWISE_ANY; wide: 64-bit numbers */
    uint8_t in[PROGRAM_OPERANDS];
    program_step steps[PROGRAM_STEPS];
} program_key;
enum { PROGRAM_ELEMENTWISE = 'e' };

/* A program and what it reads and writes.  All results have the shape. */
typedef struct cuda_program {
    mx_array *in[PROGRAM_OPERANDS], *out[PROGRAM_RESULTS];
    int uses[PROGRAM_OPERANDS]; /* nodes' inputs that each operand is */
    mx_shape shape;
    int64_t total;
    program_key key;
} cuda_program;

/* Dimensions that all operands lay out alike are merged. */
typedef struct program_layout {
    int ndim;
    bool vectors; /* of 16 bytes: the innermost dimension, unless flat, counts them */
    int64_t size[ELEMENTWISE_DIMS], stride[PROGRAM_OPERANDS][ELEMENTWISE_DIMS];
} program_layout;

/* Steps are added in order; false (no error): the program is full. */
void program_start(cuda_program *p, mx_shape shape);
bool program_add(cuda_program *p, const mx_array *node, const uint8_t *from, bool written);
/* The number of an operand, shared by those that are the same array if `once`; -1: the program is full. */
int program_operand(cuda_program *p, mx_array *x, bool once);
/* Lays out the operands, which makes the key whole. */
void program_place(cuda_program *p, program_layout *l);
size_t program_key_bytes(const program_key *key);
/* Elements of a vector. */
int program_width(const program_key *key);
/* Collects the kernel's launch, or only makes the results if they are empty. */
bool program_launch(cuda_call *c, const cuda_program *p, program_layout *l, cuda_kernel *kernel, const char *name);

/* ---- source.c.  False: an error is recorded. */
bool program_source(const program_key *key, char source[PROGRAM_SOURCE], char entry[PROGRAM_ENTRY]);
/* The type of a dtype's elements in CUDA C. */
const char *elementwise_type(uint8_t dtype);
/* The op's expression for its last operand's dtype; NULL: it has none. */
const char *elementwise_expression(const cuda_op *op, uint8_t dtype);

#endif
