/* SPDX-License-Identifier: MIT
 *
 * astype: a C cast of every element; to bool it is `!= 0`, from complex to real the imaginary part is dropped. */
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
