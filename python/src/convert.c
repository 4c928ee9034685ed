/* SPDX-License-Identifier: MIT
 *
 * Python objects as arrays: scalars, operands, nested lists.
 *
 * Python numbers are weak beside an array: they take its dtype, if it can hold their kind.  A nested list is read
 * twice: once for its shape and the highest of its kinds (bool < int < float < complex), once for its values. */
#include "mica_py.h"

/* ---- Scalars */
typedef enum kind { NO_SCALAR, BOOL, INT, FLOAT, COMPLEX } kind;

static kind kind_of(PyObject *o)
{
    if (PyFloat_Check(o)) return FLOAT;
    if (PyLong_Check(o)) return o == Py_True || o == Py_False ? BOOL : INT;
    return PyComplex_Check(o) ? COMPLEX : NO_SCALAR;
}

/* An int of Python for an integer dtype; only uint64 takes what is beyond int64. */
static bool int_value(PyObject *o, mx_dtype dtype, int64_t *out)
{
    int overflow;
    *out = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (overflow > 0 && dtype == MX_UINT64) {
        *out = (int64_t)PyLong_AsUnsignedLongLong(o);
        overflow = 0;
    }
    if (overflow) PyErr_Format(PyExc_OverflowError, "Python int %R does not fit into 64 bits", o);
    return !PyErr_Occurred();
}

static mx_array *complex_scalar(PyObject *o)
{
    return mx_complex((float)PyComplex_RealAsDouble(o), (float)PyComplex_ImagAsDouble(o));
}

/* A scalar in a dtype; what does not fit wraps. */
static mx_array *scalar_as(PyObject *o, kind k, mx_dtype dtype)
{
    int64_t i;
    double d;
    switch (k) {
    case BOOL: return mx_scalar_int(o == Py_True, dtype);
    case INT:
        if (mx_dtype_is(dtype, MX_INEXACT)) {
            d = PyLong_AsDouble(o);
            return d == -1 && PyErr_Occurred() ? NULL : mx_scalar(d, dtype);
        }
        return int_value(o, dtype, &i) ? mx_scalar_int(i, dtype) : NULL;
    case FLOAT: return mx_scalar(PyFloat_AsDouble(o), dtype);
    default: return mx_astype(complex_scalar(o), dtype);
    }
}

/* A scalar that stands alone. */
static mx_array *scalar_alone(PyObject *o, kind k)
{
    int64_t i;
    switch (k) {
    case BOOL: return mx_bool(o == Py_True);
    case INT: return int_value(o, MX_INT64, &i) ? mx_int(i) : NULL;
    case FLOAT: return mx_float(PyFloat_AsDouble(o));
    default: return complex_scalar(o);
    }
}

static bool fits(PyObject *o, mx_dtype dtype)
{
    int overflow, bits = (int)(8 * mx_dtype_size(dtype));
    bool is_signed = mx_dtype_is(dtype, MX_SIGNED_INTEGER);
    int64_t value = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (bits == 64) return !overflow || (overflow > 0 && !is_signed);
    int64_t high = ((int64_t)1 << (bits - is_signed)) - 1, low = is_signed ? -high - 1 : 0;
    if (!overflow && value >= low && value <= high) return true;
    PyErr_Format(PyExc_ValueError, "Converting %S to %s would result in overflow.", o, mx_dtype_name(dtype));
    return false;
}

static mx_array *scalar_like(PyObject *o, kind k, mx_dtype dtype)
{
    if (k == COMPLEX) return complex_scalar(o);
    if (k == INT && dtype == MX_BOOL) dtype = MX_INT32;
    if (k == FLOAT && !mx_dtype_is(dtype, MX_INEXACT)) dtype = MX_FLOAT32;
    if (k == INT && mx_dtype_is(dtype, MX_INTEGER) && !fits(o, dtype)) return NULL;
    return scalar_as(o, k, dtype);
}

/* ---- Operands */
bool py_is_operand(PyObject *o)
{
    return py_is_array(o) || kind_of(o) != NO_SCALAR || py_can_be_foreign(o);
}

static mx_array *invalid_type(PyObject *o)
{
    PyObject *name = py_type_name(o);
    if (name) PyErr_Format(PyExc_ValueError, "Invalid type %U received in array initialization.", name);
    Py_XDECREF(name);
    return NULL;
}

/* NumPy's float64 is what nobody asked for. */
static mx_array *narrowed(mx_array *x)
{
    mx_dtype dtype = x ? mx_dtype_of(x) : MX_BOOL;
    return dtype == MX_FLOAT64 ? mx_astype(x, MX_FLOAT32) : x;
}

mx_array *py_to_array(PyObject *o)
{
    if (py_is_array(o)) return py_array_of(o);
    kind k = kind_of(o);
    if (k != NO_SCALAR) return scalar_alone(o, k);
    if (PyBytes_Check(o)) return invalid_type(o);
    mx_array *x = narrowed(py_from_foreign_object(o, false));
    return x || PyErr_Occurred() || mx_failed() ? x : invalid_type(o);
}

mx_array *py_to_array_like(PyObject *o, mx_array *like)
{
    if (py_is_array(o)) return py_array_of(o);
    kind k = kind_of(o);
    return k != NO_SCALAR && like ? scalar_like(o, k, mx_dtype_of(like)) : py_to_array(o);
}

/* An operand is held by the scope if reading the other may run Python code, which could replace its node. */
static mx_array *held_beside(PyObject *o, PyObject *other)
{
    mx_array *x = py_to_array(o);
    bool safe = py_is_array(other) || kind_of(other) != NO_SCALAR || !x;
    return safe ? x : mx_temporary(mx_keep(x));
}

bool py_to_operands(PyObject *a, PyObject *b, mx_array **x, mx_array **y)
{
    if (!py_is_array(a) && kind_of(a) != NO_SCALAR) {
        *y = py_to_array(b);
        *x = kind_of(b) == NO_SCALAR ? py_to_array_like(a, *y) : py_to_array(a);
    } else {
        *x = held_beside(a, b);
        *y = *x ? py_to_array_like(b, *x) : NULL;
    }
    return *x && *y;
}

/* ---- Nested lists */
typedef struct list_facts {
    int ndim; /* -1 until the first element is reached */
    int64_t size[MX_MAX_NDIM];
    int64_t count;
    kind kind;
    bool wide;       /* an int does not fit into 32 bits */
    bool has_arrays; /* something is neither list nor Python number */
} list_facts;

static bool is_list(PyObject *o)
{
    return PyList_Check(o) || PyTuple_Check(o);
}

static Py_ssize_t list_size(PyObject *o)
{
    return PyList_Check(o) ? PyList_Size(o) : PyTuple_Size(o);
}

static PyObject *list_item(PyObject *o, Py_ssize_t i)
{
    return PyList_Check(o) ? PyList_GetItem(o, i) : PyTuple_GetItem(o, i);
}

static bool ragged(const char *what)
{
    PyErr_Format(PyExc_ValueError, "Initialization encountered %s.", what);
    return false;
}

static bool look_at_number(PyObject *o, list_facts *f)
{
    kind k = kind_of(o);
    if (k == NO_SCALAR) return f->has_arrays = true;
    if (k > f->kind) f->kind = k;
    if (k == INT && !f->wide) {
        int overflow;
        int64_t value = PyLong_AsLongLongAndOverflow(o, &overflow);
        f->wide = overflow || value < INT32_MIN || value > INT32_MAX;
    }
    f->count++;
    return true;
}

static bool look_at_list(PyObject *o, int depth, list_facts *f)
{
    Py_ssize_t size = list_size(o);
    if (depth == MX_MAX_NDIM) return ragged("more than 16 dimensions");
    if (f->ndim >= 0 && depth >= f->ndim) return ragged("extra dimension");
    if (f->size[depth] < 0)
        f->size[depth] = size;
    else if (f->size[depth] != size)
        return ragged("non-uniform length");
    if (size == 0 && f->ndim < 0) f->ndim = depth + 1;
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *item = list_item(o, i);
        if (is_list(item)) {
            if (!look_at_list(item, depth + 1, f)) return false;
            continue;
        }
        if (!look_at_number(item, f)) return false;
        if (f->has_arrays) return true;
        if (f->ndim < 0) f->ndim = depth + 1;
        if (f->ndim != depth + 1) return ragged("non-uniform length");
    }
    return true;
}

/* A float or int as double.  No Python code runs, for it could change the list that is read: an int's __float__ is not
 * asked. */
static double to_double(PyObject *o)
{
    return PyLong_Check(o) ? PyLong_AsDouble(o) : PyFloat_AsDouble(o);
}

/* What the values are written to, one after the other. */
typedef struct sink {
    mx_dtype dtype;
    char *at;
} sink;

static bool put_number(PyObject *o, sink *s)
{
    int64_t i = 0;
    switch (s->dtype) {
    case MX_BOOL: *s->at = o == Py_True; break;
    case MX_INT32:
        if (!int_value(o, MX_INT32, &i)) return false;
        *(int32_t *)s->at = (int32_t)i;
        break;
    case MX_INT64:
    case MX_UINT64:
        if (!int_value(o, s->dtype, &i)) return false;
        *(int64_t *)s->at = i;
        break;
    case MX_FLOAT32: *(float *)s->at = (float)to_double(o); break;
    case MX_FLOAT64: *(double *)s->at = to_double(o); break;
    default:
        ((float *)s->at)[0] = (float)(PyComplex_Check(o) ? PyComplex_RealAsDouble(o) : to_double(o));
        ((float *)s->at)[1] = PyComplex_Check(o) ? (float)PyComplex_ImagAsDouble(o) : 0;
    }
    s->at += mx_dtype_size(s->dtype);
    return true;
}

static bool put_list(PyObject *o, sink *s)
{
    Py_ssize_t size = list_size(o);
    for (Py_ssize_t i = 0; i < size; i++) {
        PyObject *item = list_item(o, i);
        if (is_list(item) ? !put_list(item, s) : !put_number(item, s)) return false;
    }
    return !PyErr_Occurred();
}

static mx_dtype dtype_of_list(const list_facts *f, mx_dtype wanted)
{
    switch (f->kind) {
    case BOOL: return MX_BOOL;
    case INT: return wanted == MX_UINT64 ? MX_UINT64 : f->wide ? MX_INT64 : MX_INT32;
    case COMPLEX: return MX_COMPLEX64;
    default: return wanted == MX_FLOAT64 ? MX_FLOAT64 : MX_FLOAT32;
    }
}

static mx_array *array_of_numbers(PyObject *list, const list_facts *f, mx_dtype wanted)
{
    mx_dtype dtype = dtype_of_list(f, wanted);
    char *values = PyMem_Malloc((size_t)f->count * mx_dtype_size(dtype));
    if (!values) return (void *)PyErr_NoMemory();
    sink s = {dtype, values};
    mx_array *x = put_list(list, &s) ? mx_from_data(values, (mx_shape){f->ndim, f->size}, dtype) : NULL;
    PyMem_Free(values);
    return x;
}

static bool same_shape(mx_array *a, mx_array *b)
{
    mx_shape x = mx_shape_of(a), y = mx_shape_of(b);
    bool same = x.ndim == y.ndim;
    for (int i = 0; same && i < x.ndim; i++) same = x.at[i] == y.at[i];
    return same;
}

/* Each item becomes an array; they are promoted together and stacked.  The tuple is a snapshot: an item may run Python
 * code. */
static mx_array *stack_of_tuple(PyObject *tuple, mx_dtype wanted)
{
    Py_ssize_t size = PyTuple_Size(tuple);
    mx_array *stacked = NULL, **items = PyMem_Calloc((size_t)size, sizeof *items);
    mx_dtype dtype = MX_BOOL;
    if (!items) return (void *)PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < size; i++) {
        items[i] = py_make_array(PyTuple_GetItem(tuple, i), MX_DTYPE_COUNT);
        if (!items[i]) goto done;
        if (!same_shape(items[0], items[i])) {
            ragged("non-uniform length");
            goto done;
        }
        dtype = mx_dtype_promote(dtype, mx_dtype_of(items[i]));
    }
    if (wanted != MX_DTYPE_COUNT) dtype = wanted;
    for (Py_ssize_t i = 0; i < size; i++) items[i] = mx_astype(items[i], dtype);
    stacked = mx_stack(items, (int)size, 0);
done:
    PyMem_Free(items);
    return stacked;
}

static mx_array *stack_of_arrays(PyObject *list, mx_dtype wanted)
{
    if (Py_EnterRecursiveCall(" in a nested list of arrays")) return NULL;
    PyObject *tuple = PySequence_Tuple(list);
    mx_array *x = tuple ? stack_of_tuple(tuple, wanted) : NULL;
    Py_XDECREF(tuple);
    Py_LeaveRecursiveCall();
    return x;
}

static mx_array *array_of_list(PyObject *o, mx_dtype wanted)
{
    list_facts f = {.ndim = -1};
    for (int i = 0; i < MX_MAX_NDIM; i++) f.size[i] = -1;
    if (!look_at_list(o, 0, &f)) return NULL;
    return f.has_arrays ? stack_of_arrays(o, wanted) : array_of_numbers(o, &f, wanted);
}

/* ---- mx.array(o) */
mx_array *py_make_array(PyObject *o, mx_dtype dtype)
{
    bool any = dtype == MX_DTYPE_COUNT;
    kind k = kind_of(o);
    mx_array *x;
    if (k != NO_SCALAR) return any ? scalar_alone(o, k) : scalar_as(o, k, dtype);
    if (py_is_array(o)) {
        x = any || dtype == mx_dtype_of(py_array_of(o)) ? mx_copy(py_array_of(o)) : py_array_of(o);
    } else if (is_list(o)) {
        x = array_of_list(o, dtype);
    } else {
        x = py_from_foreign_object(o, false);
        if (!x && !PyErr_Occurred() && !mx_failed()) return invalid_type(o);
        if (any) x = narrowed(x);
    }
    return any || !x ? x : mx_astype(x, dtype);
}
