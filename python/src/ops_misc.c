/* SPDX-License-Identifier: MIT
 *
 * Dtypes of arrays, memory layout, arrays from other objects. */
#include "ops.h"

static PyObject *with_dtype(py_args *in, mx_array *x, mx_array *(*op)(mx_array *, mx_dtype))
{
    mx_dtype dtype = MX_FLOAT32;
    if (!x || !py_arg_dtype(in, 1, &dtype)) return NULL;
    return py_arg_is_none(in, 1) ? py_incompatible(in) : py_return(in, op(x, dtype));
}

static PyObject *py_astype(py_args *in)
{
    return with_dtype(in, py_arg_array(in, 0), mx_astype);
}

static PyObject *py_view(py_args *in)
{
    return with_dtype(in, py_arg_operand(in, 0), mx_view);
}

static PyObject *py_contiguous(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    bool allow_col_major; /* a hint; row-major is always right */
    return x && py_arg_bool(in, 1, &allow_col_major) ? py_return(in, mx_contiguous(x)) : NULL;
}

static PyObject *cannot_avoid_copy(void)
{
    return PyErr_Format(PyExc_ValueError, "Unable to avoid copy while creating an array as requested.");
}

static mx_array *convert_shared(PyObject *o, mx_dtype dtype)
{
    mx_array *x = py_can_be_foreign(o) ? py_from_foreign_object(o, true) : NULL;
    if (PyErr_Occurred() || mx_failed()) return NULL;
    if (!x || (dtype != MX_DTYPE_COUNT && dtype != mx_dtype_of(x))) return (void *)cannot_avoid_copy();
    return x;
}

static PyObject *py_asarray(py_args *in)
{
    PyObject *o = in->at[0];
    mx_dtype dtype = MX_DTYPE_COUNT;
    if (o == Py_None || !py_arg_dtype(in, 1, &dtype)) return py_incompatible(in);
    if (py_is_array(o) && in->at[2] != Py_True) {
        mx_array *x = py_array_of(o);
        if (dtype == MX_DTYPE_COUNT || dtype == mx_dtype_of(x)) return py_return(in, x);
        return in->at[2] == Py_False ? cannot_avoid_copy() : py_return(in, mx_astype(x, dtype));
    }
    return py_return(in, in->at[2] == Py_False ? convert_shared(o, dtype) : py_make_array(o, dtype));
}

static PyObject *py_from_dlpack_function(py_args *in)
{
    PyObject *o = in->at[0];
    bool share = in->at[1] == Py_False;
    if (!PyObject_HasAttr(o, py_the.name_dlpack)) return py_incompatible(in);
    if (py_is_array(o)) return py_return(in, share ? py_array_of(o) : mx_copy(py_array_of(o)));
    mx_array *x = py_from_dlpack(o, share);
    if (!x && share && !PyErr_Occurred() && !mx_failed()) return cannot_avoid_copy();
    return py_return(in, x);
}

const py_row py_rows_misc[] = {
    {"astype", py_astype, "astype(a: array, /, dtype: Dtype, *, " STREAM ") -> array",
     "Casts as C does: toward zero for ints, \"is not 0\" for bool, without the imaginary part for real dtypes."},
    {"view", py_view, "view(" ANY("a") ", /, dtype: Dtype, *, " STREAM ") -> array",
     "The same bytes as another dtype; another width rescales the last axis."},
    {"contiguous", py_contiguous, "contiguous(a: array, /, allow_col_major: bool = False, *, " STREAM ") -> array",
     "The same array with its elements row after row in memory."},
    {"asarray", py_asarray,
     "asarray(a: Union[scalar, array, Sequence, DLPackCompatible], /, " DTYPE ", *, copy: Optional[bool] = None) "
     "-> array",
     "An object as an array.  copy=False shares its memory or raises ValueError."},
    {"from_dlpack", py_from_dlpack_function,
     "from_dlpack(x: DLPackCompatible, /, *, copy: Optional[bool] = None) -> array",
     "An array of a DLPack object in host memory.  copy=False shares its memory or raises ValueError."},
    {0}};
