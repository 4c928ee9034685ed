/* SPDX-License-Identifier: MIT
 *
 * Elementwise ops of one operand that are exact: signs, squares, rounding, bits, parts of complex numbers.  Where an op
 * changes nothing (floor of an integer), the operand itself is the result. */
#include "ops/rules.h"
#include <math.h>

static bool is_inexact(const mx_array *x)
{
    return mx_dtype_is((mx_dtype)x->dtype, MX_INEXACT);
}
static bool is_complex(const mx_array *x)
{
    return x->dtype == MX_COMPLEX64;
}
static bool is_signed(const mx_array *x)
{
    return is_inexact(x) || mx_dtype_is((mx_dtype)x->dtype, MX_SIGNED_INTEGER);
}

#define ELEMENTWISE_OP(id, text, shape_rule, vjp_rule, jvp_rule)                                                       \
    const mx_op mx_op_##id = {OP_NAMED(id, text), .flags = OP_ELEMENTWISE, .shape = shape_rule,                        \
                              .vjp = vjp_rule,    .jvp = jvp_rule,         .vmap = op_vmap_elementwise};

/* complex64 to float32, all else stays */
static bool shape_of_part(const mx_call *c, mx_spec *out)
{
    bool ok = op_shape_same(c, out);
    if (out->dtype == MX_COMPLEX64) out->dtype = MX_FLOAT32;
    return ok;
}

/* ---- abs */
static bool abs_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = mx_mul(dout[0], mx_sign(c->in[0]))) != NULL;
}

/* |z| changes by the part of the tangent that points along z. */
static bool abs_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = mx_real(mx_mul(tin[0], mx_conjugate(mx_sign(c->in[0]))))) != NULL;
}

ELEMENTWISE_OP(abs, "abs", shape_of_part, abs_vjp, abs_jvp)

mx_array *mx_abs(mx_array *x)
{
    return op_has("abs", x) && !is_signed(x) ? x : op_apply(&mx_op_abs, NULL, x);
}

/* ---- Linear ops */
static bool same_op_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = op_again(c, dout)) != NULL;
}

ELEMENTWISE_OP(neg, "negative", op_shape_same, same_op_vjp, op_jvp_linear)
ELEMENTWISE_OP(conjugate, "conjugate", op_shape_same, same_op_vjp, op_jvp_linear)

mx_array *mx_neg(mx_array *x)
{
    if (x && x->dtype == MX_BOOL)
        return mx_fail(MX_VALUE, "[negative] Not supported for bool, use logical_not instead.");
    return op_apply(&mx_op_neg, NULL, x);
}

mx_array *mx_conjugate(mx_array *x)
{
    return op_has("conjugate", x) && !is_complex(x) ? x : op_apply(&mx_op_conjugate, NULL, x);
}

static bool real_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    (void)c;
    return (din[0] = mx_astype(dout[0], MX_COMPLEX64)) != NULL;
}

static bool imag_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    (void)c;
    return (din[0] = mx_mul(dout[0], mx_complex(0, 1))) != NULL;
}

ELEMENTWISE_OP(real, "real", shape_of_part, real_vjp, op_jvp_linear)
ELEMENTWISE_OP(imag, "imag", shape_of_part, imag_vjp, op_jvp_linear)

mx_array *mx_real(mx_array *x)
{
    return op_has("real", x) && !is_complex(x) ? x : op_apply(&mx_op_real, NULL, x);
}
mx_array *mx_imag(mx_array *x)
{
    return op_has("imag", x) && !is_complex(x) ? mx_zeros_like(x) : op_apply(&mx_op_imag, NULL, x);
}

/* ---- square */
static bool square_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *x = c->in[0];
    return (din[0] = mx_mul(dout[0], mx_conjugate(mx_mul(x, mx_like(x, 2))))) != NULL;
}

static bool square_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *x = c->in[0];
    return (tout[0] = mx_mul(tin[0], mx_mul(x, mx_like(x, 2)))) != NULL;
}

ELEMENTWISE_OP(square, "square", op_shape_same, square_vjp, square_jvp)

mx_array *mx_square(mx_array *x)
{
    return x && x->dtype == MX_BOOL ? x : op_apply(&mx_op_square, NULL, x);
}

/* ---- Steps: their derivative is zero */
ELEMENTWISE_OP(sign, "sign", op_shape_same, op_vjp_zero, op_jvp_zero)
ELEMENTWISE_OP(floor, "floor", op_shape_same, op_vjp_zero, op_jvp_zero)
ELEMENTWISE_OP(ceil, "ceil", op_shape_same, op_vjp_zero, op_jvp_zero)
ELEMENTWISE_OP(round, "round", op_shape_same, op_vjp_zero, op_jvp_zero)

mx_array *mx_sign(mx_array *x)
{
    return x && x->dtype == MX_BOOL ? x : op_apply(&mx_op_sign, NULL, x);
}

static mx_array *rounded_real(const mx_op *op, mx_array *x)
{
    if (x && is_complex(x)) return mx_fail(MX_VALUE, "[%s] Not supported for complex64.", op->name);
    return x && !is_inexact(x) ? x : op_apply(op, NULL, x);
}

mx_array *mx_floor(mx_array *x)
{
    return rounded_real(&mx_op_floor, x);
}
mx_array *mx_ceil(mx_array *x)
{
    return rounded_real(&mx_op_ceil, x);
}
mx_array *mx_round(mx_array *x)
{
    return x && !is_inexact(x) ? x : op_apply(&mx_op_round, NULL, x);
}

mx_array *mx_round_to(mx_array *x, int decimals)
{
    if (!op_has("round", x)) return NULL;
    if (decimals == 0) return mx_round(x);
    /* The power of ten and its reciprocal in float32, as MLX scales. */
    float power = (float)pow(10, decimals);
    mx_dtype dtype = mx_dtype_promote((mx_dtype)x->dtype, is_inexact(x) ? (mx_dtype)x->dtype : MX_FLOAT32);
    mx_array *scaled = mx_round(mx_mul(mx_astype(x, dtype), mx_scalar(power, dtype)));
    return mx_astype(mx_mul(scaled, mx_scalar(1 / power, dtype)), (mx_dtype)x->dtype);
}

/* ---- Bits and truth */
ELEMENTWISE_OP(bitwise_invert, "bitwise_invert", op_shape_same, NULL, NULL)

mx_array *mx_bitwise_invert(mx_array *x)
{
    if (x && is_inexact(x))
        return mx_fail(MX_VALUE, "[bitwise_invert] only for integers and bools, not %s.",
                       mx_dtype_name((mx_dtype)x->dtype));
    return op_apply(&mx_op_bitwise_invert, NULL, x);
}

mx_array *mx_logical_not(mx_array *x)
{
    return op_has("logical_not", x) ? mx_bitwise_invert(mx_astype(x, MX_BOOL)) : NULL;
}

/* Bools that say the same of every element. */
static mx_array *all_are(mx_array *x, bool value)
{
    return mx_broadcast_to(mx_bool(value), array_shape(x));
}

mx_array *mx_isnan(mx_array *x)
{
    if (!op_has("isnan", x)) return NULL;
    return is_inexact(x) ? mx_not_equal(x, x) : all_are(x, false);
}

mx_array *mx_isinf(mx_array *x)
{
    if (!op_has("isinf", x)) return NULL;
    if (!is_inexact(x)) return all_are(x, false);
    if (is_complex(x)) return mx_logical_or(mx_isinf(mx_real(x)), mx_isinf(mx_imag(x)));
    return mx_equal(mx_abs(x), mx_like(x, INFINITY));
}

mx_array *mx_isfinite(mx_array *x)
{
    if (!op_has("isfinite", x)) return NULL;
    if (!is_inexact(x)) return all_are(x, true);
    if (is_complex(x)) return mx_logical_and(mx_isfinite(mx_real(x)), mx_isfinite(mx_imag(x)));
    return mx_less(mx_abs(x), mx_like(x, INFINITY));
}

mx_array *mx_isposinf(mx_array *x)
{
    if (!op_has("isposinf", x)) return NULL;
    return is_inexact(x) ? mx_equal(x, mx_like(x, INFINITY)) : all_are(x, false);
}

mx_array *mx_isneginf(mx_array *x)
{
    if (!op_has("isneginf", x)) return NULL;
    return is_inexact(x) ? mx_equal(x, mx_like(x, -INFINITY)) : all_are(x, false);
}

/* The largest finite value of the dtypes that nan_to_num takes. */
static double largest(mx_dtype dtype)
{
    return dtype == MX_FLOAT16 ? 65504.0 : dtype == MX_BFLOAT16 ? 0x1.fep127 : 0x1.fffffep127;
}

mx_array *mx_nan_to_num(mx_array *x, float nan, const float *posinf, const float *neginf)
{
    if (!op_has("nan_to_num", x)) return NULL;
    if (!is_inexact(x)) return x;
    mx_dtype dtype = (mx_dtype)x->dtype;
    if (dtype == MX_COMPLEX64 || (dtype == MX_FLOAT64 && !(posinf && neginf)))
        return mx_fail(MX_VALUE, "[nan_to_num] Does not yet support given type: %s.", mx_dtype_name(dtype));
    double high = posinf ? (double)*posinf : largest(dtype), low = neginf ? (double)*neginf : -largest(dtype);
    mx_array *y = mx_where(mx_isnan(x), mx_like(x, nan), x);
    y = mx_where(mx_isposinf(x), mx_like(x, high), y);
    return mx_where(mx_isneginf(x), mx_like(x, low), y);
}
