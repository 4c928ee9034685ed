/* SPDX-License-Identifier: MIT
 *
 * Dtype, DtypeCategory, finfo, iinfo and the questions about them.
 *
 * There is one object for each dtype and category, so they compare by identity. */
#include "mica_py.h"

#include <float.h>
#include <string.h>

/* ---- Values */
PyObject *py_new_value(PyTypeObject *type, int value)
{
    py_value *v = PyObject_New(py_value, type);
    if (v) v->value = value;
    return (PyObject *)v;
}

static Py_hash_t value_hash(PyObject *self)
{
    return py_value_of(self);
}

static PyObject *value_number(PyObject *self, void *closure)
{
    (void)closure;
    return PyLong_FromLong(py_value_of(self));
}

static PyObject *identity_compare(PyObject *a, PyObject *b, int op)
{
    if (op != Py_EQ && op != Py_NE) return Py_NewRef(Py_NotImplemented);
    return PyBool_FromLong((a == b) == (op == Py_EQ));
}

/* ---- Dtype */
/* The name in the module: bool is there under bool_, for bool is Python's. */
static const char *module_name_of(mx_dtype dtype)
{
    return dtype == MX_BOOL ? "bool_" : mx_dtype_name(dtype);
}

static PyObject *dtype_repr(PyObject *self)
{
    return PyUnicode_FromFormat("mlx.core.%s", mx_dtype_name((mx_dtype)py_value_of(self)));
}

static PyObject *dtype_size(PyObject *self, void *closure)
{
    (void)closure;
    return PyLong_FromSize_t(mx_dtype_size((mx_dtype)py_value_of(self)));
}

static PyObject *dtype_reduce(PyObject *self, PyObject *none)
{
    (void)none;
    return PyUnicode_FromString(module_name_of((mx_dtype)py_value_of(self)));
}

static PyMethodDef dtype_methods[] = {{"__reduce__", dtype_reduce, METH_NOARGS, NULL}, {0}};
static PyGetSetDef dtype_getset[] = {{"size", dtype_size, NULL, "Bytes of one element.", NULL}, {0}};
static PyType_Slot dtype_slots[] = {{Py_tp_doc, "The type of an array's elements: mx.float32, mx.int32, ..."},
                                    {Py_tp_repr, dtype_repr},
                                    {Py_tp_hash, value_hash},
                                    {Py_tp_richcompare, identity_compare},
                                    {Py_tp_methods, dtype_methods},
                                    {Py_tp_getset, dtype_getset},
                                    {0}};
static PyType_Spec dtype_spec = {"mlx.core.Dtype", sizeof(py_value), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, dtype_slots};

/* ---- DtypeCategory */
static const struct {
    const char *name;
    mx_kind kind;
} categories[] = {{"complexfloating", MX_COMPLEX_FLOATING},
                  {"floating", MX_FLOATING},
                  {"inexact", MX_INEXACT},
                  {"signedinteger", MX_SIGNED_INTEGER},
                  {"unsignedinteger", MX_UNSIGNED_INTEGER},
                  {"integer", MX_INTEGER},
                  {"number", MX_NUMBER},
                  {"generic", MX_GENERIC}};
enum { CATEGORY_COUNT = sizeof categories / sizeof *categories };

static PyObject *category_name(PyObject *self, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(categories[py_value_of(self)].name);
}

static PyObject *category_repr(PyObject *self)
{
    return PyUnicode_FromFormat("DtypeCategory.%s", categories[py_value_of(self)].name);
}

static PyObject *category_reduce(PyObject *self, PyObject *none)
{
    (void)none;
    return category_name(self, NULL);
}

static PyObject *category_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    int value;
    (void)type;
    if (!py_no_keywords("DtypeCategory", kwargs) || !PyArg_ParseTuple(args, "i:DtypeCategory", &value)) return NULL;
    if (value < 0 || value >= CATEGORY_COUNT)
        return PyErr_Format(PyExc_ValueError, "%d is not a valid DtypeCategory", value);
    return Py_NewRef(py_the.categories[categories[value].kind]);
}

static PyMethodDef category_methods[] = {{"__reduce__", category_reduce, METH_NOARGS, NULL}, {0}};
static PyGetSetDef category_getset[] = {
    {"name", category_name, NULL, NULL, NULL}, {"value", value_number, NULL, NULL, NULL}, {0}};
static PyType_Slot category_slots[] = {{Py_tp_doc, "A kind of dtypes; see mx.issubdtype."},
                                       {Py_tp_new, category_new},
                                       {Py_tp_repr, category_repr},
                                       {Py_tp_hash, value_hash},
                                       {Py_tp_richcompare, identity_compare},
                                       {Py_tp_methods, category_methods},
                                       {Py_tp_getset, category_getset},
                                       {0}};
static PyType_Spec category_spec = {"mlx.core.DtypeCategory", sizeof(py_value), 0, Py_TPFLAGS_DEFAULT, category_slots};

static bool is_category(PyObject *o, mx_kind *kind)
{
    if (Py_TYPE(o) != py_the.category_type) return false;
    *kind = categories[py_value_of(o)].kind;
    return true;
}

static bool is_dtype(PyObject *o, mx_dtype *dtype)
{
    if (Py_TYPE(o) != py_the.dtype_type) return false;
    *dtype = (mx_dtype)py_value_of(o);
    return true;
}

/* ---- finfo and iinfo */
typedef struct limits {
    PyObject_HEAD mx_dtype dtype;
} limits;

typedef struct float_limits {
    double max, eps, smallest_normal;
} float_limits;

static float_limits limits_of(mx_dtype dtype)
{
    switch (dtype) {
    case MX_FLOAT16: return (float_limits){65504, 0x1p-10, 0x1p-14};
    case MX_BFLOAT16: return (float_limits){0x1.fep127, 0x1p-7, 0x1p-126};
    case MX_FLOAT64: return (float_limits){DBL_MAX, DBL_EPSILON, DBL_MIN};
    default: return (float_limits){FLT_MAX, FLT_EPSILON, FLT_MIN};
    }
}

static PyObject *limits_dtype(PyObject *self, void *closure)
{
    (void)closure;
    return Py_NewRef(py_dtype_object(((limits *)self)->dtype));
}

static PyObject *new_limits(PyTypeObject *type, mx_dtype dtype)
{
    limits *l = PyObject_New(limits, type);
    if (l) l->dtype = dtype;
    return (PyObject *)l;
}

static bool limits_argument(PyObject *args, PyObject *kwargs, mx_dtype *dtype)
{
    PyObject *o;
    if ((!kwargs || PyDict_Size(kwargs) == 0) && PyTuple_Size(args) == 1 &&
        is_dtype(o = PyTuple_GetItem(args, 0), dtype))
        return true;
    PyErr_SetString(PyExc_TypeError, "__init__(): incompatible function arguments. The following argument types are "
                                     "supported:\n    1. __init__(self, arg: mlx.core.Dtype, /) -> None");
    return false;
}

static PyObject *finfo_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    mx_dtype dtype;
    if (!limits_argument(args, kwargs, &dtype)) return NULL;
    if (!mx_dtype_is(dtype, MX_INEXACT))
        return PyErr_Format(PyExc_ValueError, "[finfo] dtype %s is not inexact.", mx_dtype_name(dtype));
    return new_limits(type, dtype == MX_COMPLEX64 ? MX_FLOAT32 : dtype);
}

enum { BITS, MIN, MAX, EPS, SMALLEST_NORMAL };

static PyObject *finfo_get(PyObject *self, void *closure)
{
    mx_dtype dtype = ((limits *)self)->dtype;
    float_limits l = limits_of(dtype);
    switch ((int)(intptr_t)closure) {
    case BITS: return PyLong_FromSize_t(8 * mx_dtype_size(dtype));
    case MIN: return PyFloat_FromDouble(-l.max);
    case MAX: return PyFloat_FromDouble(l.max);
    case EPS: return PyFloat_FromDouble(l.eps);
    default: return PyFloat_FromDouble(l.smallest_normal);
    }
}

static PyObject *finfo_repr(PyObject *self)
{
    mx_dtype dtype = ((limits *)self)->dtype;
    char text[96];
    double max = limits_of(dtype).max;
    PyOS_snprintf(text, sizeof text, "finfo(min=%g, max=%g, dtype=%s)", -max, max, mx_dtype_name(dtype));
    return PyUnicode_FromString(text);
}

static PyObject *iinfo_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    mx_dtype dtype;
    if (!limits_argument(args, kwargs, &dtype)) return NULL;
    if (!mx_dtype_is(dtype, MX_INTEGER))
        return PyErr_Format(PyExc_ValueError, "[iinfo] Only integer types supported but %s was provided",
                            mx_dtype_name(dtype));
    return new_limits(type, dtype);
}

static PyObject *iinfo_get(PyObject *self, void *closure)
{
    mx_dtype dtype = ((limits *)self)->dtype;
    bool is_signed = mx_dtype_is(dtype, MX_SIGNED_INTEGER), max = (intptr_t)closure == MAX;
    int bits = (int)(8 * mx_dtype_size(dtype)) - is_signed;
    uint64_t largest = UINT64_MAX >> (64 - bits);
    if (max) return PyLong_FromUnsignedLongLong(largest);
    return PyLong_FromLongLong(is_signed ? -(int64_t)largest - 1 : 0);
}

static PyObject *iinfo_repr(PyObject *self)
{
    PyObject *min = iinfo_get(self, (void *)(intptr_t)MIN), *max = iinfo_get(self, (void *)(intptr_t)MAX);
    PyObject *text = min && max ? PyUnicode_FromFormat("iinfo(min=%S, max=%S, dtype=%s)", min, max,
                                                       mx_dtype_name(((limits *)self)->dtype))
                                : NULL;
    Py_XDECREF(min);
    Py_XDECREF(max);
    return text;
}

static PyGetSetDef finfo_getset[] = {
    {"bits", finfo_get, NULL, "The number of bits.", (void *)BITS},
    {"min", finfo_get, NULL, "The lowest finite value.", (void *)MIN},
    {"max", finfo_get, NULL, "The largest finite value.", (void *)MAX},
    {"eps", finfo_get, NULL, "The step from 1 to the next larger value.", (void *)EPS},
    {"smallest_normal", finfo_get, NULL, "The least positive normal value.", (void *)SMALLEST_NORMAL},
    {"dtype", limits_dtype, NULL, "The dtype.", NULL},
    {0}};
static PyGetSetDef iinfo_getset[] = {{"min", iinfo_get, NULL, "The lowest value.", (void *)MIN},
                                     {"max", iinfo_get, NULL, "The largest value.", (void *)MAX},
                                     {"dtype", limits_dtype, NULL, "The dtype.", NULL},
                                     {0}};
static PyType_Slot finfo_slots[] = {{Py_tp_doc, "Limits of a floating dtype."},
                                    {Py_tp_new, finfo_new},
                                    {Py_tp_repr, finfo_repr},
                                    {Py_tp_getset, finfo_getset},
                                    {0}};
static PyType_Slot iinfo_slots[] = {{Py_tp_doc, "Limits of an integer dtype."},
                                    {Py_tp_new, iinfo_new},
                                    {Py_tp_repr, iinfo_repr},
                                    {Py_tp_getset, iinfo_getset},
                                    {0}};
static PyType_Spec finfo_spec = {"mlx.core.finfo", sizeof(limits), 0, Py_TPFLAGS_DEFAULT, finfo_slots};
static PyType_Spec iinfo_spec = {"mlx.core.iinfo", sizeof(limits), 0, Py_TPFLAGS_DEFAULT, iinfo_slots};

/* ---- Questions */
static PyObject *py_issubdtype(py_args *in)
{
    mx_dtype a, b;
    mx_kind sub, super;
    PyObject *first = in->at[0], *second = in->at[1];
    bool first_is_dtype = is_dtype(first, &a), second_is_dtype = is_dtype(second, &b);
    if (!first_is_dtype && !is_category(first, &sub))
        return PyErr_Format(PyExc_ValueError, "[issubdtype] Received invalid type for first input.");
    if (!second_is_dtype && !is_category(second, &super))
        return PyErr_Format(PyExc_ValueError, "[issubdtype] Received invalid type for second input.");
    if (second_is_dtype) return PyBool_FromLong(first == second);
    return PyBool_FromLong(first_is_dtype ? mx_dtype_is(a, super) : mx_kind_is(sub, super));
}

/* A kind of the array API standard. */
static bool kind_matches(mx_dtype dtype, const char *kind, bool *known)
{
    static const struct {
        const char *name;
        mx_kind kind;
    } kinds[] = {
        {"signed integer", MX_SIGNED_INTEGER}, {"unsigned integer", MX_UNSIGNED_INTEGER}, {"integral", MX_INTEGER},
        {"real floating", MX_FLOATING},        {"complex floating", MX_COMPLEX_FLOATING}, {"numeric", MX_NUMBER}};
    *known = true;
    if (!strcmp(kind, "bool")) return dtype == MX_BOOL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kind, kinds[i].name)) return mx_dtype_is(dtype, kinds[i].kind);
    return *known = false;
}

/* 1, 0 or -1 with an error. */
static int is_of_kind(mx_dtype d, PyObject *kind)
{
    mx_dtype other;
    bool known;
    if (is_dtype(kind, &other)) return d == other;
    if (PyUnicode_Check(kind)) {
        const char *text = PyUnicode_AsUTF8AndSize(kind, NULL);
        bool matches = text && kind_matches(d, text, &known);
        if (text && !known) PyErr_Format(PyExc_ValueError, "[isdtype] Unknown data type kind: '%s'.", text);
        return PyErr_Occurred() ? -1 : matches;
    }
    if (!PyTuple_Check(kind)) {
        PyErr_SetString(PyExc_ValueError,
                        "[isdtype] `kind` must be a dtype, a string, or a tuple of dtypes and strings.");
        return -1;
    }
    int found = 0;
    for (Py_ssize_t i = 0; i < PyTuple_Size(kind) && found == 0; i++) found = is_of_kind(d, PyTuple_GetItem(kind, i));
    return found;
}

static PyObject *py_isdtype(py_args *in)
{
    mx_dtype dtype;
    if (!is_dtype(in->at[0], &dtype)) return py_incompatible(in);
    int is = is_of_kind(dtype, in->at[1]);
    return is < 0 ? NULL : PyBool_FromLong(is);
}

/* The dtype of an array or of a Dtype. */
static bool dtype_of(PyObject *o, mx_dtype *dtype)
{
    if (is_dtype(o, dtype)) return true;
    if (!py_is_array(o)) return false;
    *dtype = mx_dtype_of(py_array_of(o));
    return true;
}

static PyObject *py_result_type(py_args *in)
{
    mx_dtype result = MX_BOOL, dtype;
    if (!in->rest_count)
        return PyErr_Format(PyExc_ValueError, "[result_type] At least one array or dtype is required.");
    for (Py_ssize_t i = 0; i < in->rest_count; i++) {
        if (!dtype_of(in->rest[i], &dtype))
            return PyErr_Format(PyExc_ValueError, "[result_type] Inputs must be arrays or dtypes.");
        result = mx_dtype_promote(result, dtype);
    }
    return Py_NewRef(py_dtype_object(result));
}

static PyObject *py_can_cast(py_args *in)
{
    mx_dtype from, to;
    if (!dtype_of(in->at[0], &from) || !is_dtype(in->at[1], &to)) return py_incompatible(in);
    return PyBool_FromLong(mx_dtype_promote(from, to) == to);
}

static const py_row rows[] = {
    {"issubdtype", py_issubdtype,
     "issubdtype(arg1: Union[Dtype, DtypeCategory], arg2: Union[Dtype, DtypeCategory], /) -> bool",
     "Is the first dtype or category the same as the second or below it?"},
    {"isdtype", py_isdtype, "isdtype(dtype: Dtype, kind: Union[Dtype, str, tuple[Union[Dtype, str], ...]]) -> bool",
     "Is the dtype of this kind of the array API: 'bool', 'signed integer', 'unsigned integer', 'integral',\n"
     "'real floating', 'complex floating', 'numeric', a Dtype, or any of a tuple of these?"},
    {"result_type", py_result_type, "result_type(*arrays_and_dtypes: Union[array, Dtype]) -> Dtype",
     "The dtype of an operation on operands of these dtypes."},
    {"can_cast", py_can_cast, "can_cast(from_: Union[Dtype, array], to: Dtype) -> bool",
     "Does promoting the first dtype with the second give the second?"},
    {0}};

/* ---- Part */
static bool add_dtypes(PyObject *module)
{
    for (int d = 0; d < MX_DTYPE_COUNT; d++) {
        py_the.dtypes[d] = py_new_value(py_the.dtype_type, d);
        if (!py_the.dtypes[d] || PyModule_AddObjectRef(module, module_name_of((mx_dtype)d), py_the.dtypes[d]) < 0)
            return false;
    }
    return true;
}

static bool add_categories(PyObject *module)
{
    for (int i = 0; i < CATEGORY_COUNT; i++) {
        PyObject *category = py_new_value(py_the.category_type, i);
        py_the.categories[categories[i].kind] = category;
        if (!category || PyModule_AddObjectRef(module, categories[i].name, category) < 0 ||
            PyObject_SetAttrString((PyObject *)py_the.category_type, categories[i].name, category) < 0)
            return false;
    }
    return true;
}

bool py_init_dtype(PyObject *module)
{
    return (py_the.dtype_type = py_add_type(module, &dtype_spec)) &&
           (py_the.category_type = py_add_type(module, &category_spec)) &&
           (py_the.finfo_type = py_add_type(module, &finfo_spec)) &&
           (py_the.iinfo_type = py_add_type(module, &iinfo_spec)) && add_dtypes(module) && add_categories(module) &&
           py_add_functions(module, rows);
}
