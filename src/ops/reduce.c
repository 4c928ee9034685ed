/* SPDX-License-Identifier: MIT
 *
 * Reductions.  The axes that go are first moved to the end, so rules and kernels see one form only; axes that stay as
 * ones are put back by a reshape. */
#include "core/params/reduce.h"
#include "core/thread.h"
#include "ops/reduce.h"
#include "ops/rules.h"

static const mx_field fields[] = {FIELD_INT(reduce_params, count), FIELD_END};

/* ---- Axes */
mx_array *axes_to_end(const char *op, mx_array *x, mx_axes list, reduced_axes *r)
{
    bool goes[MX_MAX_NDIM] = {false};
    int order[MX_MAX_NDIM], n = 0, axes[MX_MAX_NDIM];
    if (!op_has(op, x) || (r->count = axes_of(op, list, x->ndim, MX_INDEX, axes)) < 0) return NULL;
    for (int i = 0; i < r->count; i++) goes[axes[i]] = true;
    for (int i = 0; i < x->ndim; i++) {
        if (!goes[i]) order[n++] = i;
    }
    for (int i = 0; i < r->count; i++) order[n++] = r->axes[i] = axes[i];
    return mx_transpose(x, (mx_axes){n, order});
}

mx_array *axes_restore(mx_array *y, const reduced_axes *r, bool keep)
{
    return y && keep ? mx_expand_dims(y, (mx_axes){r->count, r->axes}) : y;
}

static mx_array *reduce(const mx_op *op, mx_array *x, mx_axes axes, bool keep)
{
    reduced_axes r;
    mx_array *rows = axes_to_end(op->name, x, axes, &r);
    if (!rows || r.count == 0) return rows;
    return axes_restore(op_apply(op, &(reduce_params){r.count}, rows), &r, keep);
}

/* ---- Rules */
static bool leading_shape(const mx_call *c, mx_spec *out)
{
    const reduce_params *p = c->params;
    spec_set(out, (mx_shape){c->in[0]->ndim - p->count, c->in[0]->shape}, (mx_dtype)c->in[0]->dtype);
    return true;
}

/* y with the axes that are gone as ones, so that it broadcasts against the input. */
static mx_array *with_ones(mx_array *y, const mx_array *in)
{
    int axes[MX_MAX_NDIM], n = 0;
    for (int i = y ? y->ndim : 0; i < in->ndim; i++) axes[n++] = i;
    return y ? mx_expand_dims(y, (mx_axes){n, axes}) : NULL;
}

static bool sum_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = op_broadcast_like(with_ones(dout[0], c->in[0]), c->in[0])) != NULL;
}

static bool prod_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    /* The product of the others, without dividing: products of what lies before and after (the axes that go, as one).
     */
    mx_array *x = c->in[0], *y = c->out[0];
    int64_t n = y->size ? x->size / y->size : 0;
    mx_array *rows = mx_reshape(x, SHAPE(y->size, n)), *before = mx_cumprod(rows, -1, false, false),
             *after = mx_cumprod(rows, -1, true, false);
    mx_array *others = mx_conjugate(mx_reshape(mx_mul(before, after), array_shape(x)));
    return (din[0] = mx_mul(others, with_ones(dout[0], x))) != NULL;
}

/* Where several elements are the extreme, they share the cotangent evenly. */
static bool extreme_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *x = c->in[0];
    const reduce_params *p = c->params;
    int axes[MX_MAX_NDIM];
    for (int i = 0; i < p->count; i++) axes[i] = i - p->count;
    mx_array *hit = mx_astype(mx_equal(x, with_ones(c->out[0], x)), (mx_dtype)x->dtype);
    mx_array *share = mx_div(hit, mx_sum(hit, (mx_axes){p->count, axes}, KEEP));
    return (din[0] = mx_mul(share, with_ones(dout[0], x))) != NULL;
}

static bool bool_shape(const mx_call *c, mx_spec *out)
{
    bool ok = leading_shape(c, out);
    out->dtype = MX_BOOL;
    return ok;
}

#define REDUCE(id, text, shape_rule, vjp_rule, jvp_rule)                                                               \
    const mx_op mx_op_##id = {OP_NAMED(id, text),   .fields = fields,        .params_size = sizeof(reduce_params),     \
                              .flags = OP_ANY_SIZE, .shape = shape_rule,     .vjp = vjp_rule,                          \
                              .jvp = jvp_rule,      .vmap = op_vmap_leading, .origin = op_origin_first};
REDUCE(sum, "sum", leading_shape, sum_vjp, op_jvp_linear)
REDUCE(prod, "prod", leading_shape, prod_vjp, op_jvp_by_vjp)
REDUCE(min, "min", leading_shape, extreme_vjp, op_jvp_by_vjp)
REDUCE(max, "max", leading_shape, extreme_vjp, op_jvp_by_vjp)
REDUCE(all, "all", bool_shape, NULL, NULL)
REDUCE(any, "any", bool_shape, NULL, NULL)

/* ---- Public functions */
/* Sums and products of small integers are kept in 32 bits. */
static mx_array *widen(mx_array *x)
{
    if (!x || mx_dtype_is((mx_dtype)x->dtype, MX_INEXACT) || mx_dtype_size((mx_dtype)x->dtype) == 8) return x;
    return mx_astype(x, mx_dtype_is((mx_dtype)x->dtype, MX_UNSIGNED_INTEGER) ? MX_UINT32 : MX_INT32);
}

mx_array *mx_sum(mx_array *x, mx_axes axes, bool keep)
{
    return axes.count == 0 && op_has("sum", x) ? x : reduce(&mx_op_sum, widen(x), axes, keep);
}
mx_array *mx_prod(mx_array *x, mx_axes axes, bool keep)
{
    return axes.count == 0 && op_has("prod", x) ? x : reduce(&mx_op_prod, widen(x), axes, keep);
}
mx_array *mx_all(mx_array *x, mx_axes axes, bool keep)
{
    return reduce(&mx_op_all, mx_astype(x, MX_BOOL), axes, keep);
}
mx_array *mx_any(mx_array *x, mx_axes axes, bool keep)
{
    return reduce(&mx_op_any, mx_astype(x, MX_BOOL), axes, keep);
}

/* Elements folded into each result; -1 and an error of `code` for a bad axis. */
static int64_t folded(const char *op, mx_array *x, mx_axes list, mx_code code)
{
    int axes[MX_MAX_NDIM], n = op_has(op, x) ? axes_of(op, list, x->ndim, code, axes) : -1;
    int64_t count = n < 0 ? -1 : 1;
    for (int i = 0; i < n; i++) count *= x->shape[axes[i]];
    return count;
}

static mx_array *extreme(const mx_op *op, mx_array *x, mx_axes axes, bool keep)
{
    if (folded(op->name, x, axes, MX_INDEX) == 0)
        return mx_fail(MX_VALUE, "[%s] Cannot %s reduce zero size array.", op->name, op->name);
    return reduce(op, x, axes, keep);
}

mx_array *mx_min(mx_array *x, mx_axes axes, bool keep)
{
    return extreme(&mx_op_min, x, axes, keep);
}
mx_array *mx_max(mx_array *x, mx_axes axes, bool keep)
{
    return extreme(&mx_op_max, x, axes, keep);
}

mx_array *mx_mean(mx_array *x, mx_axes axes, bool keep)
{
    int64_t n = folded("mean", x, axes, MX_VALUE);
    if (n < 0) return NULL;
    /* The sum of a float16 ends at 65504, its mean does not. */
    if (x->dtype == MX_FLOAT16) return mx_astype(mx_mean(mx_astype(x, MX_FLOAT32), axes, keep), MX_FLOAT16);
    mx_array *sum = mx_at_least_float(mx_sum(x, axes, keep));
    return sum ? mx_mul(sum, mx_number_of_elements(x, axes, true, (mx_dtype)sum->dtype)) : NULL;
}

mx_array *mx_var(mx_array *x, mx_axes axes, bool keep, int ddof)
{
    int64_t n = folded("var", x, axes, MX_VALUE);
    if (n < 0) return NULL;
    x = mx_at_least_float(x);
    mx_array *centred = mx_sub(x, mx_mean(x, axes, KEEP));
    mx_array *square = mx_dtype_is(mx_dtype_of(x), MX_COMPLEX_FLOATING)
                           ? mx_real(mx_mul(centred, mx_conjugate(centred)))
                           : mx_square(centred);
    mx_array *sum = mx_sum(square, axes, keep);
    if (!sum) return NULL;
    if (ddof == 0) return mx_mul(sum, mx_number_of_elements(x, axes, true, (mx_dtype)sum->dtype));
    if (sizes_are_free(x)) {
        mx_array *count = mx_number_of_elements(x, axes, false, (mx_dtype)sum->dtype);
        return mx_div(sum, mx_maximum(mx_sub(count, mx_like(count, ddof)), mx_like(count, 0)));
    }
    note_sizes();
    return mx_mul(sum, mx_like(sum, 1.0 / (double)(n > ddof ? n - (int64_t)ddof : 0)));
}

mx_array *mx_std(mx_array *x, mx_axes axes, bool keep, int ddof)
{
    return mx_sqrt(mx_var(x, axes, keep, ddof));
}

mx_array *mx_sum_to(mx_array *x, mx_shape shape)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    int axes[MX_MAX_NDIM], n = 0;
    if (!op_has("sum_to", x) || !shape_readable("sum_to", shape)) return NULL;
    if (!shape_can_broadcast_to(shape, array_shape(x))) {
        return mx_fail(MX_VALUE, "[sum_to] Shape %s is not one that broadcasts to %s.", shape_text(a, shape),
                       shape_text(b, array_shape(x)));
    }
    note_sizes();
    int extra = x->ndim - shape.ndim;
    for (int i = 0; i < x->ndim; i++) {
        if (i < extra || shape.at[i - extra] != x->shape[i]) axes[n++] = i;
    }
    if (n == 0) return x;
    mx_array *sum = reduce(&mx_op_sum, x, (mx_axes){n, axes}, false);
    return sum ? mx_reshape(sum, shape) : NULL;
}
