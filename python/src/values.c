/* SPDX-License-Identifier: MIT
 *
 * Arguments as C values: numbers, flags, texts, dtypes, axes and shapes.  A value of the wrong type is the TypeError
 * that names the whole call; a value that is merely wrong is left to the op, which knows what is. */
#include "mica_py.h"

#include <string.h>

/* ---- Values */
bool py_to_int64(PyObject *o, int64_t *out)
{
    if (PyLong_Check(o)) {
        *out = PyLong_AsLongLong(o);
    } else {
        PyObject *index = PyNumber_Index(o);
        if (!index) return false;
        *out = PyLong_AsLongLong(index);
        Py_DECREF(index);
    }
    return *out != -1 || !PyErr_Occurred();
}

static bool too_many(const char *what, Py_ssize_t count)
{
    PyErr_Format(PyExc_ValueError, "%zd %s: an array has at most %d dimensions", count, what, MX_MAX_NDIM);
    return false;
}

/* An int or a sequence of at most MX_MAX_NDIM ints; the number of them, or -1. */
static int to_ints(PyObject *o, int64_t *at, const char *what)
{
    if (PyLong_Check(o)) return py_to_int64(o, at) ? 1 : -1;
    if (PyTuple_Check(o)) {
        Py_ssize_t count = PyTuple_Size(o);
        if (count > MX_MAX_NDIM) return too_many(what, count), -1;
        for (Py_ssize_t i = 0; i < count; i++)
            if (!py_to_int64(PyTuple_GetItem(o, i), &at[i])) return -1;
        return (int)count;
    }
    if (PyIndex_Check(o) && !PySequence_Check(o)) return py_to_int64(o, at) ? 1 : -1;
    if (PyUnicode_Check(o) || !PySequence_Check(o)) {
        PyErr_SetString(PyExc_TypeError, "an int or a sequence of ints is expected");
        return -1;
    }
    PyObject *tuple = PySequence_Tuple(o);
    int count = tuple ? to_ints(tuple, at, what) : -1;
    Py_XDECREF(tuple);
    return count;
}

bool py_to_shape(PyObject *o, py_shape *out)
{
    out->shape = (mx_shape){to_ints(o, out->at, "sizes"), out->at};
    return out->shape.ndim >= 0;
}

bool py_to_axes(PyObject *o, py_axes *out)
{
    int64_t at[MX_MAX_NDIM];
    out->axes = MX_ALL_AXES;
    if (o == Py_None) return true;
    int count = to_ints(o, at, "axes");
    if (count < 0) return false;
    for (int i = 0; i < count; i++) { /* what an int cannot hold is out of range either way */
        out->at[i] = at[i] > INT32_MAX ? INT32_MAX : at[i] < INT32_MIN ? INT32_MIN : (int)at[i];
    }
    out->axes = (mx_axes){count, out->at};
    return true;
}

bool py_to_dtype(PyObject *o, mx_dtype *out)
{
    for (int d = 0; d < MX_DTYPE_COUNT; d++) {
        if (o != py_the.dtypes[d]) continue;
        *out = (mx_dtype)d;
        return true;
    }
    PyErr_SetString(PyExc_TypeError, "a Dtype is expected");
    return false;
}

PyObject *py_shape_tuple(mx_array *x)
{
    mx_shape shape = mx_shape_of(x);
    PyObject *tuple = PyTuple_New(shape.ndim);
    for (int i = 0; tuple && i < shape.ndim; i++) {
        PyObject *size = PyLong_FromLongLong(shape.at[i]);
        if (!size || PyTuple_SetItem(tuple, i, size) < 0) Py_CLEAR(tuple);
    }
    return tuple;
}

/* ---- Arguments */
/* A TypeError about one value becomes the one about the call; what does not fit is said with the function's name; other
 * errors, such as those of an __index__, stay. */
static bool checked(py_args *in, bool ok)
{
    if (ok) return true;
    if (PyErr_ExceptionMatches(PyExc_TypeError)) {
        PyErr_Clear();
        return py_incompatible(in);
    }
    if (!PyErr_ExceptionMatches(PyExc_OverflowError) && !PyErr_ExceptionMatches(PyExc_ValueError)) return false;
    PyObject *type, *value, *trace;
    PyErr_Fetch(&type, &value, &trace);
    PyErr_Format(type, "[%s] %S", py_function_name(in), value ? value : Py_None);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(trace);
    return false;
}

mx_array *py_arg_array(py_args *in, int i)
{
    return py_is_array(in->at[i]) ? py_array_of(in->at[i]) : py_incompatible(in);
}

mx_array *py_arg_operand(py_args *in, int i)
{
    if (py_is_array(in->at[i])) return py_array_of(in->at[i]);
    return in->at[i] == Py_None ? py_incompatible(in) : py_to_array(in->at[i]);
}

bool py_arg_array_or_none(py_args *in, int i, mx_array **out)
{
    *out = NULL;
    return py_arg_is_none(in, i) || (*out = py_arg_array(in, i)) != NULL;
}

bool py_arg_bool(py_args *in, int i, bool *out)
{
    *out = in->at[i] == Py_True;
    return *out || in->at[i] == Py_False || py_incompatible(in);
}

bool py_arg_int64(py_args *in, int i, int64_t *out)
{
    return py_arg_is_none(in, i) || checked(in, py_to_int64(in->at[i], out));
}

bool py_arg_int(py_args *in, int i, int *out)
{
    int64_t value = *out;
    if (!py_arg_int64(in, i, &value)) return false;
    if (value < INT32_MIN || value > INT32_MAX) return py_incompatible(in);
    *out = (int)value;
    return true;
}

bool py_arg_double(py_args *in, int i, double *out)
{
    if (py_arg_is_none(in, i)) return true;
    *out = PyFloat_AsDouble(in->at[i]);
    return checked(in, *out != -1 || !PyErr_Occurred());
}

bool py_arg_dtype(py_args *in, int i, mx_dtype *out)
{
    return py_arg_is_none(in, i) || checked(in, py_to_dtype(in->at[i], out));
}

bool py_arg_text(py_args *in, int i, const char **out)
{
    if (py_arg_is_none(in, i)) return true;
    if (!PyUnicode_Check(in->at[i])) return py_incompatible(in);
    Py_ssize_t size;
    *out = PyUnicode_AsUTF8AndSize(in->at[i], &size);
    if (!*out || strlen(*out) == (size_t)size) return *out != NULL;
    PyErr_Format(PyExc_ValueError, "[%s] a text holds a null character", py_function_name(in));
    return false;
}

bool py_arg_axes(py_args *in, int i, py_axes *out)
{
    return checked(in, py_to_axes(in->at[i], out));
}

bool py_arg_shape(py_args *in, int i, py_shape *out)
{
    return checked(in, py_to_shape(in->at[i], out));
}

mx_array **py_arg_arrays(py_args *in, int i, int *count)
{
    PyObject *o = in->at[i];
    if (PyUnicode_Check(o) || PyDict_Check(o) || !(PySequence_Check(o) || py_is_array(o))) return py_incompatible(in);
    PyObject *items = PySequence_Tuple(o);
    Py_ssize_t size = items ? PyTuple_Size(items) : 0;
    mx_array **arrays = items ? PyMem_Calloc((size_t)size + 1, sizeof *arrays) : NULL;
    if (items && !arrays) PyErr_NoMemory();
    for (Py_ssize_t k = 0; arrays && k < size; k++) {
        PyObject *item = PyTuple_GetItem(items, k);
        if (py_is_array(item)) {
            arrays[k] = mx_temporary(mx_keep(py_array_of(item))); /* the sequence may be the only other owner */
        } else {
            PyMem_Free(arrays);
            arrays = py_incompatible(in);
        }
    }
    Py_XDECREF(items);
    *count = (int)size;
    return arrays;
}
