/* SPDX-License-Identifier: MIT
 *
 * A trace: the functions being differentiated or batched mark what is made from their inputs. */
#ifndef GRAPH_TRACE_H
#define GRAPH_TRACE_H

#include "core/op.h"
#include "core/origins.h"
#include "mica/transforms.h"

struct mx_trace {
    uint64_t bit; /* its mark in mx_array.trace */
    int nin;
    mx_array **traced; /* marked inputs, owned */
    mx_array **in;     /* batched: the whole arrays, mapped axis first; owned */
    int *axes;         /* batched: 0 or MX_UNMAPPED */
    int64_t batch;     /* length of the mapped axis */
    bool is_capture;
    bool shapeless;  /* captured: for inputs of any size, if nothing depends on sizes */
    bool sizes_used; /* ... the thread's, before it began */
    mx_origins origins, *outer_origins;
    mx_stream *stream; /* captured: the current one at its beginning */
};

/* x for each of a batch of `size`, along a new first axis. */
mx_array *batch_repeat(mx_array *x, int64_t size);

mx_trace *trace_new(int nin, bool batched);
/* A trace, and outputs that it can end with; false: an error is recorded. */
bool trace_is_open(const char *op, const mx_trace *t, mx_array *const *out, int nout);

/* Calls a function for a transform; also fails if it has recorded an error, whatever it returns. */
bool trace_call(const char *op, mx_fn fn, void *ctx, mx_array *const *in, int nin, mx_array **out, int nout);

/* A temporary that has a shape and a dtype, but no data. */
mx_array *placeholder_new(mx_shape shape, mx_dtype dtype);
/* Closes the scope of a transform; its results become temporaries of the caller's scope, NULL unless `ok`. */
bool trace_hand_out(mx_scope s, bool ok, mx_array **a, int na, mx_array **b, int nb);

/* Leads that were made in a trace, inputs before readers, and where each is in the list. */
typedef struct node_list {
    mx_array **nodes;
    size_t count, capacity;
    size_t *slots; /* open addressing: index + 1 */
    size_t slot_count;
} node_list;

/* All marked leads that `out` depends on, the traced inputs among them (they come first). */
bool list_collect(node_list *list, const mx_trace *t, mx_array *const *out, int nout);
/* All leads that computing `out` needs: LAZY ones and the leaves that they read.  The caller holds the graph lock. */
bool list_collect_lazy(node_list *list, mx_array *const *out, int nout);
void list_free(node_list *list);
/* Position of x's lead, or -1. */
int64_t list_find(const node_list *list, const mx_array *x);
mx_call list_call(const mx_array *lead, mx_array **out); /* the application that made it */

/* Room for the arrays of one application, zeroed; on the heap if there are many. */
typedef struct call_room {
    mx_array *few[24], **at;
} call_room;
bool room_take(call_room *r, size_t count);
void room_free(call_room *r);

#endif
