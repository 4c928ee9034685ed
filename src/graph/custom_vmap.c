/* SPDX-License-Identifier: MIT
 *
 * A batch of a custom function that has no vmap rule.  What the function made is batched as anything is; the node over
 * it gets rules that map the original ones, so a batch is differentiated by the user's rules too. */
#include "core/memory.h"
#include "graph/custom.h"
#include "graph/trace.h"
#include <string.h>

/* What the mapped rules know: the rules for one, and which inputs are mapped.  All outputs are. */
typedef struct mapped_rules {
    custom_object *one;
    int nin, nout;
    int axes[]; /* nin of them */
} mapped_rules;

static void release_mapped(void *ctx)
{
    mapped_rules *m = ctx;
    custom_object_drop(m->one);
    mx_free(m);
}

/* Room for the arrays and axes of a call of mx_vmap. */
typedef struct mapped_call {
    mx_array **in;
    int *axes, count, *zeros;
} mapped_call;

static bool call_init(mapped_call *v, const mapped_rules *m, int extra)
{
    size_t most = (size_t)(m->nin + extra), results = (size_t)(m->nin > m->nout ? m->nin : m->nout);
    *v = (mapped_call){.in = mx_alloc(most + 1, sizeof *v->in), .axes = mx_alloc(most + 1, sizeof *v->axes)};
    v->zeros = mx_alloc(results + 1, sizeof *v->zeros);
    return v->in && v->axes && v->zeros;
}

static void call_free(mapped_call *v)
{
    mx_free(v->in);
    mx_free(v->axes);
    mx_free(v->zeros);
}

static void call_add(mapped_call *v, mx_array *x, int axis)
{
    v->axes[v->count] = axis;
    v->in[v->count++] = x;
}

static void add_inputs(mapped_call *v, const mapped_rules *m, mx_array *const *in)
{
    for (int i = 0; i < m->nin; i++) call_add(v, in[i], m->axes[i]);
}

static bool mapped_fn(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mapped_rules *m = ctx;
    mapped_call v;
    bool ok = call_init(&v, m, 0) && mx_vmap(custom_run, m->one, in, m->axes, nin, out, v.zeros, nout);
    call_free(&v);
    return ok;
}

/* ---- vjp: of one, over (inputs, cotangents, outputs) */
static bool vjp_of_one(void *ctx, mx_array *const *in, int nin, mx_array **din, int n)
{
    const mapped_rules *m = ctx;
    const mx_custom_rules *r = &m->one->rules;
    bool ok = r->vjp(r->ctx, in, n, in + n, in + n + m->nout, m->nout, din);
    (void)nin;
    for (int i = 0; i < n && ok; i++) ok = din[i] || (din[i] = mx_zeros_like(in[i]));
    return ok;
}

static bool mapped_vjp(void *ctx, mx_array *const *in, int nin, mx_array *const *dout, mx_array *const *out, int nout,
                       mx_array **din)
{
    const mapped_rules *m = ctx;
    mapped_call v;
    bool ok = call_init(&v, m, 2 * nout);
    if (ok) add_inputs(&v, m, in);
    for (int i = 0; i < nout && ok; i++) call_add(&v, dout[i], 0);
    for (int i = 0; i < nout && ok; i++) call_add(&v, out[i], 0);
    ok = ok && mx_vmap(vjp_of_one, ctx, v.in, v.axes, v.count, din, v.zeros, nin);
    for (int i = 0; i < nin && ok; i++) {
        if (m->axes[i] == MX_UNMAPPED) ok = (din[i] = mx_sum(din[i], AXES(0), false)) != NULL;
    }
    call_free(&v);
    return ok;
}

/* ---- jvp: of one, over (inputs, those tangents that are there) */
typedef struct tangents_of_one {
    const mapped_rules *m;
    mx_array *const *tin; /* the whole ones: which are there */
} tangents_of_one;

static bool jvp_of_one(void *ctx, mx_array *const *in, int nin, mx_array **tout, int nout)
{
    const tangents_of_one *t = ctx;
    const mx_custom_rules *r = &t->m->one->rules;
    mx_array **tin = mx_alloc((size_t)nin + 1, sizeof *tin), **out = mx_alloc((size_t)nout + 1, sizeof *out);
    bool ok = tin && out;
    int n = t->m->nin;
    for (int i = 0, next = n; i < n && ok; i++) tin[i] = t->tin[i] ? in[next++] : NULL;
    ok = ok && r->jvp(r->ctx, in, tin, n, tout, nout);
    bool all = true;
    for (int i = 0; i < nout && ok; i++) all &= tout[i] != NULL;
    if (ok && !all) ok = custom_run(t->m->one, in, n, out, nout); /* only for their shapes */
    for (int i = 0; i < nout && ok; i++) ok = tout[i] || (tout[i] = mx_zeros_like(out[i]));
    mx_free(tin);
    mx_free(out);
    return ok;
}

static bool mapped_jvp(void *ctx, mx_array *const *in, mx_array *const *tin, int nin, mx_array **tout, int nout)
{
    const mapped_rules *m = ctx;
    mapped_call v;
    bool ok = call_init(&v, m, nin);
    if (ok) add_inputs(&v, m, in);
    for (int i = 0; i < nin && ok; i++) {
        if (tin[i]) call_add(&v, tin[i], m->axes[i]);
    }
    ok = ok && mx_vmap(jvp_of_one, &(tangents_of_one){m, tin}, v.in, v.axes, v.count, tout, v.zeros, nout);
    call_free(&v);
    return ok;
}

static custom_object *mapped_object(custom_object *one, const int *axis_in, int nin, int nout)
{
    mapped_rules *m = mx_alloc(1, sizeof *m + (size_t)nin * sizeof *m->axes);
    if (!m) return NULL;
    m->one = one;
    m->nin = nin;
    m->nout = nout;
    memcpy(m->axes, axis_in, (size_t)nin * sizeof *m->axes);
    params_keep(&mx_op_custom, &(custom_params){0, one});
    custom_object *o = custom_object_new(&(mx_custom_rules){.fn = mapped_fn,
                                                            .vjp = one->rules.vjp ? mapped_vjp : NULL,
                                                            .jvp = one->rules.jvp ? mapped_jvp : NULL,
                                                            .ctx = m,
                                                            .release = release_mapped});
    if (o) o->checkpoint = one->checkpoint;
    return o;
}

bool custom_vmap_derived(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    custom_object *one = ((const custom_params *)c->params)->object;
    int nin = c->nin - c->nout, with = 0;
    while (axis_in[with] != 0) with++;
    int64_t size = c->in[with]->shape[0];
    mx_array **made = mx_alloc((size_t)c->nout, sizeof *made);
    custom_object *o = made ? mapped_object(one, axis_in, nin, c->nout) : NULL;
    bool ok = o != NULL;
    for (int i = 0; i < c->nout && ok; i++) {
        made[i] = axis_in[nin + i] == 0 ? c->in[nin + i] : batch_repeat(c->in[nin + i], size);
        axis_out[i] = 0;
        ok = made[i] != NULL;
    }
    ok = ok && custom_apply(o, c->in, nin, made, c->nout, out);
    if (o) custom_object_drop(o);
    mx_free(made);
    return ok;
}
