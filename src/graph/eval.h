/* SPDX-License-Identifier: MIT
 *
 * Tapes: what one evaluation computes, in order. */
#ifndef GRAPH_EVAL_H
#define GRAPH_EVAL_H

#include "core/stream.h"

/* Nodes (leads) that this evaluation has claimed, inputs before readers.  Each is kept alive by its reader or by the
 * caller, so one that has run may be gone: whoever runs a part of a tape looks at the nodes of that part only. */
typedef struct tape {
    mx_array **nodes;
    mx_stream **streams;     /* of each node; only for tapes that queues share */
    struct plan_seat *seats; /* which of them run together (graph/plan.h); NULL: each alone */
    size_t count, capacity;
} tape;

/* Claims all that `arrays` need and that is LAZY; the caller holds the graph lock.  False: an error is recorded and
 * nothing is claimed. */
bool tape_build(tape *t, mx_array *const *arrays, int count);
/* Gives it back: what was claimed is LAZY again. */
void tape_unclaim(tape *t);
void tape_free(tape *t);
/* Runs the nodes of one stream, as `streams` tells (NULL: of all).  With `repeatable`, lack of memory or an interrupt puts the rest back to
 * LAZY and leaves the error pending; else every failure is kept in its arrays.  False: something failed. */
bool tape_run(const tape *t, const mx_stream *only, bool repeatable);
/* For an op that the graph computes, while it runs: evaluates what it made, on this thread, which holds the stream.
 * Everything else that these arrays need is evaluated.  False: an error is pending. */
bool eval_within(mx_array *const *arrays, int count);
/* Waits until nobody is computing x; evaluates it if it was put back to LAZY meanwhile. */
bool array_settle(mx_array *x);

#endif
