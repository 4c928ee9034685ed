/* SPDX-License-Identifier: MIT
 *
 * DLPack (https://dmlc.github.io/dlpack/latest/c_api.html) both ways, in host memory; the structs are those of its
 * ABI, versions 0 and 1. */
#include "mica_py.h"

#include <string.h>

typedef struct dl_device {
    int32_t type, id;
} dl_device;
enum { DL_CPU = 1, DL_CUDA_HOST = 3 };

typedef struct dl_tensor {
    void *data;
    dl_device device;
    int32_t ndim;
    struct {
        uint8_t code, bits;
        uint16_t lanes;
    } dtype;
    int64_t *shape, *strides;
    uint64_t byte_offset;
} dl_tensor;

typedef struct dl_managed {
    dl_tensor tensor;
    void *context;
    void (*deleter)(struct dl_managed *self);
} dl_managed;

typedef struct dl_versioned {
    struct {
        uint32_t major, minor;
    } version;
    void *context;
    void (*deleter)(struct dl_versioned *self);
    uint64_t flags;
    dl_tensor tensor;
} dl_versioned;
enum { DL_READ_ONLY = 1, DL_IS_COPIED = 2 };

enum { DL_INT, DL_UINT, DL_FLOAT, DL_BFLOAT = 4, DL_COMPLEX = 5, DL_BOOL = 6 };
static const uint8_t codes[MX_DTYPE_COUNT] = {
    [MX_BOOL] = DL_BOOL,       [MX_UINT8] = DL_UINT,        [MX_UINT16] = DL_UINT,   [MX_UINT32] = DL_UINT,
    [MX_UINT64] = DL_UINT,     [MX_INT8] = DL_INT,          [MX_INT16] = DL_INT,     [MX_INT32] = DL_INT,
    [MX_INT64] = DL_INT,       [MX_FLOAT16] = DL_FLOAT,     [MX_FLOAT32] = DL_FLOAT, [MX_FLOAT64] = DL_FLOAT,
    [MX_BFLOAT16] = DL_BFLOAT, [MX_COMPLEX64] = DL_COMPLEX,
};

/* ---- Out */
typedef struct exported {
    mx_array *x;
    int64_t shape[MX_MAX_NDIM], strides[MX_MAX_NDIM];
    dl_managed managed;
    dl_versioned versioned;
} exported;

/* Called by whoever imported it, on any thread, with the GIL or without. */
static void exported_free(exported *e)
{
    mx_unexport(e->x);
    mx_drop(e->x);
    if (!Py_IsInitialized()) return;
    PyGILState_STATE gil = PyGILState_Ensure();
    PyMem_Free(e);
    PyGILState_Release(gil);
}

static void managed_delete(dl_managed *m)
{
    exported_free(m->context);
}

static void versioned_delete(dl_versioned *m)
{
    exported_free(m->context);
}

/* A capsule that nobody has taken still owns its tensor; one that was taken has another name. */
static void capsule_delete(PyObject *capsule)
{
    if (PyCapsule_IsValid(capsule, "dltensor")) {
        dl_managed *m = PyCapsule_GetPointer(capsule, "dltensor");
        if (m->deleter) m->deleter(m);
    } else if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
        dl_versioned *m = PyCapsule_GetPointer(capsule, "dltensor_versioned");
        if (m->deleter) m->deleter(m);
    }
}

static dl_tensor tensor_of(exported *e, void *data, const int64_t *strides)
{
    mx_shape shape = mx_shape_of(e->x);
    mx_dtype dtype = mx_dtype_of(e->x);
    for (int i = 0; i < shape.ndim; i++) {
        e->shape[i] = shape.at[i];
        e->strides[i] = strides ? strides[i] : 1;
    }
    return (dl_tensor){
        .data = data,
        .device = {DL_CPU, 0},
        .ndim = shape.ndim,
        .dtype = {codes[dtype], (uint8_t)(8 * mx_dtype_size(dtype)), 1},
        .shape = e->shape,
        .strides = e->strides,
    };
}

/* Takes over a reference of x, which may be NULL. */
static exported *export_array(mx_array *x)
{
    const int64_t *strides = NULL;
    exported *e = x ? PyMem_Calloc(1, sizeof *e) : NULL;
    if (x && !e) PyErr_NoMemory();
    void *data = e ? mx_export(x, &strides) : NULL;
    if (!e || (!data && mx_size(x))) {
        PyMem_Free(e);
        mx_drop(x);
        return py_raise();
    }
    e->x = x;
    dl_tensor tensor = tensor_of(e, data, strides);
    e->managed = (dl_managed){tensor, e, managed_delete};
    e->versioned = (dl_versioned){{1, 0}, e, versioned_delete, 0, tensor};
    return e;
}

/* An array with memory of its own. */
static mx_array *separate_copy(mx_array *x)
{
    x = mx_temporary(mx_keep(mx_contiguous(x)));
    return x && py_eval_arrays(&x, 1) ? mx_from_data(mx_data(x), mx_shape_of(x), mx_dtype_of(x)) : NULL;
}

/* A tuple of two ints; None leaves them. */
static bool read_pair(py_args *in, int i, int *first, int *second)
{
    if (py_arg_is_none(in, i)) return true;
    if (!PyTuple_Check(in->at[i])) return py_incompatible(in);
    return PyArg_ParseTuple(in->at[i], "ii", first, second);
}

static PyObject *array_dlpack(py_args *in)
{
    int version = 0, device = DL_CPU, id = 0, minor = 0;
    bool copy = in->at[4] == Py_True;
    if (!read_pair(in, 2, &version, &minor) || !read_pair(in, 3, &device, &id)) return NULL;
    if (device != DL_CPU)
        return PyErr_Format(PyExc_BufferError, "[__dlpack__] arrays are exported to device (1, 0) only, not (%d, %d)",
                            device, id);
    exported *e = export_array(copy ? mx_keep(separate_copy(py_array_of(in->at[0]))) : py_memory_of(in->at[0]));
    if (!e) return NULL;
    e->versioned.flags = copy ? DL_IS_COPIED : 0;
    PyObject *capsule = version >= 1 ? PyCapsule_New(&e->versioned, "dltensor_versioned", capsule_delete)
                                     : PyCapsule_New(&e->managed, "dltensor", capsule_delete);
    if (!capsule) exported_free(e);
    return capsule;
}

static PyObject *array_dlpack_device(py_args *in)
{
    (void)in;
    return Py_BuildValue("(ii)", DL_CPU, 0);
}

/* ---- In */
/* A tensor that was taken out of its capsule; one of the two is set. */
typedef struct taken {
    dl_managed *managed;
    dl_versioned *versioned;
} taken;

static const dl_tensor *tensor_in(const taken *t)
{
    return t->managed ? &t->managed->tensor : &t->versioned->tensor;
}

static void release(taken *t)
{
    if (t->managed && t->managed->deleter) t->managed->deleter(t->managed);
    if (t->versioned && t->versioned->deleter) t->versioned->deleter(t->versioned);
}

/* mx_from_foreign calls this on a thread that evaluates; the deleter is Python's as often as not. */
static void release_foreign(void *context)
{
    if (!Py_IsInitialized()) return;
    PyGILState_STATE gil = PyGILState_Ensure();
    release(context);
    PyMem_Free(context);
    PyGILState_Release(gil);
}

static bool take(PyObject *capsule, taken *t)
{
    *t = (taken){0};
    if (PyCapsule_IsValid(capsule, "dltensor_versioned")) {
        t->versioned = PyCapsule_GetPointer(capsule, "dltensor_versioned");
        if (t->versioned->version.major <= 1) return PyCapsule_SetName(capsule, "used_dltensor_versioned") == 0;
        PyErr_Format(PyExc_BufferError, "[from_dlpack] version %u of DLPack is not known",
                     (unsigned)t->versioned->version.major);
        return false;
    }
    t->managed = PyCapsule_GetPointer(capsule, "dltensor"); /* raises if it is something else */
    return t->managed && PyCapsule_SetName(capsule, "used_dltensor") == 0;
}

static mx_dtype dtype_in(const dl_tensor *t)
{
    for (int d = 0; d < MX_DTYPE_COUNT; d++)
        if (t->dtype.code == codes[d] && t->dtype.bits == 8 * mx_dtype_size((mx_dtype)d) && t->dtype.lanes == 1)
            return (mx_dtype)d;
    PyErr_Format(PyExc_ValueError, "[from_dlpack] elements of code %d with %d bits are not supported",
                 (int)t->dtype.code, (int)t->dtype.bits);
    return MX_DTYPE_COUNT;
}

static bool row_major(const dl_tensor *t)
{
    int64_t expected = 1;
    for (int i = t->ndim - 1; t->strides && i >= 0; i--) {
        if (t->shape[i] != 1 && t->strides[i] != expected) return false;
        expected *= t->shape[i];
    }
    return true;
}

static void copy_axis(const dl_tensor *t, int axis, const char *from, char **to, size_t itemsize)
{
    if (axis == t->ndim) {
        memcpy(*to, from, itemsize);
        *to += itemsize;
        return;
    }
    for (int64_t i = 0; i < t->shape[axis]; i++)
        copy_axis(t, axis + 1, from + i * t->strides[axis] * (int64_t)itemsize, to, itemsize);
}

static mx_array *copy_tensor(const dl_tensor *t, mx_dtype dtype)
{
    mx_shape shape = {t->ndim, t->shape};
    const char *data = (const char *)t->data + t->byte_offset;
    if (row_major(t)) return mx_from_data(data, shape, dtype);
    size_t count = 1, itemsize = mx_dtype_size(dtype);
    for (int i = 0; i < t->ndim; i++) count *= (size_t)t->shape[i];
    char *packed = PyMem_Malloc(count * itemsize), *to = packed;
    if (!packed) return (void *)PyErr_NoMemory();
    copy_axis(t, 0, data, &to, itemsize);
    mx_array *x = mx_from_data(packed, shape, dtype);
    PyMem_Free(packed);
    return x;
}

static mx_array *share_tensor(taken *t, mx_dtype dtype)
{
    const dl_tensor *tensor = tensor_in(t);
    if (!row_major(tensor)) return NULL;
    taken *kept = PyMem_Malloc(sizeof *kept);
    if (!kept) return (void *)PyErr_NoMemory();
    *kept = *t;
    mx_array *x = mx_from_foreign((char *)tensor->data + tensor->byte_offset, (mx_shape){tensor->ndim, tensor->shape},
                                  dtype, release_foreign, kept);
    if (x)
        *t = (taken){0}; /* release_foreign owns it now */
    else
        PyMem_Free(kept);
    return x;
}

static mx_array *array_of_capsule(PyObject *capsule, bool share)
{
    taken t;
    if (!take(capsule, &t)) return NULL;
    const dl_tensor *tensor = tensor_in(&t);
    mx_array *x = NULL;
    if (tensor->device.type != DL_CPU && tensor->device.type != DL_CUDA_HOST) {
        PyErr_Format(PyExc_ValueError, "[from_dlpack] the memory is on device (%d, %d); move it to the CPU first",
                     (int)tensor->device.type, (int)tensor->device.id);
    } else if (tensor->ndim > MX_MAX_NDIM) {
        PyErr_Format(PyExc_ValueError, "an array has at most %d dimensions, not %d", MX_MAX_NDIM, (int)tensor->ndim);
    } else {
        mx_dtype dtype = dtype_in(tensor);
        if (dtype != MX_DTYPE_COUNT) x = share ? share_tensor(&t, dtype) : copy_tensor(tensor, dtype);
    }
    release(&t);
    return x;
}

mx_array *py_from_dlpack(PyObject *o, bool share)
{
    PyObject *capsule = PyObject_CallMethodObjArgs(o, py_the.name_dlpack, NULL);
    mx_array *x = capsule ? array_of_capsule(capsule, share) : NULL;
    Py_XDECREF(capsule);
    return x;
}

const py_row py_dlpack_rows[] = {
    {"__dlpack__", array_dlpack,
     "__dlpack__(self, *, stream: Optional[int] = None, max_version: Optional[tuple[int, int]] = None, "
     "dl_device: Optional[tuple[int, int]] = None, copy: Optional[bool] = None) -> object",
     "A DLPack capsule of the array's memory."},
    {"__dlpack_device__", array_dlpack_device, "__dlpack_device__(self) -> tuple[int, int]",
     "(1, 0): what __dlpack__ gives is host memory."},
    {0}};
