/* SPDX-License-Identifier: MIT
 *
 * Comparisons and truth of two operands.  Logical ops are bitwise ones on bools; a > b is b < a. */
#include "ops/rules.h"

#define COMPARISON(id)                                                                                                 \
    const mx_op mx_op_##id = {OP_NAMED(id, #id), .flags = OP_ELEMENTWISE, .shape = op_shape_broadcast_bool,            \
                              .vmap = op_vmap_elementwise};                                                            \
    mx_array *mx_##id(mx_array *a, mx_array *b)                                                                        \
    {                                                                                                                  \
        return compare(&mx_op_##id, a, b);                                                                             \
    }

static mx_array *compare(const mx_op *op, mx_array *a, mx_array *b)
{
    mx_array *in[2] = {a, b};
    return op_has_all(op->name, in, 2) && op_promote(in, 2) ? op_apply_n(op, NULL, in, 2) : NULL;
}

COMPARISON(equal)
COMPARISON(not_equal)
COMPARISON(less)
COMPARISON(less_equal)

mx_array *mx_greater(mx_array *a, mx_array *b)
{
    return mx_less(b, a);
}
mx_array *mx_greater_equal(mx_array *a, mx_array *b)
{
    return mx_less_equal(b, a);
}

/* ---- Truth */
typedef mx_array *(*bitwise_fn)(mx_array *a, mx_array *b);

static mx_array *logical(const char *name, bitwise_fn op, mx_array *a, mx_array *b)
{
    return op_has(name, a) && op_has(name, b) ? op(mx_astype(a, MX_BOOL), mx_astype(b, MX_BOOL)) : NULL;
}

mx_array *mx_logical_and(mx_array *a, mx_array *b)
{
    return logical("logical_and", mx_bitwise_and, a, b);
}
mx_array *mx_logical_or(mx_array *a, mx_array *b)
{
    return logical("logical_or", mx_bitwise_or, a, b);
}
mx_array *mx_logical_xor(mx_array *a, mx_array *b)
{
    return logical("logical_xor", mx_bitwise_xor, a, b);
}

/* ---- Closeness */
/* |a - b| <= atol + rtol |b|; infinities are close to their equals only. */
mx_array *mx_isclose(mx_array *a, mx_array *b, double rtol, double atol, bool equal_nan)
{
    mx_array *in[2] = {a, b};
    if (!op_has_all("isclose", in, 2) || !op_promote(in, 2)) return NULL;
    mx_array *x = mx_at_least_float(in[0]), *y = mx_at_least_float(in[1]);
    mx_array *distance = mx_abs(mx_sub(x, y)), *size = mx_abs(y);
    if (!distance || !size) return NULL;
    mx_array *limit = mx_add(mx_like(size, atol), mx_mul(mx_like(size, rtol), size));
    mx_array *infinite = mx_logical_or(mx_isinf(x), mx_isinf(y));
    mx_array *close = mx_where(infinite, mx_equal(x, y), mx_less_equal(distance, limit));
    return equal_nan ? mx_logical_or(close, mx_logical_and(mx_isnan(x), mx_isnan(y))) : close;
}

mx_array *mx_allclose(mx_array *a, mx_array *b, double rtol, double atol, bool equal_nan)
{
    if (!op_has("allclose", a) || !op_has("allclose", b)) return NULL;
    return mx_all(mx_isclose(a, b, rtol, atol, equal_nan), ALL_AXES, false);
}

mx_array *mx_array_equal(mx_array *a, mx_array *b, bool equal_nan)
{
    mx_array *in[2] = {a, b};
    if (!op_has_all("array_equal", in, 2)) return NULL;
    if (!shape_equal(array_shape(a), array_shape(b))) return mx_bool(false);
    if (!op_promote(in, 2)) return NULL;
    mx_array *equal = mx_equal(in[0], in[1]);
    if (equal_nan && mx_dtype_is((mx_dtype)in[0]->dtype, MX_INEXACT))
        equal = mx_logical_or(equal, mx_logical_and(mx_isnan(in[0]), mx_isnan(in[1])));
    return mx_all(equal, ALL_AXES, false);
}
