/* SPDX-License-Identifier: MIT
 *
 * Pictures of graphs as files. */
#include "core/memory.h"
#include "core/op.h"
#include "io/io.h"
#include "mica/graph.h"
#include <string.h>

static bool ends_in(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

bool mx_export_to_dot(const char *path, mx_array *const *out, int count, mx_namer *names)
{
    if (!path) return mx_fail_false(MX_VALUE, "[export_to_dot] the path is NULL.");
    char *text = mx_graph_text(out, count, names, ends_in(path, ".svg") ? MX_GRAPH_SVG : MX_GRAPH_DOT);
    writer w;
    bool ok = text && writer_open(&w, "export_to_dot", path);
    if (ok) ok = writer_close(&w, writer_put(&w, text, strlen(text)));
    mx_free_text(text);
    return ok;
}
