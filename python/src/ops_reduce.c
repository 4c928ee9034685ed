/* SPDX-License-Identifier: MIT
 *
 * Reductions and scans. */
#include "ops.h"

/* ---- Reductions */
static PyObject *reduce(py_args *in, mx_array *(*op)(mx_array *, mx_axes, bool))
{
    mx_array *x = py_arg_array(in, 0);
    py_axes axes;
    bool keep;
    if (!x || !py_arg_axes(in, 1, &axes) || !py_arg_bool(in, 2, &keep)) return NULL;
    return py_return(in, op(x, axes.axes, keep));
}

#define REDUCTIONS(X)                                                                                                  \
    X(prod, mx_prod, "Products.")                                                                                      \
    X(min, mx_min, "Smallest elements; NaN if there is one.")                                                          \
    X(max, mx_max, "Largest elements; NaN if there is one.")                                                           \
    X(all, mx_all, "Are all elements not 0?")                                                                          \
    X(any, mx_any, "Is an element not 0?")                                                                             \
    X(mean, mx_mean, "Arithmetic means.")                                                                              \
    X(logsumexp, mx_logsumexp, "log(sum(exp(a))) without overflow.")
#define REDUCE_FUNCTION(name, op, text)                                                                                \
    static PyObject *py_##name(py_args *in)                                                                            \
    {                                                                                                                  \
        return reduce(in, op);                                                                                         \
    }
REDUCTIONS(REDUCE_FUNCTION)
REDUCE_FUNCTION(sum, mx_sum, "")

static mx_array *count_nonzero(mx_array *x, mx_axes axes, bool keep)
{
    return mx_sum(mx_not_equal(x, mx_scalar_int(0, mx_dtype_of(x))), axes, keep);
}
REDUCE_FUNCTION(count_nonzero, count_nonzero, "")

static PyObject *spread(py_args *in, mx_array *(*op)(mx_array *, mx_axes, bool, int))
{
    mx_array *x = py_arg_array(in, 0);
    py_axes axes;
    bool keep;
    int ddof = 0;
    if (!x || !py_arg_axes(in, 1, &axes) || !py_arg_bool(in, 2, &keep) || !py_arg_int(in, 3, &ddof)) return NULL;
    return py_return(in, op(x, axes.axes, keep, ddof));
}

static PyObject *py_var(py_args *in)
{
    return spread(in, mx_var);
}

static PyObject *py_std(py_args *in)
{
    return spread(in, mx_std);
}

static PyObject *arg_reduce(py_args *in, mx_array *(*op)(mx_array *, mx_axes, bool))
{
    mx_array *x = py_arg_array(in, 0);
    int axis = 0;
    bool keep;
    if (!x || !py_arg_int(in, 1, &axis) || !py_arg_bool(in, 2, &keep)) return NULL;
    return py_return(in, op(x, py_arg_is_none(in, 1) ? MX_ALL_AXES : (mx_axes){1, &axis}, keep));
}

static PyObject *py_argmax(py_args *in)
{
    return arg_reduce(in, mx_argmax);
}

static PyObject *py_argmin(py_args *in)
{
    return arg_reduce(in, mx_argmin);
}

static PyObject *py_softmax(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    py_axes axes;
    bool precise;
    if (!x || !py_arg_axes(in, 1, &axes) || !py_arg_bool(in, 2, &precise)) return NULL;
    return py_return(in, mx_softmax(x, axes.axes, precise));
}

#define REDUCE_SIGNATURE(name) name "(a: array, /, " AXIS ", " KEEPDIMS ", *, " STREAM ") -> array"
#define SPREAD_SIGNATURE(name) name "(a: array, /, " AXIS ", " KEEPDIMS ", ddof: int = 0, *, " STREAM ") -> array"
#define ARG_SIGNATURE(name) name "(a: array, /, " ONE_AXIS ", " KEEPDIMS ", *, " STREAM ") -> array"
#define REDUCE_ROW(name, op, text) {#name, py_##name, REDUCE_SIGNATURE(#name), text},
const py_row py_rows_reduce[] = {
    REDUCTIONS(REDUCE_ROW){"sum", py_sum, "sum(array: array, " AXIS ", " KEEPDIMS ", *, " STREAM ") -> array",
                           "Sums; small ints add up in 32 bits."},
    {"count_nonzero", py_count_nonzero, REDUCE_SIGNATURE("count_nonzero"), "The number of elements that are not 0."},
    {"var", py_var, SPREAD_SIGNATURE("var"), "Variances, divided by n - ddof."},
    {"std", py_std, SPREAD_SIGNATURE("std"), "Standard deviations, divided by n - ddof."},
    {"argmax", py_argmax, ARG_SIGNATURE("argmax"), "The index of the first largest element, uint32."},
    {"argmin", py_argmin, ARG_SIGNATURE("argmin"), "The index of the first smallest element, uint32."},
    {"softmax", py_softmax, "softmax(a: array, /, " AXIS ", *, precise: bool = False, " STREAM ") -> array",
     "exp(a - max a) / sum(exp(a - max a)) over the axes; `precise` computes halves in float32."},
    {0}};

/* ---- Scans */
typedef mx_array *scan_op(mx_array *, int, bool, bool);

static PyObject *scan_of(py_args *in, scan_op *op, mx_array *x)
{
    int axis;
    bool reverse, inclusive;
    if (!x || !py_axis_or_flat(in, 1, &x, &axis) || !py_arg_bool(in, 2, &reverse) || !py_arg_bool(in, 3, &inclusive))
        return NULL;
    return py_return(in, op(x, axis, reverse, inclusive));
}

static PyObject *scan(py_args *in, scan_op *op)
{
    return scan_of(in, op, py_arg_array(in, 0));
}

static PyObject *scan_as(py_args *in, scan_op *op)
{
    mx_array *x = py_arg_array(in, 0);
    mx_dtype dtype = x ? mx_dtype_of(x) : MX_FLOAT32;
    return py_arg_dtype(in, 4, &dtype) ? scan_of(in, op, mx_astype(x, dtype)) : NULL;
}

static PyObject *py_cumsum(py_args *in)
{
    return scan_as(in, mx_cumsum);
}

static PyObject *py_cumprod(py_args *in)
{
    return scan_as(in, mx_cumprod);
}

static PyObject *py_cummax(py_args *in)
{
    return scan(in, mx_cummax);
}

static PyObject *py_cummin(py_args *in)
{
    return scan(in, mx_cummin);
}

static PyObject *py_logcumsumexp(py_args *in)
{
    return scan(in, mx_logcumsumexp);
}

/* a[1:] - a[:-1] along an axis; for bools, where they differ. */
static mx_array *difference(mx_array *x, int axis)
{
    int64_t zeros[MX_MAX_NDIM] = {0}, ones[MX_MAX_NDIM], low[MX_MAX_NDIM], high[MX_MAX_NDIM], last[MX_MAX_NDIM];
    mx_shape shape = mx_shape_of(x);
    for (int i = 0; i < shape.ndim; i++) {
        ones[i] = 1;
        low[i] = 0;
        high[i] = last[i] = shape.at[i];
    }
    low[axis] = 1;
    last[axis] = shape.at[axis] > 0 ? shape.at[axis] - 1 : 0;
    mx_array *after = mx_slice(x, low, high, ones), *before = mx_slice(x, zeros, last, ones);
    return mx_dtype_of(x) == MX_BOOL ? mx_not_equal(after, before) : mx_sub(after, before);
}

static PyObject *py_diff(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    int n = 1, axis = -1;
    if (!x || !py_arg_int(in, 1, &n) || !py_arg_int(in, 2, &axis)) return NULL;
    if (n < 0) return PyErr_Format(PyExc_ValueError, "[diff] Order `n` must be non-negative, not %d.", n);
    if ((axis = py_positive_axis("diff", axis, mx_ndim(x))) < 0) return NULL;
    for (int i = 0; i < n && x && mx_dim(x, axis) > 0; i++) x = difference(x, axis);
    return py_return(in, x);
}

#define SCAN "(a: array, /, " ONE_AXIS ", *, reverse: bool = False, inclusive: bool = True, "
const py_row py_rows_scan[] = {
    {"cumsum", py_cumsum, "cumsum" SCAN DTYPE ", " STREAM ") -> array",
     "Running sums along an axis, of all elements if it is None; exclusive ones start from 0."},
    {"cumprod", py_cumprod, "cumprod" SCAN DTYPE ", " STREAM ") -> array", "Running products; see cumsum."},
    {"cummax", py_cummax, "cummax" SCAN STREAM ") -> array", "Running maxima; see cumsum."},
    {"cummin", py_cummin, "cummin" SCAN STREAM ") -> array", "Running minima; see cumsum."},
    {"logcumsumexp", py_logcumsumexp, "logcumsumexp" SCAN STREAM ") -> array", "Running log(sum(exp(a))); see cumsum."},
    {"diff", py_diff, "diff(a: array, /, n: int = 1, axis: int = -1, *, " STREAM ") -> array",
     "Differences of neighbours along an axis, n times."},
    {0}};
