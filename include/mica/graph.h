/* SPDX-License-Identifier: MIT
 *
 * Graphs as text and pictures: what evaluating arrays would compute. */
#ifndef MICA_GRAPH_H
#define MICA_GRAPH_H

#include "mica/types.h"

MX_BEGIN_DECLS

/* Names for the arrays of a graph.  It keeps the arrays that it names. */
typedef struct mx_namer mx_namer;
MX_API mx_namer *mx_namer_new(void);
MX_API void mx_namer_free(mx_namer **namer);
/* The name is copied; a second one for the same array takes its place. */
MX_API bool mx_namer_set(mx_namer *namer, mx_array *x, const char *name);
/* Invents A, B, ..., Z, AA, ... for an array that has none.  Valid until the array gets another name. */
MX_API const char *mx_namer_get(mx_namer *namer, mx_array *x);

/* DOT: for Graphviz, an ellipse an array and a box an op, as MLX writes it.  SVG: a picture for a browser; what would
 * run as one fused group is one box.  LIST: a line an op, for reading. */
typedef enum mx_graph_format { MX_GRAPH_DOT, MX_GRAPH_SVG, MX_GRAPH_LIST } mx_graph_format;

/* What is still to be computed for `out`; evaluated arrays are its leaves.  Names are taken from `names` and invented
 * (NULL: all are invented).  To be freed with mx_free_text. */
MX_API char *mx_graph_text(mx_array *const *out, int count, mx_namer *names, mx_graph_format format);
/* The same to a file: SVG if the path ends in .svg, else DOT. */
MX_API bool mx_export_to_dot(const char *path, mx_array *const *out, int count, mx_namer *names);

MX_END_DECLS
#endif
