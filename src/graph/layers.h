/* SPDX-License-Identifier: MIT
 *
 * Drawing a directed graph in layers (Sugiyama, Tagawa and Toda, 1981): every edge points down, few cross. */
#ifndef GRAPH_LAYERS_H
#define GRAPH_LAYERS_H

#include <stdbool.h>

typedef struct layer_box {
    double width, height; /* given */
    double x, y;          /* its centre */
    int layer;
} layer_box;

/* The path from one box to another: `bends` points between them, boxes of no size. */
typedef struct layer_edge {
    int from, to;          /* given */
    int first_bend, bends; /* indices of boxes */
} layer_edge;

typedef struct layer_graph {
    layer_box *boxes; /* given with `box_count`; grows by the bends */
    int box_count, capacity;
    layer_edge *edges;
    int edge_count;
    double width, height; /* of the whole */
} layer_graph;

/* Places all boxes; the graph must have no cycle.  False: an error is recorded. */
bool layers_place(layer_graph *g, double gap_x, double gap_y);

#endif
