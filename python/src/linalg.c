/* SPDX-License-Identifier: MIT
 *
 * mlx.core.linalg: factorisations, solutions, inverses and norms of matrices. */
#include "mica_py.h"

#include <string.h>

typedef mx_array *one_fn(mx_array *a);
typedef mx_array *half_fn(mx_array *a, bool upper);
typedef bool several_fn(mx_array *a, mx_array **out);

static PyObject *one(py_args *in, one_fn *op)
{
    mx_array *a = py_arg_array(in, 0);
    return a ? py_return(in, op(a)) : NULL;
}

static PyObject *with_upper(py_args *in, half_fn *op)
{
    bool upper = false;
    mx_array *a = py_arg_array(in, 0);
    return a && py_arg_bool(in, 1, &upper) ? py_return(in, op(a, upper)) : NULL;
}

static PyObject *several(py_args *in, several_fn *op, int count)
{
    mx_array *a = py_arg_array(in, 0), *out[3];
    if (!a) return NULL;
    return op(a, out) ? py_return_tuple(in, out, count) : py_return(in, NULL);
}

#define ONE(name)                                                                                                      \
    static PyObject *call_##name(py_args *in)                                                                          \
    {                                                                                                                  \
        return one(in, mx_linalg_##name);                                                                              \
    }
#define WITH_UPPER(name)                                                                                               \
    static PyObject *call_##name(py_args *in)                                                                          \
    {                                                                                                                  \
        return with_upper(in, mx_linalg_##name);                                                                       \
    }
#define SEVERAL(name, count)                                                                                           \
    static PyObject *call_##name(py_args *in)                                                                          \
    {                                                                                                                  \
        return several(in, mx_linalg_##name, count);                                                                   \
    }
ONE(inv)
ONE(pinv)
ONE(eigvals)
ONE(det)
WITH_UPPER(tri_inv)
WITH_UPPER(cholesky)
WITH_UPPER(cholesky_inv)
SEVERAL(qr, 2)
SEVERAL(eig, 2)
SEVERAL(lu, 3)
SEVERAL(lu_factor, 2)
SEVERAL(slogdet, 2)

static PyObject *call_svd(py_args *in)
{
    bool vectors = true;
    mx_array *a = py_arg_array(in, 0);
    if (!a || !py_arg_bool(in, 1, &vectors)) return NULL;
    return vectors ? several(in, mx_linalg_svd, 3) : py_return(in, mx_linalg_svdvals(a));
}

/* LAPACK's word for a half: 'U' or 'u', else the lower one. */
static bool read_half(py_args *in, bool *upper)
{
    const char *text = NULL;
    if (py_arg_is_none(in, 1)) return py_incompatible(in), false;
    if (!py_arg_text(in, 1, &text)) return false;
    *upper = text[0] == 'U' || text[0] == 'u';
    return true;
}

static PyObject *call_eigh(py_args *in)
{
    bool upper;
    mx_array *a = py_arg_array(in, 0), *out[2];
    if (!a || !read_half(in, &upper)) return NULL;
    return mx_linalg_eigh(a, upper, out) ? py_return_tuple(in, out, 2) : py_return(in, NULL);
}

static PyObject *call_eigvalsh(py_args *in)
{
    bool upper;
    mx_array *a = py_arg_array(in, 0);
    return a && read_half(in, &upper) ? py_return(in, mx_linalg_eigvalsh(a, upper)) : NULL;
}

static PyObject *call_solve(py_args *in)
{
    mx_array *a = py_arg_array(in, 0), *b = a ? py_arg_array(in, 1) : NULL;
    return b ? py_return(in, mx_linalg_solve(a, b)) : NULL;
}

static PyObject *call_solve_triangular(py_args *in)
{
    bool upper = false;
    mx_array *a = py_arg_array(in, 0), *b = a ? py_arg_array(in, 1) : NULL;
    return b && py_arg_bool(in, 2, &upper) ? py_return(in, mx_linalg_solve_triangular(a, b, upper)) : NULL;
}

static PyObject *call_cross(py_args *in)
{
    int axis = -1;
    mx_array *a = py_arg_array(in, 0), *b = a ? py_arg_array(in, 1) : NULL;
    return b && py_arg_int(in, 2, &axis) ? py_return(in, mx_linalg_cross(a, b, axis)) : NULL;
}

/* None, a number or a name. */
static bool read_order(py_args *in, mx_norm_kind *kind, double *p)
{
    const char *text = NULL;
    *kind = py_arg_is_none(in, 1) ? MX_NORM_L2 : MX_NORM_P;
    if (!PyUnicode_Check(in->at[1])) return py_arg_double(in, 1, p);
    if (!py_arg_text(in, 1, &text)) return false;
    *kind = strcmp(text, "nuc") == 0 ? MX_NORM_NUCLEAR : MX_NORM_FROBENIUS;
    if (strcmp(text, "nuc") == 0 || strcmp(text, "fro") == 0 || strcmp(text, "f") == 0) return true;
    PyErr_Format(PyExc_ValueError, "[linalg::norm] %R is no norm of a matrix.", in->at[1]);
    return false;
}

static PyObject *call_norm(py_args *in)
{
    mx_norm_kind kind;
    double p = 2;
    py_axes axes;
    bool keep = false;
    mx_array *a = py_arg_array(in, 0);
    if (!a || !read_order(in, &kind, &p) || !py_arg_axes(in, 2, &axes) || !py_arg_bool(in, 3, &keep)) return NULL;
    return py_return(in, mx_linalg_norm(a, kind, p, axes.axes, keep));
}

#define STREAM "*, stream: StreamOrDevice = None)"
#define PAIR " -> tuple[array, array]"
#define TRIPLE " -> tuple[array, array, array]"
#define NORM_PARAMETERS                                                                                                \
    "(a: array, /, ord: Union[None, int, float, str] = None, axis: Union[None, int, list[int]] = None, "               \
    "keepdims: bool = False, " STREAM " -> array"
#define NORM_TEXT                                                                                                       \
    "The norm of vectors (along one axis) or matrices (along two).\n\n"                                                 \
    "``ord`` None is the root of the sum of squares; of vectors any number p, (sum |a|^p)^(1/p), 0 counts what is not " \
    "0, inf is the largest; of matrices 1 and -1 the largest and smallest sum of a column, inf and -inf of a row, 2 "   \
    "and -2 singular value, \"fro\" the root of the sum of squares, \"nuc\" the sum of the singular values."

static const py_row rows[] = {
    {"norm", call_norm, "norm" NORM_PARAMETERS, NORM_TEXT},
    {"qr", call_qr, "qr(a: array, " STREAM PAIR, "Q with orthogonal columns and upper triangular R, a = Q R."},
    {"svd", call_svd, "svd(a: array, compute_uv: bool = True, " STREAM TRIPLE,
     "U, s, Vt with a = U[:, :k] diag(s) Vt[:k], s falling; s alone without ``compute_uv``."},
    {"inv", call_inv, "inv(a: array, " STREAM " -> array", "The inverse; RuntimeError where a matrix is singular."},
    {"tri_inv", call_tri_inv, "tri_inv(a: array, upper: bool = False, " STREAM " -> array",
     "The inverse of triangular matrices, of which one half is read."},
    {"cholesky", call_cholesky, "cholesky(a: array, upper: bool = False, " STREAM " -> array",
     "L with a = L L', or U with a = U' U, of positive definite matrices, which is not checked."},
    {"cholesky_inv", call_cholesky_inv, "cholesky_inv(a: array, upper: bool = False, " STREAM " -> array",
     "The inverse of the matrix of which ``a`` is the Cholesky factor."},
    {"pinv", call_pinv, "pinv(a: array, " STREAM " -> array",
     "The pseudo-inverse of Moore and Penrose, by singular values."},
    {"cross", call_cross, "cross(a: array, b: array, axis: int = -1, " STREAM " -> array",
     "The cross product of vectors of 3 components, or 2, to which a zero is added."},
    {"eigvals", call_eigvals, "eigvals(a: array, " STREAM " -> array",
     "The eigenvalues of square matrices; complex64."},
    {"eig", call_eig, "eig(a: array, " STREAM PAIR,
     "The eigenvalues of square matrices and the eigenvectors, as columns; complex64."},
    {"eigvalsh", call_eigvalsh, "eigvalsh(a: array, UPLO: str = 'L', " STREAM " -> array",
     "The eigenvalues, rising, of Hermitian matrices, of which the lower or upper half is read."},
    {"eigh", call_eigh, "eigh(a: array, UPLO: str = 'L', " STREAM PAIR,
     "The eigenvalues, rising, and eigenvectors, as columns, of Hermitian matrices, of which one half is read."},
    {"lu", call_lu, "lu(a: array, " STREAM TRIPLE, "The rows p of ``a`` in their order, L and U: a[p] = L U."},
    {"lu_factor", call_lu_factor, "lu_factor(a: array, " STREAM PAIR,
     "L and U in one matrix, and the row that each row changed places with."},
    {"solve", call_solve, "solve(a: array, b: array, " STREAM " -> array", "x of a x = b; a vector b is a column."},
    {"solve_triangular", call_solve_triangular,
     "solve_triangular(a: array, b: array, *, upper: bool = False, stream: StreamOrDevice = None) -> array",
     "x of a x = b of a triangular matrix, of which one half is read."},
    {"det", call_det, "det(a: array, " STREAM " -> array", "The determinant."},
    {"slogdet", call_slogdet, "slogdet(a: array, " STREAM PAIR,
     "The sign of the determinant and the logarithm of its absolute value."},
    {0},
};

static const py_row aliases[] = {{"matrix_norm", call_norm, "matrix_norm" NORM_PARAMETERS, NORM_TEXT}, {0}};

bool py_init_linalg(PyObject *module)
{
    PyObject *linalg = py_add_submodule(module, "linalg");
    return linalg && py_add_functions(linalg, rows) && py_add_functions(module, aliases);
}
