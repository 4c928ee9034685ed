/* SPDX-License-Identifier: MIT
 *
 * The type mx.array: life, facts, iteration; operators.c, item.c, buffer.c and index.c hold the rest of its slots.
 *
 * An object is a handle of a node of the graph.  Nodes are immutable: `x += y` and `x[i] = v` put another node into
 * the same handle. */
#include "number.h"

#include <string.h>

/* ---- Life */
PyObject *py_wrap(mx_array *owned)
{
    if (!owned) return py_raise();
    py_array *o = PyObject_New(py_array, py_the.array_type);
    if (!o) {
        mx_drop(owned);
        return NULL;
    }
    o->a = owned;
    o->weakrefs = NULL;
    return (PyObject *)o;
}

PyObject *py_wrap_kept(mx_array *x)
{
    return py_wrap(mx_keep(x));
}

void py_swap(PyObject *array, mx_array *owned)
{
    mx_array *old = py_array_of(array);
    py_array_of(array) = owned;
    mx_drop(old);
}

static PyObject *array_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    py_array *o = (py_array *)PyType_GenericAlloc(type, 0);
    if (o) o->a = mx_keep(py_the.empty);
    return (PyObject *)o;
}

static void *incompatible_init(PyObject *args)
{
    PyObject *type = PyTuple_Size(args) ? py_type_name(PyTuple_GetItem(args, 0)) : PyUnicode_FromString("nothing");
    if (!type) return NULL;
    PyErr_Format(PyExc_TypeError,
                 "__init__(): incompatible function arguments. The following argument types are supported:\n"
                 "    1. __init__(self: array, val: scalar | list | tuple | DLPackCompatible | array, "
                 "dtype: Dtype | None = None)\n\nInvoked with %zd arguments, the first of type %U",
                 PyTuple_Size(args), type);
    Py_DECREF(type);
    return NULL;
}

static int array_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"val", "dtype", NULL};
    PyObject *value = NULL, *wanted = Py_None;
    mx_dtype dtype = MX_DTYPE_COUNT;
    if (!kwargs && PyTuple_Size(args) == 1) {
        value = PyTuple_GetItem(args, 0);
    } else if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:array", names, &value, &wanted)) {
        PyErr_Clear();
        return incompatible_init(args), -1;
    }
    if (value == Py_None || (wanted != Py_None && Py_TYPE(wanted) != py_the.dtype_type))
        return incompatible_init(args), -1;
    if (wanted != Py_None && !py_to_dtype(wanted, &dtype)) return -1;
    if (mx_failed()) mx_error();
    mx_scope s = mx_scope_open();
    mx_array *x = mx_scope_close(s, py_make_array(value, dtype));
    if (!x) return py_raise(), -1;
    py_swap(self, x);
    return 0;
}

static void array_dealloc(PyObject *self)
{
    py_array *o = (py_array *)self;
    PyTypeObject *type = Py_TYPE(self);
    if (o->weakrefs) PyObject_ClearWeakRefs(self);
    mx_drop(o->a);
    mx_release_foreign(); /* a shared NumPy array dies with its last reader, not at some later eval */
    if (type == py_the.array_type)
        PyObject_Free(self);
    else
        ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

/* By identity: x == y is an array. */
static Py_hash_t array_hash(PyObject *self)
{
    return (Py_hash_t)((uintptr_t)self >> 4);
}

/* ---- Facts */
enum { SIZE, NDIM, ITEMSIZE, NBYTES };

/* What is captured depends on its sizes; those of an array that is there are what they are. */
static void note_sizes_of(const mx_array *x)
{
    if (mx_is_tracer(x)) mx_note_sizes();
}

static PyObject *get_number(PyObject *self, void *closure)
{
    mx_array *x = py_array_of(self);
    note_sizes_of(x);
    switch ((int)(intptr_t)closure) {
    case SIZE: return PyLong_FromLongLong(mx_size(x));
    case NDIM: return PyLong_FromLong(mx_ndim(x));
    case ITEMSIZE: return PyLong_FromSize_t(mx_dtype_size(mx_dtype_of(x)));
    default: return PyLong_FromSize_t(mx_nbytes(x));
    }
}

static PyObject *get_shape(PyObject *self, void *closure)
{
    (void)closure;
    note_sizes_of(py_array_of(self));
    return py_shape_tuple(py_array_of(self));
}

static PyObject *get_dtype(PyObject *self, void *closure)
{
    (void)closure;
    return Py_NewRef(py_dtype_object(mx_dtype_of(py_array_of(self))));
}

static mx_array *transposed(mx_array *x)
{
    return mx_transpose(x, MX_ALL_AXES);
}

enum { REAL, IMAG, TRANSPOSED };

static PyObject *get_part(PyObject *self, void *closure)
{
    mx_array *(*const parts[])(mx_array *) = {[REAL] = mx_real, [IMAG] = mx_imag, [TRANSPOSED] = transposed};
    if (mx_failed()) mx_error();
    mx_scope s = mx_scope_open();
    return py_wrap(mx_scope_close(s, parts[(int)(intptr_t)closure](py_array_of(self))));
}

static PyGetSetDef array_getset[] = {
    {"size", get_number, NULL, "The number of elements.", (void *)SIZE},
    {"ndim", get_number, NULL, "The number of dimensions.", (void *)NDIM},
    {"itemsize", get_number, NULL, "Bytes of one element.", (void *)ITEMSIZE},
    {"nbytes", get_number, NULL, "Bytes of all elements.", (void *)NBYTES},
    {"shape", get_shape, NULL, "The sizes of the dimensions, a tuple.", NULL},
    {"dtype", get_dtype, NULL, "The dtype of the elements.", NULL},
    {"real", get_part, NULL, "The real part.", (void *)REAL},
    {"imag", get_part, NULL, "The imaginary part.", (void *)IMAG},
    {"T", get_part, NULL, "The array with its axes reversed.", (void *)TRANSPOSED},
    {"at", py_array_at, NULL, "x.at[i].add(v) and its like: a copy of x with every update applied.", NULL},
    {0}};

/* ---- Length and iteration */
typedef struct iterator {
    PyObject_HEAD PyObject *array; /* a handle of its own, so that x += 1 in the loop changes nothing */
    int64_t next, count;
} iterator;

static Py_ssize_t array_length(PyObject *self)
{
    mx_array *x = py_array_of(self);
    note_sizes_of(x);
    if (mx_ndim(x) > 0) return (Py_ssize_t)mx_shape_of(x).at[0];
    PyErr_SetString(PyExc_TypeError, "len() 0-dimensional array.");
    return -1;
}

static PyObject *array_iter(PyObject *self)
{
    mx_array *x = py_array_of(self);
    note_sizes_of(x);
    if (mx_ndim(x) == 0) return PyErr_Format(PyExc_TypeError, "iteration over a 0-d array");
    iterator *i = PyObject_New(iterator, py_the.iterator_type);
    if (!i) return NULL;
    i->next = 0;
    i->count = mx_shape_of(x).at[0];
    i->array = py_wrap_kept(x);
    if (!i->array) Py_CLEAR(i);
    return (PyObject *)i;
}

static PyObject *iterator_next(PyObject *self)
{
    iterator *i = (iterator *)self;
    if (i->next >= i->count) return NULL;
    PyObject *key = PyLong_FromLongLong(i->next++);
    PyObject *row = key ? py_array_getitem(i->array, key) : NULL;
    Py_XDECREF(key);
    return row;
}

static void iterator_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((iterator *)self)->array);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyType_Slot iterator_slots[] = {{Py_tp_doc, "Gives the rows of an array."},
                                       {Py_tp_dealloc, iterator_dealloc},
                                       {Py_tp_iter, PyObject_SelfIter},
                                       {Py_tp_iternext, iterator_next},
                                       {0}};
static PyType_Spec iterator_spec = {"mlx.core.ArrayIterator", sizeof(iterator), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, iterator_slots};

/* ---- Methods */
static PyObject *array_copy(py_args *in)
{
    return py_wrap_kept(py_array_of(in->at[0]));
}

static PyObject *array_namespace(py_args *in)
{
    if (in->at[1] != Py_None)
        return PyErr_Format(PyExc_ValueError, "Explicitly specifying api_version is not yet implemented.");
    return Py_NewRef(py_the.module);
}

static PyObject *array_reshape(py_args *in)
{
    py_shape shape;
    bool one = in->rest_count == 1 && !PyLong_Check(in->rest[0]);
    if (one)
        return py_to_shape(in->rest[0], &shape) ? py_return(in, mx_reshape_given(py_array_of(in->at[0]), shape.shape))
                                                : py_incompatible(in);
    if (in->rest_count > MX_MAX_NDIM)
        return PyErr_Format(PyExc_ValueError, "[reshape] an array has at most %d dimensions", MX_MAX_NDIM);
    for (Py_ssize_t i = 0; i < in->rest_count; i++)
        if (!py_to_int64(in->rest[i], &shape.at[i])) return PyErr_Clear(), py_incompatible(in);
    shape.shape = (mx_shape){(int)in->rest_count, shape.at};
    return py_return(in, mx_reshape_given(py_array_of(in->at[0]), shape.shape));
}

static PyObject *array_transpose(py_args *in)
{
    py_axes axes = {.axes = MX_ALL_AXES};
    bool ok = true;
    if (in->rest_count == 1) {
        ok = py_to_axes(in->rest[0], &axes);
    } else if (in->rest_count > 1) {
        PyObject *tuple = PyTuple_New(in->rest_count);
        for (Py_ssize_t i = 0; tuple && i < in->rest_count; i++) PyTuple_SetItem(tuple, i, Py_NewRef(in->rest[i]));
        ok = tuple && py_to_axes(tuple, &axes);
        Py_XDECREF(tuple);
    }
    if (!ok && PyErr_ExceptionMatches(PyExc_TypeError)) PyErr_Clear();
    return ok ? py_return(in, mx_transpose(py_array_of(in->at[0]), axes.axes)) : py_incompatible(in);
}

static PyObject *array_astype(py_args *in)
{
    mx_dtype dtype = MX_DTYPE_COUNT;
    if (!py_arg_dtype(in, 1, &dtype)) return NULL;
    return dtype == MX_DTYPE_COUNT ? py_incompatible(in) : py_return(in, mx_astype(py_array_of(in->at[0]), dtype));
}

#define STREAM "stream: StreamOrDevice = None"
static const py_row rows[] = {
    {"__copy__", array_copy, "__copy__(self) -> array", NULL},
    {"__deepcopy__", array_copy, "__deepcopy__(self, memo: dict) -> array", NULL},
    {"__array_namespace__", array_namespace, "__array_namespace__(self, api_version: Optional[str] = None) -> module",
     "The module that has the functions."},
    {"reshape", array_reshape, "reshape(self, *shape: Union[int, Sequence[int]], " STREAM ") -> array",
     "See mlx.core.reshape; the sizes may be given one by one."},
    {"transpose", array_transpose, "transpose(self, *axes: Union[int, Sequence[int]], " STREAM ") -> array",
     "See mlx.core.transpose; the axes may be given one by one."},
    {"astype", array_astype, "astype(self, dtype: Dtype, " STREAM ") -> array", "See mlx.core.astype."},
    {0}};

/* The functions that are methods too. */
static const char *const function_names[] = {
    "abs",       "all",  "any",      "argmax",  "argmin",   "conj", "cos",        "cummax", "cummin", "cumprod",
    "cumsum",    "diag", "diagonal", "exp",     "flatten",  "log",  "log10",      "log1p",  "log2",   "logcumsumexp",
    "logsumexp", "max",  "mean",     "min",     "moveaxis", "prod", "reciprocal", "round",  "rsqrt",  "sin",
    "split",     "sqrt", "square",   "squeeze", "std",      "sum",  "swapaxes",   "var",    "view",   NULL};

bool py_init_array_methods(PyObject *module)
{
    return py_add_functions_as_methods(py_the.array_type, module, function_names);
}

/* ---- ArrayLike */
typedef struct array_like {
    PyObject_HEAD PyObject *held;
} array_like;

static PyObject *array_like_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *held;
    if (!py_no_keywords("ArrayLike", kwargs) || !PyArg_ParseTuple(args, "O:ArrayLike", &held)) return NULL;
    array_like *o = PyObject_New(array_like, type);
    if (o) o->held = Py_NewRef(held);
    return (PyObject *)o;
}

static void array_like_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((array_like *)self)->held);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyObject *array_like_array(py_args *in)
{
    return py_return(in, py_make_array(((array_like *)in->at[0])->held, MX_DTYPE_COUNT));
}

static const py_row array_like_rows[] = {{"__mlx_array__", array_like_array, "__mlx_array__(self) -> array", NULL},
                                         {0}};
static PyType_Slot array_like_slots[] = {{Py_tp_doc, "Any object which has an __mlx_array__ method or property."},
                                         {Py_tp_new, array_like_new},
                                         {Py_tp_dealloc, array_like_dealloc},
                                         {0}};
static PyType_Spec array_like_spec = {"mlx.core.ArrayLike", sizeof(array_like), 0, Py_TPFLAGS_DEFAULT,
                                      array_like_slots};

/* ---- The type */
static PyObject *array_repr(PyObject *self)
{
    mx_array *x = mx_keep(py_array_of(self));
    char *text = py_eval_arrays(&x, 1) ? mx_to_text(x, py_the.print_precision) : NULL;
    PyObject *repr = text ? PyUnicode_FromString(text) : py_raise();
    if (text) mx_free_text(text);
    mx_drop(x);
    return repr;
}

static PyMemberDef array_members[] = {{"__weaklistoffset__", T_PYSSIZET, offsetof(py_array, weakrefs), READONLY, NULL},
                                      {0}};

#define NUMBER_SLOT(name) {Py_nb_##name, py_nb_##name}, {Py_nb_inplace_##name, py_nb_inplace_##name},
static PyType_Slot array_slots[] = {PY_OPERATORS(NUMBER_SLOT){Py_nb_power, py_nb_power},
                                    {Py_nb_inplace_power, py_nb_inplace_power},
                                    {Py_nb_negative, py_nb_negative},
                                    {Py_nb_absolute, py_nb_absolute},
                                    {Py_nb_invert, py_nb_invert},
                                    {Py_nb_bool, py_array_bool},
                                    {Py_nb_int, py_array_int},
                                    {Py_nb_float, py_array_float},
                                    {Py_tp_richcompare, py_array_compare},
                                    {Py_tp_doc, "array(val, dtype=None)\n\nAn N-dimensional array object."},
                                    {Py_tp_new, array_new},
                                    {Py_tp_init, array_init},
                                    {Py_tp_dealloc, array_dealloc},
                                    {Py_tp_hash, array_hash},
                                    {Py_tp_repr, array_repr},
                                    {Py_tp_iter, array_iter},
                                    {Py_mp_length, array_length},
                                    {Py_mp_subscript, py_array_getitem},
                                    {Py_mp_ass_subscript, py_array_setitem},
                                    {Py_bf_getbuffer, py_array_getbuffer},
                                    {Py_bf_releasebuffer, py_array_releasebuffer},
                                    {Py_tp_getset, array_getset},
                                    {Py_tp_members, array_members},
                                    {0}};
static PyType_Spec array_spec = {"mlx.core.array", sizeof(py_array), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                                 array_slots};

bool py_init_array(PyObject *module)
{
    py_the.empty = mx_keep(mx_from_data("", (mx_shape){1, (const int64_t[]){0}}, MX_FLOAT32));
    if (!py_the.empty) return py_raise_false();
    return (py_the.array_type = py_add_type(module, &array_spec)) &&
           (py_the.iterator_type = py_add_type(module, &iterator_spec)) &&
           (py_the.array_like_type = py_add_type(module, &array_like_spec)) &&
           py_add_methods(py_the.array_type, rows) && py_add_methods(py_the.array_type, py_item_rows) &&
           py_add_methods(py_the.array_type, py_buffer_rows) && py_add_methods(py_the.array_type, py_dlpack_rows) &&
           py_add_methods(py_the.array_type, py_operator_rows) &&
           py_add_methods(py_the.array_like_type, array_like_rows);
}
