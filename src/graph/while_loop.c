/* SPDX-License-Identifier: MIT
 *
 * while_loop: steps until a condition fails.  How many is known only when it has run, so there is a forward mode and no
 * reverse mode; a batch runs until all are done, those that are keep what they have. */
#include "core/memory.h"
#include "core/thread.h"
#include "graph/control.h"
#include "graph/eval.h"
#include "graph/trace.h"
#include <string.h>

typedef struct while_params {
    int32_t constants, carry;    /* inputs, in this order */
    program_object *cond, *body; /* of all inputs */
} while_params;

static const mx_field fields[] = {FIELD_INT(while_params, constants), FIELD_INT(while_params, carry),
                                  FIELD_OBJECT(while_params, cond), FIELD_OBJECT(while_params, body), FIELD_END};

static int while_outputs(const void *params)
{
    return ((const while_params *)params)->carry;
}

static bool while_shape(const mx_call *c, mx_spec *out)
{
    const while_params *p = c->params;
    for (int i = 0; i < p->carry; i++) program_spec(p->body->p, i, &out[i]);
    return true;
}

/* ---- Evaluation */
static bool is_true(mx_array *x, bool *yes)
{
    double value = 0;
    if (!array_ready(x)) return false;
    value = mx_value(x);
    *yes = value != 0;
    return !mx_failed();
}

/* The next carry and whether it goes on from there, computed together. */
static bool step(const while_params *p, mx_array **in, mx_array **out, bool *more)
{
    mx_scope s = mx_scope_open();
    bool ok = program_replay(p->body->p, in, out);
    if (ok) {
        mx_array *before[1] = {NULL};
        for (int i = 0; i < p->carry; i++) {
            mx_drop(in[p->constants + i]);
            in[p->constants + i] = mx_keep(out[i]);
        }
        ok = program_replay(p->cond->p, in, before);
        out[p->carry] = before[0];
    }
    mx_array *last = ok ? mx_keep(out[p->carry]) : NULL;
    mx_scope_close(s, NULL);
    memcpy(out, in + p->constants, (size_t)p->carry * sizeof *out);
    ok = ok && eval_within(out, p->carry + 1) && is_true(last, more);
    mx_drop(last);
    return ok;
}

static bool first_condition(const while_params *p, mx_array **in, bool *more)
{
    mx_array *out;
    mx_scope s = mx_scope_open();
    bool ok = control_replay(p->cond->p, in, &out) && is_true(out, more);
    mx_scope_close(s, NULL);
    return ok;
}

static bool while_evaluate(mx_array *lead)
{
    const while_params *p = array_params(lead);
    int n = lead->nin;
    mx_array **in = mx_alloc((size_t)n + 1, sizeof *in), **out = mx_alloc((size_t)p->carry + 1, sizeof *out);
    mx_stream *before = mx_use_stream(lead->stream);
    bool more = false, ok = in && out;
    for (int i = 0; i < n && ok; i++) ok = (in[i] = control_plain(lead->in[i])) != NULL;
    ok = ok && first_condition(p, in, &more);
    while (ok && more) ok = step(p, in, out, &more);
    for (int i = 0; i < p->carry && ok; i++) control_publish(&lead[i], in[p->constants + i]);
    mx_use_stream(before);
    for (int i = 0; in && i < n; i++) mx_drop(in[i]);
    mx_free(in);
    mx_free(out);
    return ok;
}

/* Takes the programs, also when it fails. */
static bool while_apply_take(mx_program *cond, mx_program *body, int constants, int carry, mx_array *const *in,
                             mx_array **out)
{
    while_params p = {.constants = constants, .carry = carry};
    p.cond = program_object_take(cond);
    p.body = program_object_take(body);
    bool ok = p.cond && p.body && op_apply_multi(&mx_op_while_loop, &p, in, constants + carry, out, carry);
    program_object_drop(p.cond);
    program_object_drop(p.body);
    return ok;
}

/* ---- Rules */
static bool while_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    (void)c, (void)dout, (void)din;
    return mx_fail_false(MX_VALUE,
                         "[while_loop] has no reverse mode: how many steps it takes is known only when it has "
                         "run. Use scan, or forward mode.");
}

/* (constants, tconstants, carry, tcarry): the condition does not see tangents. */
static void primals_of(const while_params *p, mx_array *const *in, array_list *point, array_list *tin)
{
    list_put_n(point, in, p->constants);
    list_put_n(point, in + 2 * p->constants, p->carry);
    if (!tin) return;
    list_put_n(tin, in + p->constants, p->constants);
    list_put_n(tin, in + 2 * p->constants + p->carry, p->carry);
}

static bool forward_cond(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const while_params *p = ctx;
    array_list point;
    bool ok = list_start(&point, (size_t)nin);
    if (ok) primals_of(p, in, &point, NULL);
    ok = ok && mx_program_run(p->cond->p, point.at, point.count, out, nout);
    list_end(&point);
    return ok;
}

static bool forward_body(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const while_params *p = ctx;
    array_list point = {0}, tin = {0};
    (void)nout;
    bool ok = list_start(&point, (size_t)nin) && list_start(&tin, (size_t)nin);
    if (ok) primals_of(p, in, &point, &tin);
    ok = ok && mx_jvp(control_run, p->body->p, point.at, tin.at, point.count, out, out + p->carry, p->carry);
    for (int i = 0; i < p->carry && ok; i++)
        ok = (out[p->carry + i] = zeros_unless_smooth(out[p->carry + i], out[i])) != NULL;
    list_end(&point);
    list_end(&tin);
    return ok;
}

static bool while_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    while_params *p = (while_params *)c->params;
    array_list in;
    mx_array **out = mx_alloc(2 * (size_t)c->nout + 1, sizeof *out);
    bool ok = list_start(&in, 2 * (size_t)c->nin) & (out != NULL);
    for (int part = 0; part < 2 && ok; part++) {
        int first = part ? p->constants : 0, count = part ? p->carry : p->constants;
        list_put_n(&in, c->in + first, count);
        for (int i = 0; i < count; i++) list_put(&in, zeros_unless_smooth(tin[first + i], c->in[first + i]));
    }
    ok = ok && !in.failed;
    derivation test = {"while_loop", forward_cond, p, &p->constants, sizeof p->constants};
    derivation step = {"while_loop", forward_body, p, &p->constants, sizeof p->constants};
    mx_program *cond = ok ? program_derived(p->cond->p, &test, in.at, in.count, 1) : NULL;
    mx_program *body = cond ? program_derived(p->body->p, &step, in.at, in.count, 2 * p->carry) : NULL;
    ok = while_apply_take(cond, body, 2 * p->constants, 2 * p->carry, in.at, out);
    for (int i = 0; i < c->nout && ok; i++) tout[i] = out[p->carry + i];
    list_end(&in);
    mx_free(out);
    return ok;
}

/* ---- Batches */
typedef struct mapped_while {
    const while_params *p;
    int *axes, *zeros; /* of the inputs; of outputs */
} mapped_while;

static bool mapped_predicate(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const mapped_while *m = ctx;
    return mx_vmap(control_run, m->p->cond->p, in, m->axes, nin, out, m->zeros, nout);
}

static bool mapped_cond(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    return mapped_predicate(ctx, in, nin, out, nout) && (out[0] = mx_any(out[0], ALL_AXES, false));
}

/* x, with ones after its first axis until it has as many axes as y. */
static mx_array *like_mask(mx_array *x, const mx_array *y)
{
    int64_t shape[MX_MAX_NDIM] = {x->shape[0]};
    for (int i = 1; i < y->ndim; i++) shape[i] = 1;
    return mx_reshape(x, (mx_shape){y->ndim, shape});
}

static bool mapped_body(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const mapped_while *m = ctx;
    mx_array *more, *const *carry = in + m->p->constants;
    bool ok = mapped_predicate(ctx, in, nin, &more, 1) && (more = mx_not_equal(more, mx_zeros_like(more))) &&
              mx_vmap(control_run, m->p->body->p, in, m->axes, nin, out, m->zeros, nout);
    for (int i = 0; i < nout && ok; i++) ok = (out[i] = mx_where(like_mask(more, out[i]), out[i], carry[i])) != NULL;
    return ok;
}

static bool while_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    const while_params *p = c->params;
    int64_t size = -1;
    for (int i = 0; i < c->nin && size < 0; i++) size = axis_in[i] == 0 ? c->in[i]->shape[0] : -1;
    int *axes = mx_alloc((size_t)c->nin + (size_t)c->nout + 2, sizeof *axes);
    array_list in;
    bool ok = list_start(&in, (size_t)c->nin) & (axes != NULL);
    for (int i = 0; i < c->nin && ok; i++) {
        bool mapped = axis_in[i] == 0, is_carry = i >= p->constants;
        axes[i] = mapped || is_carry ? 0 : MX_UNMAPPED;
        list_put(&in, mapped || !is_carry ? c->in[i] : batch_repeat(c->in[i], size));
    }
    mapped_while m = {p, axes, ok ? axes + c->nin : NULL};
    ok = ok && !in.failed;
    mx_program *cond = ok ? program_of("while_loop", mapped_cond, &m, in.at, in.count, 1, false) : NULL;
    mx_program *body = cond ? program_of("while_loop", mapped_body, &m, in.at, in.count, c->nout, false) : NULL;
    ok = while_apply_take(cond, body, p->constants, p->carry, in.at, out);
    for (int i = 0; i < c->nout; i++) axis_out[i] = 0;
    list_end(&in);
    mx_free(axes);
    return ok;
}

const mx_op mx_op_while_loop = {OP_NAMED(while_loop, "while_loop"),
                                .fields = fields,
                                .params_size = sizeof(while_params),
                                .outputs = while_outputs,
                                .shape = while_shape,
                                .vjp = while_vjp,
                                .jvp = while_jvp,
                                .vmap = while_vmap,
                                .evaluate = while_evaluate};

/* ---- The public functions */
bool mx_while_program(const mx_program *cond, const mx_program *body, mx_array *const *init, int n, mx_array **out)
{
    closed_programs closed;
    array_list in;
    if (!cond || !body) return mx_fail_false(MX_VALUE, "[while_loop] a program is NULL.");
    if (!op_has_all("while_loop", init, n) || !control_is_predicate("while_loop", cond)) return false;
    if (n && !out) return mx_fail_false(MX_VALUE, "[while_loop] there is no place for the results: NULL.");
    if (!n) return mx_fail_false(MX_VALUE, "[while_loop] there is no array to begin with.");
    if ((int)cond->nin != n || (int)body->nin != n || (int)body->nout != n)
        return mx_fail_false(MX_VALUE, "[while_loop] %d arrays go in; the body gives %u.", n, body->nout);
    if (!control_same_specs("while_loop", "the carry", body, init, n)) return false;
    if (!control_close("while_loop", (const mx_program *const[]){cond, body}, 2, &closed)) return false;
    bool ok = list_start(&in, (size_t)(closed.constant_count + n));
    if (ok) {
        list_put_n(&in, closed.constants, closed.constant_count);
        list_put_n(&in, init, n);
        ok = while_apply_take(mx_program_keep(closed.p[0]), mx_program_keep(closed.p[1]), closed.constant_count, n,
                              in.at, out);
    }
    list_end(&in);
    closed_free(&closed);
    return ok;
}

bool mx_while_loop(mx_fn cond, mx_fn body, void *ctx, mx_array *const *init, int n, mx_array **out)
{
    if (!cond || !body) return mx_fail_false(MX_VALUE, "[while_loop] a function is NULL.");
    if (n < 0 || (n && !out)) return mx_fail_false(MX_VALUE, "[while_loop] there is no place for %d results.", n);
    if (!op_has_all("while_loop", init, n)) return false;
    mx_program *c = program_of("while_loop", cond, ctx, init, n, 1, false);
    mx_program *b = c ? program_of("while_loop", body, ctx, init, n, n, false) : NULL;
    bool ok = b && mx_while_program(c, b, init, n, out);
    mx_program_drop(c);
    mx_program_drop(b);
    return ok;
}
