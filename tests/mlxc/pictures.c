/* SPDX-License-Identifier: MIT
 *
 * Graphs as text, and names for their arrays. */
#include "check.h"

#include <string.h>

static void read_back(FILE *f, char *text, size_t size)
{
    rewind(f);
    text[fread(text, 1, size - 1, f)] = 0;
    rewind(f);
}

void test_pictures(void)
{
    char text[2048];
    const char *name = NULL;
    mlx_array x = line_of(3, 0), y = mlx_array_new();
    CHECK(mlx_sin(&y, x, cpu) == 0);
    mlx_vector_array outputs = mlx_vector_array_new_value(y);
    mlx_node_namer namer = mlx_node_namer_new();
    CHECK(mlx_node_namer_set_name(namer, x, "angle") == 0);
    FILE *f = tmpfile();
    CHECK(f != NULL);
    CHECK(mlx_export_to_dot(f, namer, outputs) == 0);
    read_back(f, text, sizeof text);
    CHECK(starts_with(text, "digraph {") && strstr(text, "\"angle\" -> 0") && strstr(text, "0 -> \"B\""));
    CHECK(mlx_node_namer_get_name(&name, namer, y) == 0 && same_text(name, "B"));
    CHECK(mlx_node_namer_get_name(&name, namer, x) == 0 && same_text(name, "angle"));
    CHECK(mlx_print_graph(f, namer, outputs) == 0);
    read_back(f, text, sizeof text);
    CHECK(strstr(text, "B: float32 (3) = sin(angle)") != NULL);
    CHECK(mlx_export_to_dot(f, (mlx_node_namer){NULL}, outputs) == 0); /* names of its own */
    CHECK_ERROR(mlx_export_to_dot(NULL, namer, outputs), "the file is NULL");
    CHECK_ERROR(mlx_print_graph(f, namer, (mlx_vector_array){NULL}), "empty vector");
    CHECK_ERROR(mlx_node_namer_set_name(namer, x, NULL), "name is NULL");
    CHECK_ERROR(mlx_node_namer_set_name((mlx_node_namer){NULL}, x, "x"), "NULL");
    CHECK_ERROR(mlx_node_namer_get_name(NULL, namer, x), "name is NULL");
    fclose(f);
    CHECK(mlx_node_namer_free(namer) == 0);
    CHECK(mlx_node_namer_free((mlx_node_namer){NULL}) == 0);
    mlx_vector_array_free(outputs);
    mlx_array_free(y);
    mlx_array_free(x);
}
