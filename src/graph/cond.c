/* SPDX-License-Identifier: MIT
 *
 * cond: one of two programs, chosen when the predicate is known; the other does not run.  Derivatives are conds of the
 * branches' derivatives; a batch with a predicate for each computes both branches and selects. */
#include "core/memory.h"
#include "core/thread.h"
#include "graph/control.h"
#include "graph/eval.h"
#include "graph/trace.h"
#include <string.h>

typedef struct cond_params {
    program_object *branch[2]; /* if false, if true: of all inputs but the first, the predicate */
} cond_params;

static const mx_field fields[] = {FIELD_OBJECT(cond_params, branch[0]), FIELD_OBJECT(cond_params, branch[1]),
                                  FIELD_END};

static int cond_outputs(const void *params)
{
    return (int)((const cond_params *)params)->branch[0]->p->nout;
}

static bool cond_shape(const mx_call *c, mx_spec *out)
{
    const cond_params *p = c->params;
    for (int i = 0; i < c->nout; i++) program_spec(p->branch[0]->p, i, &out[i]);
    return true;
}

static bool cond_evaluate(mx_array *lead)
{
    const cond_params *p = array_params(lead);
    int n = lead->nin;
    mx_array **in = mx_alloc((size_t)n + 1, sizeof *in), **out = mx_alloc((size_t)lead->nout + 1, sizeof *out);
    mx_stream *before = mx_use_stream(lead->stream);
    bool ok = in && out;
    for (int i = 0; i < n && ok; i++) ok = (in[i] = control_plain(lead->in[i])) != NULL;
    mx_scope s = mx_scope_open();
    if (ok && (ok = array_ready(in[0]))) {
        bool yes = mx_value(in[0]) != 0;
        ok = !mx_failed() && control_replay(p->branch[yes]->p, in + 1, out);
    }
    for (int i = 0; i < lead->nout && ok; i++) control_publish(&lead[i], out[i]);
    mx_scope_close(s, NULL);
    mx_use_stream(before);
    for (int i = 0; in && i < n; i++) mx_drop(in[i]);
    mx_free(in);
    mx_free(out);
    return ok;
}

/* A node of derived branches, each made by `fn` from an original one. */
typedef struct derived {
    mx_program *p; /* the original */
    const mx_call *c;
    const bool *wanted;
    const int *axes;
    int nout;
} derived;

static bool cond_derive(const mx_call *c, derivation how, derived *d, mx_array *const *in, int nin, mx_array **out)
{
    const cond_params *p = c->params;
    cond_params made = {{NULL}};
    bool ok = true;
    for (int k = 0; k < 2 && ok; k++) {
        d->p = p->branch[k]->p;
        how.ctx = d;
        made.branch[k] = program_object_take(program_derived(d->p, &how, in + 1, nin - 1, d->nout));
        ok = made.branch[k] != NULL;
    }
    ok = ok && op_apply_multi(&mx_op_cond, &made, in, nin, out, d->nout);
    for (int k = 0; k < 2; k++) program_object_drop(made.branch[k]);
    return ok;
}

/* ---- Reverse mode: (inputs, dout) -> the cotangents that are wanted */
static bool backward_branch(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const derived *d = ctx;
    int n = d->c->nin - 1, next = 0;
    (void)nin, (void)nout;
    mx_array **made = mx_alloc((size_t)(d->c->nout + n) + 1, sizeof *made), **din = made ? made + d->c->nout : NULL;
    bool ok = made && mx_vjp(control_run, d->p, in, n, in + n, d->c->nout, made, din);
    for (int i = 0; i < n && ok; i++) {
        if (d->wanted[i]) out[next++] = din[i];
    }
    mx_free(made);
    return ok;
}

static bool cond_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    array_list in;
    int n = c->nin - 1, next = 0;
    bool *wanted = mx_alloc((size_t)n + 1, sizeof *wanted);
    mx_array **out = mx_alloc((size_t)n + 1, sizeof *out);
    bool ok = list_start(&in, (size_t)(c->nin + c->nout)) & (wanted != NULL) & (out != NULL);
    derived d = {.c = c, .wanted = wanted};
    derivation how = {.op = "cond", .fn = backward_branch, .key = wanted, .key_bytes = (size_t)n * sizeof *wanted};
    for (int i = 0; i < n && ok; i++) d.nout += wanted[i] = call_wants(c, i + 1) && is_smooth(c->in[i + 1]);
    if (ok) {
        list_put_n(&in, c->in, c->nin);
        list_put_n(&in, dout, c->nout);
        ok = !in.failed && (d.nout == 0 || cond_derive(c, how, &d, in.at, in.count, out));
    }
    for (int i = 0; i < n && ok; i++) {
        if (wanted[i]) din[i + 1] = out[next++];
    }
    list_end(&in);
    mx_free(wanted);
    mx_free(out);
    return ok;
}

/* ---- Forward mode: (inputs, tin) -> tout */
static bool forward_branch(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const derived *d = ctx;
    int n = nin / 2;
    mx_array **made = mx_alloc((size_t)nout + 1, sizeof *made);
    bool ok = made && mx_jvp(control_run, d->p, in, in + n, n, made, out, nout);
    mx_free(made);
    return ok;
}

static bool cond_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    array_list in;
    bool ok = list_start(&in, 2 * (size_t)c->nin);
    if (ok) list_put_n(&in, c->in, c->nin);
    for (int i = 1; i < c->nin && ok; i++) list_put(&in, zeros_unless_smooth(tin[i], c->in[i]));
    derivation how = {.op = "cond", .fn = forward_branch};
    ok = ok && !in.failed && cond_derive(c, how, &(derived){.c = c, .nout = c->nout}, in.at, in.count, tout);
    list_end(&in);
    return ok;
}

/* ---- Batches */
static bool mapped_branch(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const derived *d = ctx;
    return mx_vmap(control_run, d->p, in, d->axes, nin, out, d->axes + nin, nout);
}

/* One of a batch's two results each. */
static bool select_branches(const mx_call *c, const derived *d, mx_array **out)
{
    const cond_params *p = c->params;
    mx_array **other = mx_alloc((size_t)c->nout + 1, sizeof *other), *yes = mx_astype(c->in[0], MX_BOOL);
    derived no_branch = *d, yes_branch = *d;
    no_branch.p = p->branch[0]->p;
    yes_branch.p = p->branch[1]->p;
    bool ok = other && yes && mapped_branch(&no_branch, c->in + 1, c->nin - 1, other, c->nout) &&
              mapped_branch(&yes_branch, c->in + 1, c->nin - 1, out, c->nout);
    for (int i = 0; i < c->nout && ok; i++) {
        int64_t shape[MX_MAX_NDIM] = {c->in[0]->shape[0]};
        for (int k = 1; k < out[i]->ndim; k++) shape[k] = 1;
        out[i] = mx_where(mx_reshape(yes, (mx_shape){out[i]->ndim, shape}), out[i], other[i]);
        ok = out[i] != NULL;
    }
    mx_free(other);
    return ok;
}

/* Both branches, where no input but the predicate is mapped. */
static bool select_once(const mx_call *c, mx_array **out)
{
    const cond_params *p = c->params;
    mx_array **other = mx_alloc((size_t)c->nout + 1, sizeof *other), *yes = mx_astype(c->in[0], MX_BOOL);
    bool ok = other && yes && mx_program_run(p->branch[0]->p, c->in + 1, c->nin - 1, other, c->nout) &&
              mx_program_run(p->branch[1]->p, c->in + 1, c->nin - 1, out, c->nout);
    for (int i = 0; i < c->nout && ok; i++) {
        int64_t shape[MX_MAX_NDIM] = {c->in[0]->shape[0]};
        for (int k = 0; k < out[i]->ndim; k++) shape[k + 1] = 1;
        out[i] = mx_where(mx_reshape(yes, (mx_shape){out[i]->ndim + 1, shape}), mx_expand_dims(out[i], AXES(0)),
                          mx_expand_dims(other[i], AXES(0)));
        ok = out[i] != NULL;
    }
    mx_free(other);
    return ok;
}

static bool cond_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    int *axes = mx_alloc((size_t)(c->nin + c->nout) + 1, sizeof *axes); /* of the operands, then zeros */
    bool mapped = false;
    if (!axes) return false;
    for (int i = 1; i < c->nin; i++) {
        axes[i - 1] = axis_in[i];
        mapped |= axis_in[i] == 0;
    }
    derived d = {.c = c, .axes = axes, .nout = c->nout};
    derivation how = {.op = "cond", .fn = mapped_branch, .key = axes, .key_bytes = (size_t)(c->nin - 1) * sizeof *axes};
    bool ok = axis_in[0] != 0 ? cond_derive(c, how, &d, c->in, c->nin, out)
              : mapped        ? select_branches(c, &d, out)
                              : select_once(c, out);
    for (int i = 0; i < c->nout; i++) axis_out[i] = 0;
    mx_free(axes);
    return ok;
}

/* ---- Without a choice: both branches, and a selection */
static bool cond_spell(const mx_call *c, mx_array **out)
{
    const cond_params *p = c->params;
    mx_array **other = mx_alloc((size_t)c->nout + 1, sizeof *other), *yes = mx_astype(c->in[0], MX_BOOL);
    bool ok = other && yes && mx_program_run(p->branch[0]->p, c->in + 1, c->nin - 1, other, c->nout) &&
              mx_program_run(p->branch[1]->p, c->in + 1, c->nin - 1, out, c->nout);
    for (int i = 0; i < c->nout && ok; i++) ok = (out[i] = mx_where(yes, out[i], other[i])) != NULL;
    mx_free(other);
    return ok;
}

const mx_op mx_op_cond = {OP_NAMED(cond, "cond"),  .fields = fields,    .params_size = sizeof(cond_params),
                          .outputs = cond_outputs, .shape = cond_shape, .vjp = cond_vjp,
                          .jvp = cond_jvp,         .vmap = cond_vmap,   .evaluate = cond_evaluate,
                          .spell = cond_spell};

/* ---- The public functions */
static bool same_branches(const mx_program *yes, const mx_program *no)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (yes->nout != no->nout)
        return mx_fail_false(MX_VALUE, "[cond] one branch gives %u arrays, the other %u.", yes->nout, no->nout);
    for (int i = 0; i < (int)yes->nout; i++) {
        mx_spec x, y;
        program_spec(yes, i, &x);
        program_spec(no, i, &y);
        if (shape_equal(spec_shape(&x), spec_shape(&y)) && x.dtype == y.dtype) continue;
        return mx_fail_false(MX_VALUE,
                             "[cond] result %d has shape %s and dtype %s in one branch, %s and %s in the other.", i,
                             shape_text(a, spec_shape(&x)), mx_dtype_name(x.dtype), shape_text(b, spec_shape(&y)),
                             mx_dtype_name(y.dtype));
    }
    return true;
}

bool mx_cond_program(mx_array *predicate, const mx_program *yes, const mx_program *no, mx_array *const *in, int nin,
                     mx_array **out)
{
    closed_programs closed;
    array_list all;
    if (!op_has("cond", predicate) || !op_has_all("cond", in, nin)) return false;
    if (!yes || !no) return mx_fail_false(MX_VALUE, "[cond] a program is NULL.");
    if (predicate->ndim)
        return mx_fail_false(MX_VALUE, "[cond] the predicate must be a scalar, it has %d dimensions.", predicate->ndim);
    if (!same_branches(yes, no)) return false;
    if ((int)yes->nin != nin || (int)no->nin != nin)
        return mx_fail_false(MX_VALUE, "[cond] %d arrays for branches that take %u and %u.", nin, yes->nin, no->nin);
    if (!yes->nout) return true;
    if (!out) return mx_fail_false(MX_VALUE, "[cond] there is no place for the results: NULL.");
    if (!control_close("cond", (const mx_program *const[]){no, yes}, 2, &closed)) return false;
    cond_params p = {
        {program_object_take(mx_program_keep(closed.p[0])), program_object_take(mx_program_keep(closed.p[1]))}};
    bool ok = list_start(&all, (size_t)(closed.constant_count + nin) + 1) & (p.branch[0] && p.branch[1]);
    if (ok) {
        list_put(&all, predicate);
        list_put_n(&all, closed.constants, closed.constant_count);
        list_put_n(&all, in, nin);
        ok = op_apply_multi(&mx_op_cond, &p, all.at, all.count, out, (int)yes->nout);
    }
    for (int k = 0; k < 2; k++) program_object_drop(p.branch[k]);
    list_end(&all);
    closed_free(&closed);
    return ok;
}

bool mx_cond(mx_array *predicate, mx_fn yes, mx_fn no, void *ctx, mx_array *const *in, int nin, mx_array **out,
             int nout)
{
    if (!yes || !no) return mx_fail_false(MX_VALUE, "[cond] a function is NULL.");
    if (nin < 0 || nout < 0 || (nout && !out))
        return mx_fail_false(MX_VALUE, "[cond] there is no place for the results.");
    if (!op_has_all("cond", in, nin)) return false;
    mx_program *y = program_of("cond", yes, ctx, in, nin, nout, false);
    mx_program *n = y ? program_of("cond", no, ctx, in, nin, nout, false) : NULL;
    bool ok = n && mx_cond_program(predicate, y, n, in, nin, out);
    mx_program_drop(y);
    mx_program_drop(n);
    return ok;
}
