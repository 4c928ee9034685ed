/* SPDX-License-Identifier: MIT
 *
 * The node of the graph.  Everything above the line is fixed when the node is made and read without locks; what is
 * below it is published with the state DONE.
 *
 * Outputs of one op lie side by side in one block (`lead` is the first), share op, params, inputs and state (those of
 * the lead) and are claimed, failed and freed together. */
#ifndef CORE_ARRAY_H
#define CORE_ARRAY_H

#include "core/buffer.h"
#include "core/compiler.h"
#include "core/error.h"
#include "mica/array.h"
#include "mica/types.h"
#include <stdatomic.h>

typedef struct mx_op mx_op;

/* LAZY: not computed.  CLAIMED: on the tape that is being built.  QUEUED: on one that has its place.  DONE, FAILED: final.
 */
typedef enum mx_state { STATE_LAZY, STATE_CLAIMED, STATE_QUEUED, STATE_DONE, STATE_FAILED } mx_state;

enum { INLINE_NDIM = 4, INLINE_INPUTS = 3 };

/* Flags of a node. */
enum {
    ARRAY_INLINE_PARAMS = 1, /* the parameters are in params.word */
    ARRAY_CONTIGUOUS = 2,    /* row-major without gaps (set with DONE) */
    ARRAY_EXTRA_BLOCK = 4,   /* shape and strides are in a block of their own */
    ARRAY_SHARED_PARAMS = 8, /* params.block comes from params_share */
    ARRAY_COMPILED = 16,     /* made by a captured program: the same nodes will come again */
    ARRAY_UNFUSED = 32,      /* ... that runs node by node */
};

struct mx_array {
    _Atomic int32_t refs;
    _Atomic uint32_t state; /* of the lead */
    uint8_t dtype, ndim;
    uint16_t out_index, nout, nin;
    int64_t size;
    int64_t *shape;  /* ndim entries: inline_dims or a block */
    const mx_op *op; /* NULL for data; the lead's inputs and params go when it is DONE and no trace needs them */
    union {
        void *block;
        uint64_t word;
    } params;
    mx_array **in;
    mx_stream *stream;
    uint64_t trace; /* bits of the traces that it was made in */
    /* -------------------------------------------------------------------------------------------------------------------
     */
    int64_t *strides; /* in elements */
    union {
        mx_buffer *buffer;   /* DONE */
        mx_failure *failure; /* FAILED */
    };
    int64_t offset;               /* of the first element, in bytes */
    _Atomic int32_t live_outputs; /* of the lead: outputs with references */
    uint8_t flags;                /* ARRAY_CONTIGUOUS */
    uint8_t made_flags;           /* all but ARRAY_CONTIGUOUS: fixed when the node is made */
    _Atomic uint16_t temporary;   /* 1: one of the references is a scope's */
    int64_t inline_dims[2 * INLINE_NDIM];
    mx_array *inline_in[INLINE_INPUTS];
};

/* What a shape rule says of one output. */
typedef struct mx_spec {
    mx_dtype dtype;
    int ndim;
    int64_t shape[MX_MAX_NDIM];
} mx_spec;

ALWAYS_INLINE mx_array *array_lead(const mx_array *x)
{
    return (mx_array *)x - x->out_index;
}
ALWAYS_INLINE mx_state array_state(const mx_array *x)
{
    return (mx_state)atomic_load_explicit(&((mx_array *)array_lead(x))->state, memory_order_acquire);
}
ALWAYS_INLINE const void *array_params(const mx_array *x)
{
    const mx_array *lead = array_lead(x);
    return lead->made_flags & ARRAY_INLINE_PARAMS ? (const void *)&lead->params.word : lead->params.block;
}
ALWAYS_INLINE void *array_data(const mx_array *x)
{
    return (char *)x->buffer->data + x->offset;
}
ALWAYS_INLINE bool array_is_contiguous(const mx_array *x)
{
    return (x->flags & ARRAY_CONTIGUOUS) != 0;
}
ALWAYS_INLINE mx_shape array_shape(const mx_array *x)
{
    return (mx_shape){x->ndim, x->shape};
}

/* A block of `count` outputs, LAZY, with one reference each; shapes, dtypes and sizes set, no op.  NULL: an error is
 * recorded. */
mx_array *array_new(const mx_spec *specs, int count);
/* A DONE row-major array over a buffer, whose reference it takes (also when it fails). */
mx_array *array_of_buffer_take(mx_buffer *buffer, mx_shape shape, mx_dtype dtype);
/* Sets row-major strides and the flag; computes ARRAY_CONTIGUOUS from strides that are already there, and where it holds
 * makes them row-major (the stride of an axis of size 1 may be anything else). */
void array_set_row_major(mx_array *x);
void array_set_contiguity(mx_array *x);
/* Gives back the inputs and parameters of a lead whose outputs are final. */
void array_detach(mx_array *lead);
/* Publishes an output over a buffer (its reference is taken); strides must be set. */
void array_set_buffer_take(mx_array *x, mx_buffer *buffer, int64_t offset);
/* Marks all outputs of a lead FAILED with one shared failure. */
void array_set_failed(mx_array *lead, mx_failure *failure);
/* Evaluates x and makes sure that its data can be read on the host; false: an error is recorded. */
bool array_ready(mx_array *x);

#endif
