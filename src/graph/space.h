/* SPDX-License-Identifier: MIT
 *
 * What the nodes of a group have in common: rows of n elements, or one element for each row.  Which node may join is a
 * question of its role, of sizes, and of how its readers see it. */
#ifndef GRAPH_SPACE_H
#define GRAPH_SPACE_H

#include "core/device.h"

typedef struct group_space {
    int64_t size;    /* elements of a value with whole rows */
    int64_t rows, n; /* 0: no node has said yet */
    int64_t team;    /* how what works along rows shares them out; 0: nothing does yet, or it does not matter */
    bool has_rows;   /* something works along rows */
    bool has_product;
    bool closed;  /* a product and the one node behind it: no other joins */
    bool is_long; /* ends with a reduction along rows that no thread has whole, or over any axes */
} group_space;

/* How one node reads another, which decides whether that may be in its group. */
typedef enum edge_kind {
    EDGE_APART,   /* not */
    EDGE_ANY,     /* it may */
    EDGE_FLAT,    /* if it is row-major */
    EDGE_COLUMNS, /* if it is a view of rows that shows columns, or of another order of axes */
} edge_kind;

edge_kind space_edge(mx_role role, const mx_array *reader, int input);
/* The space of a group that ends with `node`; why there is none, or NULL. */
const char *space_begin(group_space *s, mx_role role, const mx_array *node, int64_t longest_row);
/* Adds what `node` demands; why it cannot join, or NULL.  `edge`: how it is read, the strictest. */
const char *space_join(group_space *s, mx_role role, mx_array *node, edge_kind edge, int64_t longest_row);
/* Is the node one element for each row, in a space where rows have more? */
bool space_is_row_value(const group_space *s, const mx_array *node);

#endif
