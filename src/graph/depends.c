/* SPDX-License-Identifier: MIT
 *
 * depends: the same arrays, but not before others are computed.  One node with the dependencies and then the arrays as
 * inputs; its outputs share the arrays' buffers. */
#include "core/memory.h"
#include "graph/alias.h"
#include "graph/trace.h"
#include <string.h>

bool alias_shape(const mx_call *c, mx_spec *out)
{
    for (int i = 0; i < c->nout; i++) {
        const mx_array *x = c->in[c->nin - c->nout + i];
        spec_set(&out[i], array_shape(x), (mx_dtype)x->dtype);
    }
    return true;
}

bool alias_evaluate(mx_array *lead)
{
    for (int i = 0; i < lead->nout; i++) {
        const mx_array *from = lead->in[lead->nin - lead->nout + i];
        mx_array *out = lead + i;
        memcpy(out->strides, from->strides, (size_t)out->ndim * sizeof *out->strides);
        array_set_buffer_take(out, buffer_keep(from->buffer), from->offset);
        array_set_contiguity(out);
    }
    return true;
}

typedef struct depends_params {
    int32_t count; /* arrays: the last inputs and all outputs */
} depends_params;

static const mx_field depends_fields[] = {FIELD_INT(depends_params, count), FIELD_END};

static int depends_outputs(const void *params)
{
    return ((const depends_params *)params)->count;
}

static bool depends_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    for (int i = 0; i < c->nout; i++) din[c->nin - c->nout + i] = dout[i];
    return true;
}

static bool depends_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    for (int i = 0; i < c->nout; i++) tout[i] = tin[c->nin - c->nout + i];
    return true;
}

static bool depends_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    for (int i = 0; i < c->nout; i++) axis_out[i] = axis_in[c->nin - c->nout + i];
    return op_apply_multi(c->op, c->params, c->in, c->nin, out, c->nout);
}

const mx_op mx_op_depends = {
    OP_NAMED(depends, "depends"), .fields = depends_fields, .params_size = sizeof(depends_params),
    .outputs = depends_outputs,   .shape = alias_shape,     .vjp = depends_vjp,
    .jvp = depends_jvp,           .vmap = depends_vmap,     .evaluate = alias_evaluate};

bool mx_depends(mx_array *const *in, int nin, mx_array *const *on, int count, mx_array **out)
{
    if (!op_has_all("depends", in, nin) || !op_has_all("depends", on, count)) return false;
    if (nin && !out) return mx_fail_false(MX_VALUE, "[depends] there is no place for the results: NULL.");
    if (!nin) return true;
    mx_array **all = mx_alloc((size_t)nin + (size_t)count, sizeof *all);
    if (!all) return false;
    if (count) memcpy(all, on, (size_t)count * sizeof *all);
    memcpy(all + count, in, (size_t)nin * sizeof *all);
    bool ok = op_apply_multi(&mx_op_depends, &(depends_params){nin}, all, nin + count, out, nin);
    mx_free(all);
    return ok;
}
