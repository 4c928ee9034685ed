/* SPDX-License-Identifier: MIT
 *
 * Products of matrices and vectors. */
#include "ops.h"

static PyObject *product(py_args *in, mx_array *(*op)(mx_array *, mx_array *))
{
    mx_array *a = py_arg_array(in, 0), *b = a ? py_arg_array(in, 1) : NULL;
    return b ? py_return(in, op(a, b)) : NULL;
}

static PyObject *py_matmul(py_args *in)
{
    return product(in, mx_matmul);
}

static PyObject *py_inner(py_args *in)
{
    return product(in, mx_inner);
}

static PyObject *py_outer(py_args *in)
{
    return product(in, mx_outer);
}

static PyObject *py_kron(py_args *in)
{
    return product(in, mx_kron);
}

static PyObject *py_vecdot(py_args *in)
{
    mx_array *a = py_arg_array(in, 0), *b = a ? py_arg_array(in, 1) : NULL;
    int axis = -1;
    return b && py_arg_int(in, 2, &axis) ? py_return(in, mx_vecdot(a, b, axis)) : NULL;
}

static PyObject *py_addmm(py_args *in)
{
    mx_array *c = py_arg_array(in, 0), *a = c ? py_arg_array(in, 1) : NULL, *b = a ? py_arg_array(in, 2) : NULL;
    double alpha = 1, beta = 1;
    if (!b || !py_arg_double(in, 3, &alpha) || !py_arg_double(in, 4, &beta)) return NULL;
    return py_return(in, mx_addmm(c, a, b, (float)alpha, (float)beta));
}

/* Two lists of axes. */
static bool axes_pair(py_args *in, PyObject *o, py_axes *a, py_axes *b)
{
    if (!PySequence_Check(o) || PySequence_Size(o) != 2) return py_incompatible(in);
    PyObject *first = PySequence_GetItem(o, 0), *second = PySequence_GetItem(o, 1);
    bool lists = first && second && PySequence_Check(first) && PySequence_Check(second);
    bool ok = lists && py_to_axes(first, a) && py_to_axes(second, b);
    Py_XDECREF(first);
    Py_XDECREF(second);
    if (ok) return true;
    PyErr_Clear();
    return py_incompatible(in);
}

static PyObject *py_tensordot(py_args *in)
{
    mx_array *a = py_arg_array(in, 0), *b = a ? py_arg_array(in, 1) : NULL;
    py_axes axes_a, axes_b;
    int count = 0;
    if (!b) return NULL;
    if (PyIndex_Check(in->at[2]) && !PySequence_Check(in->at[2])) {
        if (!py_arg_int(in, 2, &count)) return NULL;
        if (count < 0 || count > mx_ndim(a) || count > mx_ndim(b))
            return PyErr_Format(PyExc_ValueError,
                                "[tensordot] cannot contract %d axes of arrays with %d and %d "
                                "dimensions",
                                count, mx_ndim(a), mx_ndim(b));
        for (int i = 0; i < count; i++) {
            axes_a.at[i] = mx_ndim(a) - count + i;
            axes_b.at[i] = i;
        }
        axes_a.axes = (mx_axes){count, axes_a.at};
        axes_b.axes = (mx_axes){count, axes_b.at};
    } else if (!axes_pair(in, in->at[2], &axes_a, &axes_b)) {
        return NULL;
    }
    return py_return(in, mx_tensordot(a, b, axes_a.axes, axes_b.axes));
}

enum { MAX_OPERANDS = 64 }; /* of einsum */

static PyObject *py_einsum(py_args *in)
{
    mx_array *operands[MAX_OPERANDS];
    const char *subscripts = NULL;
    if (!py_arg_text(in, 0, &subscripts)) return NULL;
    if (!subscripts || in->rest_count > MAX_OPERANDS) return py_incompatible(in);
    for (Py_ssize_t i = 0; i < in->rest_count; i++) {
        if (!py_is_array(in->rest[i])) return py_incompatible(in);
        operands[i] = py_array_of(in->rest[i]);
    }
    return py_return(in, mx_einsum(subscripts, operands, (int)in->rest_count));
}

/* The matrices of x that the indices pick out of its flattened batch axes; x itself without indices. */
static mx_array *gather_matrices(mx_array *x, mx_array *indices)
{
    int ndim = x ? mx_ndim(x) : 0;
    if (!x || !indices) return x;
    if (ndim < 2) return mx_fail(MX_VALUE, "[gather_mm] matrices are needed, not arrays with %d dimensions", ndim);
    mx_shape shape = {3, (const int64_t[]){-1, mx_dim(x, -2), mx_dim(x, -1)}};
    return mx_take(ndim == 2 ? mx_expand_dims(x, MX_AXES(0)) : mx_reshape(x, shape), indices, 0);
}

static PyObject *py_gather_mm(py_args *in)
{
    mx_array *a = py_arg_array(in, 0), *b = a ? py_arg_array(in, 1) : NULL, *left, *right;
    bool sorted; /* a hint */
    if (!b || !py_arg_array_or_none(in, 2, &left) || !py_arg_array_or_none(in, 3, &right) ||
        !py_arg_bool(in, 4, &sorted))
        return NULL;
    return py_return(in, mx_matmul(gather_matrices(a, left), gather_matrices(b, right)));
}

static PyObject *py_hadamard_transform(py_args *in)
{
    mx_array *x = py_arg_array(in, 0);
    double scale;
    if (!x || !py_arg_double(in, 1, &scale)) return NULL;
    return py_return(in, mx_hadamard_transform(x, py_arg_is_none(in, 1) ? NULL : &scale));
}

#define BOTH "(a: array, b: array, /, "
const py_row py_rows_matmul[] = {
    {"matmul", py_matmul, "matmul" BOTH "*, " STREAM ") -> array",
     "The matrix product over the last two axes; the rest broadcast.  Floating dtypes only."},
    {"inner", py_inner, "inner" BOTH "*, " STREAM ") -> array", "Sums of products over both last axes."},
    {"outer", py_outer, "outer" BOTH "*, " STREAM ") -> array", "Every product of an element of a with one of b."},
    {"kron", py_kron, "kron(a: array, b: array, *, " STREAM ") -> array", "The Kronecker product."},
    {"vecdot", py_vecdot, "vecdot" BOTH "axis: int = -1, *, " STREAM ") -> array",
     "Sums of conj(a) * b along an axis."},
    {"addmm", py_addmm,
     "addmm(c: array, a: array, b: array, /, alpha: float = 1.0, beta: float = 1.0, *, " STREAM ") -> array",
     "beta * c + alpha * (a @ b)."},
    {"einsum", py_einsum, "einsum(subscripts: str, *operands: array, " STREAM ") -> array",
     "Sums of products by labels of axes: einsum('ij,jk->ik', a, b) is a @ b.  '...' stands for further axes, a label\n"
     "twice in one operand for its diagonal; without '->' the labels that occur once are kept, in ASCII order."},
    {"gather_mm", py_gather_mm,
     "gather_mm" BOTH "lhs_indices: Optional[array] = None, rhs_indices: Optional[array] = None, *, "
     "sorted_indices: bool = False, " STREAM ") -> array",
     "The products of the matrices that indices pick out of the flattened batch axes of a and b."},
    {"tensordot", py_tensordot, "tensordot" BOTH "axes: Union[int, list[Sequence[int]]] = 2, *, " STREAM ") -> array",
     "Sums of products over the last axes of a and the first of b, or over two lists of axes."},
    {"hadamard_transform", py_hadamard_transform,
     "hadamard_transform(a: array, /, scale: Optional[float] = None, *, " STREAM ") -> array",
     "scale * H a over the last axis, of m * 2^k points with m 1, 12, 20 or 28 and H a Hadamard matrix; a scale of None\n"
     "is 1 / sqrt(points), which keeps lengths."},
    {0}};
