/* SPDX-License-Identifier: MIT
 *
 * Graphs as text: for Graphviz, laid out as MLX's (https://graphviz.org/doc/info/lang.html), and as a list of ops. */
#include "core/text.h"
#include "graph/view.h"

/* A quoted name: quotes and backslashes are escaped. */
static void add_quoted(text *t, const char *name)
{
    text_add(t, "\"");
    for (; *name; name++) text_add(t, *name == '"' || *name == '\\' ? "\\%c" : "%c", *name);
    text_add(t, "\"");
}

static void add_value(text *t, const view_value *value)
{
    text_add(t, "{ %s", value->maker < 0 ? "rank=source; " : value->read ? "" : "rank=sink; ");
    add_quoted(t, value->name);
    text_add(t, "; }\n");
}

static void add_op(text *t, const graph_view *v, int index)
{
    const view_op *o = &v->ops[index];
    text_add(t, "{ %d [label =\"%s\", shape=rectangle]; }\n", index, o->op->name);
    for (int i = 0; i < o->nin; i++) {
        add_quoted(t, v->values[v->in[o->first_in + i]].name);
        text_add(t, " -> %d\n", index);
    }
    for (int i = o->first_out; i < o->first_out + o->nout; i++) {
        add_value(t, &v->values[i]);
        text_add(t, "%d -> ", index);
        add_quoted(t, v->values[i].name);
        text_add(t, "\n");
    }
}

char *view_dot(const graph_view *v)
{
    text t = {0};
    text_add(&t, "digraph {\n");
    for (int i = 0; i < v->item_count; i++) {
        if (v->items[i].op >= 0)
            add_op(&t, v, v->items[i].op);
        else
            add_value(&t, &v->values[v->items[i].value]);
    }
    text_add(&t, "}\n");
    return text_take(&t, "export_to_dot");
}

static void add_typed(text *t, const view_value *value)
{
    char shape[SHAPE_TEXT];
    text_add(t, "%s: %s %s", value->name, mx_dtype_name(value->spec.dtype),
             shape_text(shape, spec_shape(&value->spec)));
}

char *view_list(const graph_view *v)
{
    text t = {0};
    char label[64];
    for (int k = 0; k < v->item_count; k++) {
        const view_item *item = &v->items[k];
        const view_op *o = item->op < 0 ? NULL : &v->ops[item->op];
        for (int i = 0; i < (o ? o->nout : 1); i++) {
            if (i) text_add(&t, ", ");
            add_typed(&t, &v->values[item->value + i]);
        }
        if (o) text_add(&t, " = %s(", o->op->name);
        for (int i = 0; o && i < o->nin; i++) {
            view_label(&v->values[v->in[o->first_in + i]], label, sizeof label);
            text_add(&t, "%s%s", i ? ", " : "", label);
        }
        if (o) text_add(&t, "%s%s)", o->nin && *o->params ? ", " : "", o->params);
        text_add(&t, "\n");
    }
    return text_take(&t, "print_graph");
}
