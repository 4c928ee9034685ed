/* SPDX-License-Identifier: MIT
 *
 * Functions with rules of their own.
 *
 * The function runs on aliases of its inputs that derivatives do not see; one node then stands between what it made and
 * its readers.  The node's inputs are the function's inputs and what it made, its outputs the latter under other names,
 * and its rules call the user's, which it holds as an object.  So rules are ordinary rules of an ordinary node, and
 * transforms nest.  A checkpoint is such a function whose vjp runs it again, behind the cotangents. */
#include "core/memory.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "graph/alias.h"
#include "graph/custom.h"
#include "graph/trace.h"
#include "mica/random.h"
#include <string.h>

/* ---- The object */
static void release_object(mx_foreign *f)
{
    custom_object *o = (custom_object *)((char *)f - offsetof(custom_object, foreign));
    if (o->rules.release) o->rules.release(o->rules.ctx);
    mx_free(o);
}

static void drop_object(param_object *base)
{
    custom_object *o = (custom_object *)base;
    o->foreign.run = release_object;
    foreign_push(&o->foreign);
}

static const param_object_type custom_type = {.drop = drop_object, .name = "rules"};

custom_object *custom_object_new(const mx_custom_rules *rules)
{
    custom_object *o = mx_alloc(1, sizeof *o);
    if (!o) {
        if (rules->release) rules->release(rules->ctx);
        return NULL;
    }
    o->base.type = &custom_type;
    atomic_init(&o->base.refs, 1);
    o->rules = *rules;
    o->rules.checkpoint = NULL;
    o->checkpoint = rules->checkpoint != NULL;
    return o;
}

void custom_object_drop(custom_object *o)
{
    params_drop(&mx_op_custom, &(custom_params){0, o});
}

static const mx_field custom_fields[] = {FIELD_INT(custom_params, nout), FIELD_OBJECT(custom_params, object),
                                         FIELD_END};

static int custom_outputs(const void *params)
{
    return ((const custom_params *)params)->nout;
}

/* ---- Running the function again */
/* fn on the inputs; the last of which, if the object is keyed, is the state of the random numbers. */
bool custom_run(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    const custom_object *o = ctx;
    if (!o->keyed) return o->rules.fn(o->rules.ctx, in, nin, out, nout);
    mx_thread *self = thread_self();
    mx_array *before = self->random_key;
    self->random_key = mx_keep(in[nin - 1]);
    bool ok = o->rules.fn(o->rules.ctx, in, nin - 1, out, nout);
    mx_drop(self->random_key);
    self->random_key = before;
    return ok;
}

/* All cotangents that are of use together, so that what was computed again is let go before the walk goes on: else the
 * first gradient asked for would run through all checkpoints and leave each waiting for its other readers. */
static bool tie(const mx_call *c, int nin, mx_array **din, mx_array **room)
{
    int count = 0;
    for (int i = 0; i < nin; i++) {
        if (!call_wants(c, i)) din[i] = NULL;
        if (din[i]) room[count++] = din[i];
    }
    if (count < 2) return true;
    bool ok = mx_depends(room, count, NULL, 0, room);
    for (int i = 0, k = 0; i < nin; i++) {
        if (din[i]) din[i] = room[k++];
    }
    return ok;
}

static bool derived_vjp(const custom_object *o, const mx_call *c, mx_array *const *dout, mx_array **din)
{
    int nin = c->nin - c->nout;
    mx_array **room = mx_alloc((size_t)c->nin + 1, sizeof *room), **later = room ? room + c->nout : NULL;
    if (!room) return false;
    bool ok = !o->checkpoint || mx_depends(c->in, nin, dout, c->nout, later);
    ok = ok && mx_vjp(custom_run, (void *)o, o->checkpoint ? later : c->in, nin, dout, c->nout, room, din);
    ok = ok && (!o->checkpoint || tie(c, nin, din, room));
    mx_free(room);
    return ok;
}

static bool derived_jvp(const custom_object *o, const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array **out = mx_alloc((size_t)c->nout + 1, sizeof *out);
    bool ok = out && mx_jvp(custom_run, (void *)o, c->in, tin, c->nin - c->nout, out, tout, c->nout);
    mx_free(out);
    return ok;
}

/* ---- Rules of the node */
/* What a rule gave for x: of its shape, or nothing. */
static bool fits(const char *what, int i, const mx_array *given, const mx_array *x)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (!given || shape_equal(array_shape(given), array_shape(x))) return true;
    return mx_fail_false(MX_VALUE, "[custom_function] the %s %d has shape %s, but the rule gave one of shape %s.", what,
                         i, shape_text(b, array_shape(x)), shape_text(a, array_shape(given)));
}

static bool custom_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const custom_object *o = ((const custom_params *)c->params)->object;
    int nin = c->nin - c->nout;
    bool pending = mx_failed();
    bool ok = o->rules.vjp ? o->rules.vjp(o->rules.ctx, c->in, nin, dout, c->out, c->nout, din)
                           : derived_vjp(o, c, dout, din);
    for (int i = 0; i < nin && ok; i++) ok = fits("cotangent of input", i, din[i], c->in[i]);
    return ok && (pending || !mx_failed());
}

static bool custom_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    const custom_object *o = ((const custom_params *)c->params)->object;
    int nin = c->nin - c->nout;
    if (!o->rules.jvp) return derived_jvp(o, c, tin, tout);
    mx_array **given = mx_alloc((size_t)nin + 1, sizeof *given);
    if (!given) return false;
    bool pending = mx_failed();
    for (int i = 0; i < nin; i++) given[i] = call_wants(c, i) ? tin[i] : NULL;
    bool ok = o->rules.jvp(o->rules.ctx, c->in, given, nin, tout, c->nout);
    for (int i = 0; i < c->nout && ok; i++) ok = fits("tangent of output", i, tout[i], c->out[i]);
    mx_free(given);
    return ok && (pending || !mx_failed());
}

/* An output of a vmap rule: `made` is what one of the batch gives. */
static bool batch_fits(int i, const mx_array *x, int axis, int64_t batch, const mx_array *made)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    int64_t rest[MX_MAX_NDIM];
    if (!x) return mx_fail_false(MX_VALUE, "[custom_function] the vmap rule gave no output %d.", i);
    mx_shape shape = array_shape(x);
    if (axis != MX_UNMAPPED) {
        if ((axis = axis_of("custom_function", axis, x->ndim, MX_VALUE)) < 0) return false;
        for (int k = 0; k < x->ndim - 1; k++) rest[k] = x->shape[k + (k >= axis)];
        shape = (mx_shape){x->ndim - 1, rest};
    }
    if (shape_equal(shape, array_shape(made)) && (axis == MX_UNMAPPED || x->shape[axis] == batch)) return true;
    return mx_fail_false(MX_VALUE,
                         "[custom_function] the vmap rule gave an output %d of shape %s (batch axis %d) for a batch of "
                         "%lld of shape %s.",
                         i, shape_text(a, array_shape(x)), axis == MX_UNMAPPED ? -1 : axis, (long long)batch,
                         shape_text(b, array_shape(made)));
}

static int64_t batch_size(const mx_call *c, const int *axis_in)
{
    for (int i = 0; i < c->nin; i++) {
        if (axis_in[i] == 0) return c->in[i]->shape[0];
    }
    return 1;
}

static bool custom_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    const custom_object *o = ((const custom_params *)c->params)->object;
    int nin = c->nin - c->nout;
    if (!o->rules.vmap) return custom_vmap_derived(c, axis_in, out, axis_out);
    int64_t size = batch_size(c, axis_in);
    bool pending = mx_failed();
    for (int i = 0; i < c->nout; i++) axis_out[i] = MX_UNMAPPED;
    bool ok = o->rules.vmap(o->rules.ctx, c->in, axis_in, nin, out, axis_out, c->nout);
    for (int i = 0; i < c->nout && ok; i++) ok = batch_fits(i, out[i], axis_out[i], size, c->in[nin + i]);
    return ok && (pending || !mx_failed());
}

/* A vmap rule takes the function's place, so what the function made is not made again. */
static int custom_walked(const mx_call *c, bool batched)
{
    const custom_object *o = ((const custom_params *)c->params)->object;
    return batched && o->rules.vmap ? c->nin - c->nout : c->nin;
}

const mx_op mx_op_custom = {OP_NAMED(custom, "custom_function"),
                            .fields = custom_fields,
                            .params_size = sizeof(custom_params),
                            .outputs = custom_outputs,
                            .shape = alias_shape,
                            .vjp = custom_vjp,
                            .jvp = custom_jvp,
                            .vmap = custom_vmap,
                            .walked = custom_walked,
                            .evaluate = alias_evaluate};

/* ---- Making the node */
bool custom_apply(custom_object *o, mx_array *const *in, int nin, mx_array *const *made, int nout, mx_array **out)
{
    mx_array **all = mx_alloc((size_t)nin + (size_t)nout + 1, sizeof *all);
    if (!all) return false;
    if (nin) memcpy(all, in, (size_t)nin * sizeof *all);
    if (nout) memcpy(all + nin, made, (size_t)nout * sizeof *all);
    bool ok = op_apply_multi(&mx_op_custom, &(custom_params){nout, o}, all, nin + nout, out, nout);
    mx_free(all);
    return ok;
}

bool mx_custom_begin(mx_array *const *in, int nin, mx_array **inner)
{
    if (!op_has_all("custom_function", in, nin)) return false;
    if (nin && !inner) return mx_fail_false(MX_VALUE, "[custom_function] there is no place for the inputs: NULL.");
    uint64_t batched = atomic_load(&runtime.batched_traces);
    for (int i = 0; i < nin; i++) {
        inner[i] = in[i];
        if (!(in[i]->trace & ~batched)) continue;
        if (!(inner[i] = mx_copy(in[i]))) return false;
        inner[i]->trace &= batched;
    }
    return true;
}

static bool any_traced(mx_array *const *x, int count)
{
    uint64_t open = atomic_load(&runtime.traces), bits = 0;
    for (int i = 0; i < count; i++) bits |= x[i]->trace;
    return bits & open;
}

/* The function's outputs behind its rules; `key` is the state of the random numbers before it ran. */
static bool finish(custom_object *o, mx_array *key, mx_array *const *in, int nin, mx_array *const *made, int nout,
                   mx_array **out)
{
    if (!op_has_all("custom_function", in, nin) || !op_has_all("custom_function", made, nout)) return false;
    if (nout && !out) return mx_fail_false(MX_VALUE, "[custom_function] there is no place for the results: NULL.");
    if (!nout) return true;
    if (!any_traced(in, nin) && !any_traced(made, nout)) { /* nobody will ask for a rule */
        memmove(out, made, (size_t)nout * sizeof *out);
        return true;
    }
    mx_array **all = mx_alloc((size_t)nin + 1, sizeof *all);
    if (!all) return false;
    if (nin) memcpy(all, in, (size_t)nin * sizeof *all);
    all[nin] = key;
    o->keyed = o->checkpoint && key != thread_self()->random_key;
    bool ok = custom_apply(o, all, nin + o->keyed, made, nout, out);
    mx_free(all);
    return ok;
}

static custom_object *object_of(const mx_custom_rules *rules)
{
    if (!rules) return mx_fail(MX_VALUE, "[custom_function] the rules are NULL.");
    custom_object *o = custom_object_new(rules);
    if (o && !rules->fn) {
        custom_object_drop(o);
        return mx_fail(MX_VALUE, "[custom_function] the function is NULL.");
    }
    return o;
}

bool mx_custom_end(const mx_custom_rules *rules, mx_array *const *in, int nin, mx_array *const *made, int nout,
                   mx_array **out)
{
    custom_object *o = object_of(rules);
    bool ok = o && finish(o, rules->checkpoint, in, nin, made, nout, out);
    if (o) custom_object_drop(o);
    return ok;
}

bool mx_custom_function(const mx_custom_rules *rules, mx_array *const *in, int nin, mx_array **out, int nout)
{
    custom_object *o = object_of(rules);
    if (!o) return false;
    mx_scope s = mx_scope_open();
    mx_array **inner = nin < 0 || nout < 0 ? mx_fail(MX_VALUE, "[custom_function] %d inputs, %d outputs.", nin, nout)
                                           : mx_alloc((size_t)nin + (size_t)nout + 1, sizeof *inner);
    bool ok = inner && mx_custom_begin(in, nin, inner) &&
              trace_call("custom_function", rules->fn, rules->ctx, inner, nin, inner + nin, nout) &&
              finish(o, rules->checkpoint, in, nin, inner + nin, nout, out);
    mx_free(inner);
    custom_object_drop(o);
    return trace_hand_out(s, ok, out, out ? nout : 0, NULL, 0);
}

bool mx_checkpoint(mx_fn fn, void *ctx, void (*release)(void *ctx), mx_array *const *in, int nin, mx_array **out,
                   int nout)
{
    mx_custom_rules rules = {.fn = fn, .ctx = ctx, .release = release, .checkpoint = mx_random_state()};
    return mx_custom_function(&rules, in, nin, out, nout);
}
