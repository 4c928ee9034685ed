/* SPDX-License-Identifier: MIT
 *
 * New arrays: constants, ranges, matrices of a pattern, windows. */
#include "ops.h"

#include <math.h>

/* ---- Constants */
static PyObject *filled(py_args *in, mx_array *(*op)(mx_shape, mx_dtype))
{
    py_shape shape;
    mx_dtype dtype = MX_FLOAT32;
    if (!py_arg_shape(in, 0, &shape) || !py_arg_dtype(in, 1, &dtype)) return NULL;
    return py_return(in, op(shape.shape, dtype));
}

static PyObject *py_zeros(py_args *in)
{
    return filled(in, mx_zeros);
}

static PyObject *py_ones(py_args *in)
{
    return filled(in, mx_ones);
}

static PyObject *filled_like(py_args *in, int value)
{
    mx_array *x = py_arg_array(in, 0);
    mx_dtype dtype = x ? mx_dtype_of(x) : MX_FLOAT32;
    if (!x || !py_arg_dtype(in, 1, &dtype)) return NULL;
    return py_return(in, mx_full_like(x, mx_int(value), dtype));
}

static PyObject *py_zeros_like(py_args *in)
{
    return filled_like(in, 0);
}

static PyObject *py_ones_like(py_args *in)
{
    return filled_like(in, 1);
}

static PyObject *py_full(py_args *in)
{
    py_shape shape;
    mx_array *value = py_arg_shape(in, 0, &shape) ? py_arg_operand(in, 1) : NULL;
    mx_dtype dtype = value ? mx_dtype_of(value) : MX_FLOAT32;
    if (!value || !py_arg_dtype(in, 2, &dtype)) return NULL;
    return py_return(in, mx_full(shape.shape, value, dtype));
}

static PyObject *py_full_like(py_args *in)
{
    mx_array *x = py_arg_array(in, 0), *value = x ? py_arg_operand(in, 1) : NULL;
    mx_dtype dtype = x ? mx_dtype_of(x) : MX_FLOAT32;
    if (!value || !py_arg_dtype(in, 2, &dtype)) return NULL;
    return py_return(in, mx_full_like(x, value, dtype));
}

/* ---- Ranges */
/* A bound; the dtype is raised to what it needs: int32, int64 or float32. */
static bool range_bound(py_args *in, PyObject *o, double *value, mx_dtype *dtype)
{
    if (o == Py_None) return true;
    if (PyBool_Check(o)) {
        PyErr_SetString(PyExc_ValueError, "bool not supported for arange.");
        return false;
    }
    if (!PyFloat_Check(o) && !PyIndex_Check(o)) return py_incompatible(in);
    *value = PyFloat_AsDouble(o);
    if (*value == -1 && PyErr_Occurred()) return false;
    if (PyFloat_Check(o))
        *dtype = MX_FLOAT32;
    else if (*dtype == MX_INT32 && (*value < INT32_MIN || *value > INT32_MAX))
        *dtype = MX_INT64;
    return true;
}

/* arange(stop), arange(stop, step, dtype) and arange(start, stop, step, dtype) in one: a Dtype in the place of the
 * step, or a stop by name without a start, tell the forms apart. */
static PyObject *py_arange(py_args *in)
{
    PyObject *start = in->at[0], *stop = in->at[1], *step = in->at[2], *wanted = in->at[3];
    double from = 0, to = 0, by = 1;
    mx_dtype dtype = MX_INT32;
    if (wanted == Py_None && Py_TYPE(step) == py_the.dtype_type) {
        wanted = step;
        step = stop;
        stop = Py_None;
    }
    if (stop == Py_None) {
        stop = start;
        start = Py_None;
    }
    if (stop == Py_None) return py_incompatible(in);
    if (!range_bound(in, start, &from, &dtype) || !range_bound(in, stop, &to, &dtype) ||
        !range_bound(in, step, &by, &dtype))
        return NULL;
    if (wanted != Py_None && !py_to_dtype(wanted, &dtype)) return PyErr_Clear(), py_incompatible(in);
    if (dtype == MX_BOOL) return PyErr_Format(PyExc_ValueError, "bool not supported for arange.");
    return py_return(in, mx_arange(from, to, by, dtype));
}

static PyObject *py_linspace(py_args *in)
{
    double start = 0, stop = 0;
    int64_t count = 50;
    bool endpoint;
    mx_dtype dtype = MX_FLOAT32;
    if (!py_arg_double(in, 0, &start) || !py_arg_double(in, 1, &stop) || !py_arg_int64(in, 2, &count) ||
        !py_arg_bool(in, 3, &endpoint) || !py_arg_dtype(in, 4, &dtype))
        return NULL;
    if (!endpoint && count > 0) stop -= (stop - start) / (double)count;
    return py_return(in, mx_linspace(start, stop, count, dtype));
}

/* ---- Matrices */
static PyObject *matrix(py_args *in, mx_array *(*op)(int64_t, int64_t, int, mx_dtype))
{
    int64_t rows = 0, columns;
    int k = 0;
    mx_dtype dtype = MX_FLOAT32;
    if (py_arg_is_none(in, 0)) return py_incompatible(in);
    if (!py_arg_int64(in, 0, &rows)) return NULL;
    columns = rows;
    if (!py_arg_int64(in, 1, &columns) || !py_arg_int(in, 2, &k) || !py_arg_dtype(in, 3, &dtype)) return NULL;
    return py_return(in, op(rows, columns, k, dtype));
}

static PyObject *py_eye(py_args *in)
{
    return matrix(in, mx_eye);
}

static PyObject *py_tri(py_args *in)
{
    return matrix(in, mx_tri);
}

static PyObject *py_identity(py_args *in)
{
    int64_t n = 0;
    mx_dtype dtype = MX_FLOAT32;
    if (py_arg_is_none(in, 0)) return py_incompatible(in);
    if (!py_arg_int64(in, 0, &n) || !py_arg_dtype(in, 1, &dtype)) return NULL;
    return py_return(in, mx_eye(n, n, 0, dtype));
}

static PyObject *of_diagonal(py_args *in, mx_array *(*op)(mx_array *, int))
{
    mx_array *x = py_arg_array(in, 0);
    int k = 0;
    return x && py_arg_int(in, 1, &k) ? py_return(in, op(x, k)) : NULL;
}

static PyObject *py_tril(py_args *in)
{
    return of_diagonal(in, mx_tril);
}

static PyObject *py_triu(py_args *in)
{
    return of_diagonal(in, mx_triu);
}

static PyObject *py_diag(py_args *in)
{
    return of_diagonal(in, mx_diag);
}

static PyObject *py_diagonal(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    int offset = 0, axis1 = 0, axis2 = 1;
    if (!x || !py_arg_int(in, 1, &offset) || !py_arg_int(in, 2, &axis1) || !py_arg_int(in, 3, &axis2)) return NULL;
    return py_return(in, mx_diagonal(x, offset, axis1, axis2));
}

/* The dtype that mx.sum would have. */
static mx_dtype sum_dtype(mx_dtype dtype)
{
    if (mx_dtype_size(dtype) >= 4 || mx_dtype_is(dtype, MX_INEXACT)) return dtype;
    return mx_dtype_is(dtype, MX_UNSIGNED_INTEGER) ? MX_UINT32 : MX_INT32;
}

static PyObject *py_trace(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    int offset = 0, axis1 = 0, axis2 = 1;
    mx_dtype dtype = x ? sum_dtype(mx_dtype_of(x)) : MX_FLOAT32;
    if (!x || !py_arg_int(in, 1, &offset) || !py_arg_int(in, 2, &axis1) || !py_arg_int(in, 3, &axis2) ||
        !py_arg_dtype(in, 4, &dtype))
        return NULL;
    return py_return(in, mx_trace_of(x, offset, axis1, axis2, dtype));
}

#define DTYPE32 "dtype: Optional[Dtype] = float32"
const py_row py_rows_create[] = {
    {"zeros", py_zeros, "zeros(" SHAPE ", " DTYPE32 ", *, " STREAM ") -> array", "An array of zeros."},
    {"ones", py_ones, "ones(" SHAPE ", " DTYPE32 ", *, " STREAM ") -> array", "An array of ones."},
    {"zeros_like", py_zeros_like, "zeros_like(a: array, /, " DTYPE ", *, " STREAM ") -> array",
     "Zeros in the shape of an array, and in its dtype if none is given."},
    {"ones_like", py_ones_like, "ones_like(a: array, /, " DTYPE ", *, " STREAM ") -> array",
     "Ones in the shape of an array, and in its dtype if none is given."},
    {"full", py_full, "full(" SHAPE ", " ANY("vals") ", " DTYPE ", *, " STREAM ") -> array",
     "An array filled with a value, which broadcasts; in its dtype if none is given."},
    {"full_like", py_full_like, "full_like(a: array, /, " ANY("vals") ", " DTYPE ", *, " STREAM ") -> array",
     "A value in the shape of an array, and in its dtype if none is given."},
    {"arange", py_arange,
     "arange(start: Union[int, float] = None, stop: Union[None, int, float] = None, "
     "step: Union[None, int, float] = None, " DTYPE ", *, " STREAM ") -> array\n"
     "arange(stop: Union[int, float], step: Union[None, int, float] = None, " DTYPE ", *, " STREAM ") -> array",
     "start, start + step, ... below stop; ints give int32, a float gives float32."},
    {"linspace", py_linspace,
     "linspace(start: float, stop: float, num: Optional[int] = 50, endpoint: bool = True, " DTYPE32 ", " STREAM
     ") -> array",
     "num values from start to stop at equal distances; without the endpoint, to one distance before stop."},
    {"eye", py_eye, "eye(n: int, m: Optional[int] = None, k: int = 0, " DTYPE32 ", *, " STREAM ") -> array",
     "Ones on the k-th diagonal of an n by m matrix."},
    {"identity", py_identity, "identity(n: int, " DTYPE32 ", *, " STREAM ") -> array", "The n by n identity matrix."},
    {"tri", py_tri, "tri(n: int, m: Optional[int] = None, k: int = 0, " DTYPE32 ", *, " STREAM ") -> array",
     "Ones at and below the k-th diagonal of an n by m matrix."},
    {"tril", py_tril, "tril(x: array, k: int = 0, *, " STREAM ") -> array", "Zeros above the k-th diagonal."},
    {"triu", py_triu, "triu(x: array, k: int = 0, *, " STREAM ") -> array", "Zeros below the k-th diagonal."},
    {"diag", py_diag, "diag(a: array, /, k: int = 0, *, " STREAM ") -> array",
     "The k-th diagonal of a matrix, or a matrix with this diagonal."},
    {"diagonal", py_diagonal,
     "diagonal(a: array, offset: int = 0, axis1: int = 0, axis2: int = 1, " STREAM ") -> array",
     "The diagonals of the matrices that two axes span, on the last axis."},
    {"trace", py_trace,
     "trace(a: array, /, offset: int = 0, axis1: int = 0, axis2: int = 1, " DTYPE ", *, " STREAM ") -> array",
     "The sums of the diagonals of the matrices that two axes span."},
    {0}};

/* ---- Windows */
/* cos(k 2 pi n / (M - 1)) for n = 0 ... M - 1. */
static mx_array *cosine(int64_t size, int k)
{
    double step = size > 1 ? k * 2 * 3.14159265358979323846 / (double)(size - 1) : 0;
    mx_array *n = mx_arange(0, (double)size, 1, MX_FLOAT32);
    return mx_cos(mx_mul(n, mx_like(n, step)));
}

/* constant - first cos(t) + second cos(2 t); a window of one point is 1. */
static PyObject *cosine_window(py_args *in, double constant, double first, double second)
{
    int64_t size = 0;
    if (py_arg_is_none(in, 0)) return py_incompatible(in);
    if (!py_arg_int64(in, 0, &size)) return NULL;
    if (size <= 1) return py_return(in, mx_ones((mx_shape){1, (const int64_t[]){size < 0 ? 0 : size}}, MX_FLOAT32));
    mx_array *w = mx_float(constant); /* what cancels at the ends is added last, so that they are 0 */
    if (second != 0) w = mx_add(w, mx_mul(mx_float(second), cosine(size, 2)));
    w = mx_sub(w, mx_mul(mx_float(first), cosine(size, 1)));
    return py_return(in, w);
}

static PyObject *py_hanning(py_args *in)
{
    return cosine_window(in, 0.5, 0.5, 0);
}

static PyObject *py_hamming(py_args *in)
{
    return cosine_window(in, 0.54, 0.46, 0);
}

static PyObject *py_blackman(py_args *in)
{
    return cosine_window(in, 0.42, 0.5, 0.08);
}

static PyObject *py_bartlett(py_args *in)
{
    int64_t size = 0;
    if (py_arg_is_none(in, 0)) return py_incompatible(in);
    if (!py_arg_int64(in, 0, &size)) return NULL;
    if (size <= 1) return cosine_window(in, 1, 0, 0);
    mx_array *half = mx_float((double)(size - 1) / 2), *n = mx_arange(0, (double)size, 1, MX_FLOAT32);
    return py_return(in, mx_sub(mx_float(1), mx_abs(mx_div(mx_sub(n, half), half))));
}

#define WINDOW(name, text)                                                                                             \
    {                                                                                                                  \
#name, py_##name, #name "(M: int, *, " STREAM ") -> array", text                                               \
    }
const py_row py_rows_window[] = {
    WINDOW(bartlett, "The triangular window of M points, 1 - |n - h| / h with h = (M - 1) / 2."),
    WINDOW(hanning, "The window 0.5 - 0.5 cos(2 pi n / (M - 1)) of M points."),
    WINDOW(hamming, "The window 0.54 - 0.46 cos(2 pi n / (M - 1)) of M points."),
    WINDOW(blackman, "The window 0.42 - 0.5 cos(t) + 0.08 cos(2 t), t = 2 pi n / (M - 1), of M points."),
    {0}};
