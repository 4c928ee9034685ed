/* SPDX-License-Identifier: MIT
 *
 * argmax, argmin and searchsorted: ops whose results are positions, so nothing flows back. */
#include "core/params/search.h"
#include "ops/reduce.h"
#include "ops/rules.h"

/* ---- argmax, argmin */
static const mx_field arg_fields[] = {FIELD_BOOL(arg_params, largest), FIELD_END};

static bool arg_shape(const mx_call *c, mx_spec *out)
{
    spec_set(out, (mx_shape){c->in[0]->ndim - 1, c->in[0]->shape}, MX_UINT32);
    return true;
}

const mx_op mx_op_arg_extreme = {OP_NAMED(arg_extreme, "arg_reduce"),
                                 .fields = arg_fields,
                                 .params_size = sizeof(arg_params),
                                 .shape = arg_shape,
                                 .flags = OP_ANY_SIZE,
                                 .vmap = op_vmap_leading};

static mx_array *arg_extreme(const char *name, mx_array *x, mx_axes axis, bool keep, bool largest)
{
    reduced_axes r;
    if (!op_has(name, x)) return NULL;
    if (x->size == 0) return mx_fail(MX_VALUE, "[%s] Cannot %s reduce zero size array.", name, name);
    if (axis.count > 1)
        return mx_fail(MX_VALUE, "[%s] %d axes given; one or all of them can be searched.", name, axis.count);
    mx_array *rows = axes_to_end(name, x, axis, &r);
    if (!rows) return NULL;
    if (r.count != 1) rows = mx_flatten(rows, 0, -1);
    return axes_restore(op_apply_n(&mx_op_arg_extreme, &(arg_params){largest}, &rows, 1), &r, keep);
}

mx_array *mx_argmax(mx_array *x, mx_axes axis, bool keep)
{
    return arg_extreme("argmax", x, axis, keep, true);
}
mx_array *mx_argmin(mx_array *x, mx_axes axis, bool keep)
{
    return arg_extreme("argmin", x, axis, keep, false);
}

/* ---- searchsorted: one sorted row (n,) or, under vmap, (B, n) for values (B, ...) */
static const mx_field search_fields[] = {FIELD_BOOL(searchsorted_params, right), FIELD_END};

static bool search_shape(const mx_call *c, mx_spec *out)
{
    spec_set(out, array_shape(c->in[1]), MX_UINT32);
    return true;
}

/* Sorted rows that are mapped again: the batches are one. */
static mx_array *search_rows(const mx_call *c, mx_array *sorted, mx_array *values)
{
    int64_t shape[MX_MAX_NDIM], n = sorted->shape[sorted->ndim - 1], rows = 1;
    for (int i = 0; i < sorted->ndim - 1; i++) rows *= sorted->shape[i];
    int rest = values->ndim - (sorted->ndim - 1);
    shape[0] = rows;
    for (int i = 0; i < rest; i++) shape[i + 1] = values->shape[sorted->ndim - 1 + i];
    mx_array *in[2] = {mx_reshape(sorted, SHAPE(rows, n)), mx_reshape(values, (mx_shape){rest + 1, shape})};
    return mx_reshape(op_apply_n(c->op, c->params, in, 2), array_shape(values));
}

static bool search_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    mx_array *sorted = c->in[0], *values = op_batched(c->in[1], axis_in[1], op_batch_size(c, axis_in));
    axis_out[0] = 0;
    if (!values) return false;
    if (axis_in[0] == 0) return (out[0] = search_rows(c, sorted, values)) != NULL;
    if (sorted->ndim == 1) return (out[0] = op_apply(c->op, c->params, sorted, values)) != NULL;
    axis_out[0] = 1; /* the rows' axis stays in front */
    return (out[0] = op_apply(c->op, c->params, sorted, mx_moveaxis(values, 0, 1))) != NULL;
}

const mx_op mx_op_searchsorted = {OP_NAMED(searchsorted, "searchsorted"), .fields = search_fields,
                                  .params_size = sizeof(searchsorted_params), .shape = search_shape,
                                  .vmap = search_vmap};

mx_array *mx_searchsorted(mx_array *sorted, mx_array *values, bool right)
{
    mx_array *in[2] = {sorted, values};
    char text[SHAPE_TEXT];
    if (!op_has_all("searchsorted", in, 2)) return NULL;
    if (sorted->ndim != 1)
        return mx_fail(MX_VALUE, "[searchsorted] the sorted sequence must have one dimension, not shape %s.",
                       shape_text(text, array_shape(sorted)));
    if (!op_promote(in, 2)) return NULL;
    return op_apply_n(&mx_op_searchsorted, &(searchsorted_params){right}, in, 2);
}
