/* SPDX-License-Identifier: MIT
 *
 * Elements as Python numbers: item, tolist, bool(), int(), float(), complex(), format(). */
#include "mica_py.h"

#include "number.h"

static bool evaluate(mx_array *x)
{
    return mx_is_available(x) || py_eval_arrays(&x, 1);
}

static PyObject *item_of(mx_array *x)
{
    float re, im;
    mx_dtype dtype = mx_dtype_of(x);
    PyObject *item = NULL;
    if (dtype == MX_BOOL)
        item = PyBool_FromLong(mx_value_int(x) != 0);
    else if (dtype == MX_UINT64)
        item = PyLong_FromUnsignedLongLong((uint64_t)mx_value_int(x));
    else if (mx_dtype_is(dtype, MX_INTEGER))
        item = PyLong_FromLongLong(mx_value_int(x));
    else if (dtype != MX_COMPLEX64)
        item = PyFloat_FromDouble(mx_value(x));
    else if (mx_value_complex(x, &re, &im))
        item = PyComplex_FromDoubles(re, im);
    if (mx_failed()) Py_CLEAR(item);
    return item ? item : py_raise();
}

PyObject *py_item(mx_array *x)
{
    if (mx_size(x) != 1)
        return PyErr_Format(PyExc_ValueError, "[convert] Only length-1 arrays can be converted to Python scalars.");
    mx_keep(x); /* while it waits, another thread may put something else into the object */
    PyObject *item = evaluate(x) ? item_of(x) : NULL;
    mx_drop(x);
    return item;
}

/* ---- tolist */
typedef struct cursor {
    mx_shape shape;
    const int64_t *strides;
    mx_dtype dtype;
    int64_t itemsize;
} cursor;

static PyObject *element(const char *at, mx_dtype dtype)
{
    switch (dtype) {
    case MX_BOOL: return PyBool_FromLong(*(const uint8_t *)at);
    case MX_UINT8: return PyLong_FromLong(*(const uint8_t *)at);
    case MX_UINT16: return PyLong_FromLong(*(const uint16_t *)at);
    case MX_UINT32: return PyLong_FromUnsignedLong(*(const uint32_t *)at);
    case MX_UINT64: return PyLong_FromUnsignedLongLong(*(const uint64_t *)at);
    case MX_INT8: return PyLong_FromLong(*(const int8_t *)at);
    case MX_INT16: return PyLong_FromLong(*(const int16_t *)at);
    case MX_INT32: return PyLong_FromLong(*(const int32_t *)at);
    case MX_INT64: return PyLong_FromLongLong(*(const int64_t *)at);
    case MX_FLOAT32: return PyFloat_FromDouble(*(const float *)at);
    case MX_FLOAT64: return PyFloat_FromDouble(*(const double *)at);
    default: return PyComplex_FromDoubles(((const float *)at)[0], ((const float *)at)[1]);
    }
}

static PyObject *list_of(const cursor *c, int axis, const char *at)
{
    if (axis == c->shape.ndim) return element(at, c->dtype);
    PyObject *list = PyList_New((Py_ssize_t)c->shape.at[axis]);
    for (int64_t i = 0; list && i < c->shape.at[axis]; i++) {
        PyObject *item = list_of(c, axis + 1, at + i * c->strides[axis] * c->itemsize);
        if (!item || PyList_SetItem(list, (Py_ssize_t)i, item) < 0) Py_CLEAR(list);
    }
    return list;
}

static PyObject *array_tolist(py_args *in)
{
    mx_array *x = mx_temporary(mx_keep(py_array_of(in->at[0])));
    cursor c = {.dtype = mx_dtype_of(x)};
    if (c.dtype == MX_FLOAT16 || c.dtype == MX_BFLOAT16) x = mx_astype(x, c.dtype = MX_FLOAT32);
    if (!x || !evaluate(x)) return py_raise();
    c.shape = mx_shape_of(x);
    c.itemsize = (int64_t)mx_dtype_size(c.dtype);
    const char *data = mx_data_strided(x, &c.strides);
    if (!data && mx_size(x)) return py_raise();
    return list_of(&c, 0, data);
}

static PyObject *array_item(py_args *in)
{
    return py_item(py_array_of(in->at[0]));
}

static PyObject *array_complex(py_args *in)
{
    PyObject *item = py_item(py_array_of(in->at[0]));
    PyObject *value = item ? PyObject_CallFunctionObjArgs((PyObject *)&PyComplex_Type, item, NULL) : NULL;
    Py_XDECREF(item);
    return value;
}

static PyObject *array_format(py_args *in)
{
    if (!PyUnicode_Check(in->at[1])) return py_incompatible(in);
    if (mx_ndim(py_array_of(in->at[0])) > 0) {
        if (PyUnicode_GetLength(in->at[1]) == 0) return PyObject_Str(in->at[0]);
        return PyErr_Format(PyExc_TypeError, "unsupported format string passed to mx.array.__format__");
    }
    PyObject *item = py_item(py_array_of(in->at[0]));
    PyObject *text = item ? PyObject_Format(item, in->at[1]) : NULL;
    Py_XDECREF(item);
    return text;
}

const py_row py_item_rows[] = {
    {"item", array_item, "item(self) -> Union[bool, int, float, complex]",
     "The value of an array of size 1 as a Python number; evaluates it."},
    {"tolist", array_tolist, "tolist(self) -> Union[list, bool, int, float, complex]",
     "The array as nested lists of Python numbers, or a number if it has no dimensions; evaluates it."},
    {"__complex__", array_complex, "__complex__(self) -> complex", NULL},
    {"__format__", array_format, "__format__(self, arg: str, /) -> str", NULL},
    {0}};

/* ---- Slots */
int py_array_bool(PyObject *self)
{
    PyObject *item = py_item(py_array_of(self));
    int truth = item ? PyObject_IsTrue(item) : -1;
    Py_XDECREF(item);
    return truth;
}

static PyObject *item_as(PyObject *self, PyObject *(*convert)(PyObject *))
{
    PyObject *item = py_item(py_array_of(self));
    PyObject *value = item ? convert(item) : NULL;
    Py_XDECREF(item);
    return value;
}

PyObject *py_array_int(PyObject *self)
{
    return item_as(self, PyNumber_Long);
}

PyObject *py_array_float(PyObject *self)
{
    return item_as(self, PyNumber_Float);
}
