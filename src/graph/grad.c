/* SPDX-License-Identifier: MIT
 *
 * Reverse and forward mode over the list of what a trace made: rules are applied node by node, from the outputs back
 * with cotangents, or from the inputs on with tangents (Griewank and Walther, "Evaluating Derivatives", 2008). */
#include "core/memory.h"
#include "graph/trace.h"
#include <string.h>

/* A value (cotangent or tangent, owned; NULL stands for zero) for each output of each listed lead. */
typedef struct value_table {
    size_t *first; /* of each lead */
    mx_array **values;
    size_t count;
} value_table;

static bool table_init(value_table *v, const node_list *list)
{
    *v = (value_table){.first = mx_alloc(list->count, sizeof *v->first)};
    if (!v->first) return false;
    for (size_t i = 0; i < list->count; i++) {
        v->first[i] = v->count;
        v->count += list->nodes[i]->nout;
    }
    return (v->values = mx_alloc(v->count, sizeof *v->values)) != NULL;
}

static void table_free(value_table *v)
{
    for (size_t i = 0; v->values && i < v->count; i++) mx_drop(v->values[i]);
    mx_free(v->values);
    mx_free(v->first);
}

static mx_array **value_of(const value_table *v, const node_list *list, const mx_array *x)
{
    int64_t i = list_find(list, x);
    return i < 0 ? NULL : &v->values[v->first[i] + x->out_index];
}

/* A rule may give a cotangent of the broadcast shape or of a wider dtype; what the input has is what it gets. */
static mx_array *fit(mx_array *d, mx_array *x)
{
    d = d ? mx_sum_like(d, x) : NULL;
    return d && d->dtype != x->dtype ? mx_astype(d, (mx_dtype)x->dtype) : d;
}

static bool accumulate(mx_array **sum, mx_array *d)
{
    mx_array *total = *sum ? mx_add(*sum, d) : d;
    if (!total) return false;
    mx_keep(total);
    mx_drop(*sum);
    *sum = total;
    return true;
}

/* All values of a lead, zeros where there are none; false (no error) if all are zero. */
static bool gather_values(const value_table *v, size_t first, mx_array *const *out, int nout, mx_array **values)
{
    bool any = false;
    for (int i = 0; i < nout; i++) any |= v->values[first + (size_t)i] != NULL;
    for (int i = 0; i < nout && any; i++) {
        values[i] = v->values[first + (size_t)i];
        if (!values[i]) values[i] = mx_zeros_like(out[i]);
    }
    return any;
}

/* ---- Reverse */
static bool pull_back(const node_list *list, value_table *v, size_t index)
{
    mx_array *lead = list->nodes[index];
    if (!lead->op || !lead->op->vjp) return true;
    call_room room;
    if (!room_take(&room, 2 * (size_t)lead->nout + lead->nin)) return false;
    mx_array **out = room.at, **dout = out + lead->nout, **din = dout + lead->nout;
    mx_call c = list_call(lead, out);
    if (!gather_values(v, v->first[index], out, c.nout, dout)) return room_free(&room), true;
    for (int i = 0; i < c.nin; i++) {
        if (value_of(v, list, c.in[i])) c.wanted |= (uint64_t)1 << (i < 63 ? i : 63);
    }
    bool ok = op_has_all(c.op->name, dout, c.nout) && c.op->vjp(&c, dout, din);
    for (int i = 0; i < c.nin && ok; i++) {
        mx_array **sum = din[i] ? value_of(v, list, c.in[i]) : NULL;
        if (sum) ok = accumulate(sum, fit(din[i], c.in[i]));
    }
    room_free(&room);
    if (!ok && !mx_failed()) mx_fail(MX_RUNTIME, "[%s] its vjp rule failed.", c.op->name);
    return ok;
}

static bool seed_outputs(const node_list *list, value_table *v, mx_array *const *out, mx_array *const *dout, int nout)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    for (int i = 0; i < nout; i++) {
        if (!op_has("vjp", dout[i])) return false;
        if (!shape_equal(array_shape(out[i]), array_shape(dout[i]))) {
            return mx_fail_false(MX_VALUE, "[vjp] output %d has shape %s, its cotangent %s.", i,
                                 shape_text(a, array_shape(out[i])), shape_text(b, array_shape(dout[i])));
        }
        mx_array **sum = value_of(v, list, out[i]);
        if (sum && !accumulate(sum, fit(dout[i], out[i]))) return false;
    }
    return true;
}

static bool run_back(const mx_trace *t, const node_list *list, value_table *v)
{
    for (size_t i = list->count; i-- > (size_t)0;) {
        bool is_input = false;
        for (int k = 0; k < t->nin && i < (size_t)t->nin; k++) is_input |= list->nodes[i] == t->traced[k];
        if (is_input) continue;
        mx_scope s = mx_scope_open();
        bool ok = pull_back(list, v, i);
        mx_scope_close(s, NULL);
        if (!ok) return false;
        mx_drop_n(&v->values[v->first[i]], list->nodes[i]->nout);
    }
    return true;
}

bool mx_trace_vjp(mx_trace *t, mx_array *const *out, mx_array *const *dout, int nout, mx_array **din)
{
    if (!trace_is_open("vjp", t, out, nout) || !op_has_all("vjp", dout, nout)) return false;
    node_list list = {0};
    value_table v = {0};
    bool ok = list_collect(&list, t, out, nout) && table_init(&v, &list) && seed_outputs(&list, &v, out, dout, nout) &&
              run_back(t, &list, &v);
    for (int i = 0; i < t->nin; i++) {
        mx_array *d = ok ? *value_of(&v, &list, t->traced[i]) : NULL;
        din[i] = d ? mx_temporary(mx_keep(d)) : ok ? mx_zeros_like(t->traced[i]) : NULL;
        ok &= din[i] != NULL;
    }
    table_free(&v);
    list_free(&list);
    return ok;
}

/* ---- Forward */
static bool push_forward(const node_list *list, value_table *v, size_t index)
{
    mx_array *lead = list->nodes[index];
    if (!lead->op || !lead->op->jvp) return true;
    call_room room;
    if (!room_take(&room, 2 * (size_t)lead->nout + lead->nin)) return false;
    mx_array **out = room.at, **tout = out + lead->nout, **tin = tout + lead->nout;
    mx_call c = list_call(lead, out);
    bool any = false, ok = true;
    for (int i = 0; i < c.nin; i++) {
        mx_array **value = value_of(v, list, c.in[i]);
        if (!value || !(tin[i] = *value)) continue;
        any = true;
        c.wanted |= (uint64_t)1 << (i < 63 ? i : 63);
    }
    for (int i = 0; i < c.nin && any && ok; i++) ok = tin[i] || (tin[i] = mx_zeros_like(c.in[i]));
    if (any && ok) ok = c.op->jvp(&c, tin, tout);
    for (int i = 0; i < c.nout && any && ok; i++) {
        mx_array *value = tout[i] ? fit(tout[i], out[i]) : NULL;
        ok = !tout[i] || value;
        v->values[v->first[index] + (size_t)i] = mx_keep(value);
    }
    room_free(&room);
    if (!ok && !mx_failed()) mx_fail(MX_RUNTIME, "[%s] its jvp rule failed.", c.op->name);
    return ok;
}

static bool seed_inputs(const mx_trace *t, const node_list *list, value_table *v, mx_array *const *tin)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    for (int i = 0; i < t->nin; i++) {
        if (!op_has("jvp", tin[i])) return false;
        if (!shape_equal(array_shape(t->traced[i]), array_shape(tin[i]))) {
            return mx_fail_false(MX_VALUE, "[jvp] input %d has shape %s, its tangent %s.", i,
                                 shape_text(a, array_shape(t->traced[i])), shape_text(b, array_shape(tin[i])));
        }
        if (!accumulate(value_of(v, list, t->traced[i]), fit(tin[i], t->traced[i]))) return false;
    }
    return true;
}

static bool run_forward(const mx_trace *t, const node_list *list, value_table *v)
{
    for (size_t i = 0; i < list->count; i++) {
        bool is_input = false;
        for (int k = 0; k < t->nin && i < (size_t)t->nin; k++) is_input |= list->nodes[i] == t->traced[k];
        if (is_input) continue;
        mx_scope s = mx_scope_open();
        bool ok = push_forward(list, v, i);
        mx_scope_close(s, NULL);
        if (!ok) return false;
    }
    return true;
}

bool mx_trace_jvp(mx_trace *t, mx_array *const *tin, mx_array *const *out, int nout, mx_array **tout)
{
    if (!trace_is_open("jvp", t, out, nout) || !op_has_all("jvp", tin, t->nin)) return false;
    node_list list = {0};
    value_table v = {0};
    bool ok = list_collect(&list, t, out, nout) && table_init(&v, &list) && seed_inputs(t, &list, &v, tin) &&
              run_forward(t, &list, &v);
    for (int i = 0; i < nout; i++) {
        mx_array **value = ok ? value_of(&v, &list, out[i]) : NULL;
        tout[i] = value && *value ? mx_temporary(mx_keep(*value)) : ok ? mx_zeros_like(out[i]) : NULL;
        ok &= tout[i] != NULL;
    }
    table_free(&v);
    list_free(&list);
    return ok;
}
