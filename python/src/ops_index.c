/* SPDX-License-Identifier: MIT
 *
 * Functions that read and write at indices. */
#include "ops.h"

#include <string.h>

/* An int as index: checked, counted from the end if negative, and 0-d so that its axis goes. */
static mx_array *int_index(PyObject *o, int64_t size)
{
    int64_t i;
    if (!py_to_int64(o, &i)) return NULL;
    if (i < -size || i >= size) {
        PyErr_Format(PyExc_IndexError, "[take] index %lld is out of range for an axis of size %lld", (long long)i,
                     (long long)size);
        return NULL;
    }
    return mx_scalar_int(i < 0 ? i + size : i, size > INT32_MAX ? MX_INT64 : MX_INT32);
}

static PyObject *py_take(py_args *in)
{
    mx_array *x = py_arg_array(in, 0), *indices;
    int axis;
    if (!x || !py_axis_or_flat(in, 2, &x, &axis)) return NULL;
    if (py_is_array(in->at[1])) return py_return(in, mx_take(x, py_array_of(in->at[1]), axis));
    if (!PyIndex_Check(in->at[1]) || PySequence_Check(in->at[1])) return py_incompatible(in);
    if ((axis = py_positive_axis("take", axis, mx_ndim(x))) < 0) return NULL;
    if (!(indices = int_index(in->at[1], mx_dim(x, axis)))) return NULL;
    return py_return(in, mx_take(x, indices, axis));
}

static PyObject *py_take_along_axis(py_args *in)
{
    mx_array *x = py_arg_array(in, 0), *indices = x ? py_arg_array(in, 1) : NULL;
    int axis;
    if (!indices || !py_axis_or_flat(in, 2, &x, &axis)) return NULL;
    return py_return(in, mx_take_along_axis(x, indices, axis));
}

static PyObject *py_put_along_axis(py_args *in)
{
    mx_array *x = py_arg_array(in, 0), *indices = x ? py_arg_array(in, 1) : NULL;
    mx_array *values = indices ? py_to_array_like(in->at[2], x) : NULL;
    mx_array *flat = x, *result;
    int axis;
    if (!values || !py_axis_or_flat(in, 3, &flat, &axis)) return NULL;
    result = mx_put_along_axis(flat, indices, mx_astype(values, mx_dtype_of(x)), axis);
    return py_return(in, py_arg_is_none(in, 3) ? mx_reshape(result, mx_shape_of(x)) : result);
}

static PyObject *py_slice_function(py_args *in)
{
    mx_array *x = py_arg_array(in, 0), *start = x ? py_arg_array(in, 1) : NULL;
    py_axes axes;
    py_shape sizes;
    if (!start || !py_arg_axes(in, 2, &axes) || !py_arg_shape(in, 3, &sizes)) return NULL;
    if (sizes.shape.ndim != mx_ndim(x))
        return PyErr_Format(PyExc_ValueError, "[slice] %d sizes for an array with %d dimensions", sizes.shape.ndim,
                            mx_ndim(x));
    return py_return(in, mx_slice_at(x, start, axes.axes, sizes.shape));
}

static PyObject *py_slice_update(py_args *in)
{
    mx_array *x = py_arg_array(in, 0), *update = x ? py_arg_array(in, 1) : NULL;
    mx_array *start = update ? py_arg_array(in, 2) : NULL;
    py_axes axes;
    if (!start || !py_arg_axes(in, 3, &axes)) return NULL;
    return py_return(in, mx_slice_update_at(x, update, start, axes.axes));
}

static PyObject *py_searchsorted(py_args *in)
{
    mx_array *sorted = py_arg_array(in, 0), *values = sorted ? py_arg_operand(in, 1) : NULL;
    const char *side = "left";
    if (!values || !py_arg_text(in, 2, &side)) return NULL;
    if (strcmp(side, "left") != 0 && strcmp(side, "right") != 0)
        return PyErr_Format(PyExc_ValueError, "[searchsorted] Invalid side '%s'. Expected 'left' or 'right'.", side);
    return py_return(in, mx_searchsorted(sorted, values, side[0] == 'r'));
}

const py_row py_rows_index[] = {
    {"take", py_take, "take(a: array, /, indices: Union[int, array], " ONE_AXIS ", *, " STREAM ") -> array",
     "The entries at indices along an axis, or of the flattened array.  An int out of range is an IndexError; in an\n"
     "array of indices what is out of range is clamped."},
    {"take_along_axis", py_take_along_axis,
     "take_along_axis(a: array, /, indices: array, " ONE_AXIS ", *, " STREAM ") -> array",
     "The entries at indices along an axis; the other axes of both broadcast."},
    {"put_along_axis", py_put_along_axis,
     "put_along_axis(a: array, /, indices: array, values: array, axis: Optional[int], *, " STREAM ") -> array",
     "A copy with values at indices along an axis, of the flattened array if it is None."},
    {"slice", py_slice_function,
     "slice(a: array, /, start_indices: array, axes: Sequence[int], slice_size: Sequence[int], *, " STREAM ") -> array",
     "A part of an array whose starts along `axes` are in an array; slice_size has an entry for each axis."},
    {"slice_update", py_slice_update,
     "slice_update(a: array, /, update: array, start_indices: array, axes: Sequence[int], *, " STREAM ") -> array",
     "A copy with a part replaced; its starts along `axes` are in an array."},
    {"searchsorted", py_searchsorted,
     "searchsorted(sorted_sequence: array, values: array, /, side: str = 'left', *, " STREAM ") -> array",
     "Where values would be put into a sorted 1-d array to keep it sorted; uint32."},
    {0}};
