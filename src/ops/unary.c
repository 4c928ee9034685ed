/* SPDX-License-Identifier: MIT
 *
 * Elementwise ops of one operand.  A derivative is one function, dy/dx from x and y; both modes multiply by it. */
#include "ops/rules.h"

typedef mx_array *(*derivative_fn)(mx_array *x, mx_array *y);

static bool vjp_by(derivative_fn d, const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = mx_mul(dout[0], d(c->in[0], c->out[0]))) != NULL;
}

static bool jvp_by(derivative_fn d, const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = mx_mul(tin[0], d(c->in[0], c->out[0]))) != NULL;
}

/* The record of an op with its derivative, an expression over x and y. */
#define SMOOTH(id, text, prepare, expression)                                                                          \
    static mx_array *id##_derivative(mx_array *x, mx_array *y)                                                         \
    {                                                                                                                  \
        (void)x, (void)y;                                                                                              \
        return expression;                                                                                             \
    }                                                                                                                  \
    static bool id##_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)                                      \
    {                                                                                                                  \
        return vjp_by(id##_derivative, c, dout, din);                                                                  \
    }                                                                                                                  \
    static bool id##_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)                                      \
    {                                                                                                                  \
        return jvp_by(id##_derivative, c, tin, tout);                                                                  \
    }                                                                                                                  \
    const mx_op mx_op_##id = {OP_NAMED(id, text), .flags = OP_ELEMENTWISE, .shape = op_shape_same,                     \
                              .vjp = id##_vjp,    .jvp = id##_jvp,         .vmap = op_vmap_elementwise};               \
    mx_array *mx_##id(mx_array *x)                                                                                     \
    {                                                                                                                  \
        return op_apply(&mx_op_##id, NULL, prepare(x));                                                                \
    }

SMOOTH(exp, "exp", mx_at_least_float, y)
