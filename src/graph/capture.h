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

#include "core/program.h"
#include "mica/transforms.h"

/* Captures fn on placeholders like `in` (only shapes and dtypes matter).  NULL: an error is recorded. */
mx_program *program_of(const char *op, mx_fn fn, void *ctx, mx_array *const *in, int nin, int nout, bool shapeless);
/* Makes the program's nodes from arrays of the captured dtypes and shapes; `out` (p->nout) belongs to the innermost
 * scope, nothing else does.  A shapeless program asks the ops' shape rules again, so shapes may differ.  False: an error
 * is recorded and nothing is left. */
bool program_replay(const mx_program *p, mx_array *const *in, mx_array **out);
/* Programs that rules derived from another one: the same rule asked for the same inputs gets the same program. */
typedef struct derived_program derived_program;
typedef struct derivation { /* how, and all that it depends on besides the program and the inputs' dtypes and shapes */
    const char *op;
    mx_fn fn;
    void *ctx;
    const void *key;
    size_t key_bytes;
} derivation;
/* A new reference; NULL: an error is recorded. */
mx_program *program_derived(mx_program *p, const derivation *d, mx_array *const *in, int nin, int nout);
void derived_free(derived_program *list);
/* Does a constant depend on a trace that is open?  Then the program is of use as long as that only. */
bool program_is_bound(const mx_program *p);

#endif
