/* SPDX-License-Identifier: MIT
 *
 * Programs: what a function does, captured by running it once on placeholders (mx_trace_begin_captured, the function,
 * mx_trace_program, mx_trace_end; program_of does so for an mx_fn) and made again by program_replay.
 *
 * A replay makes ordinary LAZY nodes, marked as op_apply marks them, so every transform and every evaluation takes them
 * for what they are.  Programs are immutable and counted: any thread may replay one.  A shapeless one takes inputs of
 * other sizes; where the function looked at a size (note_sizes), or a step is not OP_ANY_SIZE, it takes none but those it
 * was captured with: p->shapeless tells. */
#ifndef GRAPH_CAPTURE_H
#define GRAPH_CAPTURE_H

#include "core/op.h"
#include "mica/transforms.h"
#include <stdatomic.h>

/* One application.  Values are numbered: first the inputs, then constants and outputs of steps, each before its readers. */
typedef struct program_step {
    const mx_op *op;
    const void *params; /* in the prototype */
    uint32_t *in;       /* values, nin of them */
    uint32_t out;       /* its first output; the others follow */
    uint16_t nin, nout;
    bool counts_params;  /* inline parameters that hold references */
    mx_stream *stream;   /* NULL: the current one of the replay */
    mx_array *prototype; /* nout nodes as a replay makes them, but for inputs, stream and marks */
} program_step;

typedef struct program_constant {
    mx_array *array; /* not dependent on the inputs; evaluated or not */
    uint32_t value;
} program_constant;

/* What is known of a value: a step's output has it in the prototype too. */
typedef struct program_value {
    mx_dtype dtype;
    mx_shape shape;
    uint32_t uses; /* by steps and as outputs */
} program_value;

struct mx_program {
    _Atomic int32_t refs;
    bool sized;     /* it depends on the sizes of its inputs */
    bool shapeless; /* takes any */
    uint32_t nin, nout, value_count, constant_count, step_count;
    program_value *values;
    program_constant *constants;
    program_step *steps;
    uint32_t *outputs, *sources; /* nout; the steps' inputs */
    int64_t *dims;               /* the inputs' shapes */
    void *note;                  /* the binding's */
    void (*release_note)(void *note);
};

/* Captures fn on placeholders like `in` (only shapes and dtypes matter).  NULL: an error is recorded. */
mx_program *program_of(const char *op, mx_fn fn, void *ctx, mx_array *const *in, int nin, int nout, bool shapeless);
/* Makes the program's nodes from arrays of the captured dtypes and shapes; `out` (p->nout) belongs to the innermost
 * scope, nothing else does.  A shapeless program asks the ops' shape rules again, so shapes may differ.  False: an error
 * is recorded and nothing is left. */
bool program_replay(const mx_program *p, mx_array *const *in, mx_array **out);
/* Does a constant depend on a trace that is open?  Then the program is of use as long as that only. */
bool program_is_bound(const mx_program *p);

#endif
