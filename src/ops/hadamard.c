/* SPDX-License-Identifier: MIT
 *
 * The Hadamard transform y = scale * H x of the last axis, n = m 2^k with m in 1, 12, 20, 28; H is the Kronecker
 * product of a matrix of order m and k times [1 1; 1 -1] (Sylvester 1867).
 *
 * H H' = n I, but H is not symmetric for m = 20 and 28: the vjp is the transform by H', which is a parameter and not
 * another op, so every derivative is this op. */
#include "core/params/hadamard.h"
#include "ops/rules.h"
#include <math.h>

static const mx_field fields[] = {FIELD_DOUBLE(hadamard_params, scale), FIELD_INT(hadamard_params, order),
                                  FIELD_BOOL(hadamard_params, transposed), FIELD_END};

static bool vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    hadamard_params p = *(const hadamard_params *)c->params;
    p.transposed = !p.transposed;
    return (din[0] = op_apply(&mx_op_hadamard, &p, dout[0])) != NULL;
}

const mx_op mx_op_hadamard = {OP_NAMED(hadamard, "hadamard_transform"),
                              .fields = fields,
                              .params_size = sizeof(hadamard_params),
                              .shape = op_shape_same,
                              .vjp = vjp,
                              .jvp = op_jvp_linear,
                              .vmap = op_vmap_leading};

/* The m of n = m 2^k, or 0. */
static int32_t order_of(int64_t n)
{
    while (n > 1 && n % 2 == 0 && n != 12 && n != 20 && n != 28) n /= 2;
    return n == 1 || n == 12 || n == 20 || n == 28 ? (int32_t)n : 0;
}

mx_array *mx_hadamard_transform(mx_array *x, const double *scale)
{
    if (!op_has("hadamard_transform", x)) return NULL;
    if (x->size == 0) return mx_fail(MX_VALUE, "[hadamard_transform] the array is empty.");
    if (x->ndim == 0 && !scale) return x;
    if (x->ndim == 0) {
        x = mx_at_least_float(x);
        return x ? mx_mul(x, mx_like(x, *scale)) : NULL;
    }
    int64_t n = x->shape[x->ndim - 1];
    hadamard_params p = {.scale = scale ? *scale : 1 / sqrt((double)n), .order = order_of(n)};
    if (!p.order)
        return mx_fail(MX_VALUE,
                       "[hadamard_transform] the last axis has %lld points, not m 2^k with m 1, 12, 20 or 28.",
                       (long long)n);
    if (!mx_dtype_is((mx_dtype)x->dtype, MX_FLOATING)) x = mx_astype(x, MX_FLOAT32);
    return op_apply(&mx_op_hadamard, &p, x);
}
