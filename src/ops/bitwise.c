/* SPDX-License-Identifier: MIT
 *
 * Bitwise ops and shifts: integers and bools.  Shifts make bools uint8. */
#include "ops/rules.h"

static bool whole_operands(const mx_op *op, mx_array **in)
{
    if (!op_has_all(op->name, in, 2)) return false;
    mx_dtype dtype = mx_dtype_promote((mx_dtype)in[0]->dtype, (mx_dtype)in[1]->dtype);
    if (mx_dtype_is(dtype, MX_INEXACT)) {
        return mx_fail_false(MX_RUNTIME, "[%s] Only allowed on integer or boolean types but got types %s and %s.",
                             op->name, mx_dtype_name((mx_dtype)in[0]->dtype), mx_dtype_name((mx_dtype)in[1]->dtype));
    }
    return op_promote(in, 2);
}

static mx_array *bitwise(const mx_op *op, mx_array *a, mx_array *b)
{
    mx_array *in[2] = {a, b};
    return whole_operands(op, in) ? op_apply_n(op, NULL, in, 2) : NULL;
}

static mx_array *shift(const mx_op *op, mx_array *a, mx_array *b)
{
    mx_array *in[2] = {a, b};
    if (!whole_operands(op, in)) return NULL;
    for (int i = 0; i < 2 && in[i]; i++) {
        if (in[i]->dtype == MX_BOOL) in[i] = mx_astype(in[i], MX_UINT8);
    }
    return op_apply_n(op, NULL, in, 2);
}

#define WHOLE(id, apply)                                                                                               \
    const mx_op mx_op_##id = {OP_NAMED(id, #id), .flags = OP_ELEMENTWISE, .shape = op_shape_broadcast,                 \
                              .vmap = op_vmap_elementwise};                                                            \
    mx_array *mx_##id(mx_array *a, mx_array *b)                                                                        \
    {                                                                                                                  \
        return apply(&mx_op_##id, a, b);                                                                               \
    }

WHOLE(bitwise_and, bitwise)
WHOLE(bitwise_or, bitwise)
WHOLE(bitwise_xor, bitwise)
WHOLE(left_shift, shift)
WHOLE(right_shift, shift)
