/* SPDX-License-Identifier: MIT
 *
 * Sorting and selecting along an axis, which is moved to the end for the op.  The order is total: NaN comes last,
 * complex numbers go by their real, then their imaginary parts, and equal elements (-0 and 0 too) keep their order.
 *
 * A partition puts what is less than its kth element first, then what equals it, then the rest, each in the order of
 * the input: so there is one answer, and the kth element is the one that a sort would put there. */
#include "core/params/sort.h"
#include "core/thread.h"
#include "ops/reduce.h"
#include "ops/rules.h"
#include <math.h>

static const mx_field fields[] = {FIELD_INT64(partition_params, kth), FIELD_END};

/* ---- Rules */
static bool order_shape(const mx_call *c, mx_spec *out)
{
    spec_set(out, array_shape(c->in[0]), MX_UINT32);
    return true;
}

static bool kth_is_there(const mx_call *c)
{
    int64_t kth = ((const partition_params *)c->params)->kth, n = c->in[0]->shape[c->in[0]->ndim - 1];
    return kth < n || mx_fail_false(MX_VALUE, "[%s] kth %lld of an axis of %lld elements.", c->op->name, (long long)kth,
                                    (long long)n);
}
static bool partition_shape(const mx_call *c, mx_spec *out)
{
    return kth_is_there(c) && op_shape_same(c, out);
}
static bool argpartition_shape(const mx_call *c, mx_spec *out)
{
    return kth_is_there(c) && order_shape(c, out);
}

/* Where the elements of a result come from: the op that says so, of the same inputs. */
static mx_array *order_of(const mx_call *c)
{
    return op_apply_n(c->op->id == OP_sort ? &mx_op_argsort : &mx_op_argpartition, c->params, c->in, 1);
}

static bool vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = mx_put_along_axis(mx_zeros_like(dout[0]), order_of(c), dout[0], -1)) != NULL;
}

static bool jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = mx_take_along_axis(tin[0], order_of(c), -1)) != NULL;
}

const mx_op mx_op_sort = {OP_NAMED(sort, "sort"), .flags = OP_ANY_SIZE, .shape = op_shape_same, .vjp = vjp, .jvp = jvp,
                          .vmap = op_vmap_leading};
const mx_op mx_op_argsort = {OP_NAMED(argsort, "argsort"), .flags = OP_ANY_SIZE, .shape = order_shape,
                             .vjp = op_vjp_zero,           .jvp = op_jvp_zero,   .vmap = op_vmap_leading};
#define PARTITION(id, shape_rule, vjp_rule, jvp_rule)                                                                  \
    const mx_op mx_op_##id = {OP_NAMED(id, #id),    .fields = fields,       .params_size = sizeof(partition_params),   \
                              .flags = OP_ANY_SIZE, .shape = shape_rule,    .vjp = vjp_rule,                           \
                              .jvp = jvp_rule,      .vmap = op_vmap_leading};
PARTITION(partition, partition_shape, vjp, jvp)
PARTITION(argpartition, argpartition_shape, op_vjp_zero, op_jvp_zero)

/* ---- Public functions */
static mx_array *along(const mx_op *op, const void *params, mx_array *x, int axis)
{
    mx_array *y = op_apply(op, params, mx_moveaxis(x, axis, -1));
    return y ? mx_moveaxis(y, -1, axis) : NULL;
}

static mx_array *sort(const mx_op *op, mx_array *x, int axis)
{
    int a = op_has(op->name, x) ? axis_of(op->name, axis, x->ndim, MX_VALUE) : -1;
    return a < 0 ? NULL : along(op, NULL, x, a);
}

mx_array *mx_sort(mx_array *x, int axis)
{
    return sort(&mx_op_sort, x, axis);
}
mx_array *mx_argsort(mx_array *x, int axis)
{
    return sort(&mx_op_argsort, x, axis);
}

static mx_array *partition(const mx_op *op, mx_array *x, int64_t kth, int axis)
{
    char text[SHAPE_TEXT];
    int a = op_has(op->name, x) ? axis_of(op->name, axis, x->ndim, MX_VALUE) : -1;
    if (a < 0) return NULL;
    int64_t n = x->shape[a];
    if (kth < -n || kth >= n)
        return mx_fail(MX_VALUE, "[%s] Received invalid kth %lld along axis %d for array with shape: %s.", op->name,
                       (long long)kth, axis, shape_text(text, array_shape(x)));
    if (kth < 0) note_sizes(); /* counted from the end */
    return along(op, &(partition_params){kth < 0 ? kth + n : kth}, x, a);
}

mx_array *mx_partition(mx_array *x, int64_t kth, int axis)
{
    return partition(&mx_op_partition, x, kth, axis);
}
mx_array *mx_argpartition(mx_array *x, int64_t kth, int axis)
{
    return partition(&mx_op_argpartition, x, kth, axis);
}

/* Entries from `first` on along an axis. */
static mx_array *from(mx_array *x, int axis, int64_t first, int64_t end)
{
    int64_t start[MX_MAX_NDIM] = {0}, stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
    if (!x) return NULL;
    for (int i = 0; i < x->ndim; i++) stop[i] = x->shape[i], step[i] = 1;
    start[axis] = first;
    stop[axis] = end;
    return mx_slice(x, start, stop, step);
}

mx_array *mx_topk(mx_array *x, int64_t k, int axis)
{
    char text[SHAPE_TEXT];
    int a = op_has("topk", x) ? axis_of("topk", axis, x->ndim, MX_VALUE) : -1;
    if (a < 0) return NULL;
    int64_t n = x->shape[a];
    if (k < 0 || k > n)
        return mx_fail(MX_VALUE, "[topk] Received invalid k=%lld along axis %d for array with shape: %s.", (long long)k,
                       axis, shape_text(text, array_shape(x)));
    note_sizes();
    if (k == n) return x;
    return from(k ? mx_partition(x, n - k, a) : x, a, n - k, n);
}

/* The middle one of n, or the mean of the two: the upper one is found first, the lower among those before it. */
static mx_array *middle(mx_array *rows)
{
    int last = rows->ndim - 1;
    int64_t n = rows->shape[last], half = n / 2;
    mx_array *parted = mx_partition(rows, half, last), *upper = from(parted, last, half, half + 1);
    if (n % 2) return upper;
    mx_array *lower = from(mx_partition(from(parted, last, 0, half), half - 1, last), last, half - 1, half);
    return mx_mul(mx_add(lower, upper), upper ? mx_like(upper, 0.5) : NULL);
}

mx_array *mx_median(mx_array *x, mx_axes list, bool keep)
{
    reduced_axes r;
    int axes[MX_MAX_NDIM], count = op_has("median", x) ? axes_of("median", list, x->ndim, MX_VALUE, axes) : -1;
    if (count < 0) return NULL;
    if (count == 0 && x->ndim > 0) return mx_fail(MX_VALUE, "[median] no axis is given.");
    for (int i = 0; i < count; i++) {
        if (x->shape[axes[i]] == 0) return mx_fail(MX_VALUE, "[median] Cannot take median along empty axis.");
    }
    if (x->ndim == 0) return mx_at_least_float(x);
    mx_array *rows = axes_to_end("median", mx_at_least_float(x), (mx_axes){count, axes}, &r);
    if (rows && count > 1) rows = mx_flatten(rows, rows->ndim - count, -1);
    if (!rows) return NULL;
    note_sizes();
    mx_array *y = middle(rows), *none = mx_any(mx_isnan(rows), MX_AXES(-1), true);
    y = y ? mx_where(none, mx_like(y, NAN), y) : NULL;
    return axes_restore(y ? mx_squeeze(y, MX_AXES(-1)) : NULL, &r, keep);
}
