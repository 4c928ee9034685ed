/* SPDX-License-Identifier: MIT
 *
 * Functions that move elements and keep them. */
#include "ops.h"

/* ---- Shape */
static PyObject *py_reshape(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    py_shape shape;
    return x && py_arg_shape(in, 1, &shape) ? py_return(in, mx_reshape_given(x, shape.shape)) : NULL;
}

static PyObject *py_flatten(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    int first = 0, last = -1;
    if (!x || !py_arg_int(in, 1, &first) || !py_arg_int(in, 2, &last)) return NULL;
    return py_return(in, mx_flatten(x, first, last));
}

static PyObject *py_unflatten(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    int axis = 0;
    py_shape shape;
    if (!x || !py_arg_int(in, 1, &axis) || !py_arg_shape(in, 2, &shape)) return NULL;
    return py_return(in, mx_unflatten_given(x, axis, shape.shape));
}

static PyObject *with_axes(py_args *in, mx_array *(*op)(mx_array *, mx_axes))
{
    mx_array *x = py_arg_array(in, 0);
    py_axes axes;
    return x && py_arg_axes(in, 1, &axes) ? py_return(in, op(x, axes.axes)) : NULL;
}

static PyObject *py_transpose(py_args *in)
{
    return with_axes(in, mx_transpose);
}

static PyObject *py_squeeze(py_args *in)
{
    return with_axes(in, mx_squeeze);
}

static PyObject *py_flip(py_args *in)
{
    return with_axes(in, mx_flip);
}

static PyObject *py_expand_dims(py_args *in)
{
    return py_arg_is_none(in, 1) ? py_incompatible(in) : with_axes(in, mx_expand_dims);
}

static PyObject *two_axes(py_args *in, mx_array *(*op)(mx_array *, int, int))
{
    mx_array *x = py_arg_array(in, 0);
    int a = 0, b = 0;
    return x && py_arg_int(in, 1, &a) && py_arg_int(in, 2, &b) ? py_return(in, op(x, a, b)) : NULL;
}

static PyObject *py_swapaxes(py_args *in)
{
    return two_axes(in, mx_swapaxes);
}

static PyObject *py_moveaxis(py_args *in)
{
    return two_axes(in, mx_moveaxis);
}

static PyObject *py_broadcast_to(py_args *in)
{
    mx_array *x = py_arg_operand(in, 0);
    py_shape shape;
    return x && py_arg_shape(in, 1, &shape) ? py_return(in, mx_broadcast_to(x, shape.shape)) : NULL;
}

static PyObject *py_as_strided(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    py_shape shape, strides;
    int64_t offset = 0, step = 1;
    if (!x) return NULL;
    shape.shape = mx_shape_of(x);
    if (!py_arg_is_none(in, 1) && !py_arg_shape(in, 1, &shape)) return NULL;
    if (!py_arg_is_none(in, 2) && !py_arg_shape(in, 2, &strides)) return NULL;
    if (!py_arg_int64(in, 3, &offset)) return NULL;
    for (int i = shape.shape.ndim - 1; py_arg_is_none(in, 2) && i >= 0; i--) {
        strides.at[i] = step;
        step = (int64_t)((uint64_t)step * (uint64_t)shape.shape.at[i]); /* the op refuses what is too large */
    }
    if (!py_arg_is_none(in, 2) && strides.shape.ndim != shape.shape.ndim)
        return PyErr_Format(PyExc_ValueError, "[as_strided] %d strides for %d dimensions", strides.shape.ndim,
                            shape.shape.ndim);
    return py_return(in, mx_as_strided(x, shape.shape, strides.at, offset));
}

/* ---- Repetition and order */
static PyObject *py_repeat(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    int64_t count = 0;
    int axis;
    if (!x || !py_arg_int64(in, 1, &count) || !py_axis_or_flat(in, 2, &x, &axis)) return NULL;
    return py_return(in, mx_repeat(x, count, axis));
}

static PyObject *py_tile(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    py_shape counts;
    return x && py_arg_shape(in, 1, &counts) ? py_return(in, mx_tile(x, counts.shape)) : NULL;
}

static int64_t sum_of(mx_shape values)
{
    uint64_t sum = 0;
    for (int i = 0; i < values.ndim; i++) sum += (uint64_t)values.at[i];
    return (int64_t)sum;
}

/* Without an axis, or with one, all shifts add up; one shift serves several axes. */
static PyObject *py_roll(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    py_shape shifts;
    py_axes axes;
    if (!x || !py_arg_shape(in, 1, &shifts) || !py_arg_axes(in, 2, &axes)) return NULL;
    int64_t total = sum_of(shifts.shape);
    if (axes.axes.count < 0) {
        int first = 0;
        mx_array *rolled = mx_roll(mx_flatten(x, 0, -1), &total, (mx_axes){1, &first});
        return py_return(in, mx_reshape(rolled, mx_shape_of(x)));
    }
    if (axes.axes.count == 1) return py_return(in, mx_roll(x, &total, axes.axes));
    if (shifts.shape.ndim == 1)
        for (int i = 1; i < axes.axes.count; i++) shifts.at[i] = shifts.at[0];
    else if (shifts.shape.ndim < axes.axes.count)
        return PyErr_Format(PyExc_ValueError,
                            "[roll] At least one shift value per axis is required, %d provided for %d axes.",
                            shifts.shape.ndim, axes.axes.count);
    return py_return(in, mx_roll(x, shifts.at, axes.axes));
}

/* ---- Padding */
typedef struct widths {
    int64_t low[MX_MAX_NDIM], high[MX_MAX_NDIM];
} widths;

/* An int, (n,), (low, high), ((low, high),) or a pair for each axis. */
static bool read_widths(py_args *in, PyObject *o, int ndim, widths *out)
{
    py_shape one;
    if (PyLong_Check(o) || !PySequence_Check(o) || PySequence_Size(o) == 0 || ndim == 0) {
        int64_t n = 0;
        if (ndim && !py_to_int64(o, &n)) return PyErr_Clear(), py_incompatible(in);
        for (int i = 0; i < ndim; i++) out->low[i] = out->high[i] = n;
        return true;
    }
    if (py_to_shape(o, &one)) {
        if (one.shape.ndim > 2) return py_incompatible(in);
        for (int i = 0; i < ndim; i++) {
            out->low[i] = one.at[0];
            out->high[i] = one.at[one.shape.ndim - 1];
        }
        return true;
    }
    PyErr_Clear();
    Py_ssize_t pairs = PySequence_Size(o);
    if (pairs != 1 && pairs != ndim) {
        PyErr_Format(PyExc_ValueError, "Invalid number of padding sizes passed to pad with axes of size %d", ndim);
        return false;
    }
    for (int i = 0; i < ndim; i++) {
        PyObject *pair = PySequence_GetItem(o, pairs == 1 ? 0 : i);
        bool ok = pair && py_to_shape(pair, &one) && one.shape.ndim >= 1 && one.shape.ndim <= 2;
        Py_XDECREF(pair);
        if (!ok) return PyErr_Clear(), py_incompatible(in);
        out->low[i] = one.at[0];
        out->high[i] = one.at[one.shape.ndim - 1];
    }
    return true;
}

static bool read_mode(py_args *in, int i, mx_pad_mode *mode)
{
    static const char *const names[] = {[MX_PAD_CONSTANT] = "constant",
                                        [MX_PAD_EDGE] = "edge",
                                        [MX_PAD_REFLECT] = "reflect",
                                        [MX_PAD_SYMMETRIC] = "symmetric"};
    if (!PyUnicode_Check(in->at[i])) return py_incompatible(in);
    for (int m = 0; m < (int)(sizeof names / sizeof *names); m++) {
        if (PyUnicode_CompareWithASCIIString(in->at[i], names[m]) != 0) continue;
        *mode = (mx_pad_mode)m;
        return true;
    }
    PyErr_Format(PyExc_ValueError, "Invalid padding mode (%U) passed to pad", in->at[i]);
    return false;
}

static PyObject *py_pad(py_args *in)
{
    mx_array *x = py_arg_array(in, 0), *value = NULL;
    widths w;
    mx_pad_mode mode = MX_PAD_CONSTANT;
    int axes[MX_MAX_NDIM];
    if (!x || !read_widths(in, in->at[1], mx_ndim(x), &w) || !read_mode(in, 2, &mode)) return NULL;
    if (!(value = py_arg_operand(in, 3))) return NULL;
    for (int i = 0; i < mx_ndim(x); i++) axes[i] = i;
    value = mx_astype(value, mx_dtype_of(x));
    return py_return(in, mx_pad(x, (mx_axes){mx_ndim(x), axes}, w.low, w.high, mode, value));
}

#define OPTIONAL_AXES "axes: Optional[Sequence[int]] = None"
const py_row py_rows_shape[] = {
    {"reshape", py_reshape, "reshape(a: array, /, shape: Sequence[int], *, " STREAM ") -> array",
     "The elements in another shape; one size may be -1."},
    {"flatten", py_flatten, "flatten(a: array, /, start_axis: int = 0, end_axis: int = -1, *, " STREAM ") -> array",
     "Makes one axis of those from start_axis to end_axis."},
    {"unflatten", py_unflatten, "unflatten(a: array, /, axis: int, shape: Sequence[int], *, " STREAM ") -> array",
     "Makes several axes of one; one size may be -1."},
    {"squeeze", py_squeeze, "squeeze(a: array, /, " AXIS ", *, " STREAM ") -> array",
     "Removes axes of size 1, all of them if none is named."},
    {"expand_dims", py_expand_dims, "expand_dims(a: array, /, axis: Union[int, Sequence[int]], *, " STREAM ") -> array",
     "Adds axes of size 1 at these places of the result."},
    {"flip", py_flip, "flip(a: array, /, " AXIS ", *, " STREAM ") -> array",
     "Reverses the order along axes, all of them if none is named."},
    {"transpose", py_transpose, "transpose(a: array, /, " OPTIONAL_AXES ", *, " STREAM ") -> array",
     "Puts the axes in another order, reversed if none is given."},
    {"swapaxes", py_swapaxes, "swapaxes(a: array, /, axis1: int, axis2: int, *, " STREAM ") -> array",
     "Exchanges two axes."},
    {"moveaxis", py_moveaxis, "moveaxis(a: array, /, source: int, destination: int, *, " STREAM ") -> array",
     "Moves one axis to another place; the rest keep their order."},
    {"broadcast_to", py_broadcast_to, "broadcast_to(" ANY("a") ", /, shape: Sequence[int], *, " STREAM ") -> array",
     "Stretches axes of size 1, and adds leading ones, up to a shape."},
    {"as_strided", py_as_strided,
     "as_strided(a: array, /, shape: Optional[Sequence[int]] = None, strides: Optional[Sequence[int]] = None, "
     "offset: int = 0, *, " STREAM ") -> array",
     "The row-major elements of an array read at an offset with strides, both in elements."},
    {"repeat", py_repeat, "repeat(array: array, /, repeats: int, " ONE_AXIS ", *, " STREAM ") -> array",
     "Each entry of an axis, or of the flattened array, several times."},
    {"tile", py_tile, "tile(a: array, reps: Union[int, Sequence[int]], /, *, " STREAM ") -> array",
     "The whole array several times along each axis."},
    {"roll", py_roll, "roll(a: array, /, shift: Union[int, Sequence[int]], " AXIS ", *, " STREAM ") -> array",
     "Shifts the entries of axes, or of the flattened array, in a circle."},
    {"pad", py_pad,
     "pad(a: array, /, pad_width: Union[int, tuple, list], mode: str = 'constant', " ANY(
         "constant_values") " = 0, *, " STREAM ") -> array",
     "Adds entries before and after each axis: a constant, the edge, or a reflection without ('reflect') or with\n"
     "('symmetric') the edge.  pad_width: n, (low, high), or a pair for each axis."},
    {0}};
