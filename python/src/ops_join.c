/* SPDX-License-Identifier: MIT
 *
 * Functions of several arrays, and those that give several. */
#include "ops.h"

#include <string.h>

/* ---- One of many */
static PyObject *py_concatenate(py_args *in)
{
    int count, axis = 0;
    mx_array **arrays = py_arg_arrays(in, 0, &count), *joined = NULL;
    if (!arrays) return NULL;
    bool flat = py_arg_is_none(in, 1);
    for (int i = 0; flat && i < count; i++) arrays[i] = mx_flatten(arrays[i], 0, -1);
    if (count == 0)
        PyErr_Format(PyExc_ValueError, "[concatenate] No arrays provided for concatenation");
    else if (py_arg_int(in, 1, &axis))
        joined = mx_concatenate(arrays, count, axis);
    PyMem_Free(arrays);
    return py_return(in, joined);
}

static PyObject *py_stack(py_args *in)
{
    int count, axis = 0;
    mx_array **arrays = py_arg_arrays(in, 0, &count), *stacked = NULL;
    if (!arrays) return NULL;
    if (count == 0)
        PyErr_Format(PyExc_ValueError, "[stack] No arrays provided for stacking");
    else if (py_arg_int(in, 1, &axis))
        stacked = mx_stack(arrays, count, axis);
    PyMem_Free(arrays);
    return py_return(in, stacked);
}

/* ---- Many of many */
/* The arrays given to *arrays, in a block twice as long: the second half is for results. */
static mx_array **rest_arrays(py_args *in, bool scalars)
{
    Py_ssize_t count = in->rest_count;
    mx_array **arrays = PyMem_Calloc(2 * (size_t)count + 1, sizeof *arrays);
    if (!arrays) return (void *)PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *o = in->rest[i];
        if (py_is_array(o))
            arrays[i] = py_array_of(o);
        else if (!scalars || !py_is_operand(o))
            py_incompatible(in);
        else
            arrays[i] = py_to_array(o);
        if (arrays[i]) continue;
        PyMem_Free(arrays);
        return NULL;
    }
    return arrays;
}

static PyObject *py_broadcast_arrays(py_args *in)
{
    int count = (int)in->rest_count;
    mx_array **arrays = rest_arrays(in, true);
    if (!arrays) return NULL;
    bool ok = count == 0 || mx_broadcast_arrays(arrays, count, arrays + count);
    PyObject *result = ok ? py_return_list(in, arrays + count, count) : py_return(in, NULL);
    PyMem_Free(arrays);
    return result;
}

static PyObject *py_meshgrid(py_args *in)
{
    const char *indexing = "xy";
    bool sparse;
    int count = (int)in->rest_count;
    if (!py_arg_bool(in, 0, &sparse) || !py_arg_text(in, 1, &indexing)) return NULL;
    if (strcmp(indexing, "xy") != 0 && strcmp(indexing, "ij") != 0)
        return PyErr_Format(PyExc_ValueError, "[meshgrid] Invalid indexing value '%s'. Valid values are 'xy' and 'ij'.",
                            indexing);
    mx_array **arrays = rest_arrays(in, false);
    if (!arrays) return NULL;
    bool ok = count == 0 || mx_meshgrid(arrays, count, sparse, indexing[0] == 'i', arrays + count);
    PyObject *result = ok ? py_return_tuple(in, arrays + count, count) : py_return(in, NULL);
    PyMem_Free(arrays);
    return result;
}

static PyObject *at_least(py_args *in, int ndim)
{
    int count = (int)in->rest_count;
    mx_array **arrays = rest_arrays(in, true);
    if (!arrays) return NULL;
    bool ok = true;
    for (int i = 0; i < count; i++) ok = (arrays[i] = mx_atleast(arrays[i], ndim)) && ok;
    PyObject *result = !ok          ? py_return(in, NULL)
                       : count == 1 ? py_return(in, arrays[0])
                                    : py_return_list(in, arrays, count);
    PyMem_Free(arrays);
    return result;
}

static PyObject *py_atleast_1d(py_args *in)
{
    return at_least(in, 1);
}

static PyObject *py_atleast_2d(py_args *in)
{
    return at_least(in, 2);
}

static PyObject *py_atleast_3d(py_args *in)
{
    return at_least(in, 3);
}

static PyObject *shapes_differ(mx_shape a, mx_shape b)
{
    mx_equal(mx_zeros(b, MX_BOOL), mx_zeros(a, MX_BOOL)); /* fails, with the library's message */
    return py_raise();
}

static PyObject *py_broadcast_shapes(py_args *in)
{
    py_shape next, all = {.shape = {0, NULL}};
    if (!in->rest_count) return PyErr_Format(PyExc_ValueError, "[broadcast_shapes] Must provide at least one shape.");
    for (Py_ssize_t k = 0; k < in->rest_count; k++) {
        if (!py_to_shape(in->rest[k], &next)) return PyErr_Clear(), py_incompatible(in);
        int ndim = next.shape.ndim > all.shape.ndim ? next.shape.ndim : all.shape.ndim;
        int64_t wide[MX_MAX_NDIM];
        for (int i = 0; i < ndim; i++) {
            int a = i - (ndim - all.shape.ndim), b = i - (ndim - next.shape.ndim);
            int64_t x = a < 0 ? 1 : all.at[a], y = b < 0 ? 1 : next.at[b];
            if (x != y && x != 1 && y != 1) return shapes_differ(next.shape, (mx_shape){all.shape.ndim, all.at});
            wide[i] = x == 1 ? y : x;
        }
        memcpy(all.at, wide, sizeof all.at);
        all.shape.ndim = ndim;
    }
    PyObject *tuple = PyTuple_New(all.shape.ndim);
    for (int i = 0; tuple && i < all.shape.ndim; i++) PyTuple_SetItem(tuple, i, PyLong_FromLongLong(all.at[i]));
    return tuple;
}

/* ---- Many of one */
static PyObject *split_into(py_args *in, mx_array *x, int64_t count, const int64_t *at, int axis)
{
    if (count < 1)
        return PyErr_Format(PyExc_ValueError, "[split] the number of parts must be positive, not %lld",
                            (long long)count);
    if (count > INT32_MAX) return py_incompatible(in);
    mx_array **parts = PyMem_Calloc((size_t)count, sizeof *parts);
    if (!parts) return PyErr_NoMemory();
    PyObject *result =
        mx_split(x, (int)count, at, axis, parts) ? py_return_list(in, parts, (int)count) : py_return(in, NULL);
    PyMem_Free(parts);
    return result;
}

static PyObject *py_split(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    int axis = 0;
    int64_t count = 0;
    if (!x || !py_arg_int(in, 2, &axis)) return NULL;
    if (!PySequence_Check(in->at[1])) return py_arg_int64(in, 1, &count) ? split_into(in, x, count, NULL, axis) : NULL;
    Py_ssize_t cuts = PyUnicode_Check(in->at[1]) ? -1 : PySequence_Size(in->at[1]);
    int64_t *at = cuts < 0 ? NULL : PyMem_Calloc((size_t)cuts + 1, sizeof *at);
    if (!at) return py_incompatible(in);
    PyObject *result = NULL;
    bool ok = true;
    for (Py_ssize_t i = 0; ok && i < cuts; i++) {
        PyObject *cut = PySequence_GetItem(in->at[1], i);
        ok = cut && py_to_int64(cut, &at[i]);
        Py_XDECREF(cut);
    }
    if (ok)
        result = split_into(in, x, cuts + 1, at, axis);
    else
        PyErr_Clear(), py_incompatible(in);
    PyMem_Free(at);
    return result;
}

static PyObject *py_unstack(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    int axis = 0;
    if (!x || !py_arg_int(in, 1, &axis)) return NULL;
    if ((axis = py_positive_axis("unstack", axis, mx_ndim(x))) < 0) return NULL;
    int64_t count = mx_dim(x, axis);
    if (count == 0) return PyList_New(0);
    mx_array **parts = PyMem_Calloc((size_t)count, sizeof *parts);
    if (!parts) return PyErr_NoMemory();
    bool ok = mx_split(x, (int)count, NULL, axis, parts);
    for (int64_t i = 0; ok && i < count; i++) ok = (parts[i] = mx_squeeze(parts[i], (mx_axes){1, &axis})) != NULL;
    PyObject *result = ok ? py_return_list(in, parts, (int)count) : py_return(in, NULL);
    PyMem_Free(parts);
    return result;
}

#define ARRAYS "(arrays: list[array], /, axis: Optional[int] = 0, *, " STREAM ") -> array"
#define AT_LEAST(n) "atleast_" n "d(*arys: array, " STREAM ") -> Union[array, list[array]]"
const py_row py_rows_join[] = {
    {"concatenate", py_concatenate, "concatenate" ARRAYS,
     "Puts arrays one after the other along an axis; flattens them first if it is None."},
    {"stack", py_stack, "stack" ARRAYS, "Puts arrays of one shape one after the other along a new axis."},
    {"broadcast_arrays", py_broadcast_arrays, "broadcast_arrays(*arrays: array, " STREAM ") -> list[array]",
     "Stretches arrays to their common shape."},
    {"broadcast_shapes", py_broadcast_shapes, "broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]",
     "The common shape of shapes."},
    {"meshgrid", py_meshgrid,
     "meshgrid(*arrays: array, sparse: bool = False, indexing: str = 'xy', " STREAM ") -> tuple[array, ...]",
     "Grids of coordinates from 1-d arrays: matrices ('ij') or plots ('xy')."},
    {"atleast_1d", py_atleast_1d, AT_LEAST("1"), "Arrays with at least one dimension."},
    {"atleast_2d", py_atleast_2d, AT_LEAST("2"), "Arrays with at least two dimensions."},
    {"atleast_3d", py_atleast_3d, AT_LEAST("3"), "Arrays with at least three dimensions."},
    {"split", py_split,
     "split(a: array, /, indices_or_sections: Union[int, Sequence[int]], axis: int = 0, *, " STREAM ") -> list[array]",
     "Cuts an axis into equal parts, or at these places."},
    {"unstack", py_unstack, "unstack(x: array, /, *, axis: int = 0, " STREAM ") -> list[array]",
     "The entries of an axis, without it."},
    {0}};
