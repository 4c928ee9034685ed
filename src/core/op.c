/* SPDX-License-Identifier: MIT
 *
 * Applying an op: its shape rule speaks, a node is made, a scope holds it. */
#include "core/op.h"
#include "core/memory.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "core/where.h"
#include <string.h>

#define OP(name) [OP_##name] = &mx_op_##name,
const mx_op *const mx_ops[OP_COUNT] = {
#include "core/ops.def"
};
#undef OP

enum { FEW_OUTPUTS = 8 };

bool op_has(const char *op, const mx_array *x)
{
    return x || mx_fail_false(MX_VALUE, "[%s] an array argument is NULL.", op);
}

bool op_has_all(const char *op, mx_array *const *x, int count)
{
    if (count < 0) return mx_fail_false(MX_VALUE, "[%s] the number of arrays is %d.", op, count);
    if (count > 0 && !x) return op_has(op, NULL);
    for (int i = 0; i < count; i++) {
        if (!op_has(op, x[i])) return false;
    }
    return true;
}

static bool set_params(mx_array *lead, const mx_op *op, const void *params)
{
    lead->made_flags |= op->params_size <= sizeof lead->params.word ? ARRAY_INLINE_PARAMS : 0;
    void *to = &lead->params.word;
    if (!(lead->made_flags & ARRAY_INLINE_PARAMS)) {
        if (!(to = lead->params.block = mx_alloc(1, op->params_size))) return false;
    }
    if (op->params_size) {
        memcpy(to, params, op->params_size);
        params_keep(op, params);
    }
    return true;
}

static bool set_inputs(mx_array *lead, mx_array *const *in, int nin)
{
    uint64_t trace = 0;
    mx_array **to = lead->inline_in;
    if (nin > INLINE_INPUTS && !(to = mx_alloc((size_t)nin, sizeof *to))) return false;
    for (int i = 0; i < nin; i++) {
        trace |= in[i]->trace;
        to[i] = mx_keep(in[i]);
    }
    lead->in = to;
    lead->nin = (uint16_t)nin;
    if (UNLIKELY(trace)) trace &= atomic_load_explicit(&runtime.traces, memory_order_relaxed);
    for (int i = 0; i < lead->nout; i++) lead[i].trace = trace;
    return true;
}

/* The block of outputs that the shape rule describes. */
static mx_array *make_outputs(const mx_call *call, mx_spec *specs)
{
    if (!call->op->shape(call, specs)) return NULL;
    for (int i = 0; i < call->nout; i++) {
        if (shape_size(call->op->name, spec_shape(&specs[i])) < 0) return NULL;
    }
    return array_new(specs, call->nout);
}

/* A new lead with one reference for each output; they are the caller's. */
static mx_array *make_node(const mx_op *op, const void *params, mx_array *const *in, int nin)
{
    mx_spec few[FEW_OUTPUTS], *specs = few;
    mx_call call = {.op = op, .params = params, .in = in, .nin = nin, .nout = op_output_count(op, params)};
    if (UNLIKELY(nin > UINT16_MAX || call.nout > UINT16_MAX)) {
        return mx_fail(MX_VALUE, "[%s] more than %d %s.", op->name, UINT16_MAX,
                       nin > UINT16_MAX ? "inputs" : "outputs");
    }
    if (UNLIKELY(call.nout > FEW_OUTPUTS) && !(specs = mx_alloc((size_t)call.nout, sizeof *specs))) return NULL;
    mx_stream *stream = mx_current_stream();
    mx_array *lead = stream ? make_outputs(&call, specs) : NULL;
    if (UNLIKELY(specs != few)) mx_free(specs);
    if (!lead) return NULL;
    if (!set_params(lead, op, params)) goto fail;
    lead->op = op;
    if (!set_inputs(lead, in, nin)) goto fail;
    for (int i = 0; i < call.nout; i++) lead[i].stream = stream;
    where_note(lead);
    return lead;
fail:
    for (int i = call.nout - 1; i >= 0; i--) mx_drop(lead + i);
    return NULL;
}

mx_array *op_apply_n(const mx_op *op, const void *params, mx_array *const *in, int nin)
{
    if (!op_has_all(op->name, in, nin)) return NULL;
    return mx_temporary(make_node(op, params, in, nin));
}

mx_array *op_apply_none(const mx_op *op, const void *params)
{
    return op_apply_n(op, params, NULL, 0);
}

bool op_apply_multi(const mx_op *op, const void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    bool ok = op_has_all(op->name, in, nin);
    mx_array *lead = ok && nout ? make_node(op, params, in, nin) : NULL; /* a loop may have no results at all */
    for (int i = 0; i < nout; i++) {
        out[i] = lead ? mx_temporary(lead + i) : NULL;
        ok &= out[i] != NULL;
    }
    return ok;
}

bool op_apply_resized(const mx_op *op, const void *params, mx_array *const *in, int nin, mx_array **out, int nout)
{
    if (!op->resize) return op_apply_multi(op, params, in, nin, out, nout);
    mx_call c = {.op = op, .params = params, .in = in, .nin = nin, .nout = nout};
    return op_has_all(op->name, in, nin) && op->resize(&c, out);
}

mx_array *op_again(const mx_call *c, mx_array *const *in)
{
    return op_apply_n(c->op, c->params, in, c->nin);
}
