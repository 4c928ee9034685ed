/* SPDX-License-Identifier: MIT
 *
 * From groups of nodes to launches. */
#ifndef CUDA_DISPATCH_H
#define CUDA_DISPATCH_H

#include "cuda/side.h"

/* How an op runs on a GPU.  An elementwise one is its expressions in CUDA C over the operands x, y, z by kind of the
 * last operand's dtype: T is that type.  One without anything runs on the CPU: gaps.c. */
typedef struct cuda_op {
    bool (*run)(cuda_call *c); /* false: an error is recorded */
    const char *real;          /* float32, float64; the 16-bit floats through float32 */
    const char *integer;
    const char *boolean;
    const char *complex;
    bool (*add_to)(cuda_call *c, mx_array *addend); /* a matrix product and what is added to it: NULL or an array */
    uint8_t fold;                                   /* a reduction: its reduce_kind and 1 */
    uint8_t rows;                                   /* from rows to rows: a row_op */
} cuda_op;
enum row_op { ROWS_NONE, ROWS_SOFTMAX, ROWS_SOFTMAX_VJP, ROWS_RMS_NORM, ROWS_LAYER_NORM };

/* By id; NULL for views. */
extern const cuda_op *const cuda_ops[OP_COUNT];

bool cuda_run(mx_stream *stream, const mx_group *group);
mx_role cuda_role(const mx_array *node);
/* row_group.c: lanes, and all else that kernels of rows must have in common. */
int64_t cuda_team(const mx_array *node);
bool cuda_flush(mx_stream *stream);
bool cuda_wait(mx_stream *stream);
/* mark.c, for the profiler */
void *cuda_mark(mx_stream *stream);
bool cuda_mark_times(mx_stream *stream, void *first, void *second, int64_t *start_ns, int64_t *ns);

/* group.c: several nodes, by one kernel. */
bool cuda_run_group(mx_stream *stream, const mx_group *group);
/* matmul.c: can the sum `reader` be computed with the product that it reads? */
bool cuda_ends_product(const mx_array *product, const mx_array *reader);
/* source.c, elementwise.c: can it run the node; runs it. */
bool cuda_has_elementwise(const mx_array *node, const cuda_op *op);
bool cuda_elementwise(cuda_call *c);
/* On the CPU after all: to be called before any operand was asked for. */
bool cuda_on_cpu(cuda_call *c);
/* copy.c: a row-major copy of x as output 0. */
bool cuda_copy(cuda_call *c, mx_array *x);

#endif
