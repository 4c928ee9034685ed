/* SPDX-License-Identifier: MIT
 *
 * scan: a loop of known length, lazy and differentiable both ways.
 *
 * The node's inputs are what the body takes from outside (constants), the first carry, and the arrays that are walked
 * along their first axis; its outputs the last carry, the carry before each step if derivatives will want it, and what
 * the steps gave.  The derivative rules are scans of derived bodies: backward, each step is run again from its saved
 * carry, so memory is one carry a step, not all that a step computes (Griewank and Walther, 2008, chapter 12). */
#include "core/memory.h"
#include "core/thread.h"
#include "graph/control.h"
#include "graph/eval.h"
#include "graph/trace.h"
#include <string.h>

typedef struct scan_params {
    int64_t length;
    int32_t constants, carry, xs; /* inputs, in this order */
    bool reverse, saves;          /* saves: the carries before the steps are outputs, after the last carry */
    program_object *body;         /* (constants, carry, xs at a step) -> (carry, ys at the step) */
} scan_params;

static const mx_field fields[] = {FIELD_INT64(scan_params, length), FIELD_INT(scan_params, constants),
                                  FIELD_INT(scan_params, carry),    FIELD_INT(scan_params, xs),
                                  FIELD_BOOL(scan_params, reverse), FIELD_BOOL(scan_params, saves),
                                  FIELD_OBJECT(scan_params, body),  FIELD_END};

static int scan_outputs(const void *params)
{
    const scan_params *p = params;
    return (int)p->body->p->nout + (p->saves ? p->carry : 0);
}

static bool stacked_spec(int64_t length, const mx_spec *one, mx_spec *all)
{
    if (one->ndim == MX_MAX_NDIM) return mx_fail_false(MX_VALUE, "[scan] more than %d dimensions.", MX_MAX_NDIM);
    *all = (mx_spec){.dtype = one->dtype, .ndim = one->ndim + 1, .shape = {length}};
    memcpy(all->shape + 1, one->shape, (size_t)one->ndim * sizeof *one->shape);
    return true;
}

static bool scan_shape(const mx_call *c, mx_spec *out)
{
    const scan_params *p = c->params;
    int next = 0;
    mx_spec one;
    for (int i = 0; i < p->carry; i++) program_spec(p->body->p, i, &out[next++]);
    for (int i = 0; p->saves && i < p->carry; i++) {
        program_spec(p->body->p, i, &one);
        if (!stacked_spec(p->length, &one, &out[next++])) return false;
    }
    for (int i = p->carry; i < (int)p->body->p->nout; i++) {
        program_spec(p->body->p, i, &one);
        if (!stacked_spec(p->length, &one, &out[next++])) return false;
    }
    return true;
}

/* ---- Evaluation */
typedef struct scan_run {
    const scan_params *p;
    mx_array *lead;
    mx_array **in, **out;   /* of the body; in is owned */
    mx_array **stacks;      /* of what the steps give, owned */
    int nin, nout, stacked; /* stacked: saves and ys */
} scan_run;

static bool start(scan_run *r)
{
    const scan_params *p = r->p;
    r->nin = r->lead->nin;
    r->nout = (int)p->body->p->nout;
    r->stacked = r->lead->nout - p->carry;
    r->in = mx_alloc((size_t)r->nin + 1, sizeof *r->in);
    r->out = mx_alloc((size_t)r->nout + (size_t)r->stacked + 1, sizeof *r->out);
    r->stacks = mx_alloc((size_t)r->stacked + 1, sizeof *r->stacks);
    if (!r->in || !r->out || !r->stacks) return false;
    for (int i = 0; i < p->constants + p->carry; i++) {
        if (!(r->in[i] = control_plain(r->lead->in[i]))) return false;
    }
    for (int i = 0; i < r->stacked; i++) {
        const mx_array *out = &r->lead[p->carry + i];
        if (!(r->stacks[i] = mx_keep(mx_zeros(array_shape(out), (mx_dtype)out->dtype)))) return false;
    }
    return true;
}

/* stacks[i][at] = value, in place if the stack is ours alone. */
static bool put(scan_run *r, int i, mx_array *value, int64_t at)
{
    int64_t begin[MX_MAX_NDIM] = {at}, end[MX_MAX_NDIM] = {at + 1}, step[MX_MAX_NDIM];
    mx_array *stack = r->stacks[i];
    for (int d = 0; d < stack->ndim; d++) {
        step[d] = 1;
        if (d) end[d] = stack->shape[d];
    }
    mx_array *more = mx_slice_update(stack, mx_expand_dims(value, AXES(0)), begin, end, step);
    mx_drop(stack);
    r->stacks[i] = mx_keep(more);
    return more != NULL;
}

/* One step: its inputs are evaluated, and so is what it leaves. */
static bool step(scan_run *r, int64_t at)
{
    const scan_params *p = r->p;
    int first = p->constants + p->carry, saved = p->saves ? p->carry : 0;
    for (int i = first; i < r->nin; i++) {
        mx_drop(r->in[i]);
        if (!(r->in[i] = control_plain_slice(r->lead->in[i], at))) return false;
    }
    mx_scope s = mx_scope_open();
    bool ok = program_replay(p->body->p, r->in, r->out);
    for (int i = 0; i < saved && ok; i++) ok = put(r, i, r->in[p->constants + i], at);
    for (int i = p->carry; i < r->nout && ok; i++) ok = put(r, saved + i - p->carry, r->out[i], at);
    for (int i = 0; i < p->carry && ok; i++) mx_keep(r->out[i]);
    mx_scope_close(s, NULL);
    if (!ok) return false;
    memcpy(r->out + p->carry, r->stacks, (size_t)r->stacked * sizeof *r->out);
    ok = eval_within(r->out, p->carry + r->stacked);
    for (int i = 0; i < p->carry; i++) {
        mx_drop(r->in[p->constants + i]);
        r->in[p->constants + i] = r->out[i];
    }
    return ok;
}

static bool scan_evaluate(mx_array *lead)
{
    scan_run r = {.p = array_params(lead), .lead = lead};
    mx_stream *before = mx_use_stream(lead->stream);
    mx_scope s = mx_scope_open();
    bool ok = start(&r);
    mx_scope_close(s, NULL);
    for (int64_t i = 0; i < r.p->length && ok; i++) ok = step(&r, r.p->reverse ? r.p->length - 1 - i : i);
    ok = ok && eval_within(r.stacks, r.stacked);
    for (int i = 0; i < r.p->carry && ok; i++) control_publish(&lead[i], r.in[r.p->constants + i]);
    for (int i = 0; i < r.stacked && ok; i++) control_publish(&lead[r.p->carry + i], r.stacks[i]);
    mx_use_stream(before);
    for (int i = 0; r.in && i < r.nin; i++) mx_drop(r.in[i]);
    for (int i = 0; r.stacks && i < r.stacked; i++) mx_drop(r.stacks[i]);
    mx_free(r.in);
    mx_free(r.out);
    mx_free(r.stacks);
    return ok;
}

/* ---- Making the node */
/* Takes the body, also when it fails. */
static bool scan_apply_take(mx_program *body, const scan_params *like, mx_array *const *in, int nin, mx_array **out)
{
    scan_params p = *like;
    if (!(p.body = program_object_take(body))) return false;
    bool ok = op_apply_multi(&mx_op_scan_loop, &p, in, nin, out, scan_outputs(&p));
    program_object_drop(p.body);
    return ok;
}

/* ---- Reverse mode */
/* What the backward body knows: which inputs have a cotangent. */
typedef struct backward {
    const scan_params *p;
    const bool *wanted; /* of each input */
    int ys;
} backward;

/* (constants | sums of their cotangents, dcarry | carry, xs, dsaved, dys) -> (sums, dcarry | dxs) */
static bool backward_body(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const backward *b = ctx;
    const scan_params *p = b->p;
    int n = p->constants + p->carry + p->xs, sums = 0, next = 0;
    (void)nin, (void)nout;
    for (int i = 0; i < p->constants; i++) sums += b->wanted[i];
    mx_array *const *sum = in + p->constants, *const *dcarry = sum + sums, *const *rest = dcarry + p->carry;
    mx_array *const *dsaved = rest + p->carry + p->xs, *const *dys = dsaved + p->carry;
    array_list point = {0}, dout = {0}, din = {0};
    bool ok = list_start(&point, (size_t)n) && list_start(&dout, p->body->p->nout) && list_start(&din, (size_t)n);
    mx_array **made = mx_alloc(p->body->p->nout + 1, sizeof *made);
    if (ok && made) {
        list_put_n(&point, in, p->constants);
        list_put_n(&point, rest, p->carry + p->xs);
        list_put_n(&dout, dcarry, p->carry);
        list_put_n(&dout, dys, b->ys);
        ok = !point.failed && !dout.failed &&
             mx_vjp(control_run, p->body->p, point.at, n, dout.at, dout.count, made, din.at);
    }
    for (int i = 0; i < n && ok && made; i++) {
        mx_array *d = zeros_unless_smooth(din.at[i], point.at[i]);
        if (i < p->constants) {
            if (b->wanted[i]) out[next] = mx_add(sum[next], d), next++;
        } else if (i < p->constants + p->carry) {
            int k = i - p->constants;
            out[next++] = is_smooth(point.at[i]) ? mx_add(d, dsaved[k]) : d;
        } else if (b->wanted[i]) {
            out[next++] = d;
        }
    }
    list_end(&point);
    list_end(&dout);
    list_end(&din);
    mx_free(made);
    return ok && made;
}

/* The same scan with the carries saved; they are outputs from p->carry on. */
static bool with_saves(const mx_call *c, mx_array **out)
{
    const scan_params *p = c->params;
    scan_params like = *p;
    if (p->saves) return memcpy(out, c->out, (size_t)c->nout * sizeof *out), true;
    like.saves = true;
    return scan_apply_take(mx_program_keep(p->body->p), &like, c->in, c->nin, out);
}

static bool run_backward(const backward *b, const mx_call *c, mx_array *const *dout, mx_array *const *saved,
                         mx_array **out)
{
    const scan_params *p = b->p;
    array_list in = {0}, like = {0};
    int sums = 0, dxs = 0, dys = p->carry + (p->saves ? p->carry : 0), first;
    for (int i = 0; i < p->constants; i++) sums += b->wanted[i];
    for (int i = p->constants + p->carry; i < c->nin; i++) dxs += b->wanted[i];
    bool ok = list_start(&in, (size_t)(3 * c->nin + 2 * c->nout + 2)) &&
              list_start(&like, (size_t)(3 * c->nin + 2 * c->nout + 2));
    if (ok) {
        list_put_n(&in, c->in, p->constants);
        for (int i = 0; i < p->constants; i++) {
            if (b->wanted[i]) list_put(&in, mx_zeros_like(c->in[i]));
        }
        list_put_n(&in, dout, p->carry);
        first = in.count;
        list_put_n(&in, saved, p->carry);
        list_put_n(&in, c->in + p->constants + p->carry, p->xs);
        for (int i = 0; i < p->carry; i++) list_put(&in, p->saves ? dout[p->carry + i] : mx_zeros_like(saved[i]));
        list_put_n(&in, dout + dys, b->ys);
        for (int i = 0; i < in.count && !in.failed; i++)
            list_put(&like, i < first ? in.at[i] : placeholder_of_slice(in.at[i]));
    }
    scan_params back = {
        .length = p->length, .constants = p->constants, .carry = sums + p->carry, .reverse = !p->reverse};
    back.xs = in.count - back.constants - back.carry;
    back.saves = ok && !in.failed && is_differentiated(in.at, in.count);
    ok = ok && !in.failed && !like.failed;
    derivation d = {"scan", backward_body, (void *)b, b->wanted, (size_t)c->nin * sizeof *b->wanted};
    mx_program *body = ok ? program_derived(p->body->p, &d, like.at, like.count, back.carry + dxs) : NULL;
    ok = body && scan_apply_take(body, &back, in.at, in.count, out);
    if (ok && back.saves) memmove(out + back.carry, out + 2 * back.carry, (size_t)dxs * sizeof *out);
    list_end(&in);
    list_end(&like);
    return ok;
}

static bool scan_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const scan_params *p = c->params;
    int ys = (int)p->body->p->nout - p->carry, next = 0, carry = p->constants + p->carry;
    bool *wanted = mx_alloc((size_t)c->nin + 1, sizeof *wanted);
    mx_array **all = mx_alloc((size_t)c->nout + (size_t)p->carry + 1, sizeof *all);
    mx_array **out = mx_alloc(3 * (size_t)c->nin + 1, sizeof *out);
    bool ok = wanted && all && out && with_saves(c, all);
    if (ok) {
        for (int i = 0; i < c->nin; i++) wanted[i] = call_wants(c, i) && is_smooth(c->in[i]);
        backward b = {p, wanted, ys};
        ok = run_backward(&b, c, dout, all + p->carry, out);
    }
    for (int i = 0; i < c->nin && ok; i++) {
        bool is_carry = i >= p->constants && i < carry;
        if (is_carry || wanted[i]) din[i] = out[next++];
    }
    mx_free(wanted);
    mx_free(all);
    mx_free(out);
    return ok;
}

/* ---- Forward mode: (constants, tconstants | carry, tcarry | xs, txs) -> (carry, tcarry | ys, tys) */
static bool forward_body(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const scan_params *p = ctx;
    int n = nin / 2, made = nout / 2, parts[3] = {p->constants, p->carry, p->xs};
    array_list point = {0}, tin = {0};
    mx_array **y = mx_alloc(2 * (size_t)made + 1, sizeof *y), **ty = y ? y + made : NULL;
    bool ok = list_start(&point, (size_t)n) && list_start(&tin, (size_t)n) && (y != NULL);
    for (int k = 0; k < 3 && ok; in += 2 * parts[k++]) {
        list_put_n(&point, in, parts[k]);
        list_put_n(&tin, in + parts[k], parts[k]);
    }
    ok = ok && mx_jvp(control_run, p->body->p, point.at, tin.at, n, y, ty, made);
    for (int i = 0; i < made && ok; i++) {
        bool is_carry = i < p->carry;
        int at = is_carry ? i : p->carry + i;
        out[at] = y[i];
        out[at + (is_carry ? p->carry : made - p->carry)] = zeros_unless_smooth(ty[i], y[i]);
    }
    list_end(&point);
    list_end(&tin);
    mx_free(y);
    return ok;
}

static bool scan_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    const scan_params *p = c->params;
    int parts[3] = {p->constants, p->carry, p->xs}, at = 0, ys = (int)p->body->p->nout - p->carry, next;
    scan_params twice = *p;
    array_list in = {0}, like = {0};
    mx_array **out = mx_alloc(2 * (size_t)c->nout + 1, sizeof *out);
    bool ok = list_start(&in, 2 * (size_t)c->nin) && list_start(&like, 2 * (size_t)c->nin) && (out != NULL);
    for (int k = 0; k < 3 && ok; at += parts[k++]) {
        list_put_n(&in, c->in + at, parts[k]);
        for (int i = 0; i < parts[k]; i++) list_put(&in, zeros_unless_smooth(tin[at + i], c->in[at + i]));
    }
    for (int i = 0; ok && !in.failed && i < in.count; i++)
        list_put(&like, i < 2 * (p->constants + p->carry) ? in.at[i] : placeholder_of_slice(in.at[i]));
    ok = ok && !in.failed && !like.failed;
    derivation d = {"scan", forward_body, (void *)p, parts, sizeof parts};
    mx_program *body = ok ? program_derived(p->body->p, &d, like.at, like.count, 2 * (int)p->body->p->nout) : NULL;
    twice.constants *= 2;
    twice.carry *= 2;
    twice.xs *= 2;
    ok = body && scan_apply_take(body, &twice, in.at, in.count, out);
    next = p->carry;
    for (int i = 0; i < p->carry && ok; i++) tout[i] = out[p->carry + i];
    for (int i = 0; p->saves && i < p->carry && ok; i++) tout[next++] = out[3 * p->carry + i];
    for (int i = 0; i < ys && ok; i++) tout[next++] = out[(p->saves ? 4 : 2) * p->carry + ys + i];
    list_end(&in);
    list_end(&like);
    mx_free(out);
    return ok;
}

/* ---- Batches: all carries and results are mapped, constants and xs as they are */
typedef struct mapped_body {
    const scan_params *p;
    const int *axes; /* of the body's inputs, then zeros for its outputs */
} mapped_body;

static bool run_mapped(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const mapped_body *m = ctx;
    return mx_vmap(control_run, m->p->body->p, in, m->axes, nin, out, m->axes + nin, nout);
}

static bool scan_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    const scan_params *p = c->params;
    int first = p->constants + p->carry, *axes = mx_alloc((size_t)c->nin + (size_t)c->nout + 1, sizeof *axes);
    int64_t size = -1;
    for (int i = 0; i < c->nin && size < 0; i++) size = axis_in[i] == 0 ? c->in[i]->shape[0] : -1;
    array_list in = {0}, like = {0};
    bool ok = list_start(&in, (size_t)c->nin) && list_start(&like, (size_t)c->nin) && (axes != NULL);
    for (int i = 0; i < c->nin && ok; i++) {
        bool is_carry = i >= p->constants && i < first, mapped = axis_in[i] == 0;
        axes[i] = is_carry || mapped ? 0 : MX_UNMAPPED;
        mx_array *x = c->in[i];
        if (is_carry && !mapped) x = batch_repeat(x, size);
        if (i >= first && mapped) x = mx_moveaxis(x, 0, 1); /* the steps come first */
        list_put(&in, x);
        if (!in.failed) list_put(&like, i < first ? x : placeholder_of_slice(x));
    }
    ok = ok && !in.failed && !like.failed;
    mapped_body m = {p, axes};
    derivation d = {"scan", run_mapped, &m, axes, (size_t)c->nin * sizeof *axes};
    mx_program *body = ok ? program_derived(p->body->p, &d, like.at, c->nin, (int)p->body->p->nout) : NULL;
    ok = body && scan_apply_take(body, p, in.at, c->nin, out);
    for (int i = 0; i < c->nout; i++) axis_out[i] = i < p->carry ? 0 : 1;
    list_end(&in);
    list_end(&like);
    mx_free(axes);
    return ok;
}

/* ---- Without a loop: every step in the graph */
static mx_array *at_step(mx_array *x, int64_t at)
{
    int64_t start[MX_MAX_NDIM] = {at}, stop[MX_MAX_NDIM] = {at + 1}, step[MX_MAX_NDIM] = {1};
    for (int i = 1; i < x->ndim; i++) stop[i] = x->shape[i], step[i] = 1;
    return mx_squeeze(mx_slice(x, start, stop, step), AXES(0));
}

/* `made`: what all steps gave, the saves and the ys of a step side by side. */
static bool unroll_steps(const mx_call *c, mx_array **carry, mx_array **made)
{
    const scan_params *p = c->params;
    int nin = c->nin, nout = (int)p->body->p->nout, saved = p->saves ? p->carry : 0, width = c->nout - p->carry;
    mx_array **in = mx_alloc((size_t)nin + (size_t)nout + 1, sizeof *in), **out = in ? in + nin : NULL;
    bool ok = in != NULL;
    for (int i = 0; i < p->constants && ok; i++) in[i] = c->in[i];
    for (int64_t k = 0; k < p->length && ok; k++) {
        int64_t at = p->reverse ? p->length - 1 - k : k;
        for (int i = 0; i < p->carry; i++) in[p->constants + i] = carry[i];
        for (int i = p->constants + p->carry; i < nin; i++) ok = ok && (in[i] = at_step(c->in[i], at));
        ok = ok && mx_program_run(p->body->p, in, nin, out, nout);
        for (int i = 0; i < width && ok; i++) made[at * width + i] = i < saved ? carry[i] : out[p->carry + i - saved];
        for (int i = 0; i < p->carry && ok; i++) carry[i] = out[i];
    }
    mx_free(in);
    return ok;
}

static bool scan_spell(const mx_call *c, mx_array **out)
{
    enum { MOST_STEPS = 100000 };
    const scan_params *p = c->params;
    int width = c->nout - p->carry;
    mx_spec spec[1];
    if (p->length * (int64_t)p->body->p->step_count > MOST_STEPS)
        return mx_fail_false(MX_VALUE, "[scan] %lld steps of %u ops are too many to be written one by one.",
                             (long long)p->length, p->body->p->step_count);
    mx_array **made = mx_alloc((size_t)p->length * ((size_t)width + 1) + 1, sizeof *made),
             **stack = made ? made + p->length * width : NULL;
    memcpy(out, c->in + p->constants, (size_t)p->carry * sizeof *out);
    bool ok = made && unroll_steps(c, out, made);
    for (int i = 0; i < width && ok; i++) {
        int from = i < (p->saves ? p->carry : 0) ? i : i + p->carry - (p->saves ? p->carry : 0);
        for (int64_t k = 0; k < p->length; k++) stack[k] = made[k * width + i];
        program_spec(p->body->p, from, spec);
        if (p->length) {
            out[p->carry + i] = mx_stack(stack, (int)p->length, 0);
        } else {
            mx_spec none;
            ok = stacked_spec(0, spec, &none);
            out[p->carry + i] = ok ? mx_zeros(spec_shape(&none), none.dtype) : NULL;
        }
        ok = ok && out[p->carry + i];
    }
    mx_free(made);
    return ok;
}

const mx_op mx_op_scan_loop = {OP_NAMED(scan_loop, "scan"),
                               .fields = fields,
                               .params_size = sizeof(scan_params),
                               .outputs = scan_outputs,
                               .shape = scan_shape,
                               .vjp = scan_vjp,
                               .jvp = scan_jvp,
                               .vmap = scan_vmap,
                               .spell = scan_spell,
                               .evaluate = scan_evaluate};

/* ---- The public functions */
static bool check_xs(mx_array *const *xs, int nxs, int64_t *length)
{
    for (int i = 0; i < nxs; i++) {
        if (xs[i]->ndim == 0)
            return mx_fail_false(MX_VALUE, "[scan] input %d is a scalar: there is nothing to walk.", i);
        if (*length < 0) *length = xs[i]->shape[0];
        if (*length != xs[i]->shape[0])
            return mx_fail_false(MX_VALUE, "[scan] input %d has %lld entries along its first axis, not %lld.", i,
                                 (long long)xs[i]->shape[0], (long long)*length);
    }
    return *length >= 0 || mx_fail_false(MX_VALUE, "[scan] without arrays to walk the length must be given.");
}

mx_trace *mx_scan_begin(mx_array *const *init, int ncarry, mx_array *const *xs, int nxs, mx_array **traced)
{
    int64_t length = 0;
    array_list like;
    mx_trace *t = NULL;
    if (!op_has_all("scan", init, ncarry) || !op_has_all("scan", xs, nxs)) return NULL;
    if (nxs) length = -1;
    if (!check_xs(xs, nxs, &length) || !list_start(&like, (size_t)ncarry + (size_t)nxs)) return NULL;
    list_put_n(&like, init, ncarry);
    for (int i = 0; i < nxs; i++) list_put(&like, placeholder_of_slice(xs[i]));
    if (!like.failed) t = mx_trace_begin_captured(like.at, like.count, false, traced);
    list_end(&like);
    return t;
}

static bool check_scan(const mx_program *body, mx_array *const *init, int ncarry, mx_array *const *xs, int nxs,
                       int64_t *length)
{
    if (!body) return mx_fail_false(MX_VALUE, "[scan] the body is NULL.");
    if (!op_has_all("scan", init, ncarry) || !op_has_all("scan", xs, nxs)) return false;
    if ((int)body->nin != ncarry + nxs || (int)body->nout < ncarry)
        return mx_fail_false(MX_VALUE, "[scan] the body has %u inputs and %u outputs, with %d carries and %d inputs.",
                             body->nin, body->nout, ncarry, nxs);
    return check_xs(xs, nxs, length) && control_same_specs("scan", "the carry", body, init, ncarry);
}

bool mx_scan_program(const mx_program *body, mx_array *const *init, int ncarry, mx_array *const *xs, int nxs,
                     int64_t length, bool reverse, mx_array **out)
{
    closed_programs closed;
    array_list in;
    if (!check_scan(body, init, ncarry, xs, nxs, &length)) return false;
    if (body->nout && !out) return mx_fail_false(MX_VALUE, "[scan] there is no place for the results: NULL.");
    if (!control_close("scan", &body, 1, &closed)) return false;
    scan_params p = {
        .length = length, .constants = closed.constant_count, .carry = ncarry, .xs = nxs, .reverse = reverse};
    int ys = (int)body->nout - ncarry;
    mx_array **all = mx_alloc((size_t)body->nout + (size_t)ncarry + 1, sizeof *all);
    bool ok = list_start(&in, (size_t)closed.constant_count + (size_t)(ncarry + nxs)) & (all != NULL);
    if (ok) {
        list_put_n(&in, closed.constants, closed.constant_count);
        list_put_n(&in, init, ncarry);
        list_put_n(&in, xs, nxs);
        p.saves = is_differentiated(in.at, in.count);
        ok = scan_apply_take(mx_program_keep(closed.p[0]), &p, in.at, in.count, all);
    }
    if (ok && ncarry) memcpy(out, all, (size_t)ncarry * sizeof *out);
    if (ok && ys) memcpy(out + ncarry, all + ncarry + (p.saves ? ncarry : 0), (size_t)ys * sizeof *out);
    list_end(&in);
    mx_free(all);
    closed_free(&closed);
    return ok;
}

bool mx_scan(mx_fn body, void *ctx, mx_array *const *init, int ncarry, mx_array *const *xs, int nxs, int64_t length,
             bool reverse, mx_array **carry, mx_array **ys, int nys)
{
    if (!body) return mx_fail_false(MX_VALUE, "[scan] the body is NULL.");
    if (ncarry < 0 || nxs < 0 || nys < 0) return mx_fail_false(MX_VALUE, "[scan] a number of arrays is negative.");
    if ((ncarry && !carry) || (nys && !ys)) return mx_fail_false(MX_VALUE, "[scan] there is no place for the results.");
    int nout = ncarry + nys;
    mx_scope s = mx_scope_open();
    mx_array **room = mx_alloc((size_t)(ncarry + nxs + 2 * nout) + 1, sizeof *room);
    mx_array **made = room ? room + ncarry + nxs : NULL, **out = room ? made + nout : NULL;
    mx_trace *t = room ? mx_scan_begin(init, ncarry, xs, nxs, room) : NULL;
    bool ok = t && trace_call("scan", body, ctx, room, ncarry + nxs, made, nout);
    mx_program *p = ok ? mx_trace_program(t, made, nout) : NULL;
    mx_trace_end(&t);
    ok = p && mx_scan_program(p, init, ncarry, xs, nxs, length, reverse, out);
    mx_program_drop(p);
    for (int i = 0; i < ncarry; i++) carry[i] = ok ? out[i] : NULL;
    for (int i = 0; i < nys; i++) ys[i] = ok ? out[ncarry + i] : NULL;
    mx_free(room);
    return trace_hand_out(s, ok, carry, ncarry, ys, nys);
}
