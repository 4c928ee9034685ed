/* SPDX-License-Identifier: MIT
 *
 * Pictures of graphs: the text is made whole, then written. */
#include "mlxc/mlxc.h"

#include <errno.h>
#include <string.h>

mlx_node_namer mlx_node_namer_new(void)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_namer *namer = mx_namer_new();
    mlxc_leave_plain(&call, namer != NULL);
    return (mlx_node_namer){namer};
}

int mlx_node_namer_free(mlx_node_namer namer)
{
    mx_namer *native = namer.ctx;
    mx_namer_free(&native);
    return 0;
}

int mlx_node_namer_set_name(mlx_node_namer namer, const mlx_array arr, const char *name)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_array *x = ARRAY(arr);
    return mlxc_leave_plain(&call, x && IS_SET(namer.ctx) && IS_SET(name) && mx_namer_set(namer.ctx, x, name));
}

int mlx_node_namer_get_name(const char **name, mlx_node_namer namer, const mlx_array arr)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_array *x = ARRAY(arr);
    const char *text = x && IS_SET(namer.ctx) && IS_SET(name) ? mx_namer_get(namer.ctx, x) : NULL;
    if (text) *name = text;
    return mlxc_leave_plain(&call, text != NULL);
}

static int write_graph(const char *name, FILE *os, mlx_node_namer namer, mlx_vector_array outputs,
                       mx_graph_format format)
{
    mlxc_call call = mlxc_enter(name);
    mlxc_vector out = mlxc_get_vector(outputs, name, "outputs");
    bool ok = !mx_failed() && mlxc_is_set(os, name, "the file");
    char *text = ok ? mx_graph_text(out.at, (int)out.count, namer.ctx, format) : NULL;
    ok = text && (fwrite(text, 1, strlen(text), os) == strlen(text) ||
                  mx_fail_false(MX_RUNTIME, "[%s] the file cannot be written: %s.", name, strerror(errno)));
    mx_free_text(text);
    return mlxc_leave_plain(&call, ok);
}

int mlx_export_to_dot(FILE *os, const mlx_node_namer namer, const mlx_vector_array outputs)
{
    return write_graph(__func__, os, namer, outputs, MX_GRAPH_DOT);
}

int mlx_print_graph(FILE *os, const mlx_node_namer namer, const mlx_vector_array outputs)
{
    return write_graph(__func__, os, namer, outputs, MX_GRAPH_LIST);
}
