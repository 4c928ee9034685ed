/* SPDX-License-Identifier: MIT
 *
 * Pictures of graphs. */
#ifndef MLX_GRAPH_UTILS_H
#define MLX_GRAPH_UTILS_H

#include <stdio.h>

#include "mlx/c/array.h"
#include "mlx/c/vector.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Names for arrays in pictures; get_name invents one if none was set, and lends it. */
typedef struct mlx_node_namer_ {
    void *ctx;
} mlx_node_namer;
mlx_node_namer mlx_node_namer_new(void);
int mlx_node_namer_free(mlx_node_namer namer);
int mlx_node_namer_set_name(mlx_node_namer namer, const mlx_array arr, const char *name);
int mlx_node_namer_get_name(const char **name, mlx_node_namer namer, const mlx_array arr);

/* Writes the graph that leads to `outputs`, for Graphviz or for reading. */
int mlx_export_to_dot(FILE *os, const mlx_node_namer namer, const mlx_vector_array outputs);
int mlx_print_graph(FILE *os, const mlx_node_namer namer, const mlx_vector_array outputs);

#ifdef __cplusplus
}
#endif

#endif
