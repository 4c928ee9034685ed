/* SPDX-License-Identifier: MIT
 *
 * The device side of buffers: where it is, which batch writes it, and the copies between host and device. */
#ifndef CUDA_SIDE_H
#define CUDA_SIDE_H

#include "cuda/stream.h"
#include "core/op.h"

enum { CUDA_MAX_SCRATCH = 40, CUDA_MAX_BORROWED = MX_MAX_NDIM + 2, CUDA_MAX_TOUCHED = 40 };

/* One application of an op. */
typedef struct cuda_call {
    cuda_queue *queue;
    const mx_op *op;
    const void *params;
    mx_array *const *in; /* DONE, or collected on some queue */
    int nin;
    mx_array *out; /* out[0 .. nout - 1], side by side */
    int nout;
    mx_array *const *outs; /* results of other nodes of the group, in the same launch */
    int out_count;
    int reads;               /* of the group: an operand with as many references may become an output */
    queue_failure *failures; /* the queue's last one when the call began */
    bool may_donate;
    cuda_block *scratch[CUDA_MAX_SCRATCH]; /* given back after the call, in the queue's order */
    int scratch_count;
    size_t written_bytes;                    /* outputs and scratch that no launch was collected for yet */
    cuda_block *workspace;                   /* of these the one that libraries' calls share */
    cuda_block *borrowed[CUDA_MAX_BORROWED]; /* operands that other queues computed */
    int borrowed_count;
    cuda_constants *constants[2]; /* small operands */
    /* Blocks of this queue that the call's launches read and write: those first.  More than there is room for: all. */
    cuda_block *touched[CUDA_MAX_TOUCHED];
    int written_count, touched_count;
} cuda_call;

/* ---- Before anything is collected: every operand, then every output; false: an error is recorded */
/* Where x's first element will be when the queue comes to it: copied there if it was on the host only, after the event
 * of the queue that computes it. */
bool cuda_operand(cuda_call *c, mx_array *x, cu_ptr *at);
/* Output i, row-major, in a block of its own, or in x's if nobody else needs that (x may be NULL). */
bool cuda_output(cuda_call *c, int i, mx_array *x, cu_ptr *at);
cuda_block *cuda_scratch(cuda_call *c, size_t bytes);
/* Gives the scratch back, in the queue's order, and forgets the operands: at the end of a call, or before further
 * operands where launches have been collected for those so far. */
void cuda_release(cuda_call *c);

/* ---- Then: collects the launch.  Sets the ticket of the outputs. */
bool cuda_collect(cuda_call *c, const cuda_launch *launch, const void *args, size_t args_bytes);

#endif
