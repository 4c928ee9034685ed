/* SPDX-License-Identifier: MIT
 *
 * astype: a C cast of every element; to bool it is `!= 0`, from complex to real the imaginary part is dropped.
 * view: the same bytes read as another dtype; a width that differs rescales the last axis. */
#include "core/params/cast.h"
#include "ops/rules.h"

static const mx_field fields[] = {FIELD_DTYPE(astype_params, dtype), FIELD_END};

static bool shape(const mx_call *c, mx_spec *out)
{
    const astype_params *p = c->params;
    spec_set(out, array_shape(c->in[0]), p->dtype);
    return true;
}

/* Casts to and from integers are steps: no derivative flows. */
static bool is_smooth(const mx_call *c)
{
    const astype_params *p = c->params;
    return mx_dtype_is(p->dtype, MX_INEXACT) && mx_dtype_is((mx_dtype)c->in[0]->dtype, MX_INEXACT);
}

static bool vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    din[0] = is_smooth(c) ? mx_astype(dout[0], (mx_dtype)c->in[0]->dtype) : NULL;
    return din[0] || !is_smooth(c);
}

static bool jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return !is_smooth(c) || op_jvp_linear(c, tin, tout);
}

const mx_op mx_op_astype = {OP_NAMED(astype, "astype"),
                            .fields = fields,
                            .params_size = sizeof(astype_params),
                            .flags = OP_ELEMENTWISE,
                            .shape = shape,
                            .vjp = vjp,
                            .jvp = jvp,
                            .vmap = op_vmap_elementwise};

mx_array *mx_astype(mx_array *x, mx_dtype dtype)
{
    if (!op_has("astype", x)) return NULL;
    if ((unsigned)dtype >= MX_DTYPE_COUNT) return mx_fail(MX_VALUE, "[astype] there is no dtype %d.", (int)dtype);
    return x->dtype == dtype ? x : op_apply(&mx_op_astype, &(astype_params){dtype}, x);
}

/* ---- view */
static bool view_shape(const mx_call *c, mx_spec *out)
{
    const astype_params *p = c->params;
    const mx_array *x = c->in[0];
    int64_t from = (int64_t)mx_dtype_size((mx_dtype)x->dtype), to = (int64_t)mx_dtype_size(p->dtype);
    spec_set(out, array_shape(x), p->dtype);
    if (from == to) return true;
    if (x->ndim == 0)
        return mx_fail_false(MX_VALUE, "[view] a scalar can only be viewed as a type of the same size, not %s as %s.",
                             mx_dtype_name((mx_dtype)x->dtype), mx_dtype_name(p->dtype));
    int64_t *last = &out->shape[x->ndim - 1], bytes = *last * from;
    if (bytes % to)
        return mx_fail_false(MX_VALUE, "[view] the last axis has %lld bytes, which is no multiple of the %lld of %s.",
                             (long long)bytes, (long long)to, mx_dtype_name(p->dtype));
    *last = bytes / to;
    return true;
}

/* Strides of the other width, if all places are multiples of it. */
static bool view_view(const mx_call *c, mx_array *out)
{
    const mx_array *in = c->in[0];
    int64_t from = (int64_t)mx_dtype_size((mx_dtype)in->dtype), to = (int64_t)mx_dtype_size((mx_dtype)out->dtype);
    int last = in->ndim - 1;
    if (from != to && in->strides[last] != 1) return false;
    if (in->offset % to) return false;
    for (int i = 0; i < in->ndim; i++) {
        if (i < last && in->strides[i] * from % to) return false;
        out->strides[i] = i == last && from != to ? 1 : in->strides[i] * from / to;
    }
    return true;
}

static bool view_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    (void)c, (void)dout, (void)din;
    return mx_fail_false(MX_VALUE, "[view] a view as another dtype has no derivative.");
}

static bool view_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return view_vjp(c, tin, tout);
}

/* The batch goes in front of at least one axis, which is the one that is rescaled. */
const mx_op mx_op_view = {OP_NAMED(view, "view"), .fields = fields,        .params_size = sizeof(astype_params),
                          .flags = OP_VIEW,       .shape = view_shape,     .vjp = view_vjp,
                          .jvp = view_jvp,        .vmap = op_vmap_leading, .view = view_view};

mx_array *mx_view(mx_array *x, mx_dtype dtype)
{
    if (!op_has("view", x)) return NULL;
    if ((unsigned)dtype >= MX_DTYPE_COUNT) return mx_fail(MX_VALUE, "[view] there is no dtype %d.", (int)dtype);
    return x->dtype == dtype ? x : op_apply(&mx_op_view, &(astype_params){dtype}, x);
}
