/* SPDX-License-Identifier: MIT
 *
 * Elementwise ops with three operands. */
#include "ops/rules.h"

static bool where_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *zero = mx_like(dout[0], 0);
    if (call_wants(c, 1)) din[1] = mx_where(c->in[0], dout[0], zero);
    if (call_wants(c, 2)) din[2] = mx_where(c->in[0], zero, dout[0]);
    return !mx_failed();
}

static bool where_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = mx_where(c->in[0], tin[1], tin[2])) != NULL;
}

const mx_op mx_op_where = {OP_NAMED(where, "where"), .flags = OP_ELEMENTWISE, .shape = op_shape_broadcast,
                           .vjp = where_vjp,         .jvp = where_jvp,        .vmap = op_vmap_elementwise};

mx_array *mx_where(mx_array *condition, mx_array *x, mx_array *y)
{
    mx_array *in[3] = {condition, x, y};
    if (!op_has_all("where", in, 3) || !op_promote(in + 1, 2)) return NULL;
    in[0] = mx_astype(condition, MX_BOOL);
    return op_apply_n(&mx_op_where, NULL, in, 3);
}

mx_array *mx_clip(mx_array *x, mx_array *low, mx_array *high)
{
    if (!op_has("clip", x)) return NULL;
    if (!low && !high) return mx_failed() ? NULL : mx_fail(MX_VALUE, "[clip] At most one of the bounds may be absent.");
    mx_array *y = low ? mx_maximum(x, low) : x;
    return high ? mx_minimum(y, high) : y;
}
