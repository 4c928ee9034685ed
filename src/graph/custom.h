/* SPDX-License-Identifier: MIT
 *
 * The rules that a custom function's node holds. */
#ifndef GRAPH_CUSTOM_H
#define GRAPH_CUSTOM_H

#include "core/op.h"
#include "mica/transforms.h"

typedef struct custom_object {
    param_object base;
    mx_foreign foreign; /* a rule's context is its owner's: it never goes where the last node does */
    mx_custom_rules rules;
    bool checkpoint, keyed; /* keyed: the last of the function's inputs is the state of the random numbers */
} custom_object;

typedef struct custom_params {
    int32_t nout;
    custom_object *object;
} custom_params;

/* An object with one reference; rules->ctx is taken, also when it fails. */
custom_object *custom_object_new(const mx_custom_rules *rules);
void custom_object_drop(custom_object *o);
/* The node over the function's inputs and what it made. */
bool custom_apply(custom_object *o, mx_array *const *in, int nin, mx_array *const *made, int nout, mx_array **out);
/* Runs an object's function. */
bool custom_run(void *object, mx_array *const *in, int nin, mx_array **out, int nout);
/* The vmap rule of a node that has none of the user's: the same node over batches, its rules mapped. */
bool custom_vmap_derived(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out);

#endif
