/* SPDX-License-Identifier: MIT
 *
 * Boolean masks as places: writing values where a mask is true, and listing where it is. */
#include "core/memory.h"
#include "ops/rules.h"

/* ---- masked_set: inputs are x (rows, n), mask (rows, n) and values (rows, m); each row consumes its own values */
static mx_array *masked_set(mx_array *x, mx_array *mask, mx_array *values)
{
    return op_apply(&mx_op_masked_set, NULL, x, mask, values);
}

/* The k-th true entry of a row gave way to its k-th value; index m, which is outside, stands where the mask is false. */
static bool masked_set_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *x = c->in[0], *mask = c->in[1], *values = c->in[2];
    if (call_wants(c, 0)) din[0] = mx_where(mask, mx_like(x, 0), dout[0]);
    if (call_wants(c, 2)) {
        mx_array *order = mx_cumsum(mx_astype(mask, MX_INT64), 1, false, true);
        mx_array *place =
            mx_where(mask, mx_sub(order, mx_scalar_int(1, MX_INT64)), mx_scalar_int(values->shape[1], MX_INT64));
        din[2] = mx_scatter_along_axis(mx_zeros_like(values), place, dout[0], 1, MX_SCATTER_ADD);
    }
    return !mx_failed();
}

static bool masked_set_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = masked_set(tin[0], c->in[1], tin[2])) != NULL;
}

static bool masked_set_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    int64_t batch = op_batch_size(c, axis_in);
    mx_array *in[3];
    for (int i = 0; i < 3; i++) {
        mx_array *x = op_batched(c->in[i], axis_in[i], batch);
        in[i] = x ? mx_reshape(x, MX_SHAPE(x->shape[0] * x->shape[1], x->shape[2])) : NULL;
    }
    mx_array *y = masked_set(in[0], in[1], in[2]);
    axis_out[0] = 0;
    return y && (out[0] = mx_reshape(y, MX_SHAPE(batch, y->shape[0] / (batch ? batch : 1), y->shape[1]))) != NULL;
}

const mx_op mx_op_masked_set = {OP_NAMED(masked_set, "masked_scatter"), .shape = op_shape_same, .vjp = masked_set_vjp,
                                .jvp = masked_set_jvp, .vmap = masked_set_vmap};

static bool is_mask(const char *op, const mx_array *mask)
{
    if (!op_has(op, mask)) return false;
    return mask->dtype == MX_BOOL ||
           mx_fail_false(MX_VALUE, "[%s] the mask must be bool, not %s.", op, mx_dtype_name((mx_dtype)mask->dtype));
}

/* The mask over all of x: its axes are x's first ones. */
static mx_array *mask_of(mx_array *x, mx_array *mask)
{
    int64_t shape[MX_MAX_NDIM];
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    bool fits = mask->ndim <= x->ndim;
    for (int i = 0; i < x->ndim && fits; i++) {
        shape[i] = i < mask->ndim ? mask->shape[i] : 1;
        fits = shape[i] == 1 || shape[i] == x->shape[i];
    }
    if (!fits) {
        return mx_fail(MX_VALUE, "[masked_scatter] a mask of shape %s for an array of shape %s.",
                       shape_text(a, array_shape(mask)), shape_text(b, array_shape(x)));
    }
    return mx_broadcast_to(mx_reshape(mask, (mx_shape){x->ndim, shape}), array_shape(x));
}

mx_array *mx_masked_set(mx_array *x, mx_array *mask, mx_array *values)
{
    if (!op_has("masked_scatter", x) || !is_mask("masked_scatter", mask) || !op_has("masked_scatter", values))
        return NULL;
    values = mx_astype(values, (mx_dtype)x->dtype);
    mx_shape row = {x->ndim - mask->ndim, x->shape + mask->ndim};
    mx_array *whole = mask_of(x, mask);
    if (!whole || !values) return NULL;
    /* One row for all places needs no counting. */
    if (shape_can_broadcast_to(array_shape(values), row)) return mx_where(whole, values, x);
    mx_array *y = masked_set(mx_reshape(x, MX_SHAPE(1, x->size)), mx_reshape(whole, MX_SHAPE(1, x->size)),
                             mx_reshape(values, MX_SHAPE(1, values->size)));
    return y ? mx_reshape(y, array_shape(x)) : NULL;
}

/* ---- flatnonzero */
mx_array *mx_flatnonzero(mx_array *mask)
{
    if (!is_mask("flatnonzero", mask)) return NULL;
    mx_array *row_major = mx_contiguous(mask);
    const bool *is_true = row_major ? mx_data(row_major) : NULL;
    if (!row_major || (!is_true && mask->size)) return NULL;
    int64_t count = 0, n = 0;
    for (int64_t i = 0; i < mask->size; i++) count += is_true[i];
    int64_t *places = mx_alloc((size_t)count + 1, sizeof *places);
    if (!places) return NULL;
    for (int64_t i = 0; i < mask->size; i++) {
        if (is_true[i]) places[n++] = i;
    }
    mx_array *y = mx_from_data(places, MX_SHAPE(count), MX_INT64);
    mx_free(places);
    return y;
}
