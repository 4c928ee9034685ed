/* SPDX-License-Identifier: MIT
 *
 * Batching: the function is run once on placeholders that lack the mapped axis; then what it made is made again, node
 * by node, from the whole arrays.  The mapped axis is kept in front, which costs nothing, because moving an axis is a
 * view. */
#include "core/memory.h"
#include "core/runtime.h"
#include "graph/trace.h"
#include <string.h>

typedef struct placeholder_params {
    param_shape shape;
    mx_dtype dtype;
} placeholder_params;

static const mx_field placeholder_fields[] = {FIELD_SHAPE(placeholder_params, shape),
                                              FIELD_DTYPE(placeholder_params, dtype), FIELD_END};

static bool placeholder_shape(const mx_call *c, mx_spec *out)
{
    const placeholder_params *p = c->params;
    spec_set(out, (mx_shape){p->shape.ndim, p->shape.at}, p->dtype);
    return true;
}

const mx_op mx_op_placeholder = {OP_NAMED(placeholder, "placeholder"), .fields = placeholder_fields,
                                 .params_size = sizeof(placeholder_params), .flags = OP_PLACEHOLDER,
                                 .shape = placeholder_shape};

bool mx_is_tracer(const mx_array *x)
{
    return x && (x->trace & atomic_load(&runtime.batched_traces) & atomic_load(&runtime.traces));
}

mx_array *placeholder_new(mx_shape shape, mx_dtype dtype)
{
    placeholder_params p = {.dtype = dtype, .shape = param_shape_of(shape)};
    return op_apply_none(&mx_op_placeholder, &p);
}

static bool set_batch(mx_trace *t, int i, int64_t size)
{
    if (t->batch >= 0 && t->batch != size) {
        return mx_fail_false(MX_VALUE,
                             "[vmap] input %d has %lld entries along its mapped axis, an earlier one has %lld.", i,
                             (long long)size, (long long)t->batch);
    }
    t->batch = size;
    return true;
}

static bool add_input(mx_trace *t, int i, mx_array *x, int axis, mx_array **traced)
{
    t->axes[i] = MX_UNMAPPED;
    *traced = mx_copy(x);
    if (axis != MX_UNMAPPED) {
        int a = axis_of("vmap", axis, x->ndim, MX_VALUE);
        if (a < 0) return false;
        x = mx_moveaxis(x, a, 0);
        if (!x || !set_batch(t, i, x->shape[0])) return false;
        t->axes[i] = 0;
        *traced = placeholder_new((mx_shape){x->ndim - 1, x->shape + 1}, (mx_dtype)x->dtype);
        if (*traced) (*traced)->trace |= t->bit | x->trace;
    }
    t->in[i] = mx_keep(x);
    t->traced[i] = mx_keep(*traced);
    return *traced != NULL;
}

mx_trace *mx_trace_begin_batched(mx_array *const *in, const int *in_axes, int nin, mx_array **traced)
{
    if (!op_has_all("vmap", in, nin)) return NULL;
    if (nin && !in_axes) return mx_fail(MX_VALUE, "[vmap] the axes of the inputs are NULL.");
    mx_trace *t = trace_new(nin, true);
    if (!t) return NULL;
    bool ok = true;
    for (int i = 0; i < nin && ok; i++) ok = add_input(t, i, in[i], in_axes[i], &traced[i]);
    if (ok && t->batch < 0) ok = mx_fail_false(MX_VALUE, "[vmap] at least one input must be mapped.");
    if (!ok) mx_trace_end(&t);
    return t;
}

/* ---- Making it again */
/* What stands for x on whole arrays: its batched version (owned by the table), or x itself. */
static mx_array *whole(const node_list *list, mx_array *const *batched, const size_t *first, mx_array *x, int *axis)
{
    int64_t i = list_find(list, x);
    mx_array *b = i < 0 ? NULL : batched[first[i] + x->out_index];
    *axis = b ? 0 : MX_UNMAPPED;
    return b ? b : x;
}

/* `in` and `axis_in` have room for the inputs and, after them, for the outputs. */
static bool apply_rule(const mx_trace *t, const node_list *list, mx_array **batched, const size_t *first, size_t index,
                       mx_array **in, int *axis_in)
{
    mx_array *lead = list->nodes[index], **out = in + lead->nin;
    int *axis_out = axis_in + lead->nin;
    bool any = false;
    mx_call c = {.op = lead->op, .params = array_params(lead), .in = in, .nin = lead->nin, .nout = lead->nout};
    for (int i = 0; i < c.nin; i++) {
        in[i] = whole(list, batched, first, lead->in[i], &axis_in[i]);
        any |= axis_in[i] == 0;
    }
    if (!any) return true;
    if (!c.op->vmap) return mx_fail_false(MX_VALUE, "[vmap] %s cannot be mapped.", c.op->name);
    if (!c.op->vmap(&c, axis_in, out, axis_out))
        return mx_fail_false(MX_RUNTIME, "[%s] its vmap rule failed.", c.op->name);
    for (int i = 0; i < c.nout; i++) {
        mx_array *b = axis_out[i] == 0             ? out[i]
                      : axis_out[i] == MX_UNMAPPED ? batch_repeat(out[i], t->batch)
                                                   : mx_moveaxis(out[i], axis_out[i], 0);
        if (!b) return false;
        batched[first[index] + (size_t)i] = mx_keep(b);
    }
    return true;
}

static bool replay(const mx_trace *t, const node_list *list, mx_array **batched, const size_t *first)
{
    for (int i = 0; i < t->nin; i++) {
        int64_t at = list_find(list, t->traced[i]);
        if (t->axes[i] == 0) batched[first[at]] = mx_keep(t->in[i]);
    }
    for (size_t i = 0; i < list->count; i++) {
        mx_array *lead = list->nodes[i];
        if (!lead->op || lead->nin == 0 || batched[first[i]]) continue;
        size_t count = (size_t)lead->nin + lead->nout;
        mx_array **in = mx_alloc(count, sizeof *in);
        int *axis_in = mx_alloc(count, sizeof *axis_in);
        mx_scope s = mx_scope_open();
        bool ok = in && axis_in && apply_rule(t, list, batched, first, i, in, axis_in) && !mx_failed();
        mx_scope_close(s, NULL);
        mx_free(in);
        mx_free(axis_in);
        if (!ok) return false;
    }
    return true;
}

mx_array *batch_repeat(mx_array *x, int64_t size)
{
    int64_t shape[MX_MAX_NDIM + 1] = {size};
    if (!x) return NULL;
    for (int i = 0; i < x->ndim; i++) shape[i + 1] = x->shape[i];
    return mx_broadcast_to(x, (mx_shape){x->ndim + 1, shape});
}

/* One output with its batch axis where it is wanted; an output that depends on no mapped input is repeated. */
static mx_array *place(const mx_trace *t, mx_array *x, int axis, int out_axis)
{
    if (out_axis == MX_UNMAPPED) {
        if (axis == MX_UNMAPPED) return x;
        return mx_fail(MX_VALUE, "[vmap] an output that depends on a mapped input needs an output axis.");
    }
    if (axis == MX_UNMAPPED) x = batch_repeat(x, t->batch);
    int a = x ? axis_of("vmap", out_axis, x->ndim, MX_VALUE) : -1;
    return a < 0 ? NULL : mx_moveaxis(x, 0, a);
}

bool mx_trace_vmap(mx_trace *t, mx_array *const *out, const int *out_axes, int nout, mx_array **results)
{
    if (!trace_is_open("vmap", t, out, nout)) return false;
    if (nout && !out_axes) return mx_fail_false(MX_VALUE, "[vmap] the axes of the outputs are NULL.");
    node_list list = {0};
    size_t count = 0, *first = NULL;
    mx_array **batched = NULL;
    bool ok = list_collect(&list, t, out, nout) && (first = mx_alloc(list.count, sizeof *first));
    for (size_t i = 0; ok && i < list.count; i++) {
        first[i] = count;
        count += list.nodes[i]->nout;
    }
    ok = ok && (batched = mx_alloc(count, sizeof *batched)) && replay(t, &list, batched, first);
    for (int i = 0; i < nout; i++) {
        int axis;
        mx_array *x = ok ? whole(&list, batched, first, out[i], &axis) : NULL;
        x = x ? place(t, x, axis, out_axes[i]) : NULL;
        results[i] = x ? mx_temporary(mx_keep(x)) : NULL; /* it may be the table's own */
        ok &= results[i] != NULL;
    }
    for (size_t i = 0; batched && i < count; i++) mx_drop(batched[i]);
    mx_free(batched);
    mx_free(first);
    list_free(&list);
    return ok;
}
