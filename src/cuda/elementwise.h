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
        8 + ELEMENTWISE_OPERANDS + ELEMENTWISE_RESULTS + (2 + ELEMENTWISE_OPERANDS) * ELEMENTWISE_DIMS, /* words */
};

typedef struct elementwise_step {
    uint16_t op;
    uint8_t dtype, nin, from[3], flags;
} elementwise_step;
enum { STEP_WRITTEN = 1, STEP_ROW = 2 }; /* the next result; one value a row */

/* What a source depends on; only the steps that there are count.  Zero what is before the steps: its padding is
 * compared too. */
typedef struct elementwise_key {
    char kind;                            /* no other key begins so */
    uint8_t ndim, wide, nin, nout, count; /* ndim: merged, up to ELEMENTWISE_ANY; wide: 64-bit numbers */
    uint8_t vector, is_long; /* of groups over rows: elements of 16 bytes; row_group.cuh's LONG; END: a reduce_pass */
    float eps;               /* of their norms */
    uint32_t spare;
    uint8_t in[ELEMENTWISE_OPERANDS];
    elementwise_step steps[ELEMENTWISE_STEPS];
} elementwise_key;
/* END: ends with a reduction; MANY: an ELEMENTWISE one for a table of arguments (merge.c) */
enum { ELEMENTWISE_KIND = 'e', ROWS_KIND = 'r', END_KIND = 'f', MANY_KIND = 'm' };

enum { LIFT_FLAT = 255 }; /* an operand that has all elements in their order, in some shape */

/* A program and what it reads and writes.  Results have the shape, or one element a row of it. */
typedef struct elementwise_program {
    mx_array *in[ELEMENTWISE_OPERANDS], *out[ELEMENTWISE_RESULTS];
    int uses[ELEMENTWISE_OPERANDS];     /* nodes' inputs that each operand is; 0: it is needed after the group */
    uint8_t lift[ELEMENTWISE_OPERANDS]; /* last dimensions of the shape that it does not have */
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

/* Of a group over rows: kernels/row_group.cuh. */
typedef struct elementwise_rows {
    int64_t rows, n;
    int lanes;
    bool fold_vectors, row_vectors;
} elementwise_rows;

/* Steps are added in order; false (no error): the program is full. */
void elementwise_start(elementwise_program *p, mx_shape shape);
bool elementwise_add(elementwise_program *p, const mx_array *node, const uint8_t *from, uint8_t flags);
/* The number of an operand, shared by those that are the same array if `once`; -1: the program is full. */
int elementwise_operand(elementwise_program *p, mx_array *x, bool once);
/* Lays out the operands, which makes the key whole. */
void elementwise_place(elementwise_program *p, elementwise_layout *l);
size_t elementwise_key_bytes(const elementwise_key *key);
/* Elements of a vector. */
int elementwise_width(const elementwise_key *key);
/* The kernel, to be compiled: jit_add.  NULL: an error is recorded. */
cuda_kernel *elementwise_kernel(cuda_device *d, const elementwise_key *key, bool later);
/* `rows`: NULL unless it is a group over rows.  Collects the kernel's launch, or only makes the results if they are empty. */
bool elementwise_launch(cuda_call *c, const elementwise_program *p, elementwise_layout *l, cuda_kernel *kernel,
                        const char *name, const elementwise_rows *rows);

/* Where operands and results are, and the kernel's first arguments.  0: an error is recorded; else their bytes. */
size_t elementwise_bind(cuda_call *c, const elementwise_program *p, elementwise_layout *l, bool may_widen, cu_ptr *out,
                        uint64_t args[ELEMENTWISE_ARGS]);

/* ---- source.c.  False: an error is recorded. */
bool elementwise_source(const elementwise_key *key, char source[ELEMENTWISE_SOURCE], char entry[ELEMENTWISE_ENTRY]);
/* row_source.c: the same for groups over rows. */
bool rows_source(const elementwise_key *key, char source[ELEMENTWISE_SOURCE], char entry[ELEMENTWISE_ENTRY]);

/* reduce_group.c: the same for groups that end with a reduction over any axes. */
bool end_source(const elementwise_key *key, char source[ELEMENTWISE_SOURCE], char entry[ELEMENTWISE_ENTRY]);

/* What they share. */
typedef struct code_text {
    char *at;
    size_t used, size;
} code_text;
void code_add(code_text *t, const char *format, ...) PRINTF_LIKE(2, 3);
uint8_t code_dtype(const elementwise_key *key, uint8_t from);
const char *code_computed(uint8_t dtype); /* the type that a dtype is computed in */
void code_head(code_text *t, const elementwise_key *key, char entry[ELEMENTWISE_ENTRY]);
/* The function of a step; the moves of operands; those of results with one value an element. */
void code_step(code_text *t, const elementwise_key *key, int number);
void code_read(code_text *t, const elementwise_key *key);
void code_write(code_text *t, const elementwise_key *key);
/* `compute`: the first `count` steps for an element; returns what one of them gives. */
void code_compute(code_text *t, const elementwise_key *key, int count, int returned);
/* The type of a dtype's elements in CUDA C. */
const char *elementwise_type(uint8_t dtype);
/* The op's expression for its last operand's dtype; NULL: it has none. */
const char *elementwise_expression(const cuda_op *op, uint8_t dtype);

#endif
