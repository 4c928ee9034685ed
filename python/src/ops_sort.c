/* SPDX-License-Identifier: MIT
 *
 * Sorting and selecting along an axis; of the flattened array if it is None. */
#include "ops.h"

static PyObject *sort(py_args *in, mx_array *(*op)(mx_array *, int))
{
    mx_array *x = py_arg_array(in, 0);
    int axis;
    if (!x || !py_axis_or_flat(in, 1, &x, &axis)) return NULL;
    return py_return(in, op(x, axis));
}

static PyObject *py_sort(py_args *in)
{
    return sort(in, mx_sort);
}

static PyObject *py_argsort(py_args *in)
{
    return sort(in, mx_argsort);
}

static PyObject *select_by(py_args *in, mx_array *(*op)(mx_array *, int64_t, int))
{
    mx_array *x = py_arg_array(in, 0);
    int number, axis;
    if (!x || !py_arg_int(in, 1, &number) || !py_axis_or_flat(in, 2, &x, &axis)) return NULL;
    return py_return(in, op(x, number, axis));
}

static PyObject *py_partition(py_args *in)
{
    return select_by(in, mx_partition);
}

static PyObject *py_argpartition(py_args *in)
{
    return select_by(in, mx_argpartition);
}

static PyObject *py_topk(py_args *in)
{
    return select_by(in, mx_topk);
}

static PyObject *py_median(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    py_axes axes;
    bool keep;
    if (!x || !py_arg_axes(in, 1, &axes) || !py_arg_bool(in, 2, &keep)) return NULL;
    return py_return(in, mx_median(x, axes.axes, keep));
}

#define LAST_AXIS "axis: Optional[int] = -1, *, " STREAM ") -> array"
const py_row py_rows_sort[] = {
    {"sort", py_sort, "sort(a: array, /, " LAST_AXIS, "The elements in order, stably; NaN comes last."},
    {"argsort", py_argsort, "argsort(a: array, /, " LAST_AXIS, "The indices that sort the array, stably; uint32."},
    {"partition", py_partition, "partition(a: array, /, kth: int, " LAST_AXIS,
     "The kth element of a sort in its place, smaller ones before it and greater ones after it, each in their order."},
    {"argpartition", py_argpartition, "argpartition(a: array, /, kth: int, " LAST_AXIS,
     "The indices that partition the array; uint32."},
    {"topk", py_topk, "topk(a: array, /, k: int, " LAST_AXIS, "The k largest elements, in the order of a partition."},
    {"median", py_median, "median(a: array, /, " AXIS ", " KEEPDIMS ", *, " STREAM ") -> array",
     "The middle elements of a sort, of an even count their mean; NaN if there is one."},
    {0}};
