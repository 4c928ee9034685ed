/* SPDX-License-Identifier: MIT
 *
 * Graphs as pictures: SVG 1.1, which every browser shows.  A box holds an op, or all ops of a group that runs as one; a
 * line of it is an op with its inputs and the type of its result.  Round boxes are leaves and results; numbers stand
 * where they are used. */
#include "core/memory.h"
#include "core/text.h"
#include "graph/layers.h"
#include "graph/view.h"
#include <stdio.h>
#include <string.h>

enum { MARGIN = 24, HEAD = 34, LINE = 18, PAD = 10, GAP_X = 18, GAP_Y = 34, LABEL = 48, MAX_OPS = 20000 };
#define CHARACTER 7.3 /* width of one in the font below */

typedef enum box_kind { BOX_LEAF, BOX_OPS, BOX_RESULT } box_kind;

typedef struct svg_box {
    box_kind kind;
    int first, last; /* ops: the first one and the last one + 1 of its group; else a value */
    int lines;
} svg_box;

typedef struct picture {
    const graph_view *v;
    svg_box *boxes;
    int *box_of_op;   /* -1: not yet */
    int *box_of_leaf; /* of each value; -1: none */
    int *edge_value;  /* of each edge */
    int kernels;
    layer_graph g;
    text out;
} picture;

static bool is_number(const view_value *value)
{
    return value->maker < 0 && value->array->size == 1 && array_state(value->array) == STATE_DONE && !value->asked;
}

/* ---- The text of a box */
static void add_type(text *t, const view_value *value)
{
    char shape[SHAPE_TEXT];
    text_add(t, "%s %s", mx_dtype_name(value->spec.dtype), shape_text(shape, spec_shape(&value->spec)));
}

static void add_call(text *t, const graph_view *v, const view_op *o)
{
    char label[LABEL];
    for (int i = 0; i < o->nout; i++) text_add(t, "%s%s", i ? ", " : "", v->values[o->first_out + i].name);
    text_add(t, " = %s(", o->op->name);
    for (int i = 0; i < o->nin; i++) {
        const view_value *in = &v->values[v->in[o->first_in + i]];
        if (is_number(in))
            view_label(in, label, sizeof label);
        else
            snprintf(label, sizeof label, "%s", in->name);
        text_add(t, "%s%s", i ? ", " : "", label);
    }
    text_add(t, "%s%s)  ", o->nin && *o->params ? ", " : "", o->params);
    add_type(t, &v->values[o->first_out]);
}

static void add_escaped(text *t, const char *s)
{
    for (; *s; s++) {
        const char *entity = *s == '<'   ? "&lt;"
                             : *s == '>' ? "&gt;"
                             : *s == '&' ? "&amp;"
                             : *s == '"' ? "&quot;"
                                         : NULL;
        if (entity)
            text_add(t, "%s", entity);
        else
            text_add(t, "%c", (unsigned char)*s < ' ' ? '?' : *s);
    }
}

/* ---- From a graph to boxes and edges */
static bool in_box(const picture *p, const svg_box *b, int op)
{
    return p->box_of_op[op] == (int)(b - p->boxes);
}

static int new_box(picture *p, svg_box box, size_t characters)
{
    int at = p->g.box_count++;
    p->boxes[at] = box;
    p->g.boxes[at].width = (double)characters * CHARACTER + 2 * PAD;
    p->g.boxes[at].height = box.lines * LINE + PAD;
    return at;
}

static size_t length_of(text *t)
{
    size_t n = t->length;
    t->length = 0;
    return n;
}

static void box_ops(picture *p, int *box_of_group)
{
    text t = {0};
    for (int i = 0; i < p->v->op_count; i++) {
        const view_op *o = &p->v->ops[i];
        int at = o->group >= 0 ? box_of_group[o->group] - 1 : -1;
        if (at < 0) at = new_box(p, (svg_box){.kind = BOX_OPS, .first = i}, 0);
        if (o->group >= 0) box_of_group[o->group] = at + 1;
        p->box_of_op[i] = at;
        p->boxes[at].last = i + 1;
        p->boxes[at].lines++;
        add_call(&t, p->v, o);
        double width = (double)length_of(&t) * CHARACTER + 2 * PAD;
        if (width > p->g.boxes[at].width) p->g.boxes[at].width = width;
        p->g.boxes[at].height = p->boxes[at].lines * LINE + PAD;
    }
    p->out.failed |= t.failed;
    p->kernels = p->g.box_count;
    mx_free(t.at);
}

static void add_edge(picture *p, int from, int to, int value)
{
    if (from == to) return;
    p->edge_value[p->g.edge_count] = value;
    p->g.edges[p->g.edge_count++] = (layer_edge){.from = from, .to = to};
}

static void box_values(picture *p)
{
    text t = {0};
    for (int i = 0; i < p->v->value_count; i++) {
        const view_value *value = &p->v->values[i];
        bool leaf = value->maker < 0 && (value->read || value->asked) && !is_number(value);
        p->box_of_leaf[i] = -1;
        if (!leaf && !value->asked) continue;
        text_add(&t, "%s", value->name);
        if (leaf) text_add(&t, "  ");
        if (leaf) add_type(&t, value);
        int at = new_box(p, (svg_box){leaf ? BOX_LEAF : BOX_RESULT, i, i, 1}, length_of(&t));
        if (leaf)
            p->box_of_leaf[i] = at;
        else
            add_edge(p, p->box_of_op[value->maker], at, i);
    }
    p->out.failed |= t.failed;
    mx_free(t.at);
}

/* An edge a value and box: a value that is read twice there is drawn once. */
static void connect(picture *p)
{
    const graph_view *v = p->v;
    for (int op = 0; op < v->op_count; op++) {
        const int *in = &v->in[v->ops[op].first_in];
        for (int i = 0; i < v->ops[op].nin; i++) {
            const view_value *value = &v->values[in[i]];
            int from = value->maker >= 0 ? p->box_of_op[value->maker] : p->box_of_leaf[in[i]];
            bool again = from < 0;
            for (int k = 0; k < i; k++) again |= in[k] == in[i];
            if (!again) add_edge(p, from, p->box_of_op[op], in[i]);
        }
    }
}

static bool build(picture *p)
{
    const graph_view *v = p->v;
    size_t boxes = (size_t)v->op_count + (size_t)v->value_count, edges = (size_t)v->in_count + (size_t)v->value_count;
    if (v->op_count > MAX_OPS)
        return mx_fail_false(
            MX_RUNTIME, "[export_to_dot] %d ops are too many for a picture (the limit is %d); a .dot file takes them.",
            v->op_count, MAX_OPS);
    int *box_of_group = mx_alloc((size_t)v->op_count, sizeof *box_of_group);
    p->boxes = mx_alloc(boxes, sizeof *p->boxes);
    p->g.boxes = mx_alloc(boxes, sizeof *p->g.boxes);
    p->g.edges = mx_alloc(edges, sizeof *p->g.edges);
    p->edge_value = mx_alloc(edges, sizeof *p->edge_value);
    p->box_of_op = mx_alloc((size_t)v->op_count, sizeof *p->box_of_op);
    p->box_of_leaf = mx_alloc((size_t)v->value_count, sizeof *p->box_of_leaf);
    bool ok = box_of_group && p->boxes && p->g.boxes && p->g.edges && p->edge_value && p->box_of_op && p->box_of_leaf;
    if (ok) {
        box_ops(p, box_of_group);
        box_values(p);
        connect(p);
    }
    mx_free(box_of_group);
    return ok;
}

/* ---- Drawing */
static void draw_edge(picture *p, int index)
{
    const layer_edge *e = &p->g.edges[index];
    const layer_box *a = &p->g.boxes[e->from], *b = &p->g.boxes[e->to];
    double x = a->x, y = a->y + a->height / 2;
    text_add(&p->out, "<path d=\"M%.1f %.1f", x, y);
    for (int i = 0; i <= e->bends; i++) {
        const layer_box *to = i < e->bends ? &p->g.boxes[e->first_bend + i] : b;
        double to_y = i < e->bends ? to->y : b->y - b->height / 2 - 4, middle = (y + to_y) / 2;
        text_add(&p->out, " C%.1f %.1f %.1f %.1f %.1f %.1f", x, middle, to->x, middle, to->x, to_y);
        x = to->x;
        y = to_y;
    }
    text_add(&p->out, "\" marker-end=\"url(#tip)\"><title>");
    text t = {0};
    const view_value *value = &p->v->values[p->edge_value[index]];
    text_add(&t, "%s: ", value->name);
    add_type(&t, value);
    if (t.at) add_escaped(&p->out, t.at);
    p->out.failed |= t.failed;
    mx_free(t.at);
    text_add(&p->out, "</title></path>\n");
}

static void draw_line(picture *p, double x, double y, const text *line)
{
    text_add(&p->out, "<text x=\"%.1f\" y=\"%.1f\">", x, y);
    if (line->at) add_escaped(&p->out, line->at);
    p->out.failed |= line->failed;
    text_add(&p->out, "</text>\n");
}

static void draw_box(picture *p, int index)
{
    const svg_box *b = &p->boxes[index];
    const layer_box *at = &p->g.boxes[index];
    double x = at->x - at->width / 2, y = at->y - at->height / 2;
    const char *style = b->kind == BOX_LEAF ? "leaf" : b->kind == BOX_RESULT ? "result" : b->lines > 1 ? "group" : "op";
    text_add(&p->out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%d\"/>\n", style, x,
             y, at->width, at->height, b->kind == BOX_OPS ? 4 : 13);
    double line_y = y + PAD / 2.0 + 13;
    text t = {0};
    if (b->kind != BOX_OPS) {
        const view_value *value = &p->v->values[b->first];
        text_add(&t, "%s", value->name);
        if (b->kind == BOX_LEAF) text_add(&t, "  ");
        if (b->kind == BOX_LEAF) add_type(&t, value);
        draw_line(p, x + PAD, line_y, &t);
    }
    for (int op = b->first; b->kind == BOX_OPS && op < b->last; op++) {
        if (!in_box(p, b, op)) continue;
        t.length = 0;
        add_call(&t, p->v, &p->v->ops[op]);
        draw_line(p, x + PAD, line_y, &t);
        line_y += LINE;
    }
    mx_free(t.at);
}

static void draw(picture *p)
{
    static const char style[] =
        "text{font:12px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1b1f24;white-space:pre}\n"
        "path{fill:none;stroke:#8c959f;stroke-width:1.3}path:hover{stroke:#0969da;stroke-width:2.5}\n"
        "rect{stroke:#8c959f;fill:#fff}.op{fill:#f6f8fa}.group{fill:#ddf4ff;stroke:#0969da;stroke-width:1.6}\n"
        ".leaf{fill:#fff8c5;stroke:#bf8700}.result{fill:#dafbe1;stroke:#1a7f37}.page{stroke:none}\n";
    double width = p->g.width + 2 * MARGIN, height = p->g.height + 2 * MARGIN + HEAD;
    if (width < 640) width = 640;
    text_add(
        &p->out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n"
        "<style>%s</style>\n<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"4\" refY=\"4\" markerWidth=\"7\" "
        "markerHeight=\"7\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" style=\"fill:#8c959f;stroke:none\"/></marker>"
        "</defs>\n<rect class=\"page\" width=\"100%%\" height=\"100%%\"/>\n",
        width, height, width, height, style);
    text_add(&p->out,
             "<text x=\"%d\" y=\"24\">%d op%s in %d box%s; a blue box runs as one; yellow: inputs, green: results"
             "</text>\n<g transform=\"translate(%d %d)\">\n",
             MARGIN, p->v->op_count, p->v->op_count == 1 ? "" : "s", p->kernels, p->kernels == 1 ? "" : "es", MARGIN,
             MARGIN + HEAD);
    int boxes = p->kernels; /* what stands behind the bends is not drawn */
    for (int i = 0; i < p->g.edge_count; i++) draw_edge(p, i);
    for (int i = 0; i < p->v->value_count; i++) boxes += p->box_of_leaf[i] >= 0 || p->v->values[i].asked;
    for (int i = 0; i < boxes; i++) draw_box(p, i);
    text_add(&p->out, "</g>\n</svg>\n");
}

char *view_svg(const graph_view *v)
{
    picture p = {.v = v};
    bool ok = build(&p) && layers_place(&p.g, GAP_X, GAP_Y);
    if (ok) draw(&p);
    mx_free(p.boxes);
    mx_free(p.g.boxes);
    mx_free(p.g.edges);
    mx_free(p.edge_value);
    mx_free(p.box_of_op);
    mx_free(p.box_of_leaf);
    char *text = ok ? text_take(&p.out, "export_to_dot") : NULL;
    if (!ok) mx_free(p.out.at);
    return text;
}
