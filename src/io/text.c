/* SPDX-License-Identifier: MIT
 *
 * Texts as files: pictures of graphs, traces of the profiler. */
#include "core/op.h"
#include "io/io.h"
#include "mica/graph.h"
#include "mica/profiler.h"
#include <string.h>

static bool ends_in(const char *path, const char *end)
{
    size_t n = strlen(path), m = strlen(end);
    return n >= m && strcmp(path + n - m, end) == 0;
}

/* Takes the text; NULL: an error is recorded already. */
static bool write_take(const char *op, const char *path, char *text)
{
    writer w;
    bool ok = text && writer_open(&w, op, path);
    if (ok) ok = writer_close(&w, writer_put(&w, text, strlen(text)));
    mx_free_text(text);
    return ok;
}

bool mx_export_to_dot(const char *path, mx_array *const *out, int count, mx_namer *names)
{
    if (!path) return mx_fail_false(MX_VALUE, "[export_to_dot] the path is NULL.");
    mx_graph_format format = ends_in(path, ".svg") ? MX_GRAPH_SVG : MX_GRAPH_DOT;
    return write_take("export_to_dot", path, mx_graph_text(out, count, names, format));
}

bool mx_profile_save(const mx_profile *profile, const char *path)
{
    return write_take("profiler", path, mx_profile_trace(profile));
}
