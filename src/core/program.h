/* SPDX-License-Identifier: MIT
 *
 * A captured program, as graph/capture.c makes it, graph/program.c replays it and io/mlxfn_export.c writes it. */
#ifndef CORE_PROGRAM_H
#define CORE_PROGRAM_H

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
    bool unfused;   /* its nodes run one by one */
    bool resized;   /* steps are made anew from the sizes of their inputs */
    uint32_t nin, nout, value_count, constant_count, step_count;
    program_value *values;
    program_constant *constants;
    program_step *steps;
    uint32_t *outputs, *sources;     /* nout; the steps' inputs */
    int64_t *dims;                   /* the inputs' shapes */
    struct derived_program *derived; /* what rules made of it (graph/control.h); under runtime.compile_lock */
    void *note;                      /* the binding's */
    void (*release_note)(void *note);
};

#endif
