/* SPDX-License-Identifier: MIT
 *
 * Reductions.  The axes that go are first moved to the end, so rules and kernels see one form only; axes that stay as
 * ones are put back by a reshape. */
#include "core/params/reduce.h"
#include "ops/reduce.h"
#include "ops/rules.h"

static const mx_field fields[] = {FIELD_INT(reduce_params, count), FIELD_END};

/* ---- Axes
 * -------------------------------------------------------------------------------------------------------------------------------
 */
mx_array *axes_to_end(const char *op, mx_array *x, mx_axes list, reduced_axes *r)
{
    bool goes[MX_MAX_NDIM] = {false};
    int order[MX_MAX_NDIM], n = 0, axes[MX_MAX_NDIM];
    if (!op_has(op, x) || (r->count = axes_of(op, list, x->ndim, MX_INDEX, axes)) < 0) return NULL;
    for (int i = 0; i < r->count; i++) goes[axes[i]] = true;
    for (int i = 0; i < x->ndim; i++) {
        if (!goes[i]) order[n++] = i;
    }
    r->ndim = x->ndim;
    for (int i = 0; i < x->ndim; i++) r->kept[i] = goes[i] ? 1 : x->shape[i];
    for (int i = 0; i < r->count; i++) order[n++] = axes[i];
    return mx_transpose(x, (mx_axes){n, order});
}

mx_array *axes_restore(mx_array *y, const reduced_axes *r, bool keep)
{
    return y && keep ? mx_reshape(y, (mx_shape){r->ndim, r->kept}) : y;
}

static mx_array *reduce(const mx_op *op, mx_array *x, mx_axes axes, bool keep)
{
    reduced_axes r;
    mx_array *rows = axes_to_end(op->name, x, axes, &r);
    if (!rows || r.count == 0) return rows;
    return axes_restore(op_apply(op, &(reduce_params){r.count}, rows), &r, keep);
}

/* ---- Rules
 * --------------------------------------------------------------------------------------------------------------------------------
 */
static bool leading_shape(const mx_call *c, mx_spec *out)
{
    const reduce_params *p = c->params;
    spec_set(out, (mx_shape){c->in[0]->ndim - p->count, c->in[0]->shape}, (mx_dtype)c->in[0]->dtype);
    return true;
}

/* y with the axes that are gone as ones, so that it broadcasts against the input. */
static mx_array *with_ones(mx_array *y, const mx_array *in)
{
    int64_t shape[MX_MAX_NDIM];
    for (int i = 0; i < in->ndim; i++) shape[i] = y && i < y->ndim ? y->shape[i] : 1;
    return y ? mx_reshape(y, (mx_shape){in->ndim, shape}) : NULL;
}

static bool sum_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = mx_broadcast_to(with_ones(dout[0], c->in[0]), array_shape(c->in[0]))) != NULL;
}

const mx_op mx_op_sum = {OP_NAMED(sum, "sum"),   .fields = fields, .params_size = sizeof(reduce_params),
                         .shape = leading_shape, .vjp = sum_vjp,   .jvp = op_jvp_linear,
                         .vmap = op_vmap_leading};

/* ---- Public functions
 * ------------------------------------------------------------------------------------------------------------------------
 */
/* Sums of small integers are kept in 32 bits. */
static mx_array *widen(mx_array *x)
{
    if (!x || mx_dtype_is((mx_dtype)x->dtype, MX_INEXACT) || mx_dtype_size((mx_dtype)x->dtype) == 8) return x;
    return mx_astype(x, mx_dtype_is((mx_dtype)x->dtype, MX_UNSIGNED_INTEGER) ? MX_UINT32 : MX_INT32);
}

mx_array *mx_sum(mx_array *x, mx_axes axes, bool keep)
{
    return axes.count == 0 ? x : reduce(&mx_op_sum, widen(x), axes, keep);
}

mx_array *mx_sum_to(mx_array *x, mx_shape shape)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    int axes[MX_MAX_NDIM], n = 0;
    if (!op_has("sum_to", x)) return NULL;
    if (!shape_can_broadcast_to(shape, array_shape(x))) {
        return mx_fail(MX_VALUE, "[sum_to] Shape %s is not one that broadcasts to %s.", shape_text(a, shape),
                       shape_text(b, array_shape(x)));
    }
    int extra = x->ndim - shape.ndim;
    for (int i = 0; i < x->ndim; i++) {
        if (i < extra || shape.at[i - extra] != x->shape[i]) axes[n++] = i;
    }
    if (n == 0) return x;
    mx_array *sum = reduce(&mx_op_sum, x, (mx_axes){n, axes}, false);
    return sum ? mx_reshape(sum, shape) : NULL;
}
