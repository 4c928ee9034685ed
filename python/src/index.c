/* SPDX-License-Identifier: MIT
 *
 * Parsing of index expressions, and reading: `x[key]`.
 *
 * The rules are NumPy's: ints and slices select, None makes an axis, arrays gather.  Adjacent arrays (an int beside one
 * counts as one) leave the gathered axes in place, separated ones put them first.  Ints are checked here, when the op
 * is made; the values of index arrays are clamped by the op. */
#include "index.h"

/* ---- Parsing */

static bool too_many(const index_t *ix)
{
    return mx_fail_false(MX_VALUE, "[index] Too many indices for an array of %d dimensions.", mx_ndim(ix->whole));
}

static index_item *new_item(index_t *ix, index_kind kind)
{
    if (ix->count == INDEX_MAX_ITEMS) {
        mx_fail(MX_VALUE, "[index] An index of more than %d items makes more than %d dimensions.", INDEX_MAX_ITEMS,
                MX_MAX_NDIM);
        return NULL;
    }
    index_item *item = &ix->at[ix->count++];
    *item = (index_item){.kind = kind};
    ix->array_count += kind == INDEX_ARRAY;
    ix->new_count += kind == INDEX_NEW;
    ix->int_count += kind == INDEX_INT;
    return item;
}

/* An item that takes the next axis of x, whose length goes to `length`. */
static index_item *next_axis(index_t *ix, index_kind kind, int *axis, int64_t *length)
{
    if (*axis >= mx_ndim(ix->x)) {
        too_many(ix);
        return NULL;
    }
    index_item *item = new_item(ix, kind);
    if (!item) return NULL;
    *length = mx_shape_of(ix->x).at[*axis];
    item->axis = (*axis)++;
    item->step = 1;
    item->length = *length;
    return item;
}

static bool add_int(index_t *ix, int *axis, Py_ssize_t value)
{
    int64_t length = 0;
    index_item *item = next_axis(ix, INDEX_INT, axis, &length);
    if (!item) return false;
    if (mx_is_tracer(ix->x)) mx_note_sizes();
    if (value < -length || value >= length) {
        return mx_fail_false(MX_INDEX, "[index] %lld is out of range for axis %d of size %lld.", (long long)value,
                             item->axis, (long long)length);
    }
    item->start = value < 0 ? value + length : value;
    item->length = 1;
    return true;
}

static bool add_slice(index_t *ix, int *axis, PyObject *slice)
{
    Py_ssize_t start = 0, stop = PY_SSIZE_T_MAX, step = 1;
    int64_t length = 0;
    if (slice && PySlice_Unpack(slice, &start, &stop, &step) < 0) {
        if (!PyErr_ExceptionMatches(PyExc_TypeError)) return false;
        PyErr_Clear();
        return mx_fail_false(MX_VALUE, "[index] Slice indices must be integers or None.");
    }
    index_item *item = next_axis(ix, INDEX_SLICE, axis, &length);
    if (!item) return false;
    if (start != 0 || stop != PY_SSIZE_T_MAX || step != 1) {
        if (mx_is_tracer(ix->x)) mx_note_sizes();
    }
    item->length = PySlice_AdjustIndices((Py_ssize_t)length, &start, &stop, step);
    item->start = item->length ? start : 0;
    item->step = item->length ? step : 1;
    return true;
}

/* Replaces the axes [first, first + ndim of the mask) of x by one. */
static mx_array *merge_axes(mx_array *x, int first, int count)
{
    mx_shape shape = mx_shape_of(x);
    int64_t merged[MX_MAX_NDIM + 1], product = 1;
    if (shape.ndim - count + 1 > MX_MAX_NDIM) {
        return mx_fail(MX_VALUE, "[index] A mask would make more than %d dimensions.", MX_MAX_NDIM);
    }
    for (int i = 0; i < first; i++) merged[i] = shape.at[i];
    for (int i = first; i < first + count; i++) product *= shape.at[i];
    merged[first] = product;
    for (int i = first + count; i < shape.ndim; i++) merged[i - count + 1] = shape.at[i];
    return mx_reshape(x, (mx_shape){shape.ndim - count + 1, merged});
}

static mx_array *places_of(mx_array *mask)
{
    return py_eval_arrays(&mask, 1) ? mx_flatnonzero(mask) : NULL;
}

/* A mask of k axes is an array of positions along one axis that is those k merged (k = 0: along a new one of size 1).
 * This reads the mask. */
static bool add_mask(index_t *ix, int *axis, mx_array *mask)
{
    mx_shape shape = mx_shape_of(ix->x), covered = mx_shape_of(mask);
    if (*axis + covered.ndim > shape.ndim) return too_many(ix);
    for (int i = 0; i < covered.ndim; i++) {
        if (covered.at[i] == shape.at[*axis + i]) continue;
        return mx_fail_false(MX_VALUE, "[index] Axis %d of a boolean mask has size %lld, but that of the array %lld.",
                             i, (long long)covered.at[i], (long long)shape.at[*axis + i]);
    }
    mx_array *places = places_of(mask);
    if (covered.ndim != 1) ix->x = merge_axes(ix->x, *axis, covered.ndim);
    int64_t length = 0;
    index_item *item = places && ix->x ? next_axis(ix, INDEX_ARRAY, axis, &length) : NULL;
    if (!item) return false;
    item->array = places;
    return true;
}

static bool add_array(index_t *ix, int *axis, mx_array *array)
{
    if (!array) return false;
    mx_dtype dtype = mx_dtype_of(array);
    if (dtype == MX_BOOL) return add_mask(ix, axis, array);
    if (!mx_dtype_is(dtype, MX_INTEGER)) {
        return mx_fail_false(MX_VALUE,
                             "[index] An index array must have an integer dtype or be a boolean mask, not %s.",
                             mx_dtype_name(dtype));
    }
    int64_t length = 0;
    index_item *item = next_axis(ix, INDEX_ARRAY, axis, &length);
    if (!item) return false;
    item->array = array;
    return true;
}

static bool is_foreign_array(PyObject *key)
{
    return PyObject_HasAttr(key, py_the.name_array) || PyObject_HasAttr(key, py_the.name_dlpack);
}

/* What a key is taken for. */
typedef enum key_kind { KEY_BAD, KEY_INT, KEY_SLICE, KEY_NEW, KEY_ELLIPSIS, KEY_BOOL, KEY_ARRAY } key_kind;

static key_kind kind_of_key(PyObject *key)
{
    if (PyLong_CheckExact(key)) return KEY_INT;
    if (PySlice_Check(key)) return KEY_SLICE;
    if (key == Py_None) return KEY_NEW;
    if (key == Py_Ellipsis) return KEY_ELLIPSIS;
    if (py_is_array(key)) return KEY_ARRAY;
    if (PyBool_Check(key)) return KEY_BOOL;
    if (PyList_Check(key)) return KEY_ARRAY;
    if (PyIndex_Check(key)) {
        /* NumPy's arrays have the slot but only integer scalars have the value. */
        PyObject *value = PyNumber_Index(key);
        if (value) {
            Py_DECREF(value);
            return KEY_INT;
        }
        PyErr_Clear();
    }
    return is_foreign_array(key) ? KEY_ARRAY : KEY_BAD;
}

typedef struct keys {
    int count, used_axes, ellipsis; /* used by keys other than the ellipsis; its place or -1 */
    PyObject *at[INDEX_MAX_ITEMS];
    key_kind kind[INDEX_MAX_ITEMS];
    mx_array *array[INDEX_MAX_ITEMS];
} keys;

static bool bad_key(PyObject *key)
{
    PyObject *name = PyType_GetName(Py_TYPE(key));
    if (name) PyErr_Format(PyExc_ValueError, "[index] Cannot index an array with a %U.", name);
    Py_XDECREF(name);
    return false;
}

static bool read_key(keys *all, PyObject *key, bool for_writing)
{
    int i = all->count;
    if (i == INDEX_MAX_ITEMS) return mx_fail_false(MX_VALUE, "[index] Too many indices.");
    key_kind kind = kind_of_key(key);
    if (kind == KEY_BAD || (kind == KEY_BOOL && !for_writing)) return bad_key(key);
    if (kind == KEY_ELLIPSIS) {
        if (all->ellipsis >= 0) return mx_fail_false(MX_VALUE, "[index] An index can have one ellipsis (...) only.");
        all->ellipsis = i;
    }
    mx_array *array = NULL;
    /* Held: reading the other keys may run Python code, or wait without the GIL. */
    if (kind == KEY_ARRAY) {
        array = py_is_array(key) ? mx_temporary(mx_keep(py_array_of(key))) : py_make_array(key, MX_DTYPE_COUNT);
    }
    if (kind == KEY_BOOL) array = mx_bool(key == Py_True);
    if ((kind == KEY_ARRAY || kind == KEY_BOOL) && !array) return false;
    if (array) {
        all->used_axes += mx_dtype_of(array) == MX_BOOL ? mx_ndim(array) : 1;
    } else {
        all->used_axes += kind == KEY_INT || kind == KEY_SLICE;
    }
    all->at[i] = key;
    all->kind[i] = kind;
    all->array[i] = array;
    all->count++;
    return true;
}

static bool read_keys(keys *all, PyObject *key, bool for_writing)
{
    all->ellipsis = -1;
    if (!PyTuple_Check(key)) return read_key(all, key, for_writing);
    for (Py_ssize_t i = 0, n = PyTuple_Size(key); i < n; i++) {
        if (!read_key(all, PyTuple_GetItem(key, i), for_writing)) return false;
    }
    return true;
}

static bool add_key(index_t *ix, const keys *all, int i, int *axis)
{
    switch (all->kind[i]) {
    case KEY_INT: {
        Py_ssize_t value = PyNumber_AsSsize_t(all->at[i], PyExc_IndexError);
        return !(value == -1 && PyErr_Occurred()) && add_int(ix, axis, value);
    }
    case KEY_SLICE: return add_slice(ix, axis, all->at[i]);
    case KEY_NEW: return new_item(ix, INDEX_NEW) != NULL;
    case KEY_ELLIPSIS:
        for (int n = mx_ndim(ix->whole) - all->used_axes; n > 0; n--) {
            if (!add_slice(ix, axis, NULL)) return false;
        }
        return true;
    default: return add_array(ix, axis, all->array[i]);
    }
}

static bool broadcast_block(index_t *ix, mx_shape shape)
{
    int more = shape.ndim - ix->block_ndim;
    if (more > 0) {
        for (int i = ix->block_ndim - 1; i >= 0; i--) ix->block_shape[i + more] = ix->block_shape[i];
        for (int i = 0; i < more; i++) ix->block_shape[i] = 1;
        ix->block_ndim = shape.ndim;
    }
    for (int i = 0; i < shape.ndim; i++) {
        int64_t *dim = &ix->block_shape[ix->block_ndim - shape.ndim + i];
        if (*dim == 1) *dim = shape.at[i];
        if (shape.at[i] == 1 || shape.at[i] == *dim) continue;
        return mx_fail_false(MX_VALUE, "[index] Index arrays of sizes %lld and %lld along an axis cannot be broadcast.",
                             (long long)*dim, (long long)shape.at[i]);
    }
    return true;
}

/* Broadcasts the shapes of the arrays and finds the place of their block in the result. */
static bool place_block(index_t *ix)
{
    bool inside = false;
    int slices = 0;
    for (int i = 0; i < ix->count; i++) {
        const index_item *item = &ix->at[i];
        bool counts = item->kind == INDEX_ARRAY || item->kind == INDEX_INT;
        if (counts && !inside) {
            ix->separated |= ix->block_place >= 0;
            ix->block_place = slices;
        }
        inside = counts;
        slices += item->kind == INDEX_SLICE;
        if (item->kind != INDEX_ARRAY) continue;
        mx_shape shape = mx_shape_of(item->array);
        if (!broadcast_block(ix, shape)) return false;
    }
    if (ix->separated) ix->block_place = 0;
    return true;
}

bool index_parse(index_t *out, mx_array *x, PyObject *key, bool for_writing)
{
    keys all;
    all.count = all.used_axes = 0;
    int axis = 0;
    out->x = out->whole = x;
    out->mask = NULL;
    out->count = out->array_count = out->new_count = out->int_count = 0;
    out->block_ndim = 0;
    out->block_place = -1;
    out->separated = false;
    if (!read_keys(&all, key, for_writing)) return false;
    if (all.used_axes > mx_ndim(x)) return too_many(out);
    if (for_writing && all.count == 1 && all.array[0] && mx_dtype_of(all.array[0]) == MX_BOOL) {
        out->mask = all.array[0];
        return true;
    }
    for (int i = 0; i < all.count; i++) {
        if (!add_key(out, &all, i, &axis)) return false;
    }
    while (axis < mx_ndim(out->x)) {
        if (!add_slice(out, &axis, NULL)) return false;
    }
    return !out->array_count || place_block(out);
}

/* ---- Reading */

bool index_selects_all(const index_t *ix)
{
    mx_shape shape = mx_shape_of(ix->x);
    for (int i = 0; i < ix->count; i++) {
        const index_item *item = &ix->at[i];
        if (item->kind == INDEX_NEW) continue;
        if (item->step != 1 || item->length != shape.at[item->axis]) return false;
    }
    return true;
}

/* start, stop and step of every axis as mx_slice reads them: a stop before the first element is written -n - 1. */
static void bounds_of(const index_t *ix, int64_t *start, int64_t *stop, int64_t *step)
{
    mx_shape shape = mx_shape_of(ix->x);
    for (int i = 0; i < ix->count; i++) {
        const index_item *item = &ix->at[i];
        if (item->kind == INDEX_NEW) continue;
        int a = item->axis;
        int64_t end = item->start;
        if (item->length) end += (item->length - 1) * item->step + (item->step > 0 ? 1 : -1);
        start[a] = item->start;
        stop[a] = end < 0 ? -shape.at[a] - 1 : end;
        step[a] = item->step;
    }
}

mx_array *index_slice(const index_t *ix)
{
    int64_t start[MX_MAX_NDIM], stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
    if (index_selects_all(ix)) return ix->x;
    bounds_of(ix, start, stop, step);
    return mx_slice(ix->x, start, stop, step);
}

mx_array *index_put_slice(const index_t *ix, mx_array *part)
{
    int64_t start[MX_MAX_NDIM], stop[MX_MAX_NDIM], step[MX_MAX_NDIM];
    if (!index_selects_all(ix)) {
        bounds_of(ix, start, stop, step);
        part = mx_slice_update(ix->x, part, start, stop, step);
    }
    return ix->x == ix->whole ? part : mx_reshape(part, mx_shape_of(ix->whole));
}

int index_arrays(const index_t *ix, mx_array **arrays, int *axes)
{
    int n = 0;
    for (int i = 0; i < ix->count; i++) {
        if (ix->at[i].kind != INDEX_ARRAY) continue;
        arrays[n] = ix->at[i].array;
        axes[n++] = ix->at[i].axis;
    }
    return n;
}

/* [block][slices] -> [slices before][block][slices after] */
static mx_array *move_block(const index_t *ix, mx_array *y)
{
    int order[MX_MAX_NDIM], ndim = mx_ndim(y), place = ix->block_place, n = 0;
    if (place <= 0 || !y) return y;
    for (int i = 0; i < place; i++) order[n++] = ix->block_ndim + i;
    for (int i = 0; i < ix->block_ndim; i++) order[n++] = i;
    while (n < ndim) order[n] = n, n++;
    return mx_transpose(y, (mx_axes){ndim, order});
}

/* One array, its axes already where they belong (or first, if it is separated from an int): take does it alone. */
static mx_array *read_one(const index_t *ix, mx_array *part)
{
    mx_array *array = NULL;
    int axis = 0, ints[MX_MAX_NDIM], n = 0, before = 0;
    index_arrays(ix, &array, &axis);
    for (int i = 0; i < ix->count; i++) {
        const index_item *item = &ix->at[i];
        before += item->kind == INDEX_SLICE && item->axis < axis;
        if (item->kind != INDEX_INT) continue;
        ints[n++] = item->axis < axis ? item->axis : item->axis - 1 + ix->block_ndim;
    }
    mx_array *y = mx_take(part, array, axis);
    if (n) y = mx_squeeze(y, (mx_axes){n, ints});
    if (!y || before == ix->block_place) return y;
    /* [before][block][after] -> [block][before][after] */
    int order[MX_MAX_NDIM], m = 0, ndim = mx_ndim(y);
    for (int i = 0; i < ix->block_ndim; i++) order[m++] = before + i;
    for (int i = 0; i < before; i++) order[m++] = i;
    while (m < ndim) order[m] = m, m++;
    return mx_transpose(y, (mx_axes){ndim, order});
}

static mx_array *read_many(const index_t *ix, mx_array *part)
{
    mx_array *arrays[MX_MAX_NDIM];
    int axes[MX_MAX_NDIM], gone[MX_MAX_NDIM], n = 0, count = index_arrays(ix, arrays, axes);
    if (!part) return NULL;
    mx_shape shape = mx_shape_of(part);
    int64_t sizes[MX_MAX_NDIM];
    if (ix->block_ndim + shape.ndim > MX_MAX_NDIM) {
        return mx_fail(MX_VALUE, "[index] The arrays would make more than %d dimensions.", MX_MAX_NDIM);
    }
    for (int i = 0; i < ix->count; i++) {
        const index_item *item = &ix->at[i];
        if (item->kind == INDEX_NEW) continue;
        sizes[item->axis] = item->kind == INDEX_ARRAY ? 1 : shape.at[item->axis];
        if (item->kind != INDEX_SLICE) gone[n++] = ix->block_ndim + item->axis;
    }
    mx_array *y = mx_gather(part, arrays, (mx_axes){count, axes}, (mx_shape){shape.ndim, sizes});
    return move_block(ix, mx_squeeze(y, (mx_axes){n, gone}));
}

static mx_array *squeeze_ints(const index_t *ix, mx_array *y)
{
    int ints[MX_MAX_NDIM], n = 0;
    for (int i = 0; i < ix->count; i++) {
        if (ix->at[i].kind == INDEX_INT) ints[n++] = ix->at[i].axis;
    }
    return n ? mx_squeeze(y, (mx_axes){n, ints}) : y;
}

/* Puts the new axes where the result has them.  An array's block stands at its first item, or first of all. */
static mx_array *insert_new(const index_t *ix, mx_array *y)
{
    int axes[INDEX_MAX_ITEMS], n = 0, place = 0;
    bool block_done = !ix->array_count;
    if (!ix->new_count || !y) return y;
    if (mx_ndim(y) + ix->new_count > MX_MAX_NDIM) {
        return mx_fail(MX_VALUE, "[index] The result would have more than %d dimensions.", MX_MAX_NDIM);
    }
    if (!block_done && ix->separated) {
        place = ix->block_ndim;
        block_done = true;
    }
    for (int i = 0; i < ix->count; i++) {
        const index_item *item = &ix->at[i];
        if (item->kind == INDEX_NEW) {
            axes[n++] = place++;
        } else if (item->kind == INDEX_SLICE) {
            place++;
        } else if (!block_done) {
            place += ix->block_ndim;
            block_done = true;
        }
    }
    return mx_expand_dims(y, (mx_axes){n, axes});
}

bool index_block_is_empty(const index_t *ix)
{
    for (int i = 0; i < ix->block_ndim; i++) {
        if (ix->block_shape[i] == 0) return true;
    }
    return false;
}

bool index_axis_is_empty(const index_t *ix)
{
    for (int i = 0; i < ix->count; i++) {
        if (ix->at[i].kind == INDEX_ARRAY && ix->at[i].length == 0) return true;
    }
    return false;
}

/* What arrays without indices select: no elements, in the shape that the rules give. */
static mx_array *read_none(const index_t *ix)
{
    int64_t sizes[2 * MX_MAX_NDIM];
    int n = 0, slices = 0;
    for (int i = 0; i < ix->count; i++) {
        if (ix->at[i].kind != INDEX_SLICE) continue;
        /* The block stands between the slices before it and those after. */
        int place = slices < ix->block_place ? slices : slices + ix->block_ndim;
        sizes[place] = ix->at[i].length;
        slices++;
    }
    for (int k = 0; k < ix->block_ndim; k++) sizes[ix->block_place + k] = ix->block_shape[k];
    if ((n = slices + ix->block_ndim) > MX_MAX_NDIM) {
        return mx_fail(MX_VALUE, "[index] The result would have more than %d dimensions.", MX_MAX_NDIM);
    }
    return mx_zeros((mx_shape){n, sizes}, mx_dtype_of(ix->x));
}

/* x[key] of a parsed index. */
static mx_array *read_index(const index_t *ix)
{
    mx_array *y = index_slice(ix);
    if (ix->array_count && index_block_is_empty(ix)) {
        y = read_none(ix);
    } else if (ix->array_count && index_axis_is_empty(ix)) {
        return mx_fail(MX_VALUE, "[index] An index array has entries, but the axis that it indexes has none.");
    } else if (ix->array_count == 1) {
        y = read_one(ix, y);
    } else if (ix->array_count) {
        y = read_many(ix, y);
    } else {
        y = squeeze_ints(ix, y);
    }
    return insert_new(ix, y);
}

/* x[i], the most frequent index, without the parser. */
static mx_array *read_row(mx_array *x, Py_ssize_t i)
{
    mx_shape shape = mx_shape_of(x);
    int64_t start[MX_MAX_NDIM], stop[MX_MAX_NDIM], step[MX_MAX_NDIM], n = shape.at[0];
    if (i < -n || i >= n) {
        return mx_fail(MX_INDEX, "[index] %lld is out of range for axis 0 of size %lld.", (long long)i, (long long)n);
    }
    start[0] = i < 0 ? i + n : i;
    stop[0] = start[0] + 1;
    step[0] = 1;
    for (int a = 1; a < shape.ndim; a++) {
        start[a] = 0;
        stop[a] = shape.at[a];
        step[a] = 1;
    }
    return mx_squeeze(mx_slice(x, start, stop, step), MX_AXES(0));
}

static mx_array *read_key_of(mx_array *x, PyObject *key)
{
    if (PyLong_CheckExact(key) && mx_ndim(x) > 0) {
        Py_ssize_t i = PyNumber_AsSsize_t(key, PyExc_IndexError);
        return i == -1 && PyErr_Occurred() ? NULL : read_row(x, i);
    }
    index_t ix;
    return index_parse(&ix, x, key, false) ? read_index(&ix) : NULL;
}

PyObject *py_array_getitem(PyObject *self, PyObject *key)
{
    if (mx_failed()) mx_error(); /* left by a caller who did not ask */
    mx_scope scope = mx_scope_open();
    /* A key may run Python code that swaps what `self` holds. */
    mx_array *x = mx_temporary(mx_keep(py_array_of(self)));
    mx_array *y = mx_scope_close(scope, read_key_of(x, key));
    return y ? py_wrap(y) : py_raise();
}
