/* SPDX-License-Identifier: MIT
 *
 * What scan, while_loop and cond share: closing captured programs over what they took from outside, and running them
 * while the node that holds them is evaluated. */
#include "graph/control.h"
#include "core/memory.h"
#include "core/runtime.h"
#include "core/where.h"
#include "graph/eval.h"
#include "graph/trace.h"
#include <string.h>

/* ---- Programs as parameters */
static void drop_program_object(param_object *base)
{
    program_object *o = (program_object *)base;
    mx_program_drop(o->p);
    mx_free(o);
}

static const param_object_type program_type = {.drop = drop_program_object, .name = "program"};

program_object *program_object_take(mx_program *p)
{
    program_object *o = p ? mx_alloc(1, sizeof *o) : NULL;
    if (!o) return mx_program_drop(p), NULL;
    o->base.type = &program_type;
    atomic_init(&o->base.refs, 1);
    o->p = p;
    return o;
}

void program_object_drop(program_object *o)
{
    if (o && atomic_fetch_sub(&o->base.refs, 1) == 1) drop_program_object(&o->base);
}

void program_spec(const mx_program *p, int output, mx_spec *spec)
{
    const program_value *v = &p->values[p->outputs[output]];
    spec_set(spec, v->shape, v->dtype);
}

bool control_same_specs(const char *op, const char *what, const mx_program *p, mx_array *const *like, int count)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    for (int i = 0; i < count; i++) {
        mx_spec spec;
        program_spec(p, i, &spec);
        if (shape_equal(spec_shape(&spec), array_shape(like[i])) && spec.dtype == like[i]->dtype) continue;
        return mx_fail_false(MX_VALUE, "[%s] %s %d begins with shape %s and dtype %s, but becomes %s and %s.", op, what,
                             i, shape_text(a, array_shape(like[i])), mx_dtype_name((mx_dtype)like[i]->dtype),
                             shape_text(b, spec_shape(&spec)), mx_dtype_name(spec.dtype));
    }
    return true;
}

bool control_is_predicate(const char *op, const mx_program *p)
{
    mx_spec spec = {.ndim = -1};
    if (p->nout == 1) program_spec(p, 0, &spec);
    return spec.ndim == 0 ||
           mx_fail_false(MX_VALUE,
                         "[%s] the condition must give one scalar; it gives %u arrays, the first of %d dimensions.", op,
                         p->nout, spec.ndim);
}

/* ---- Lists */
bool list_start(array_list *l, size_t room)
{
    *l = (array_list){.at = mx_alloc(room + 1, sizeof *l->at)};
    l->failed = !l->at;
    return l->at != NULL;
}

void list_put(array_list *l, mx_array *x)
{
    l->failed |= !x;
    if (!l->failed) l->at[l->count++] = x;
}

void list_put_n(array_list *l, mx_array *const *x, int count)
{
    for (int i = 0; i < count; i++) list_put(l, x[i]);
}

void list_end(array_list *l)
{
    mx_free(l->at);
    *l = (array_list){0};
}

mx_array *placeholder_of_slice(const mx_array *x)
{
    return placeholder_new((mx_shape){x->ndim - 1, x->shape + 1}, (mx_dtype)x->dtype);
}

bool is_smooth(const mx_array *x)
{
    return mx_dtype_is((mx_dtype)x->dtype, MX_INEXACT);
}

mx_array *zeros_unless_smooth(mx_array *value, mx_array *like)
{
    return value && is_smooth(like) ? value : mx_zeros_like(like);
}

bool is_differentiated(mx_array *const *in, int count)
{
    uint64_t bits = 0;
    for (int i = 0; i < count; i++) bits |= in[i]->trace;
    return bits & atomic_load(&runtime.traces) & ~atomic_load(&runtime.batched_traces);
}

/* ---- Closing */
static bool must_be_input(mx_array *x)
{
    return array_state(x) != STATE_DONE || (x->trace & atomic_load(&runtime.traces));
}

typedef struct closing {
    const mx_program *p;
    mx_array *const *constants; /* of all programs; those of p begin at `first` */
    int count, first;
} closing;

static bool apply_steps(const mx_program *p, mx_array **values)
{
    for (uint32_t k = 0; k < p->step_count; k++) {
        const program_step *s = &p->steps[k];
        mx_array **in = mx_alloc((size_t)s->nin + 1, sizeof *in);
        for (int i = 0; i < s->nin && in; i++) in[i] = values[s->in[i]];
        bool ok = in && op_apply_multi(s->op, s->params, in, s->nin, &values[s->out], s->nout);
        mx_free(in);
        if (!ok) return false;
        where_copy(array_lead(values[s->out]), s->prototype);
    }
    return true;
}

/* The program's steps on inputs that begin with the constants. */
static bool run_open(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const closing *c = ctx;
    const mx_program *p = c->p;
    mx_array **values = mx_alloc(p->value_count + 1, sizeof *values);
    int next = c->first;
    (void)nin;
    if (!values) return false;
    for (uint32_t i = 0; i < p->nin; i++) values[i] = in[(uint32_t)c->count + i];
    for (uint32_t i = 0; i < p->constant_count; i++) {
        mx_array *x = p->constants[i].array;
        bool is_input = next < c->count && c->constants[next] == x;
        values[p->constants[i].value] = is_input ? in[next++] : x;
    }
    bool ok = apply_steps(p, values);
    for (int i = 0; i < nout && ok; i++) out[i] = values[p->outputs[i]];
    mx_free(values);
    return ok;
}

static mx_program *close_one(const char *op, const closing *c)
{
    array_list like;
    mx_program *closed = NULL;
    mx_scope s = mx_scope_open();
    if (list_start(&like, (size_t)c->count + c->p->nin)) {
        list_put_n(&like, c->constants, c->count);
        for (uint32_t i = 0; i < c->p->nin; i++)
            list_put(&like, placeholder_new(c->p->values[i].shape, c->p->values[i].dtype));
        if (!like.failed) closed = program_of(op, run_open, (void *)c, like.at, like.count, (int)c->p->nout, false);
        list_end(&like);
    }
    mx_scope_close(s, NULL);
    return closed;
}

bool control_close(const char *op, const mx_program *const *programs, int count, closed_programs *out)
{
    size_t room = 1;
    *out = (closed_programs){0};
    for (int k = 0; k < count; k++) room += programs[k]->constant_count;
    if (!(out->constants = mx_alloc(room, sizeof *out->constants))) return false;
    int first[2] = {0};
    for (int k = 0; k < count; k++) {
        first[k] = out->constant_count;
        for (uint32_t i = 0; i < programs[k]->constant_count; i++) {
            mx_array *x = programs[k]->constants[i].array;
            if (must_be_input(x)) out->constants[out->constant_count++] = x;
        }
    }
    for (int k = 0; k < count; k++) {
        closing c = {programs[k], out->constants, out->constant_count, first[k]};
        if ((out->p[k] = close_one(op, &c))) continue;
        closed_free(out);
        return false;
    }
    return true;
}

void closed_free(closed_programs *c)
{
    for (int k = 0; k < 2; k++) mx_program_drop(c->p[k]);
    mx_free(c->constants);
    *c = (closed_programs){0};
}

bool control_run(void *program, mx_array *const *in, int nin, mx_array **out, int nout)
{
    return mx_program_run(program, in, nin, out, nout);
}

/* ---- While a node runs */
static mx_array *plain(const mx_array *x, int skip, int64_t offset)
{
    mx_spec spec;
    spec_set(&spec, (mx_shape){x->ndim - skip, x->shape + skip}, (mx_dtype)x->dtype);
    mx_array *y = array_new(&spec, 1);
    if (!y) return NULL;
    if (y->ndim) memcpy(y->strides, x->strides + skip, y->ndim * sizeof *y->strides);
    y->stream = x->stream;
    array_set_buffer_take(y, buffer_keep(x->buffer), x->offset + offset);
    array_set_contiguity(y);
    atomic_store_explicit(&y->state, STATE_DONE, memory_order_release);
    return y;
}

mx_array *control_plain(const mx_array *x)
{
    return plain(x, 0, 0);
}

mx_array *control_plain_slice(const mx_array *x, int64_t at)
{
    return plain(x, 1, at * x->strides[0] * (int64_t)mx_dtype_size((mx_dtype)x->dtype));
}

bool control_replay(const mx_program *p, mx_array *const *in, mx_array **out)
{
    return program_replay(p, in, out) && eval_within(out, (int)p->nout);
}

void control_publish(mx_array *out, const mx_array *from)
{
    memcpy(out->strides, from->strides, (size_t)out->ndim * sizeof *out->strides);
    array_set_buffer_take(out, buffer_keep(from->buffer), from->offset);
    array_set_contiguity(out);
}
