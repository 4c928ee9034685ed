/* SPDX-License-Identifier: MIT
 *
 * Elementwise ops of two operands.  The driver of vjp sums cotangents over broadcast axes. */
#include "ops/rules.h"

static mx_array *binary(const mx_op *op, mx_array *a, mx_array *b)
{
    mx_array *in[2] = {a, b};
    if (!op_has_all(op->name, in, 2) || !op_promote(in, 2)) return NULL;
    return op_apply_n(op, NULL, in, 2);
}

static bool add_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    (void)c;
    din[0] = din[1] = dout[0];
    return true;
}

const mx_op mx_op_add = {OP_NAMED(add, "add"), .flags = OP_ELEMENTWISE, .shape = op_shape_broadcast,
                         .vjp = add_vjp,       .jvp = op_jvp_linear,    .vmap = op_vmap_elementwise};

static bool mul_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    if (call_wants(c, 0)) din[0] = mx_mul(dout[0], c->in[1]);
    if (call_wants(c, 1)) din[1] = mx_mul(dout[0], c->in[0]);
    return !mx_failed();
}

static bool mul_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = mx_add(mx_mul(tin[0], c->in[1]), mx_mul(c->in[0], tin[1]))) != NULL;
}

const mx_op mx_op_mul = {
    OP_NAMED(mul, "multiply"),  .flags = OP_ELEMENTWISE, .shape = op_shape_broadcast, .vjp = mul_vjp, .jvp = mul_jvp,
    .vmap = op_vmap_elementwise};

mx_array *mx_mul(mx_array *a, mx_array *b)
{
    return binary(&mx_op_mul, a, b);
}
mx_array *mx_add(mx_array *a, mx_array *b)
{
    return binary(&mx_op_add, a, b);
}
