/* SPDX-License-Identifier: MIT
 *
 * Products composed of others: inner, outer, vecdot, tensordot, kron. */
#include "ops/rules.h"

mx_array *mx_inner(mx_array *a, mx_array *b)
{
    mx_array *in[2] = {a, b};
    if (!op_has_all("inner", in, 2)) return NULL;
    if (a->ndim == 0 || b->ndim == 0) return mx_mul(a, b);
    char x[SHAPE_TEXT], y[SHAPE_TEXT];
    if (a->shape[a->ndim - 1] != b->shape[b->ndim - 1]) {
        return mx_fail(MX_VALUE, "[inner] the last dimensions of shapes %s and %s differ.",
                       shape_text(x, array_shape(a)), shape_text(y, array_shape(b)));
    }
    return mx_tensordot(a, b, AXES(-1), AXES(-1));
}

mx_array *mx_outer(mx_array *a, mx_array *b)
{
    mx_array *in[2] = {a, b};
    if (!op_has_all("outer", in, 2)) return NULL;
    return mx_mul(mx_reshape(a, SHAPE(a->size, 1)), mx_reshape(b, SHAPE(1, b->size)));
}

mx_array *mx_vecdot(mx_array *a, mx_array *b, int axis)
{
    mx_array *terms = mx_mul(mx_conjugate(a), b);
    if (!terms || axis_of("vecdot", axis, terms->ndim, MX_VALUE) < 0) return NULL;
    return mx_sum(terms, AXES(axis), false);
}

/* x with the axes that stay first (or last) and the contracted ones together as one matrix axis. */
static mx_array *as_matrix(mx_array *x, const int *contracted, int count, bool contracted_last, int64_t *kept,
                           int *kept_count)
{
    int order[MX_MAX_NDIM], n = 0;
    int64_t rows = 1, columns = 1;
    bool goes[MX_MAX_NDIM] = {false};
    for (int i = 0; i < count; i++) goes[contracted[i]] = true;
    for (int i = 0; i < count && !contracted_last; i++) order[n++] = contracted[i];
    for (int i = 0; i < x->ndim; i++) {
        if (goes[i]) continue;
        order[n++] = i;
        kept[(*kept_count)++] = x->shape[i];
        rows *= x->shape[i];
    }
    for (int i = 0; i < count && contracted_last; i++) order[n++] = contracted[i];
    for (int i = 0; i < count; i++) columns *= x->shape[contracted[i]];
    mx_array *moved = mx_transpose(x, (mx_axes){n, order});
    if (x->ndim == 2 && count == 1) return moved;
    return moved ? mx_reshape(moved, contracted_last ? SHAPE(rows, columns) : SHAPE(columns, rows)) : NULL;
}

static bool contraction(mx_array *a, mx_array *b, mx_axes axes_a, mx_axes axes_b, int *at_a, int *at_b)
{
    if (axes_a.count != axes_b.count || axes_a.count < 0 || axes_a.count > MX_MAX_NDIM) {
        return mx_fail_false(MX_VALUE, "[tensordot] %d axes of the first operand against %d of the second.",
                             axes_a.count, axes_b.count);
    }
    if (axes_a.count && (!axes_a.at || !axes_b.at))
        return mx_fail_false(MX_VALUE, "[tensordot] A list of axes is NULL.");
    for (int i = 0; i < axes_a.count; i++) {
        at_a[i] = axis_of("tensordot", axes_a.at[i], a->ndim, MX_VALUE);
        at_b[i] = at_a[i] < 0 ? -1 : axis_of("tensordot", axes_b.at[i], b->ndim, MX_VALUE);
        if (at_b[i] < 0) return false;
        if (a->shape[at_a[i]] != b->shape[at_b[i]]) {
            return mx_fail_false(MX_VALUE, "[tensordot] axis %d of size %lld is contracted with axis %d of size %lld.",
                                 at_a[i], (long long)a->shape[at_a[i]], at_b[i], (long long)b->shape[at_b[i]]);
        }
    }
    return true;
}

mx_array *mx_tensordot(mx_array *a, mx_array *b, mx_axes axes_a, mx_axes axes_b)
{
    mx_array *in[2] = {a, b};
    int at_a[MX_MAX_NDIM], at_b[MX_MAX_NDIM], n = 0;
    int64_t kept[2 * MX_MAX_NDIM];
    if (!op_has_all("tensordot", in, 2) || !contraction(a, b, axes_a, axes_b, at_a, at_b)) return NULL;
    mx_array *x = as_matrix(a, at_a, axes_a.count, true, kept, &n),
             *y = as_matrix(b, at_b, axes_a.count, false, kept, &n);
    if (n > MX_MAX_NDIM) return mx_fail(MX_VALUE, "[tensordot] the result would have %d dimensions.", n);
    mx_array *out = mx_matmul(x, y);
    if (out && a->ndim == 2 && b->ndim == 2 && axes_a.count == 1) return out;
    return out ? mx_reshape(out, (mx_shape){n, kept}) : NULL;
}

mx_array *mx_kron(mx_array *a, mx_array *b)
{
    mx_array *in[2] = {a, b};
    int64_t left[MX_MAX_NDIM], right[MX_MAX_NDIM], whole[MX_MAX_NDIM];
    if (!op_has_all("kron", in, 2)) return NULL;
    int ndim = a->ndim > b->ndim ? a->ndim : b->ndim;
    if (a->size == 0 || b->size == 0) return mx_fail(MX_VALUE, "[kron] an operand is empty.");
    if (2 * ndim > MX_MAX_NDIM)
        return mx_fail(MX_VALUE, "[kron] operands of %d dimensions; %d is the most.", ndim, MX_MAX_NDIM / 2);
    for (int i = 0; i < ndim; i++) {
        int64_t m = i < ndim - a->ndim ? 1 : a->shape[i - (ndim - a->ndim)],
                n = i < ndim - b->ndim ? 1 : b->shape[i - (ndim - b->ndim)];
        left[2 * i] = m, left[2 * i + 1] = 1;
        right[2 * i] = 1, right[2 * i + 1] = n;
        whole[i] = (int64_t)((uint64_t)m * (uint64_t)n); /* the product itself fails where this does not fit */
    }
    mx_array *product = mx_mul(mx_reshape(a, (mx_shape){2 * ndim, left}), mx_reshape(b, (mx_shape){2 * ndim, right}));
    return product ? mx_reshape(product, (mx_shape){ndim, whole}) : NULL;
}
