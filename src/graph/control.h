/* SPDX-License-Identifier: MIT
 *
 * Control flow: nodes that run captured programs when they are evaluated. */
#ifndef GRAPH_CONTROL_H
#define GRAPH_CONTROL_H

#include "core/op.h"
#include "graph/capture.h"

/* A program as a parameter. */
typedef struct program_object {
    param_object base;
    mx_program *p;
} program_object;
/* Takes a reference of p, also when it fails; p may be NULL, which fails. */
program_object *program_object_take(mx_program *p);
void program_object_drop(program_object *o);

/* Programs without what they hold of open traces, or of what is not computed yet: those arrays become inputs before
 * their own ones, the same for all the programs of a node.  A node that holds such programs can be differentiated,
 * batched and captured by all that it reads. */
typedef struct closed_programs {
    mx_program *p[2];
    mx_array **constants; /* borrowed from the programs that were closed */
    int constant_count;
} closed_programs;
bool control_close(const char *op, const mx_program *const *programs, int count, closed_programs *out);
void closed_free(closed_programs *c);

/* Runs a program as a function; ctx is the mx_program. */
bool control_run(void *program, mx_array *const *in, int nin, mx_array **out, int nout);
/* A list of arrays that grows; borrowed. */
typedef struct array_list {
    mx_array **at;
    int count;
    bool failed; /* some array was NULL or there was no memory */
} array_list;
bool list_start(array_list *l, size_t room);
void list_put(array_list *l, mx_array *x);
void list_put_n(array_list *l, mx_array *const *x, int count);
void list_end(array_list *l);
/* x without its first axis, for capturing. */
mx_array *placeholder_of_slice(const mx_array *x);
bool is_smooth(const mx_array *x); /* may it have a derivative? */
mx_array *zeros_unless_smooth(mx_array *value, mx_array *like);

/* ---- While a node runs: the thread holds its stream */
/* An evaluated array over the same memory that no trace sees; the caller's reference. */
mx_array *control_plain(const mx_array *x);
mx_array *control_plain_slice(const mx_array *x, int64_t at); /* ... of x[at] */
/* Replays a program on evaluated arrays and computes its outputs; they belong to the innermost scope. */
bool control_replay(const mx_program *p, mx_array *const *in, mx_array **out);
/* Hands an evaluated array to an output. */
void control_publish(mx_array *out, const mx_array *from);
/* What an output of a program is. */
void program_spec(const mx_program *p, int output, mx_spec *spec);
/* Are the first outputs what `like` is?  Else a VALUE error of `op` that names `what`. */
bool control_same_specs(const char *op, const char *what, const mx_program *p, mx_array *const *like, int count);
/* Does the program give one scalar? */
bool control_is_predicate(const char *op, const mx_program *p);
/* Does an input belong to a derivative that is being traced? */
bool is_differentiated(mx_array *const *in, int count);

#endif
