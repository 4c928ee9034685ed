/* SPDX-License-Identifier: MIT
 *
 * The buffer protocol both ways, and objects that are arrays elsewhere.
 *
 * A view of an array's memory is writable and holds the node, not the Python object, so that `x += 1` while a view
 * lives changes neither; mx_export keeps the memory from being reused meanwhile. */
#include "mica_py.h"

#include <string.h>

/* ---- Formats */
static const char *const formats[MX_DTYPE_COUNT] = {
    [MX_BOOL] = "?",    [MX_UINT8] = "B",   [MX_UINT16] = "H",          [MX_UINT32] = "I",     [MX_UINT64] = "Q",
    [MX_INT8] = "b",    [MX_INT16] = "h",   [MX_INT32] = "i",           [MX_INT64] = "q",      [MX_FLOAT16] = "e",
    [MX_FLOAT32] = "f", [MX_FLOAT64] = "d", [MX_BFLOAT16] = "bfloat16", [MX_COMPLEX64] = "Zf",
};

static mx_dtype integer_of_size(bool is_signed, Py_ssize_t bytes)
{
    switch (bytes) {
    case 1: return is_signed ? MX_INT8 : MX_UINT8;
    case 2: return is_signed ? MX_INT16 : MX_UINT16;
    case 4: return is_signed ? MX_INT32 : MX_UINT32;
    case 8: return is_signed ? MX_INT64 : MX_UINT64;
    default: return MX_DTYPE_COUNT;
    }
}

/* The dtype of a struct code, MX_DTYPE_COUNT if there is none; "Zd" is read as complex64 by read_complex128. */
static mx_dtype dtype_of_format(const char *format, Py_ssize_t itemsize)
{
    if (!format) return MX_UINT8;
    if (strchr("@=<|", *format)) format++; /* every machine that this runs on is little-endian */
    for (int d = 0; d < MX_DTYPE_COUNT; d++)
        if (!strcmp(format, formats[d]) && mx_dtype_size((mx_dtype)d) == (size_t)itemsize) return (mx_dtype)d;
    if (*format && !format[1] && strchr("bhilqn", *format)) return integer_of_size(true, itemsize);
    if (*format && !format[1] && strchr("cBHILQN", *format)) return integer_of_size(false, itemsize);
    return MX_DTYPE_COUNT;
}

static bool is_complex128(const Py_buffer *view)
{
    return view->format && (!strcmp(view->format, "Zd") || !strcmp(view->format, "<Zd"));
}

/* ---- Out */
/* What a view keeps: the node, and its shape and strides in the types of the protocol. */
typedef struct exported {
    mx_array *x;
    Py_ssize_t shape[MX_MAX_NDIM], strides[MX_MAX_NDIM];
} exported;

static void exported_free(exported *e)
{
    mx_unexport(e->x);
    mx_drop(e->x);
    PyMem_Free(e);
}

/* Do several elements lie at one address, as in a broadcast array?  A write to one would change the others. */
static bool overlaps(mx_array *x)
{
    const int64_t *strides = NULL;
    mx_shape shape = mx_shape_of(x);
    int64_t span = 1;
    if (mx_size(x) <= 1 || !mx_data_strided(x, &strides)) return false;
    for (int i = 0; i < shape.ndim; i++) span += (shape.at[i] - 1) * (strides[i] < 0 ? -strides[i] : strides[i]);
    return span < mx_size(x);
}

mx_array *py_memory_of(PyObject *array)
{
    mx_array *x = mx_keep(py_array_of(array));
    bool ok = py_eval_arrays(&x, 1);
    if (ok && overlaps(x)) {
        mx_scope s = mx_scope_open();
        mx_array *own = mx_scope_close(s, mx_contiguous(x));
        mx_drop(x);
        x = own;
        ok = x ? py_eval_arrays(&x, 1) : py_raise_false();
        if (ok) py_swap(array, mx_keep(x));
    }
    if (ok) return x;
    mx_drop(x);
    return NULL;
}

static exported *export_array(PyObject *self, void **data)
{
    const int64_t *strides;
    mx_array *x = py_memory_of(self);
    exported *e = x ? PyMem_Malloc(sizeof *e) : NULL;
    if (x && !e) PyErr_NoMemory();
    *data = e ? mx_export(x, &strides) : NULL;
    if (!e || (!*data && mx_size(x))) {
        PyMem_Free(e);
        mx_drop(x);
        return py_raise();
    }
    mx_shape shape = mx_shape_of(x);
    for (int i = 0; i < shape.ndim; i++) {
        e->shape[i] = (Py_ssize_t)shape.at[i];
        e->strides[i] = (Py_ssize_t)((*data ? strides[i] : 1) * (int64_t)mx_dtype_size(mx_dtype_of(x)));
    }
    e->x = x;
    return e;
}

int py_array_getbuffer(PyObject *self, Py_buffer *view, int flags)
{
    void *data = NULL;
    exported *e = export_array(self, &data);
    view->obj = NULL;
    if (!e) return -1;
    mx_dtype dtype = mx_dtype_of(e->x);
    *view = (Py_buffer){
        .buf = data ? data : e, /* an empty array may have no memory, but NULL means an error to some */
        .len = (Py_ssize_t)mx_nbytes(e->x),
        .itemsize = (Py_ssize_t)mx_dtype_size(dtype),
        .ndim = mx_ndim(e->x),
        .format = flags & PyBUF_FORMAT ? (char *)formats[dtype] : NULL,
        .shape = e->shape,
        .strides = e->strides,
        .internal = e,
    };
    bool c = PyBuffer_IsContiguous(view, 'C'), f = PyBuffer_IsContiguous(view, 'F');
    bool needs_c = (flags & PyBUF_STRIDES) != PyBUF_STRIDES || (flags & PyBUF_C_CONTIGUOUS) == PyBUF_C_CONTIGUOUS;
    if ((needs_c && !c) || ((flags & PyBUF_F_CONTIGUOUS) == PyBUF_F_CONTIGUOUS && !f) ||
        ((flags & PyBUF_ANY_CONTIGUOUS) == PyBUF_ANY_CONTIGUOUS && !c && !f)) {
        exported_free(e);
        PyErr_SetString(PyExc_BufferError, "the array's memory is not contiguous in the way that was asked for");
        return -1;
    }
    if ((flags & PyBUF_STRIDES) != PyBUF_STRIDES) view->strides = NULL;
    if ((flags & PyBUF_ND) != PyBUF_ND) view->shape = NULL;
    view->obj = Py_NewRef(self);
    return 0;
}

void py_array_releasebuffer(PyObject *self, Py_buffer *view)
{
    (void)self;
    exported_free(view->internal);
}

/* ---- In */
static mx_array *read_complex128(const Py_buffer *view, mx_shape shape, const double *values)
{
    Py_ssize_t count = view->len / (Py_ssize_t)(2 * sizeof(double));
    float *halved = PyMem_Malloc((size_t)view->len / 2);
    if (!halved) return (void *)PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < 2 * count; i++) halved[i] = (float)values[i];
    mx_array *x = mx_from_data(halved, shape, MX_COMPLEX64);
    PyMem_Free(halved);
    return x;
}

static mx_array *copy_of_view(const Py_buffer *view, mx_shape shape, mx_dtype dtype)
{
    void *row_major = NULL;
    const void *data = view->buf;
    if (!PyBuffer_IsContiguous(view, 'C')) {
        if (!(row_major = PyMem_Malloc((size_t)view->len))) return (void *)PyErr_NoMemory();
        if (PyBuffer_ToContiguous(row_major, view, view->len, 'C') < 0) {
            PyMem_Free(row_major);
            return NULL;
        }
        data = row_major;
    }
    mx_array *x = dtype == MX_DTYPE_COUNT ? read_complex128(view, shape, data) : mx_from_data(data, shape, dtype);
    PyMem_Free(row_major);
    return x;
}

/* mx_from_foreign calls this on a thread that evaluates, which may be without the GIL, or after Python has gone. */
static void release_view(void *context)
{
    if (!Py_IsInitialized()) return;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyBuffer_Release(context);
    PyMem_Free(context);
    PyGILState_Release(gil);
}

/* The array uses the view's memory, or NULL without an exception if it cannot. */
static mx_array *share_view(Py_buffer *view, mx_shape shape, mx_dtype dtype)
{
    if (dtype == MX_DTYPE_COUNT || !PyBuffer_IsContiguous(view, 'C')) return NULL;
    Py_buffer *kept = PyMem_Malloc(sizeof *kept);
    if (!kept) return (void *)PyErr_NoMemory();
    *kept = *view;
    mx_array *x = mx_from_foreign(kept->buf, shape, dtype, release_view, kept);
    if (x)
        view->obj = NULL; /* release_view owns it now */
    else
        PyMem_Free(kept);
    return x;
}

static mx_array *from_buffer(PyObject *o, bool share)
{
    Py_buffer view;
    int64_t sizes[MX_MAX_NDIM];
    mx_array *x = NULL;
    if (PyObject_GetBuffer(o, &view, PyBUF_STRIDED_RO | PyBUF_FORMAT) < 0) return NULL;
    mx_dtype dtype = dtype_of_format(view.format, view.itemsize);
    if (view.ndim > MX_MAX_NDIM) {
        PyErr_Format(PyExc_ValueError, "an array has at most %d dimensions, not %d", MX_MAX_NDIM, view.ndim);
    } else if (dtype == MX_DTYPE_COUNT && !is_complex128(&view)) {
        PyErr_Format(PyExc_ValueError, "Cannot convert elements of format '%s' to an array.", view.format);
    } else {
        for (int i = 0; i < view.ndim; i++) sizes[i] = view.shape[i];
        mx_shape shape = {view.ndim, sizes};
        x = share ? share_view(&view, shape, dtype) : copy_of_view(&view, shape, dtype);
    }
    PyBuffer_Release(&view);
    return x;
}

/* ml_dtypes' bfloat16, which has no code in the buffer protocol: read as uint16. */
static mx_array *from_numpy_bfloat16(PyObject *o)
{
    PyObject *dtype = PyObject_GetAttrString(o, "dtype");
    PyObject *name = dtype ? PyObject_GetAttrString(dtype, "name") : NULL;
    bool is = name && PyUnicode_Check(name) && PyUnicode_CompareWithASCIIString(name, "bfloat16") == 0;
    Py_XDECREF(dtype);
    Py_XDECREF(name);
    PyErr_Clear();
    PyObject *words = is ? PyObject_CallMethod(o, "view", "s", "uint16") : NULL;
    mx_array *x = words ? mx_view(from_buffer(words, false), MX_BFLOAT16) : NULL;
    Py_XDECREF(words);
    return x;
}

/* __mlx_array__ is a method or a property. */
static mx_array *from_mlx_array(PyObject *o)
{
    PyObject *value = PyObject_GetAttr(o, py_the.name_mlx_array);
    if (value && !py_is_array(value)) py_set(&value, PyObject_CallNoArgs(value));
    mx_array *x = NULL;
    if (value && py_is_array(value))
        x = mx_temporary(mx_keep(py_array_of(value)));
    else if (value)
        PyErr_SetString(PyExc_TypeError, "__mlx_array__ did not give an mlx.core.array");
    Py_XDECREF(value);
    return x;
}

static bool has(PyObject *o, PyObject *name)
{
    return PyObject_HasAttr((PyObject *)Py_TYPE(o), name);
}

bool py_can_be_foreign(PyObject *o)
{
    if (PyBytes_Check(o) || PyUnicode_Check(o) || o == Py_None) return false;
    return PyObject_CheckBuffer(o) || has(o, py_the.name_mlx_array) || has(o, py_the.name_dlpack);
}

mx_array *py_from_foreign_object(PyObject *o, bool share)
{
    if (PyUnicode_Check(o)) return NULL;
    if (has(o, py_the.name_mlx_array)) return from_mlx_array(o);
    if (PyObject_CheckBuffer(o)) {
        mx_array *x = from_buffer(o, share);
        if (x || share || !PyErr_Occurred()) return x;
        PyObject *type, *value, *trace;
        PyErr_Fetch(&type, &value, &trace);
        if (!(x = from_numpy_bfloat16(o)) && !PyErr_Occurred() && !mx_failed()) PyErr_Restore(type, value, trace);
        return x;
    }
    return has(o, py_the.name_dlpack) ? py_from_dlpack(o, share) : NULL;
}

/* ---- Methods */
static PyObject *numpy_view(PyObject *self)
{
    PyObject *numpy = PyImport_ImportModule("numpy");
    PyObject *view = numpy ? PyMemoryView_FromObject(self) : NULL;
    PyObject *array = view ? PyObject_CallMethod(numpy, "asarray", "O", view) : NULL;
    Py_XDECREF(numpy);
    Py_XDECREF(view);
    return array;
}

static PyObject *array_as_numpy(py_args *in)
{
    PyObject *array = numpy_view(in->at[0]);
    if (array && in->at[1] != Py_None) py_set(&array, PyObject_CallMethod(array, "astype", "O", in->at[1]));
    if (array && in->at[2] == Py_True) py_set(&array, PyObject_CallMethod(array, "copy", NULL));
    return array;
}

/* (NumPy array, dtype code) as MLX's, bfloat16 as uint16. */
static PyObject *array_getstate(py_args *in)
{
    mx_array *x = py_array_of(in->at[0]);
    mx_dtype dtype = mx_dtype_of(x);
    PyObject *words = py_wrap_kept(dtype == MX_BFLOAT16 ? mx_view(x, MX_UINT16) : x);
    PyObject *array = words ? numpy_view(words) : NULL;
    Py_XDECREF(words);
    return array ? Py_BuildValue("(Ni)", array, (int)dtype) : NULL;
}

static PyObject *array_setstate(py_args *in)
{
    PyObject *array;
    int code;
    if (!PyTuple_Check(in->at[1]) || !PyArg_ParseTuple(in->at[1], "Oi", &array, &code)) return py_incompatible(in);
    if (code < 0 || code >= MX_DTYPE_COUNT)
        return PyErr_Format(PyExc_ValueError, "[__setstate__] %d is not the code of a dtype", code);
    mx_dtype dtype = (mx_dtype)code;
    mx_array *x = py_make_array(array, dtype == MX_BFLOAT16 ? MX_UINT16 : dtype);
    if (dtype == MX_BFLOAT16) x = mx_view(x, dtype);
    if (!x) return NULL;
    py_swap(in->at[0], mx_keep(x));
    return Py_NewRef(Py_None);
}

const py_row py_buffer_rows[] = {
    {"__array__", array_as_numpy,
     "__array__(self, dtype: Optional[object] = None, copy: Optional[bool] = None) -> numpy.ndarray",
     "The array as NumPy's, sharing its memory unless a dtype or a copy is asked for."},
    {"__getstate__", array_getstate, "__getstate__(self) -> tuple", NULL},
    {"__setstate__", array_setstate, "__setstate__(self, arg: tuple, /) -> None", NULL},
    {0}};
