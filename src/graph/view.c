/* SPDX-License-Identifier: MIT
 *
 * Taking the snapshot.  Other threads may evaluate the graph meanwhile, which takes inputs and parameters from its
 * nodes: so all that is needed of them is copied under the graph lock, and drawn after. */
#include "graph/view.h"
#include "core/memory.h"
#include "core/runtime.h"
#include "graph/plan.h"
#include "graph/trace.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Which leads are ops of the graph.  Nobody can claim a LAZY node while the lock is held, but one that was claimed may
 * become LAZY again at any time: so it is asked once, after the walk, and what the walk took for a leaf stays one. */
static bool *find_ops(const node_list *list)
{
    bool *ops = mx_alloc(list->count, sizeof *ops);
    for (size_t i = 0; ops && i < list->count; i++) {
        const mx_array *lead = list->nodes[i];
        ops[i] = array_state(lead) == STATE_LAZY && lead->op && !(lead->op->flags & OP_PLACEHOLDER);
        for (int k = 0; ops[i] && k < lead->nin; k++) ops[i] = list_find(list, lead->in[k]) >= 0;
    }
    return ops;
}

void view_free(graph_view *v)
{
    mx_free(v->ops);
    mx_free(v->values);
    mx_free(v->items);
    mx_free(v->in);
    *v = (graph_view){0};
}

/* `first`: where the values of each lead begin. */
static bool make_room(graph_view *v, const node_list *list, const bool *ops, int **first)
{
    size_t values = 0, inputs = 0;
    *first = mx_alloc(list->count, sizeof **first);
    for (size_t i = 0; *first && i < list->count; i++) {
        (*first)[i] = (int)values;
        values += list->nodes[i]->nout;
        if (ops[i]) inputs += list->nodes[i]->nin;
    }
    if (values > INT32_MAX || inputs > INT32_MAX)
        return mx_fail_false(MX_RUNTIME, "[export_to_dot] %zu arrays are too many for a picture.", values);
    v->ops = mx_alloc(list->count, sizeof *v->ops);
    v->items = mx_alloc(list->count + values, sizeof *v->items);
    v->values = mx_alloc(values, sizeof *v->values);
    v->in = mx_alloc(inputs, sizeof *v->in);
    v->value_count = (int)values;
    return *first && v->ops && v->items && v->values && v->in;
}

static int index_of(const node_list *list, const int *first, const mx_array *x)
{
    return first[list_find(list, x)] + x->out_index;
}

static void set_value(graph_view *v, int at, mx_array *x, int maker)
{
    v->values[at].array = x;
    v->values[at].maker = maker;
    v->values[at].spec.dtype = (mx_dtype)x->dtype;
    v->values[at].spec.ndim = x->ndim;
    memcpy(v->values[at].spec.shape, x->shape, (size_t)x->ndim * sizeof *x->shape);
}

static void add_op(graph_view *v, const node_list *list, const int *first, mx_array *lead, int first_out)
{
    view_op *o = &v->ops[v->op_count];
    *o = (view_op){.op = lead->op, .first_in = v->in_count, .nin = lead->nin, .nout = lead->nout, .group = -1};
    o->first_out = first_out;
    params_print(lead->op, array_params(lead), o->params, sizeof o->params);
    for (int i = 0; i < lead->nin; i++) {
        int value = index_of(list, first, lead->in[i]);
        v->in[v->in_count++] = value;
        v->values[value].read = true;
    }
    for (int i = 0; i < lead->nout; i++) set_value(v, first_out + i, lead + i, v->op_count);
    v->op_count++;
}

/* Of a leaf only what the graph reads is an item: a leaf may be one of several outputs of what was evaluated. */
static void list_items(graph_view *v, const node_list *list, const bool *ops, const int *first)
{
    int op = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (ops[i]) {
            v->items[v->item_count++] = (view_item){op++, first[i]};
            continue;
        }
        for (int k = first[i]; k < first[i] + list->nodes[i]->nout; k++) {
            if (v->values[k].read || v->values[k].asked) v->items[v->item_count++] = (view_item){-1, k};
        }
    }
}

static bool name_items(graph_view *v, mx_namer *names)
{
    for (int i = 0; i < v->item_count; i++) {
        const view_item *item = &v->items[i];
        int count = item->op < 0 ? 1 : v->ops[item->op].nout;
        for (int k = item->value; k < item->value + count; k++) {
            if (!(v->values[k].name = mx_namer_get(names, v->values[k].array))) return false;
        }
    }
    return true;
}

/* ---- Groups */
/* What would run together, if all were evaluated now: the tape is built, planned and given back. */
typedef struct plan_view {
    mx_array **nodes; /* those that are in groups */
    int *groups;
    size_t count;
} plan_view;

static bool plan_view_fill(plan_view *plan, const tape *t)
{
    plan->nodes = mx_alloc(t->count, sizeof *plan->nodes);
    plan->groups = mx_alloc(t->count, sizeof *plan->groups);
    for (size_t i = 0; plan->nodes && plan->groups && t->seats && i < t->count; i++) {
        if (!(t->seats[i].flags & SEAT_GROUPED)) continue;
        plan->nodes[plan->count] = t->nodes[i];
        plan->groups[plan->count++] = (int)t->seats[i].group;
    }
    return plan->nodes && plan->groups;
}

/* What holds placeholders cannot be evaluated, so there is no plan; that is no error. */
static bool plan_view_take(plan_view *plan, mx_array *const *out, int count)
{
    tape t = {0};
    mx_mark mark = mx_error_mark();
    bool ok = true;
    if (tape_build(&t, out, count)) {
        ok = plan_build(&t, out, count, true) && plan_view_fill(plan, &t);
        tape_unclaim(&t);
    } else {
        mx_error_reset(mark);
    }
    tape_free(&t);
    return ok;
}

static void plan_view_apply(const plan_view *plan, graph_view *v, const node_list *list, const int *first)
{
    for (size_t i = 0; i < plan->count; i++) {
        int maker = v->values[index_of(list, first, plan->nodes[i])].maker;
        if (maker >= 0) v->ops[maker].group = plan->groups[i];
    }
}

static bool copy_graph(graph_view *v, mx_array *const *out, int count, mx_namer *names)
{
    node_list list = {0};
    int *first = NULL;
    plan_view plan = {0};
    bool ok = plan_view_take(&plan, out, count) && list_collect_lazy(&list, out, count);
    bool *ops = ok ? find_ops(&list) : NULL;
    ok = ops && make_room(v, &list, ops, &first);
    for (size_t i = 0; ok && i < list.count; i++) {
        mx_array *lead = list.nodes[i];
        for (int k = 0; k < lead->nout && !ops[i]; k++) set_value(v, first[i] + k, lead + k, -1);
        if (ops[i]) add_op(v, &list, first, lead, first[i]);
    }
    for (int i = 0; ok && i < count; i++) v->values[index_of(&list, first, out[i])].asked = true;
    if (ok) {
        plan_view_apply(&plan, v, &list, first);
        list_items(v, &list, ops, first);
    }
    ok = ok && name_items(v, names);
    mx_free(first);
    mx_free(ops);
    mx_free(plan.nodes);
    mx_free(plan.groups);
    list_free(&list);
    return ok;
}

bool view_take(graph_view *v, mx_array *const *out, int count, mx_namer *names)
{
    if (!op_has_all("export_to_dot", out, count)) return false;
    pthread_mutex_lock(&runtime.graph_lock);
    bool ok = copy_graph(v, out, count, names);
    pthread_mutex_unlock(&runtime.graph_lock);
    return ok;
}

void view_label(const view_value *value, char *label, size_t size)
{
    mx_array *x = value->array;
    if (value->maker >= 0 || x->size != 1 || array_state(x) != STATE_DONE) {
        snprintf(label, size, "%s", value->name);
        return;
    }
    if (x->dtype == MX_COMPLEX64) {
        float re = 0, im = 0;
        mx_value_complex(x, &re, &im);
        snprintf(label, size, "%g%+gj", (double)re, (double)im);
    } else if (mx_dtype_is((mx_dtype)x->dtype, MX_INEXACT)) {
        snprintf(label, size, "%g", mx_value(x));
    } else {
        snprintf(label, size, "%" PRId64, mx_value_int(x));
    }
}

char *mx_graph_text(mx_array *const *out, int count, mx_namer *names, mx_graph_format format)
{
    graph_view v = {0};
    mx_namer *own = names ? NULL : mx_namer_new();
    char *text = NULL;
    if ((names || own) && view_take(&v, out, count, names ? names : own)) {
        switch (format) {
        case MX_GRAPH_DOT: text = view_dot(&v); break;
        case MX_GRAPH_SVG: text = view_svg(&v); break;
        case MX_GRAPH_LIST: text = view_list(&v); break;
        default: mx_fail(MX_VALUE, "[graph_text] there is no format %d.", (int)format);
        }
    }
    view_free(&v);
    mx_namer_free(&own);
    return text;
}
