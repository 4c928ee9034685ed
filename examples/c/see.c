/* SPDX-License-Identifier: MIT
 *
 * See what happens: the graph as text and as a picture for a browser, and where the time goes.
 *
 *     see [FOLDER]        writes graph.svg and trace.json there (for https://ui.perfetto.dev) */
#include "mica.h"

#include <stdio.h>

static mx_array *layer(mx_array *x, mx_array *w)
{
    mx_array *y = mx_matmul(x, w);
    return mx_mul(y, mx_sigmoid(y));
}

static bool draw(const char *folder, mx_array *x, mx_array *w)
{
    char path[512];
    mx_array *y = mx_softmax(layer(layer(x, w), w), AXES(-1), true);
    mx_namer *names = mx_namer_new();
    bool ok = y && names && mx_namer_set(names, x, "x") && mx_namer_set(names, w, "w");
    char *text = ok ? mx_graph_text(&y, 1, names, MX_GRAPH_LIST) : NULL;
    if (text) printf("%s\n", text);
    mx_free_text(text);
    snprintf(path, sizeof path, "%s/graph.svg", folder);
    ok = text && mx_export_to_dot(path, &y, 1, names);
    if (ok) printf("%s\n\n", path);
    mx_namer_free(&names);
    return ok;
}

static bool measure(const char *folder, mx_array *x, mx_array *w)
{
    char path[512];
    bool ok = mx_profile_begin();
    for (int i = 0; ok && i < 20; i++) {
        mx_scope s = mx_scope_open();
        mx_range step = mx_range_begin();
        ok = mx_eval(mx_softmax(layer(layer(x, w), w), AXES(-1), true));
        mx_range_end(step, "step");
        mx_scope_close(s, NULL);
    }
    mx_profile *p = ok ? mx_profile_end() : NULL;
    char *table = p ? mx_profile_table(p) : NULL;
    if (table) printf("%s", table);
    mx_free_text(table);
    snprintf(path, sizeof path, "%s/trace.json", folder);
    ok = table && mx_profile_save(p, path);
    if (ok) printf("%s\n", path);
    mx_profile_free(&p);
    return ok;
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : ".";
    mx_scope s = mx_scope_open();
    mx_array *x = mx_random_normal(SHAPE(64, 128), MX_FLOAT32, NULL, NULL, NULL);
    mx_array *w = mx_random_normal(SHAPE(128, 128), MX_FLOAT32, NULL, NULL, NULL);
    bool ok = mx_eval(x) && mx_eval(w) && draw(folder, x, w) && measure(folder, x, w);
    mx_scope_close(s, NULL);
    if (!ok) fprintf(stderr, "%s\n", mx_error().message);
    return !ok;
}
