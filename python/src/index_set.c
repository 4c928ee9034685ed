/* SPDX-License-Identifier: MIT
 *
 * Writing through an index: `x[key] = v` and the updates of `x.at[key]`.
 *
 * Arrays are immutable, so each makes a new array.  The value is given the axes of the selected part (reading
 * backwards: new axes go, ints come back with size 1), combined with it, and the part is put back.  An assignment then
 * swaps what the Python object holds. */
#include "index_set.h"

/* Appends a shape to a text as "(2, 3)". */
static void shape_text(char *text, size_t room, const int64_t *at, int ndim)
{
    size_t used = (size_t)PyOS_snprintf(text, room, "(");
    for (int i = 0; i < ndim && used < room; i++) {
        used += (size_t)PyOS_snprintf(text + used, room - used, i ? ", %lld" : "%lld", (long long)at[i]);
    }
    if (used < room) PyOS_snprintf(text + used, room - used, ")");
}

static void *bad_value(mx_array *value, const int64_t *wanted, int ndim)
{
    char from[MX_MAX_NDIM * 22], to[INDEX_MAX_ITEMS * 22];
    shape_text(from, sizeof from, mx_shape_of(value).at, mx_ndim(value));
    shape_text(to, sizeof to, wanted, ndim);
    return mx_fail(MX_VALUE, "[index] A value of shape %s cannot be broadcast to the selected shape %s.", from, to);
}

/* The axes of the result of reading: where each comes from and its size. */
typedef struct result_axes {
    int ndim, block_at; /* first axis of the block of arrays */
    bool is_new[INDEX_MAX_ITEMS + MX_MAX_NDIM];
    int64_t size[INDEX_MAX_ITEMS + MX_MAX_NDIM];
} result_axes;

static void add_block(const index_t *ix, result_axes *r)
{
    r->block_at = r->ndim;
    for (int i = 0; i < ix->block_ndim; i++) {
        r->is_new[r->ndim] = false;
        r->size[r->ndim++] = ix->block_shape[i];
    }
}

static void find_result_axes(const index_t *ix, result_axes *r)
{
    bool block_done = !ix->array_count;
    r->ndim = r->block_at = 0;
    if (!block_done && ix->separated) {
        add_block(ix, r);
        block_done = true;
    }
    for (int i = 0; i < ix->count; i++) {
        const index_item *item = &ix->at[i];
        if (item->kind == INDEX_NEW || item->kind == INDEX_SLICE) {
            r->is_new[r->ndim] = item->kind == INDEX_NEW;
            r->size[r->ndim++] = item->kind == INDEX_NEW ? 1 : item->length;
        } else if (!block_done) {
            add_block(ix, r);
            block_done = true;
        }
    }
}

/* The sizes of the value along the result's axes (1 where it has none); false: it does not broadcast to them. */
static bool match_value(const result_axes *r, mx_array *value, int64_t *size)
{
    mx_shape shape = mx_shape_of(value);
    int extra = shape.ndim - r->ndim;
    for (int i = 0; i < extra; i++) {
        if (shape.at[i] != 1) return false;
    }
    for (int i = 0; i < r->ndim; i++) {
        size[i] = i + extra < 0 ? 1 : shape.at[i + extra];
        if (size[i] != 1 && size[i] != r->size[i]) return false;
    }
    return true;
}

/* Sizes of the axes of a part as scatter and slice_update want them: the block, then an axis for each of x. */
static int part_sizes(const index_t *ix, const int64_t *block, const int64_t *slices, int64_t *out)
{
    int n = 0, s = 0;
    for (int i = 0; i < ix->block_ndim; i++) out[n++] = block[i];
    for (int i = 0; i < ix->count; i++) {
        if (ix->at[i].kind == INDEX_NEW) continue;
        out[n++] = ix->at[i].kind != INDEX_SLICE ? 1 : slices ? slices[s++] : ix->at[i].length;
    }
    return n;
}

mx_array *index_align(const index_t *ix, mx_array *value)
{
    result_axes r;
    int64_t size[INDEX_MAX_ITEMS + MX_MAX_NDIM], kept[INDEX_MAX_ITEMS + MX_MAX_NDIM], block[MX_MAX_NDIM],
        slices[INDEX_MAX_ITEMS], wide[2 * MX_MAX_NDIM];
    int order[INDEX_MAX_ITEMS + MX_MAX_NDIM], n = 0, slice_count = 0;
    if (!value) return NULL;
    find_result_axes(ix, &r);
    if (!match_value(&r, value, size)) return bad_value(value, r.size, r.ndim);
    if (ix->block_ndim + mx_ndim(ix->x) > MX_MAX_NDIM) {
        return mx_fail(MX_VALUE, "[index] The arrays would make more than %d dimensions.", MX_MAX_NDIM);
    }
    for (int i = 0; i < r.ndim; i++) {
        if (r.is_new[i]) continue;
        kept[n++] = size[i];
        if (i >= r.block_at && i < r.block_at + ix->block_ndim) {
            block[i - r.block_at] = size[i];
        } else {
            slices[slice_count++] = size[i];
        }
    }
    if (ix->block_place > 0 && ix->block_ndim) { /* [before][block][after] -> [block][before][after] */
        int m = 0, before = ix->block_place, end = before + ix->block_ndim;
        for (int i = before; i < end; i++) order[m++] = i;
        for (int i = 0; i < n; i++) {
            if (i < before || i >= end) order[m++] = i;
        }
        value = mx_transpose(mx_reshape(value, (mx_shape){n, kept}), (mx_axes){n, order});
    }
    value = mx_reshape(value, (mx_shape){part_sizes(ix, block, slices, wide), wide});
    return mx_broadcast_to(value, (mx_shape){part_sizes(ix, ix->block_shape, NULL, wide), wide});
}

/* ---- One value into one place, or many */

static mx_array *combine(mx_array *part, mx_array *value, index_mode mode)
{
    switch (mode) {
    case INDEX_SET: return value;
    case INDEX_ADD: return mx_add(part, value);
    case INDEX_MULTIPLY: return mx_mul(part, value);
    case INDEX_MAXIMUM: return mx_maximum(part, value);
    case INDEX_MINIMUM: return mx_minimum(part, value);
    case INDEX_DIVIDE: break;
    }
    return mx_dtype_is(mx_dtype_of(part), MX_INEXACT) ? mx_div(part, value) : mx_floor_div(part, value);
}

/* Many values may be for one element: a float is multiplied by their reciprocals; an integer is divided by their
 * product, which is the same as one after the other when quotients are truncated. */
static mx_array *scatter_divide(mx_array *part, mx_array *const *arrays, mx_array *value, mx_axes axes)
{
    if (mx_dtype_is(mx_dtype_of(part), MX_INEXACT)) {
        return mx_scatter(part, arrays, mx_reciprocal(value), axes, MX_SCATTER_PROD);
    }
    mx_array *product = mx_scatter(mx_ones_like(part), arrays, value, axes, MX_SCATTER_PROD);
    return mx_floor_div(part, product);
}

mx_array *index_write(const index_t *ix, mx_array *value, index_mode mode)
{
    static const mx_scatter_mode modes[] = {
        [INDEX_SET] = MX_SCATTER_SET,     [INDEX_ADD] = MX_SCATTER_ADD,     [INDEX_MULTIPLY] = MX_SCATTER_PROD,
        [INDEX_MAXIMUM] = MX_SCATTER_MAX, [INDEX_MINIMUM] = MX_SCATTER_MIN,
    };
    mx_array *arrays[MX_MAX_NDIM], *part = NULL;
    int axes[MX_MAX_NDIM], count = index_arrays(ix, arrays, axes);
    if (!(value = index_align(ix, value))) return NULL;
    if (count && (index_block_is_empty(ix) || index_axis_is_empty(ix))) return ix->whole;
    if (!count) {
        part = mode == INDEX_SET ? value : combine(index_slice(ix), value, mode);
    } else if (mode == INDEX_DIVIDE) {
        part = scatter_divide(index_slice(ix), arrays, value, (mx_axes){count, axes});
    } else {
        part = mx_scatter(index_slice(ix), arrays, value, (mx_axes){count, axes}, modes[mode]);
    }
    return index_put_slice(ix, mx_astype(part, mx_dtype_of(ix->x)));
}

mx_array *index_value(mx_array *x, PyObject *value)
{
    mx_array *v = py_to_array_like(value, x);
    return v ? mx_astype(v, mx_dtype_of(x)) : NULL;
}

/* x[mask] = v without reading the mask: v is one row for all places, or holds the values one after the other. */
static mx_array *write_masked(const index_t *ix, mx_array *value)
{
    mx_shape shape = mx_shape_of(ix->whole), given = mx_shape_of(value);
    int row_ndim = shape.ndim - mx_ndim(ix->mask), extra = given.ndim - row_ndim, ones = 0;
    if (row_ndim < 0) {
        return mx_fail(MX_VALUE, "[index] A mask of %d dimensions for an array of %d.", mx_ndim(ix->mask), shape.ndim);
    }
    while (ones < extra && given.at[ones] == 1) ones++;
    if (ones >= extra) {
        if (ones > 0) value = mx_reshape(value, (mx_shape){given.ndim - ones, given.at + ones});
        value = mx_broadcast_to(value, (mx_shape){row_ndim, shape.at + mx_ndim(ix->mask)});
    }
    return mx_masked_set(ix->whole, ix->mask, value);
}

static mx_array *write_key(mx_array *x, PyObject *key, PyObject *object)
{
    index_t ix;
    mx_array *value = index_value(x, object);
    if (!value || !index_parse(&ix, x, key, true)) return NULL;
    return ix.mask ? write_masked(&ix, value) : index_write(&ix, value, INDEX_SET);
}

int py_array_setitem(PyObject *self, PyObject *key, PyObject *value)
{
    if (!value) {
        PyErr_SetString(PyExc_AttributeError, "[index] Elements of an array cannot be deleted (__delitem__).");
        return -1;
    }
    if (mx_failed()) mx_error();
    mx_scope scope = mx_scope_open();
    mx_array *x = mx_temporary(mx_keep(py_array_of(self)));
    mx_array *y = mx_scope_close(scope, write_key(x, key, value));
    if (!y) return py_raise(), -1;
    py_swap(self, y);
    return 0;
}
