/* SPDX-License-Identifier: MIT
 *
 * Replaying a program: each step's prototype is copied and given its inputs, stream and marks.  Its count of references
 * is that of its readers already, so a node costs no atomic operation but those of its parameters. */
#include "core/memory.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "core/where.h"
#include "graph/capture.h"
#include <string.h>

enum { FEW_VALUES = 192 };

/* ---- Lifetime */
mx_program *mx_program_keep(mx_program *p)
{
    if (p) atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

static void free_step(program_step *s)
{
    mx_array *lead = s->prototype;
    if (!lead) return;
    where_forget(lead);
    if (lead->made_flags & ARRAY_SHARED_PARAMS) {
        params_unshare(lead->params.block);
    } else if (s->counts_params) {
        params_drop(s->op, &lead->params.word);
    }
    for (int i = 0; i < s->nout; i++) {
        if (lead[i].made_flags & ARRAY_EXTRA_BLOCK) mx_free(lead[i].shape);
    }
    mx_free(lead);
}

void mx_program_drop(mx_program *p)
{
    if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1) return;
    for (uint32_t i = 0; i < p->step_count; i++) free_step(&p->steps[i]);
    for (uint32_t i = 0; i < p->constant_count; i++) mx_drop(p->constants[i].array);
    derived_free(p->derived);
    if (p->release_note) p->release_note(p->note);
    mx_free(p->values);
    mx_free(p->constants);
    mx_free(p->steps);
    mx_free(p->outputs);
    mx_free(p->sources);
    mx_free(p->dims);
    mx_free(p);
}

void mx_program_set_note(mx_program *p, void *note, void (*release)(void *note))
{
    if (!p) return;
    p->note = note;
    p->release_note = release;
}

void *mx_program_note(const mx_program *p)
{
    return p ? p->note : NULL;
}

int mx_program_outputs(const mx_program *p)
{
    return p ? (int)p->nout : 0;
}

bool program_is_bound(const mx_program *p)
{
    uint64_t open = atomic_load(&runtime.traces);
    for (uint32_t i = 0; i < p->constant_count; i++) {
        if (p->constants[i].array->trace & open) return true;
    }
    return false;
}

/* ---- Replay of known shapes */
static void free_unused(mx_array *lead, int made)
{
    for (int i = 0; i < made; i++) {
        if (lead[i].made_flags & ARRAY_EXTRA_BLOCK) mx_free(lead[i].shape);
    }
    if (lead->nin > INLINE_INPUTS) mx_free(lead->in);
    if (lead->nout == 1) {
        node_free(lead);
    } else {
        mx_free(lead);
    }
}

/* The dimensions of a copied prototype, which still points at the original's. */
static bool own_dims(mx_array *x)
{
    if (LIKELY(x->ndim <= INLINE_NDIM)) {
        x->shape = x->inline_dims;
        x->strides = x->inline_dims + INLINE_NDIM;
        return true;
    }
    int64_t *dims = mx_alloc(2 * (size_t)x->ndim, sizeof *dims);
    if (!dims) return false;
    memcpy(dims, x->shape, (size_t)x->ndim * sizeof *dims);
    x->shape = dims;
    x->strides = dims + x->ndim;
    return true;
}

static mx_array *copy_prototype(const program_step *s)
{
    mx_array *lead = s->nout == 1 ? node_alloc() : mx_alloc(s->nout, sizeof *lead);
    if (UNLIKELY(!lead)) return NULL;
    memcpy(lead, s->prototype, s->nout * sizeof *lead);
    lead->in = lead->inline_in;
    if (UNLIKELY(s->nin > INLINE_INPUTS) && !(lead->in = mx_alloc(s->nin, sizeof *lead->in))) {
        lead->nin = 0;
        return free_unused(lead, 0), NULL;
    }
    for (int i = 0; i < s->nout; i++) {
        if (UNLIKELY(!own_dims(&lead[i]))) return free_unused(lead, i), NULL;
    }
    if (lead->made_flags & ARRAY_SHARED_PARAMS) {
        params_keep_shared(lead->params.block);
    } else if (UNLIKELY(s->counts_params)) {
        params_keep(s->op, &lead->params.word);
    }
    return lead;
}

static bool replay_step(const program_step *s, mx_array **values, mx_stream *current, uint64_t open)
{
    mx_array *lead = copy_prototype(s);
    if (UNLIKELY(!lead)) return false;
    uint64_t trace = 0;
    for (int i = 0; i < s->nin; i++) {
        lead->in[i] = values[s->in[i]];
        trace |= lead->in[i]->trace;
    }
    for (int i = 0; i < s->nout; i++) {
        lead[i].stream = s->stream ? s->stream : current;
        lead[i].trace = trace & open;
        values[s->out + (uint32_t)i] = &lead[i];
    }
    where_copy(lead, s->prototype);
    return true;
}

/* Drops the references that readers from step `from` on and the outputs would have taken. */
static void undo(const mx_program *p, mx_array **values, uint32_t from)
{
    for (uint32_t k = p->step_count; k-- > from;) {
        for (int i = 0; i < p->steps[k].nin; i++) mx_drop(values[p->steps[k].in[i]]);
    }
    for (uint32_t i = 0; i < p->nout; i++) mx_drop(values[p->outputs[i]]);
}

static void keep_often(mx_array *x, uint32_t times)
{
    if (times) atomic_fetch_add_explicit(&x->refs, (int32_t)times, memory_order_relaxed);
}

static bool replay_known(const mx_program *p, mx_array *const *in, mx_array **values, mx_array **out)
{
    mx_stream *current = mx_current_stream();
    if (!current) return false;
    uint64_t open = atomic_load_explicit(&runtime.traces, memory_order_relaxed);
    for (uint32_t i = 0; i < p->nin; i++) keep_often(values[i] = in[i], p->values[i].uses);
    for (uint32_t i = 0; i < p->constant_count; i++) {
        const program_constant *c = &p->constants[i];
        keep_often(values[c->value] = c->array, p->values[c->value].uses);
    }
    for (uint32_t k = 0; k < p->step_count; k++) {
        const program_step *s = &p->steps[k];
        if (LIKELY(replay_step(s, values, current, open))) continue;
        for (uint32_t v = s->out; v < p->value_count; v++) values[v] = NULL;
        for (uint32_t i = 0; i < p->constant_count; i++) values[p->constants[i].value] = p->constants[i].array;
        return undo(p, values, k), false;
    }
    bool ok = true;
    for (uint32_t i = 0; i < p->nout; i++) ok &= (out[i] = mx_temporary(values[p->outputs[i]])) != NULL;
    return ok;
}

/* ---- Replay of other shapes */
static bool apply_again(const program_step *s, mx_array **values, uint8_t flags)
{
    mx_array *few[8], **in = s->nin <= 8 ? few : mx_alloc(s->nin, sizeof *in);
    if (!in) return false;
    for (int i = 0; i < s->nin; i++) in[i] = values[s->in[i]];
    mx_stream *before = s->stream ? mx_use_stream(s->stream) : NULL;
    bool ok = op_apply_resized(s->op, s->params, in, s->nin, &values[s->out], s->nout);
    if (ok && !s->op->resize) {
        array_lead(values[s->out])->made_flags |= flags;
        where_copy(array_lead(values[s->out]), s->prototype);
    }
    if (s->stream) mx_use_stream(before);
    if (in != few) mx_free(in);
    return ok;
}

static bool replay_shapeless(const mx_program *p, mx_array *const *in, mx_array **values, mx_array **out)
{
    mx_scope scope = mx_scope_open();
    bool ok = true;
    for (uint32_t i = 0; i < p->nin; i++) values[i] = in[i];
    for (uint32_t i = 0; i < p->constant_count; i++) values[p->constants[i].value] = p->constants[i].array;
    uint8_t flags = ARRAY_COMPILED | (p->unfused ? ARRAY_UNFUSED : 0);
    for (uint32_t k = 0; k < p->step_count && ok; k++) ok = apply_again(&p->steps[k], values, flags);
    for (uint32_t i = 0; i < p->nout; i++) out[i] = ok ? values[p->outputs[i]] : NULL;
    mx_scope_close_n(scope, out, ok ? (int)p->nout : 0);
    for (uint32_t i = 0; i < p->nout && ok; i++) ok = (out[i] = mx_temporary(out[i])) != NULL;
    return ok;
}

/* ---- Checks */
static bool input_fits(const mx_program *p, uint32_t i, const mx_array *x)
{
    const program_value *v = &p->values[i];
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    bool same = p->shapeless ? x->ndim == v->shape.ndim : shape_equal(array_shape(x), v->shape);
    if (LIKELY(same && x->dtype == v->dtype)) return true;
    return mx_fail_false(MX_VALUE, "[program] input %u has shape %s and dtype %s; it was captured with %s and %s.", i,
                         shape_text(a, array_shape(x)), mx_dtype_name((mx_dtype)x->dtype), shape_text(b, v->shape),
                         mx_dtype_name(v->dtype));
}

bool program_replay(const mx_program *p, mx_array *const *in, mx_array **out)
{
    mx_array *few[FEW_VALUES], **values = few;
    for (uint32_t i = 0; i < p->nin; i++) {
        if (!input_fits(p, i, in[i])) return false;
    }
    if (p->sized) note_sizes();
    if (p->value_count > FEW_VALUES && !(values = mx_alloc(p->value_count, sizeof *values))) return false;
    bool ok = p->shapeless || p->resized ? replay_shapeless(p, in, values, out) : replay_known(p, in, values, out);
    if (values != few) mx_free(values);
    for (uint32_t i = 0; i < p->nout && !ok; i++) out[i] = NULL;
    return ok;
}

bool mx_program_run(const mx_program *p, mx_array *const *in, int nin, mx_array **out, int nout)
{
    for (int i = 0; i < nout; i++) out[i] = NULL;
    if (!p) return mx_fail_false(MX_VALUE, "[program] the program is NULL.");
    if (!op_has_all("program", in, nin)) return false;
    if ((uint32_t)nin != p->nin || (uint32_t)nout != p->nout) {
        return mx_fail_false(MX_VALUE, "[program] %d inputs and %d outputs; it was captured with %u and %u.", nin, nout,
                             p->nin, p->nout);
    }
    return program_replay(p, in, out);
}
