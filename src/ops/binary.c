/* SPDX-License-Identifier: MIT
 *
 * Arithmetic of two operands.  They are promoted to a common dtype here; broadcasting is the engine's, and the driver
 * of vjp sums cotangents over broadcast axes.  Of complex operands, a vjp multiplies by conjugates. */
#include "ops/rules.h"

static mx_array *binary(const mx_op *op, mx_array *a, mx_array *b)
{
    mx_array *in[2] = {a, b};
    if (!op_has_all(op->name, in, 2) || (a->dtype != b->dtype && !op_promote(in, 2))) return NULL;
    return op_apply_n(op, NULL, in, 2);
}

/* In the common dtype, or float32 for integers and bools. */
static mx_array *binary_inexact(const mx_op *op, mx_array *a, mx_array *b)
{
    mx_array *in[2] = {a, b};
    if (!op_has_all(op->name, in, 2) || !op_promote(in, 2)) return NULL;
    return op_apply(op, NULL, mx_at_least_float(in[0]), mx_at_least_float(in[1]));
}

static bool has_complex(const char *op, mx_array *a, mx_array *b)
{
    bool found = a && b && (a->dtype == MX_COMPLEX64 || b->dtype == MX_COMPLEX64);
    if (found) mx_fail(MX_VALUE, "[%s] Not supported for complex64.", op);
    return found;
}

/* Ops whose derivatives are factors of the tangents: tout = tin[0] d0 + tin[1] d1. */
static bool jvp_of_factors(mx_array *const *tin, mx_array *d0, mx_array *d1, mx_array **tout)
{
    return (tout[0] = mx_add(mx_mul(tin[0], d0), mx_mul(tin[1], d1))) != NULL;
}

#define BINARY_OP(id, text, vjp_rule, jvp_rule)                                                                        \
    const mx_op mx_op_##id = {OP_NAMED(id, text), .flags = OP_ELEMENTWISE, .shape = op_shape_broadcast,                \
                              .vjp = vjp_rule,    .jvp = jvp_rule,         .vmap = op_vmap_elementwise};

/* ---- add, sub, mul, div */
static bool add_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    (void)c;
    din[0] = din[1] = dout[0];
    return true;
}

static bool sub_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    din[0] = dout[0];
    if (call_wants(c, 1)) din[1] = mx_neg(dout[0]);
    return !mx_failed();
}

static bool mul_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    if (call_wants(c, 0)) din[0] = mx_mul(dout[0], mx_conjugate(c->in[1]));
    if (call_wants(c, 1)) din[1] = mx_mul(dout[0], mx_conjugate(c->in[0]));
    return !mx_failed();
}

static bool mul_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return jvp_of_factors(tin, c->in[1], c->in[0], tout);
}

static bool div_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *quotient = mx_div(dout[0], mx_conjugate(c->in[1]));
    if (call_wants(c, 0)) din[0] = quotient;
    if (call_wants(c, 1)) din[1] = mx_neg(mx_mul(quotient, mx_conjugate(c->out[0])));
    return !mx_failed();
}

/* d(a/b) = (da - (a/b) db) / b */
static bool div_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = mx_div(mx_sub(tin[0], mx_mul(c->out[0], tin[1])), c->in[1])) != NULL;
}

BINARY_OP(add, "add", add_vjp, op_jvp_linear)
BINARY_OP(sub, "subtract", sub_vjp, op_jvp_linear)
BINARY_OP(mul, "multiply", mul_vjp, mul_jvp)
BINARY_OP(div, "divide", div_vjp, div_jvp)

mx_array *mx_add(mx_array *a, mx_array *b)
{
    return binary(&mx_op_add, a, b);
}
mx_array *mx_sub(mx_array *a, mx_array *b)
{
    return binary(&mx_op_sub, a, b);
}
mx_array *mx_mul(mx_array *a, mx_array *b)
{
    return binary(&mx_op_mul, a, b);
}
mx_array *mx_div(mx_array *a, mx_array *b)
{
    return binary_inexact(&mx_op_div, a, b);
}

/* ---- floor_div, remainder, divmod */
static bool remainder_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    din[0] = dout[0];
    if (call_wants(c, 1)) din[1] = mx_neg(mx_mul(dout[0], mx_floor_div(c->in[0], c->in[1])));
    return !mx_failed();
}

static bool remainder_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = mx_sub(tin[0], mx_mul(tin[1], mx_floor_div(c->in[0], c->in[1])))) != NULL;
}

BINARY_OP(floor_div, "floor_divide", op_vjp_zero, op_jvp_zero)
BINARY_OP(remainder, "remainder", remainder_vjp, remainder_jvp)

mx_array *mx_floor_div(mx_array *a, mx_array *b)
{
    return has_complex("floor_divide", a, b) ? NULL : binary(&mx_op_floor_div, a, b);
}
mx_array *mx_remainder(mx_array *a, mx_array *b)
{
    return has_complex("remainder", a, b) ? NULL : binary(&mx_op_remainder, a, b);
}

/* floor_div truncates integers; the quotient that belongs to the remainder is one less where that is not a = q b + r.
 */
bool mx_divmod(mx_array *a, mx_array *b, mx_array *out[2])
{
    out[0] = out[1] = NULL;
    if (has_complex("divmod", a, b)) return false;
    mx_array *quotient = mx_floor_div(a, b), *rest = mx_remainder(a, b);
    if (!quotient || !rest) return false;
    if (mx_dtype_is((mx_dtype)quotient->dtype, MX_SIGNED_INTEGER)) {
        mx_array *inexact = mx_not_equal(mx_add(mx_mul(quotient, b), rest), a);
        mx_array *floored = mx_logical_and(inexact, mx_not_equal(b, mx_like(b, 0)));
        quotient = mx_sub(quotient, mx_astype(floored, (mx_dtype)quotient->dtype));
    }
    out[0] = quotient;
    out[1] = rest;
    return quotient != NULL;
}

/* ---- power */
static mx_array *power_by_base(const mx_call *c)
{
    mx_array *y = c->in[1];
    return mx_mul(y, mx_power(c->in[0], mx_sub(y, mx_like(y, 1))));
}

/* x^y log x, whose limit is 0 where x^y is */
static mx_array *power_by_exponent(const mx_call *c)
{
    mx_array *out = c->out[0], *zero = mx_like(out, 0);
    return mx_where(mx_equal(out, zero), zero, mx_mul(out, mx_log(c->in[0])));
}

/* Without conjugates, as MLX's. */
static bool power_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    if (call_wants(c, 0)) din[0] = mx_mul(dout[0], power_by_base(c));
    if (call_wants(c, 1)) din[1] = mx_mul(dout[0], power_by_exponent(c));
    return !mx_failed();
}

static bool power_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return jvp_of_factors(tin, power_by_base(c), power_by_exponent(c), tout);
}

BINARY_OP(power, "power", power_vjp, power_jvp)

mx_array *mx_power(mx_array *a, mx_array *b)
{
    return binary(&mx_op_power, a, b);
}

/* ---- maximum, minimum: of equal values the second one takes the derivative */
static bool chosen_vjp(const mx_call *c, mx_array *const *dout, mx_array *first, mx_array *second, mx_array **din)
{
    mx_dtype dtype = (mx_dtype)dout[0]->dtype;
    if (call_wants(c, 0)) din[0] = mx_mul(dout[0], mx_astype(first, dtype));
    if (call_wants(c, 1)) din[1] = mx_mul(dout[0], mx_astype(second, dtype));
    return !mx_failed();
}

static bool chosen_jvp(mx_array *const *tin, mx_array *first, mx_array *second, mx_array **tout)
{
    mx_dtype dtype = (mx_dtype)tin[0]->dtype;
    return jvp_of_factors(tin, mx_astype(first, dtype), mx_astype(second, dtype), tout);
}

static bool maximum_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return chosen_vjp(c, dout, mx_greater(c->in[0], c->in[1]), mx_less_equal(c->in[0], c->in[1]), din);
}
static bool maximum_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return chosen_jvp(tin, mx_greater(c->in[0], c->in[1]), mx_less_equal(c->in[0], c->in[1]), tout);
}
static bool minimum_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return chosen_vjp(c, dout, mx_less(c->in[0], c->in[1]), mx_greater_equal(c->in[0], c->in[1]), din);
}
static bool minimum_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return chosen_jvp(tin, mx_less(c->in[0], c->in[1]), mx_greater_equal(c->in[0], c->in[1]), tout);
}

BINARY_OP(maximum, "maximum", maximum_vjp, maximum_jvp)
BINARY_OP(minimum, "minimum", minimum_vjp, minimum_jvp)

mx_array *mx_maximum(mx_array *a, mx_array *b)
{
    return binary(&mx_op_maximum, a, b);
}
mx_array *mx_minimum(mx_array *a, mx_array *b)
{
    return binary(&mx_op_minimum, a, b);
}

/* ---- logaddexp: its derivatives are the shares e^a / (e^a + e^b) */
static mx_array *share(mx_array *mine, mx_array *other, mx_array *out)
{
    return out->dtype == MX_COMPLEX64 ? mx_exp(mx_sub(mine, out)) : mx_sigmoid(mx_sub(mine, other));
}

static bool logaddexp_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *a = c->in[0], *b = c->in[1], *out = c->out[0];
    if (call_wants(c, 0)) din[0] = mx_mul(dout[0], mx_conjugate(share(a, b, out)));
    if (call_wants(c, 1)) din[1] = mx_mul(dout[0], mx_conjugate(share(b, a, out)));
    return !mx_failed();
}

static bool logaddexp_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *a = c->in[0], *b = c->in[1], *out = c->out[0];
    return jvp_of_factors(tin, share(a, b, out), share(b, a, out), tout);
}

BINARY_OP(logaddexp, "logaddexp", logaddexp_vjp, logaddexp_jvp)

mx_array *mx_logaddexp(mx_array *a, mx_array *b)
{
    return binary_inexact(&mx_op_logaddexp, a, b);
}

/* ---- arctan2 */
static mx_array *square_of_radius(const mx_call *c)
{
    return mx_add(mx_square(c->in[0]), mx_square(c->in[1]));
}

static bool arctan2_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *share_of_dout = mx_div(dout[0], square_of_radius(c));
    if (call_wants(c, 0)) din[0] = mx_mul(share_of_dout, c->in[1]);
    if (call_wants(c, 1)) din[1] = mx_neg(mx_mul(share_of_dout, c->in[0]));
    return !mx_failed();
}

static bool arctan2_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *turn = mx_sub(mx_mul(tin[0], c->in[1]), mx_mul(tin[1], c->in[0]));
    return (tout[0] = mx_div(turn, square_of_radius(c))) != NULL;
}

BINARY_OP(arctan2, "arctan2", arctan2_vjp, arctan2_jvp)

mx_array *mx_arctan2(mx_array *a, mx_array *b)
{
    return has_complex("arctan2", a, b) ? NULL : binary_inexact(&mx_op_arctan2, a, b);
}
