/* SPDX-License-Identifier: MIT
 *
 * Elementwise functions of one operand.  A row is an op with its derivative dy/dx, an expression over x and y; both
 * modes multiply by it.
 *
 * Of a complex x, a vjp multiplies by the conjugate of the derivative (CONJUGATE) or, where MLX's does, by the
 * derivative itself (PLAIN). */
#include "ops/rules.h"
#include <math.h>

/* ---- Operands */
static mx_array *inexact(const char *op, mx_array *x)
{
    return op_has(op, x) ? mx_at_least_float(x) : NULL;
}

static mx_array *real_only(const char *op, mx_array *x)
{
    if (x && x->dtype == MX_COMPLEX64) return mx_fail(MX_VALUE, "[%s] Not supported for complex64.", op);
    return inexact(op, x);
}

/* ---- Derivatives */
typedef mx_array *(*derivative_fn)(mx_array *x, mx_array *y);

static bool CONJUGATE(derivative_fn d, const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = mx_mul(dout[0], mx_conjugate(d(c->in[0], c->out[0])))) != NULL;
}
static bool PLAIN(derivative_fn d, const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = mx_mul(dout[0], d(c->in[0], c->out[0]))) != NULL;
}
static bool jvp_by(derivative_fn d, const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = mx_mul(tin[0], d(c->in[0], c->out[0]))) != NULL;
}

/* c x, and c + x */
static mx_array *scaled(mx_array *x, double c)
{
    return mx_mul(x, mx_like(x, c));
}
static mx_array *plus(mx_array *x, double c)
{
    return mx_add(x, mx_like(x, c));
}
/* 1 - x^2 and 1 + x^2 */
static mx_array *one_minus_square(mx_array *x)
{
    return mx_sub(mx_like(x, 1), mx_square(x));
}
static mx_array *one_plus_square(mx_array *x)
{
    return plus(mx_square(x), 1);
}

#define SMOOTH(id, text, operand, vjp_rule, expression)                                                                \
    static mx_array *id##_derivative(mx_array *x, mx_array *y)                                                         \
    {                                                                                                                  \
        (void)x, (void)y;                                                                                              \
        return expression;                                                                                             \
    }                                                                                                                  \
    static bool id##_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)                                      \
    {                                                                                                                  \
        return vjp_rule(id##_derivative, c, dout, din);                                                                \
    }                                                                                                                  \
    static bool id##_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)                                      \
    {                                                                                                                  \
        return jvp_by(id##_derivative, c, tin, tout);                                                                  \
    }                                                                                                                  \
    const mx_op mx_op_##id = {OP_NAMED(id, text), .flags = OP_ELEMENTWISE, .shape = op_shape_same,                     \
                              .vjp = id##_vjp,    .jvp = id##_jvp,         .vmap = op_vmap_elementwise};               \
    mx_array *mx_##id(mx_array *x)                                                                                     \
    {                                                                                                                  \
        return op_apply(&mx_op_##id, NULL, operand(text, x));                                                          \
    }

SMOOTH(sqrt, "sqrt", inexact, PLAIN, mx_div(mx_like(x, 0.5), y))
SMOOTH(rsqrt, "rsqrt", inexact, PLAIN, scaled(mx_div(y, x), -0.5))
SMOOTH(reciprocal, "reciprocal", inexact, CONJUGATE, mx_neg(mx_square(y)))
SMOOTH(exp, "exp", inexact, CONJUGATE, y)
SMOOTH(expm1, "expm1", real_only, CONJUGATE, plus(y, 1))
SMOOTH(log, "log", inexact, CONJUGATE, mx_reciprocal(x))
SMOOTH(log2, "log2", inexact, CONJUGATE, mx_reciprocal(scaled(x, M_LN2)))
SMOOTH(log10, "log10", inexact, CONJUGATE, mx_reciprocal(scaled(x, M_LN10)))
SMOOTH(log1p, "log1p", inexact, CONJUGATE, mx_reciprocal(plus(x, 1)))
SMOOTH(sin, "sin", inexact, CONJUGATE, mx_cos(x))
SMOOTH(cos, "cos", inexact, PLAIN, mx_neg(mx_sin(x)))
SMOOTH(tan, "tan", inexact, CONJUGATE, one_plus_square(y))
SMOOTH(sinh, "sinh", inexact, CONJUGATE, mx_cosh(x))
SMOOTH(cosh, "cosh", inexact, CONJUGATE, mx_sinh(x))
SMOOTH(tanh, "tanh", inexact, CONJUGATE, one_minus_square(y))
SMOOTH(arcsin, "arcsin", inexact, PLAIN, mx_rsqrt(one_minus_square(x)))
SMOOTH(arccos, "arccos", inexact, PLAIN, mx_neg(mx_rsqrt(one_minus_square(x))))
SMOOTH(arctan, "arctan", inexact, PLAIN, mx_reciprocal(one_plus_square(x)))
SMOOTH(arcsinh, "arcsinh", inexact, PLAIN, mx_rsqrt(one_plus_square(x)))
SMOOTH(arccosh, "arccosh", inexact, PLAIN, mx_rsqrt(plus(mx_square(x), -1)))
SMOOTH(arctanh, "arctanh", inexact, PLAIN, mx_reciprocal(one_minus_square(x)))
SMOOTH(erf, "erf", real_only, CONJUGATE, scaled(mx_exp(mx_neg(mx_square(x))), M_2_SQRTPI))
SMOOTH(erfinv, "erfinv", real_only, CONJUGATE, scaled(mx_exp(mx_square(y)), 1 / M_2_SQRTPI))
SMOOTH(sigmoid, "sigmoid", real_only, CONJUGATE, mx_mul(y, mx_sub(mx_like(y, 1), y)))

/* ---- Angles */
mx_array *mx_degrees(mx_array *x)
{
    mx_array *y = inexact("degrees", x);
    return y ? scaled(y, 180 / M_PI) : NULL;
}

mx_array *mx_radians(mx_array *x)
{
    mx_array *y = inexact("radians", x);
    return y ? scaled(y, M_PI / 180) : NULL;
}
