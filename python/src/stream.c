/* SPDX-License-Identifier: MIT
 *
 * DeviceType, Device, Stream, ThreadLocalStream, StreamContext and the functions about them. */
#include "mica_py.h"

/* ---- DeviceType */
static const char *const kind_names[] = {[MX_CPU] = "cpu", [MX_GPU] = "gpu"};

typedef struct device {
    PyObject_HEAD mx_device d;
} device;
#define device_of(o) (((device *)(o))->d)

static PyObject *kind_name(PyObject *self, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(kind_names[py_value_of(self)]);
}

static PyObject *kind_value(PyObject *self, void *closure)
{
    (void)closure;
    return PyLong_FromLong(py_value_of(self));
}

static PyObject *kind_repr(PyObject *self)
{
    return PyUnicode_FromFormat("DeviceType.%s", kind_names[py_value_of(self)]);
}

static PyObject *kind_reduce(PyObject *self, PyObject *none)
{
    (void)none;
    return kind_name(self, NULL);
}

static Py_hash_t kind_hash(PyObject *self)
{
    return py_value_of(self);
}

static PyObject *kind_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    int value;
    (void)type;
    if (!py_no_keywords("DeviceType", kwargs) || !PyArg_ParseTuple(args, "i:DeviceType", &value)) return NULL;
    if (value < MX_CPU || value > MX_GPU) return PyErr_Format(PyExc_ValueError, "%d is not a valid DeviceType", value);
    return Py_NewRef(py_the.device_kinds[value]);
}

/* A Device, or a DeviceType, which stands for its first device. */
static bool to_device(PyObject *o, mx_device *out)
{
    if (Py_TYPE(o) == py_the.device_type)
        *out = device_of(o);
    else if (Py_TYPE(o) == py_the.device_kind_type)
        *out = (mx_device){(mx_device_type)py_value_of(o), 0};
    else
        return false;
    return true;
}

static PyObject *device_compare(PyObject *a, PyObject *b, int op)
{
    mx_device x, y;
    if ((op != Py_EQ && op != Py_NE) || !to_device(a, &x) || !to_device(b, &y)) return Py_NewRef(Py_NotImplemented);
    bool equal = x.type == y.type && x.index == y.index;
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static PyMethodDef kind_methods[] = {{"__reduce__", kind_reduce, METH_NOARGS, NULL}, {0}};
static PyGetSetDef kind_getset[] = {
    {"name", kind_name, NULL, NULL, NULL}, {"value", kind_value, NULL, NULL, NULL}, {0}};
static PyType_Slot kind_slots[] = {{Py_tp_doc, "A kind of device: mx.cpu or mx.gpu."},
                                   {Py_tp_new, kind_new},
                                   {Py_tp_repr, kind_repr},
                                   {Py_tp_hash, kind_hash},
                                   {Py_tp_richcompare, device_compare},
                                   {Py_tp_methods, kind_methods},
                                   {Py_tp_getset, kind_getset},
                                   {0}};
static PyType_Spec kind_spec = {"mlx.core.DeviceType", sizeof(py_value), 0, Py_TPFLAGS_DEFAULT, kind_slots};

/* ---- Device */
static PyObject *wrap_device(mx_device d)
{
    device *o = PyObject_New(device, py_the.device_type);
    if (o) o->d = d;
    return (PyObject *)o;
}

static PyObject *device_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"type", "index", NULL};
    PyObject *kind;
    int index = 0;
    (void)type;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|i:Device", names, &kind, &index)) return NULL;
    if (Py_TYPE(kind) != py_the.device_kind_type)
        return PyErr_Format(PyExc_TypeError, "__init__(): incompatible function arguments. The following argument "
                                             "types are supported:\n    1. __init__(self, type: "
                                             "mlx.core.DeviceType, index: int = 0) -> None");
    return wrap_device((mx_device){(mx_device_type)py_value_of(kind), index});
}

static PyObject *device_repr(PyObject *self)
{
    mx_device d = device_of(self);
    return PyUnicode_FromFormat("Device(%s, %d)", kind_names[d.type], d.index);
}

static PyObject *device_kind(PyObject *self, void *closure)
{
    (void)closure;
    return Py_NewRef(py_the.device_kinds[device_of(self).type]);
}

static Py_hash_t device_hash(PyObject *self)
{
    return device_of(self).type + 2 * (Py_hash_t)device_of(self).index; /* that of an equal DeviceType */
}

static PyObject *device_reduce(PyObject *self, PyObject *none)
{
    (void)none;
    mx_device d = device_of(self);
    return Py_BuildValue("(O(Oi))", py_the.device_type, py_the.device_kinds[d.type], d.index);
}

static PyMethodDef device_methods[] = {{"__reduce__", device_reduce, METH_NOARGS, NULL}, {0}};
static PyGetSetDef device_getset[] = {{"type", device_kind, NULL, "The kind of the device.", NULL}, {0}};
static PyType_Slot device_slots[] = {{Py_tp_doc, "A device that runs operations."},
                                     {Py_tp_new, device_new},
                                     {Py_tp_repr, device_repr},
                                     {Py_tp_hash, device_hash},
                                     {Py_tp_richcompare, device_compare},
                                     {Py_tp_methods, device_methods},
                                     {Py_tp_getset, device_getset},
                                     {0}};
static PyType_Spec device_spec = {"mlx.core.Device", sizeof(device), 0, Py_TPFLAGS_DEFAULT, device_slots};

/* ---- Stream and ThreadLocalStream */
typedef struct stream {
    PyObject_HEAD mx_stream *s;
} stream;

/* Stands for a stream of each thread: `streams` maps the thread's number to its Stream. */
typedef struct thread_stream {
    PyObject_HEAD mx_device device;
    long index;
    PyObject *streams;
} thread_stream;

PyObject *py_wrap_stream(mx_stream *s)
{
    if (!s) return py_raise();
    stream *o = PyObject_New(stream, py_the.stream_type);
    if (o) o->s = s;
    return (PyObject *)o;
}

static mx_stream *stream_of_thread(thread_stream *t)
{
    mx_stream *s = NULL;
    PyObject *key = PyLong_FromUnsignedLong(PyThread_get_thread_ident());
    PyObject *found = key ? PyDict_GetItemWithError(t->streams, key) : NULL;
    if (found) {
        s = ((stream *)found)->s;
    } else if (key && !PyErr_Occurred()) {
        PyObject *made = py_wrap_stream(mx_new_stream(t->device));
        if (made && PyDict_SetItem(t->streams, key, made) == 0) s = ((stream *)made)->s;
        Py_XDECREF(made);
    }
    Py_XDECREF(key);
    return s;
}

bool py_to_stream(PyObject *o, mx_stream **out)
{
    mx_device d;
    *out = NULL;
    if (o == Py_None) return true;
    if (Py_TYPE(o) == py_the.stream_type) {
        *out = ((stream *)o)->s;
    } else if (Py_TYPE(o) == py_the.thread_stream_type) {
        *out = stream_of_thread((thread_stream *)o);
    } else if (to_device(o, &d)) {
        *out = mx_default_stream(d);
        if (!*out) py_raise();
    } else {
        PyErr_SetString(PyExc_TypeError, "a Stream, Device or DeviceType is expected");
    }
    return *out != NULL;
}

static mx_device device_of_stream(PyObject *self)
{
    return Py_TYPE(self) == py_the.stream_type ? mx_stream_device(((stream *)self)->s)
                                               : ((thread_stream *)self)->device;
}

static PyObject *stream_device(PyObject *self, void *closure)
{
    (void)closure;
    return wrap_device(device_of_stream(self));
}

static PyObject *stream_repr(PyObject *self)
{
    bool plain = Py_TYPE(self) == py_the.stream_type;
    mx_device d = device_of_stream(self);
    long index = plain ? mx_stream_index(((stream *)self)->s) : ((thread_stream *)self)->index;
    return PyUnicode_FromFormat("%s(Device(%s, %d), %ld)", plain ? "Stream" : "ThreadLocalStream", kind_names[d.type],
                                d.index, index);
}

static PyObject *stream_compare(PyObject *a, PyObject *b, int op)
{
    if (op != Py_EQ && op != Py_NE) return Py_NewRef(Py_NotImplemented);
    bool both = Py_TYPE(a) == py_the.stream_type && Py_TYPE(b) == py_the.stream_type;
    bool equal = a == b || (both && ((stream *)a)->s == ((stream *)b)->s);
    return PyBool_FromLong(equal == (op == Py_EQ));
}

static Py_hash_t stream_hash(PyObject *self)
{
    return mx_stream_index(((stream *)self)->s);
}

static Py_hash_t thread_stream_hash(PyObject *self)
{
    return ((thread_stream *)self)->index;
}

static void thread_stream_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((thread_stream *)self)->streams);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyGetSetDef stream_getset[] = {{"device", stream_device, NULL, "The device of the stream.", NULL}, {0}};
static PyType_Slot stream_slots[] = {
    {Py_tp_doc, "A queue of work on one device."}, {Py_tp_repr, stream_repr},     {Py_tp_hash, stream_hash},
    {Py_tp_richcompare, stream_compare},           {Py_tp_getset, stream_getset}, {0}};
static PyType_Slot thread_stream_slots[] = {{Py_tp_doc, "Stands for a stream of the thread that uses it."},
                                            {Py_tp_dealloc, thread_stream_dealloc},
                                            {Py_tp_repr, stream_repr},
                                            {Py_tp_hash, thread_stream_hash},
                                            {Py_tp_richcompare, stream_compare},
                                            {Py_tp_getset, stream_getset},
                                            {0}};
static PyType_Spec stream_spec = {"mlx.core.Stream", sizeof(stream), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, stream_slots};
static PyType_Spec thread_stream_spec = {"mlx.core.ThreadLocalStream", sizeof(thread_stream), 0,
                                         Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, thread_stream_slots};

/* ---- StreamContext */
typedef struct stream_context {
    PyObject_HEAD PyObject *wanted;
    mx_device device_before;
    mx_stream *stream_before; /* the default of the wanted stream's device; NULL outside the with block */
} stream_context;

static bool names_stream(PyObject *o)
{
    PyTypeObject *type = Py_TYPE(o);
    return type == py_the.stream_type || type == py_the.thread_stream_type || type == py_the.device_type ||
           type == py_the.device_kind_type;
}

static PyObject *context_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"s", NULL};
    PyObject *s;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:StreamContext", names, &s)) return NULL;
    if (!names_stream(s)) return PyErr_Format(PyExc_TypeError, "StreamContext(): a Stream or Device is expected");
    stream_context *c = PyObject_New(stream_context, type);
    if (!c) return NULL;
    c->wanted = Py_NewRef(s);
    c->stream_before = NULL;
    return (PyObject *)c;
}

static void context_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(((stream_context *)self)->wanted);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyObject *context_enter(py_args *in)
{
    stream_context *c = (stream_context *)in->at[0];
    mx_stream *s;
    if (!py_to_stream(c->wanted, &s)) return NULL;
    mx_device wanted = mx_stream_device(s);
    c->device_before = mx_default_device();
    c->stream_before = mx_default_stream(wanted);
    if (!mx_set_default_device(wanted) || !mx_set_default_stream(s)) return py_raise();
    return Py_NewRef(Py_None);
}

static PyObject *context_exit(py_args *in)
{
    stream_context *c = (stream_context *)in->at[0];
    bool ok = !c->stream_before || (mx_set_default_stream(c->stream_before) && mx_set_default_device(c->device_before));
    c->stream_before = NULL;
    return ok ? Py_NewRef(Py_None) : py_raise();
}

static const py_row context_rows[] = {
    {"__enter__", context_enter, "__enter__(self) -> None", NULL},
    {"__exit__", context_exit,
     "__exit__(self, exc_type: Optional[type] = None, exc_value: Optional[object] = None, "
     "traceback: Optional[object] = None) -> None",
     NULL},
    {0}};
static PyType_Slot context_slots[] = {
    {Py_tp_doc,
     "StreamContext(s)\n\nA with block whose operations go to a stream or device; it puts the default back after."},
    {Py_tp_new, context_new},
    {Py_tp_dealloc, context_dealloc},
    {0}};
static PyType_Spec context_spec = {"mlx.core.StreamContext", sizeof(stream_context), 0, Py_TPFLAGS_DEFAULT,
                                   context_slots};

/* ---- Functions */
static PyObject *py_stream_function(py_args *in)
{
    if (!names_stream(in->at[0])) return py_incompatible(in);
    return PyObject_CallFunctionObjArgs((PyObject *)py_the.stream_context_type, in->at[0], NULL);
}

static PyObject *py_default_device(py_args *in)
{
    (void)in;
    return wrap_device(mx_default_device());
}

static PyObject *py_set_default_device(py_args *in)
{
    mx_device d;
    if (!to_device(in->at[0], &d)) return py_incompatible(in);
    return mx_set_default_device(d) ? Py_NewRef(Py_None) : py_raise();
}

static PyObject *py_is_available(py_args *in)
{
    mx_device d;
    return to_device(in->at[0], &d) ? PyBool_FromLong(mx_device_available(d)) : py_incompatible(in);
}

static PyObject *py_device_count(py_args *in)
{
    if (Py_TYPE(in->at[0]) != py_the.device_kind_type) return py_incompatible(in);
    return PyLong_FromLong(mx_device_count((mx_device_type)py_value_of(in->at[0])));
}

static PyObject *py_device_info(py_args *in)
{
    mx_device d = mx_default_device();
    mx_device_fact fact;
    if (!py_arg_is_none(in, 0) && !to_device(in->at[0], &d)) return py_incompatible(in);
    PyObject *facts = PyDict_New();
    for (int i = 0; facts && mx_device_info(d, i, &fact); i++) {
        PyObject *value = fact.text ? PyUnicode_FromString(fact.text) : PyLong_FromLongLong(fact.number);
        if (!value || PyDict_SetItemString(facts, fact.name, value) < 0) Py_CLEAR(facts);
        Py_XDECREF(value);
    }
    return facts;
}

static PyObject *py_default_stream(py_args *in)
{
    mx_device d;
    return to_device(in->at[0], &d) ? py_wrap_stream(mx_default_stream(d)) : py_incompatible(in);
}

static PyObject *py_set_default_stream(py_args *in)
{
    mx_stream *s;
    if (Py_TYPE(in->at[0]) != py_the.stream_type && Py_TYPE(in->at[0]) != py_the.thread_stream_type)
        return py_incompatible(in);
    return py_to_stream(in->at[0], &s) && mx_set_default_stream(s) ? Py_NewRef(Py_None) : py_raise();
}

static PyObject *py_new_stream(py_args *in)
{
    mx_device d;
    return to_device(in->at[0], &d) ? py_wrap_stream(mx_new_stream(d)) : py_incompatible(in);
}

static PyObject *py_new_thread_local_stream(py_args *in)
{
    mx_device d;
    if (!to_device(in->at[0], &d)) return py_incompatible(in);
    if (!mx_device_available(d))
        return PyErr_Format(PyExc_ValueError, "[new_thread_local_stream] Device(%s, %d) is not available",
                            kind_names[d.type], d.index);
    thread_stream *t = PyObject_New(thread_stream, py_the.thread_stream_type);
    if (!t) return NULL;
    t->device = d;
    t->index = py_the.thread_streams++;
    if (!(t->streams = PyDict_New())) Py_CLEAR(t);
    return (PyObject *)t;
}

static bool synchronize(mx_stream *s)
{
    bool ok;
    Py_BEGIN_ALLOW_THREADS ok = mx_synchronize(s);
    Py_END_ALLOW_THREADS return ok;
}

static PyObject *py_synchronize(py_args *in)
{
    mx_stream *s;
    if (!py_arg_is_none(in, 0) && !names_stream(in->at[0])) return py_incompatible(in);
    return py_to_stream(in->at[0], &s) && synchronize(s) ? Py_NewRef(Py_None) : py_raise();
}

static PyObject *py_clear_streams(py_args *in)
{
    (void)in;
    return synchronize(NULL) ? Py_NewRef(Py_None) : py_raise();
}

#define DEVICE "device: Union[Device, DeviceType]"
static const py_row rows[] = {
    {"default_device", py_default_device, "default_device() -> Device", "The device of operations that name none."},
    {"set_default_device", py_set_default_device, "set_default_device(" DEVICE ") -> None",
     "Sets the device of operations that name none, for the whole process."},
    {"is_available", py_is_available, "is_available(" DEVICE ") -> bool", "Is there such a device?"},
    {"device_count", py_device_count, "device_count(device_type: DeviceType) -> int",
     "The number of devices of this kind."},
    {"device_info", py_device_info, "device_info(d: Union[None, Device, DeviceType] = None) -> dict",
     "Facts about a device, the default one if none is named."},
    {"default_stream", py_default_stream, "default_stream(" DEVICE ") -> Stream",
     "The calling thread's default stream on a device."},
    {"set_default_stream", py_set_default_stream,
     "set_default_stream(stream: Union[Stream, ThreadLocalStream]) -> None",
     "Makes a stream the calling thread's default on the stream's device."},
    {"new_stream", py_new_stream, "new_stream(" DEVICE ") -> Stream", "A new stream, for use from any thread."},
    {"new_thread_unsafe_stream", py_new_stream, "new_thread_unsafe_stream(" DEVICE ") -> Stream",
     "The same as new_stream: every stream works from any thread."},
    {"new_thread_local_stream", py_new_thread_local_stream, "new_thread_local_stream(" DEVICE ") -> ThreadLocalStream",
     "An object that stands for a stream of its own in each thread."},
    {"clear_streams", py_clear_streams, "clear_streams() -> None",
     "Waits for the calling thread's stream.  Streams live as long as the process, so there is nothing to destroy."},
    {"stream", py_stream_function, "stream(s: Union[Stream, ThreadLocalStream, Device, DeviceType]) -> StreamContext",
     "A with block whose operations go to a stream or device."},
    {"synchronize", py_synchronize,
     "synchronize(stream: Union[None, Stream, ThreadLocalStream, Device, DeviceType] = None) -> None",
     "Waits for all work of a stream, the current one if none is named; raises its first error."},
    {0}};

static bool add_kinds(PyObject *module)
{
    for (int k = MX_CPU; k <= MX_GPU; k++) {
        PyObject *kind = py_the.device_kinds[k] = py_new_value(py_the.device_kind_type, k);
        if (!kind || PyModule_AddObjectRef(module, kind_names[k], kind) < 0 ||
            PyObject_SetAttrString((PyObject *)py_the.device_kind_type, kind_names[k], kind) < 0)
            return false;
    }
    return true;
}

bool py_init_stream(PyObject *module)
{
    return (py_the.device_kind_type = py_add_type(module, &kind_spec)) && add_kinds(module) &&
           (py_the.device_type = py_add_type(module, &device_spec)) &&
           (py_the.stream_type = py_add_type(module, &stream_spec)) &&
           (py_the.thread_stream_type = py_add_type(module, &thread_stream_spec)) &&
           (py_the.stream_context_type = py_add_type(module, &context_spec)) &&
           py_add_methods(py_the.stream_context_type, context_rows) && py_add_functions(module, rows);
}
