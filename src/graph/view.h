/* SPDX-License-Identifier: MIT
 *
 * A snapshot of the graph below arrays, for those who draw it: ops and the values between them, inputs before
 * readers. */
#ifndef GRAPH_VIEW_H
#define GRAPH_VIEW_H

#include "core/op.h"
#include "mica/graph.h"

enum { VIEW_PARAMS = 96 };

typedef struct view_op {
    const mx_op *op;
    char params[VIEW_PARAMS]; /* "axes=(0)", cut where it is too long */
    int first_in, nin;        /* in view.in */
    int first_out, nout;      /* in view.values */
    int group;                /* those that run as one have the same; -1: nobody knows */
} view_op;

typedef struct view_value {
    mx_array *array;  /* the namer keeps it */
    const char *name; /* the namer's */
    mx_spec spec;
    int maker;  /* index of the op; -1: a leaf */
    bool read;  /* by an op of the graph */
    bool asked; /* one of the arrays that the graph is of */
} view_value;

/* In the order of evaluation: what is drawn as the i-th is an op with its outputs, or a leaf. */
typedef struct view_item {
    int op;    /* -1: a leaf */
    int value; /* the leaf; else its first output */
} view_item;

typedef struct graph_view {
    view_op *ops;
    view_value *values;
    view_item *items;
    int *in; /* indices of values */
    int op_count, value_count, item_count, in_count;
} graph_view;

/* False: an error is recorded; `v` may be freed. */
bool view_take(graph_view *v, mx_array *const *out, int count, mx_namer *names);
void view_free(graph_view *v);

/* The name of a value, or the number that a leaf of one element holds. */
void view_label(const view_value *value, char *label, size_t size);

char *view_dot(const graph_view *v);
char *view_list(const graph_view *v);
char *view_svg(const graph_view *v);

#endif
