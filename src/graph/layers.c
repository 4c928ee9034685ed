/* SPDX-License-Identifier: MIT
 *
 * Layers, then bends where an edge passes through layers, then the order within a layer, then places.
 *
 * The order comes from sweeps: each box moves to the mean place of its neighbours in the layer above, then below.  A
 * place is the mean of two layouts that both keep the gaps, pushed to the right and pushed to the left, so it keeps
 * them too. */
#include "graph/layers.h"
#include "core/error.h"
#include "core/memory.h"
#include <stdint.h>
#include <stdlib.h>

enum { SWEEPS = 8, MAX_BENDS = 1 << 20 };

/* A piece of an edge, between neighbouring layers. */
typedef struct link {
    int above, below;
} link;

typedef struct place {
    double wish;
    int box, turn; /* its place before: equal wishes keep their order */
} place;

typedef struct work {
    layer_graph *g;
    int layer_count;
    link *links; /* by the layer of `below` */
    int link_count;
    int *first_link;  /* of each layer, and one more */
    place *order;     /* boxes by layer, left to right */
    int *first_place; /* of each layer, and one more */
    double *sum;      /* a box each */
    int *count;
    double *left, *right; /* two layouts of one layer */
} work;

/* The longest path to each box. */
static bool find_layers(layer_graph *g)
{
    bool changed = true;
    for (int pass = 0; changed; pass++) {
        if (pass > g->box_count) return mx_fail_false(MX_RUNTIME, "[export_to_dot] the picture has a cycle.");
        changed = false;
        for (int i = 0; i < g->edge_count; i++) {
            layer_box *from = &g->boxes[g->edges[i].from], *to = &g->boxes[g->edges[i].to];
            if (to->layer > from->layer) continue;
            to->layer = from->layer + 1;
            changed = true;
        }
    }
    return true;
}

/* A box or an edge, and the layer that it begins in. */
typedef struct placed {
    int layer, index;
} placed;

static int lowest_first(const void *a, const void *b)
{
    return ((const placed *)b)->layer - ((const placed *)a)->layer;
}

/* Moves boxes down to their first readers where that makes no edges longer: those that read no more than is read of
 * them.  From below, so that a whole chain follows. */
static bool sink_layers(layer_graph *g)
{
    placed *boxes = mx_alloc((size_t)g->box_count, sizeof *boxes);
    placed *edges = mx_alloc((size_t)g->edge_count, sizeof *edges);
    int *reader = mx_alloc((size_t)g->box_count, sizeof *reader),
        *degree = mx_alloc((size_t)g->box_count, sizeof *degree);
    bool ok = boxes && edges && reader && degree;
    for (int i = 0; ok && i < g->box_count; i++) boxes[i] = (placed){g->boxes[i].layer, i}, reader[i] = INT32_MAX;
    for (int i = 0; ok && i < g->edge_count; i++) {
        edges[i] = (placed){g->boxes[g->edges[i].from].layer, i};
        degree[g->edges[i].from]++;
        degree[g->edges[i].to]--;
    }
    if (ok) {
        qsort(boxes, (size_t)g->box_count, sizeof *boxes, lowest_first);
        qsort(edges, (size_t)g->edge_count, sizeof *edges, lowest_first);
    }
    for (int i = 0, e = 0; ok && i < g->box_count; i++) {
        for (; e < g->edge_count && edges[e].layer == boxes[i].layer; e++) {
            const layer_edge *edge = &g->edges[edges[e].index];
            int below = g->boxes[edge->to].layer;
            if (below < reader[edge->from]) reader[edge->from] = below;
        }
        int box = boxes[i].index;
        if (reader[box] != INT32_MAX && degree[box] >= 0) g->boxes[box].layer = reader[box] - 1;
    }
    mx_free(boxes);
    mx_free(edges);
    mx_free(reader);
    mx_free(degree);
    return ok;
}

static int span(const layer_graph *g, const layer_edge *e)
{
    return g->boxes[e->to].layer - g->boxes[e->from].layer;
}

static bool add_bends(layer_graph *g, double gap_x)
{
    int64_t bends = 0;
    for (int i = 0; i < g->edge_count; i++) bends += span(g, &g->edges[i]) - 1;
    if (bends > MAX_BENDS)
        return mx_fail_false(MX_RUNTIME, "[export_to_dot] the graph is too large for a picture; a .dot file takes it.");
    layer_box *boxes = mx_resize(g->boxes, (size_t)(g->box_count + bends), sizeof *boxes);
    if (!boxes) return false;
    g->boxes = boxes;
    for (int i = 0; i < g->edge_count; i++) {
        layer_edge *e = &g->edges[i];
        e->first_bend = g->box_count;
        e->bends = span(g, e) - 1;
        for (int k = 1; k <= e->bends; k++)
            boxes[g->box_count++] = (layer_box){.width = gap_x / 2, .layer = boxes[e->from].layer + k};
    }
    return true;
}

/* Counting sort by layer: where each begins. */
static int *begins(const work *w, int count, int (*layer_of)(const work *, int))
{
    int *first = mx_alloc((size_t)w->layer_count + 1, sizeof *first);
    for (int i = 0; first && i < count; i++) first[layer_of(w, i) + 1]++;
    for (int l = 0; first && l < w->layer_count; l++) first[l + 1] += first[l];
    return first;
}

static int layer_of_box(const work *w, int i)
{
    return w->g->boxes[i].layer;
}

static bool order_boxes(work *w)
{
    int *next = begins(w, w->g->box_count, layer_of_box);
    w->first_place = begins(w, w->g->box_count, layer_of_box);
    w->order = mx_alloc((size_t)w->g->box_count, sizeof *w->order);
    bool ok = next && w->first_place && w->order;
    for (int i = 0; ok && i < w->g->box_count; i++) w->order[next[w->g->boxes[i].layer]++].box = i;
    mx_free(next);
    return ok;
}

static void put_link(work *w, int *next, int above, int below)
{
    w->links[next[w->g->boxes[below].layer]++] = (link){above, below};
}

static bool make_links(work *w)
{
    layer_graph *g = w->g;
    int *first = mx_alloc((size_t)w->layer_count + 1, sizeof *first), *next = NULL;
    for (int i = 0; first && i < g->edge_count; i++) {
        const layer_edge *e = &g->edges[i];
        for (int l = g->boxes[e->from].layer + 1; l <= g->boxes[e->to].layer; l++) first[l + 1]++;
        w->link_count += e->bends + 1;
    }
    for (int l = 0; first && l < w->layer_count; l++) first[l + 1] += first[l];
    w->first_link = first;
    w->links = mx_alloc((size_t)w->link_count, sizeof *w->links);
    next = mx_alloc((size_t)w->layer_count + 1, sizeof *next);
    bool ok = first && w->links && next;
    for (int l = 0; ok && l <= w->layer_count; l++) next[l] = first[l];
    for (int i = 0; ok && i < g->edge_count; i++) {
        const layer_edge *e = &g->edges[i];
        int above = e->from;
        for (int k = 0; k < e->bends; k++) {
            put_link(w, next, above, e->first_bend + k);
            above = e->first_bend + k;
        }
        put_link(w, next, above, e->to);
    }
    mx_free(next);
    return ok;
}

/* Wishes of a layer's boxes: the mean x of their neighbours above or below. */
static void make_wishes(work *w, int layer, bool from_above)
{
    int at = from_above ? layer : layer + 1;
    for (int i = w->first_place[layer]; i < w->first_place[layer + 1]; i++)
        w->sum[w->order[i].box] = 0, w->count[w->order[i].box] = 0;
    for (int i = at < w->layer_count ? w->first_link[at] : 0; at < w->layer_count && i < w->first_link[at + 1]; i++) {
        int box = from_above ? w->links[i].below : w->links[i].above;
        int other = from_above ? w->links[i].above : w->links[i].below;
        w->sum[box] += w->g->boxes[other].x;
        w->count[box]++;
    }
    for (int i = w->first_place[layer]; i < w->first_place[layer + 1]; i++) {
        int box = w->order[i].box;
        w->order[i].wish = w->count[box] ? w->sum[box] / w->count[box] : w->g->boxes[box].x;
        w->order[i].turn = i;
    }
}

static int by_wish(const void *a, const void *b)
{
    const place *p = a, *q = b;
    if (p->wish != q->wish) return p->wish < q->wish ? -1 : 1;
    return (p->turn > q->turn) - (p->turn < q->turn);
}

/* Puts a layer's boxes, in their order, as close to their wishes as the gaps allow. */
static void place_layer(work *w, int layer, double gap)
{
    const place *row = w->order + w->first_place[layer];
    int n = w->first_place[layer + 1] - w->first_place[layer];
    for (int i = 0; i < n; i++) {
        const layer_box *boxes = w->g->boxes;
        w->left[i] = w->right[i] = row[i].wish;
        if (i == 0) continue;
        double least = w->right[i - 1] + gap + (boxes[row[i - 1].box].width + boxes[row[i].box].width) / 2;
        if (w->right[i] < least) w->right[i] = least;
    }
    for (int i = n - 1; i-- > 0;) {
        const layer_box *boxes = w->g->boxes;
        double most = w->left[i + 1] - gap - (boxes[row[i + 1].box].width + boxes[row[i].box].width) / 2;
        if (w->left[i] > most) w->left[i] = most;
    }
    for (int i = 0; i < n; i++) w->g->boxes[row[i].box].x = (w->left[i] + w->right[i]) / 2;
}

static void sweep(work *w, bool down, bool reorder, double gap)
{
    for (int k = 0; k < w->layer_count; k++) {
        int layer = down ? k : w->layer_count - 1 - k;
        make_wishes(w, layer, down);
        int first = w->first_place[layer];
        if (reorder) qsort(w->order + first, (size_t)(w->first_place[layer + 1] - first), sizeof *w->order, by_wish);
        place_layer(w, layer, gap);
    }
}

/* Moves all into the picture, and layers below each other. */
static void settle(work *w, double gap_y)
{
    layer_graph *g = w->g;
    double left = 0, right = 0, y = 0;
    for (int i = 0; i < g->box_count; i++) {
        double a = g->boxes[i].x - g->boxes[i].width / 2, b = g->boxes[i].x + g->boxes[i].width / 2;
        if (i == 0 || a < left) left = a;
        if (i == 0 || b > right) right = b;
    }
    for (int i = 0; i < g->box_count; i++) g->boxes[i].x -= left;
    for (int l = 0; l < w->layer_count; l++) {
        double tallest = 0;
        for (int i = w->first_place[l]; i < w->first_place[l + 1]; i++) {
            double h = g->boxes[w->order[i].box].height;
            if (h > tallest) tallest = h;
        }
        for (int i = w->first_place[l]; i < w->first_place[l + 1]; i++) g->boxes[w->order[i].box].y = y + tallest / 2;
        y += tallest + gap_y;
    }
    g->width = right - left;
    g->height = y > gap_y ? y - gap_y : 0;
}

bool layers_place(layer_graph *g, double gap_x, double gap_y)
{
    work w = {.g = g};
    bool ok = find_layers(g) && sink_layers(g) && add_bends(g, gap_x);
    for (int i = 0; i < g->box_count; i++) {
        if (g->boxes[i].layer >= w.layer_count) w.layer_count = g->boxes[i].layer + 1;
    }
    w.sum = mx_alloc((size_t)g->box_count, sizeof *w.sum);
    w.count = mx_alloc((size_t)g->box_count, sizeof *w.count);
    w.left = mx_alloc((size_t)g->box_count, sizeof *w.left);
    w.right = mx_alloc((size_t)g->box_count, sizeof *w.right);
    ok = ok && w.sum && w.count && w.left && w.right && order_boxes(&w) && make_links(&w);
    if (ok) {
        for (int i = 0; i < SWEEPS; i++) sweep(&w, i % 2 == 0, true, gap_x);
        for (int i = 0; i < SWEEPS; i++) sweep(&w, i % 2 != 0, false, gap_x);
        settle(&w, gap_y);
    }
    mx_free(w.sum);
    mx_free(w.count);
    mx_free(w.left);
    mx_free(w.right);
    mx_free(w.order);
    mx_free(w.first_place);
    mx_free(w.links);
    mx_free(w.first_link);
    return ok;
}
