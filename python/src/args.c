/* SPDX-License-Identifier: MIT
 *
 * Calls: rows made callable, arguments put in order, results given back.
 *
 * A function is a built-in function (METH_FASTCALL) whose `self` is an object with the row; a method is a descriptor of
 * ours, flagged so that CPython calls it without making a bound method.  Both bind their arguments by the row's
 * signature, which is read at the first call, choose the stream, open the scope and call the row. */
#include "signature.h"

#include <string.h>

typedef struct function {
    PyObject_HEAD const py_row *row;
    PyTypeObject *owner; /* a method's: what its first argument must be; the type outlives its methods */
    bool read;           /* is `signature` filled in? */
    py_signature signature;
    char *signature_text; /* the row's, or with self in a method made of a function */
    char *document;
    PyObject *module_name;
    PyMethodDef def;
} function;

/* ---- Binding */
static bool put_keyword(const py_signature *s, PyObject *name, PyObject *value, py_args *out)
{
    int i = s->positional_only;
    while (i < s->count && s->names[i] != name) i++;
    if (i == s->count) { /* not interned, or not ours */
        i = s->positional_only;
        while (i < s->count && PyUnicode_Compare(s->names[i], name) != 0) i++;
    }
    if (i < s->count) {
        if (out->at[i]) return py_incompatible(out);
        out->at[i] = value;
        return true;
    }
    if (!s->takes_kwargs) return py_incompatible(out);
    if (!out->kwargs && !(out->kwargs = PyDict_New())) return false;
    return PyDict_SetItem(out->kwargs, name, value) == 0;
}

static bool put_keywords(const py_signature *s, py_args *out)
{
    PyObject *names = out->given_names, *name, *value;
    if (PyTuple_Check(names)) {
        Py_ssize_t count = PyTuple_Size(names);
        for (Py_ssize_t i = 0; i < count; i++)
            if (!put_keyword(s, PyTuple_GetItem(names, i), out->given[out->given_count + i], out)) return false;
        return true;
    }
    for (Py_ssize_t at = 0; PyDict_Next(names, &at, &name, &value);)
        if (!put_keyword(s, name, value, out)) return false;
    return true;
}

static bool bind(const py_signature *s, py_args *out)
{
    int given = out->given_count < s->positional ? (int)out->given_count : s->positional;
    memcpy(out->at, out->given, (size_t)given * sizeof *out->at);
    out->rest = out->given + given;
    out->rest_count = out->given_count - given;
    out->kwargs = NULL;
    if (out->rest_count && !s->takes_rest) return py_incompatible(out);
    for (int i = given; i < s->count; i++) out->at[i] = NULL;
    if (out->given_names && !put_keywords(s, out)) return false;
    for (int i = given; i < s->count; i++)
        if (!out->at[i] && !(out->at[i] = s->defaults[i])) return py_incompatible(out);
    return true;
}

/* ---- Calling */
/* May reading this argument run Python code?  That could put other nodes into the arrays that are arguments too. */
static bool runs_code(PyObject *o)
{
    return o && o != Py_None && !py_is_array(o) && !PyBool_Check(o) && !PyLong_CheckExact(o) &&
           !PyFloat_CheckExact(o) && !PyUnicode_CheckExact(o) && Py_TYPE(o) != py_the.dtype_type;
}

static void hold_array(PyObject *o)
{
    if (o && py_is_array(o)) mx_temporary(mx_keep(py_array_of(o)));
}

/* The call's scope keeps the nodes of its arguments, where something may replace them before they are used. */
static void hold_arrays(const py_args *in, int count)
{
    bool risky = in->rest_count > 1;
    for (int i = 0; i < count && !risky; i++) risky = runs_code(in->at[i]);
    for (int i = 0; i < count && risky; i++) hold_array(in->at[i]);
    for (Py_ssize_t i = 0; i < in->rest_count && risky; i++) hold_array(in->rest[i]);
}

static PyObject *call_row(function *f, py_args *in)
{
    mx_stream *stream = NULL;
    int i = f->signature.stream;
    if (i >= 0 && in->at[i] != Py_None && !py_to_stream(in->at[i], &stream))
        return PyErr_ExceptionMatches(PyExc_TypeError) ? PyErr_Clear(), py_incompatible(in) : NULL;
    mx_stream *before = stream ? mx_use_stream(stream) : NULL;
    in->scope = mx_scope_open();
    in->scope_closed = false;
    hold_arrays(in, f->signature.count);
    PyObject *result = f->row->call(in);
    if (!in->scope_closed) mx_scope_close(in->scope, NULL);
    if (stream) mx_use_stream(before);
    return result ? result : py_raise();
}

/* CPython's MemoryError says nothing; ours says who needed how much, and keeps its text. */
static PyObject *name_memory_error(const function *f)
{
    PyObject *type, *value, *trace;
    if (!PyErr_ExceptionMatches(PyExc_MemoryError)) return NULL;
    PyErr_Fetch(&type, &value, &trace);
    PyObject *text = value ? PyObject_Str(value) : NULL;
    if (text && PyUnicode_GetLength(text) > 0) {
        PyErr_Restore(type, value, trace);
    } else {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(trace);
        PyErr_Format(PyExc_MemoryError, "[%s] out of memory", f->row->name);
    }
    Py_XDECREF(text);
    return NULL;
}

static PyObject *call(function *f, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    py_args in;
    in.function = f;
    in.given = args;
    in.given_count = count;
    in.given_names = names;
    if (mx_failed()) mx_error(); /* left by a caller who did not ask */
    if (!f->read) {
        if (!py_signature_read(f->signature_text, &f->signature)) return NULL;
        f->read = true;
    }
    PyObject *result = bind(&f->signature, &in) ? call_row(f, &in) : NULL;
    Py_XDECREF(in.kwargs);
    return result ? result : name_memory_error(f);
}

static PyObject *call_function(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names)
{
    return call((function *)self, args, count, names);
}

static PyObject *call_method(PyObject *self, PyObject *args, PyObject *keywords)
{
    enum { ON_STACK = 32 };
    PyObject *few[ON_STACK], **at = few;
    Py_ssize_t count = PyTuple_Size(args);
    function *f = (function *)self;
    if (!count || !PyObject_TypeCheck(PyTuple_GetItem(args, 0), f->owner))
        return PyErr_Format(PyExc_TypeError,
                            "%s(): incompatible function arguments. The first one must be the object "
                            "whose method it is.",
                            f->row->name);
    if (count > ON_STACK && !(at = PyMem_Malloc((size_t)count * sizeof *at))) return PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < count; i++) at[i] = PyTuple_GetItem(args, i);
    PyObject *result = call(f, at, count, keywords);
    if (at != few) PyMem_Free(at);
    return result;
}

/* ---- Results */
PyObject *py_return(py_args *in, mx_array *x)
{
    x = mx_scope_close(in->scope, PyErr_Occurred() ? NULL : x);
    in->scope_closed = true;
    return py_wrap(x);
}

static PyObject *return_many(py_args *in, PyObject *results, int (*put)(PyObject *, Py_ssize_t, PyObject *),
                             mx_array *const *xs, int count)
{
    for (int i = 0; results && i < count; i++) {
        PyObject *x = py_wrap_kept(xs[i]);
        if (!x || put(results, i, x) < 0) Py_CLEAR(results);
    }
    mx_scope_close(in->scope, NULL);
    in->scope_closed = true;
    return results;
}

PyObject *py_return_list(py_args *in, mx_array *const *xs, int count)
{
    return return_many(in, PyList_New(count), PyList_SetItem, xs, count);
}

PyObject *py_return_tuple(py_args *in, mx_array *const *xs, int count)
{
    return return_many(in, PyTuple_New(count), PyTuple_SetItem, xs, count);
}

/* ---- TypeError */
PyObject *py_type_name(PyObject *o)
{
    PyObject *type = (PyObject *)Py_TYPE(o);
    PyObject *name = PyType_GetQualName(Py_TYPE(o));
    PyObject *module = PyObject_GetAttrString(type, "__module__");
    if (name && module && PyUnicode_Check(module) && PyUnicode_Tailmatch(module, py_the.name_mlx, 0, 4, -1) == 1)
        py_set(&name, PyUnicode_FromFormat("%U.%U", module, name));
    Py_XDECREF(module);
    return name;
}

static bool append(PyObject **text, const char *format, PyObject *name, PyObject *o)
{
    PyObject *type = py_type_name(o);
    PyObject *part = !type  ? NULL
                     : name ? PyUnicode_FromFormat(format, name, type)
                            : PyUnicode_FromFormat(format, type);
    PyObject *joined = part && *text ? PyUnicode_Concat(*text, part) : NULL;
    Py_XDECREF(type);
    Py_XDECREF(part);
    py_set(text, joined);
    return joined != NULL;
}

static PyObject *given_types(const py_args *in)
{
    PyObject *text = PyUnicode_FromString(""), *names = in->given_names, *name, *value;
    for (Py_ssize_t i = 0; i < in->given_count; i++)
        if (!append(&text, i ? ", %U" : "%U", NULL, in->given[i])) return NULL;
    const char *first = in->given_count ? ", kwargs = { %U: %U" : "kwargs = { %U: %U";
    Py_ssize_t count = !names ? 0 : PyTuple_Check(names) ? PyTuple_Size(names) : PyDict_Size(names), at = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyTuple_Check(names)) {
            name = PyTuple_GetItem(names, i);
            value = in->given[in->given_count + i];
        } else {
            PyDict_Next(names, &at, &name, &value);
        }
        if (!append(&text, i ? ", %U: %U" : first, name, value)) return NULL;
    }
    if (count && text) py_set(&text, PyUnicode_FromFormat("%U }", text));
    return text;
}

void *py_incompatible(const py_args *in)
{
    const function *f = in->function;
    if (PyErr_Occurred()) return NULL;
    PyObject *types = given_types(in);
    if (types)
        PyErr_Format(PyExc_TypeError,
                     "%s(): incompatible function arguments. The following argument types are supported:\n"
                     "    1. %s\n\nInvoked with types: %U",
                     f->row->name, f->signature_text, types);
    Py_XDECREF(types);
    return NULL;
}

const char *py_function_name(const py_args *in)
{
    return ((const function *)in->function)->row->name;
}

bool py_no_keywords(const char *name, PyObject *kwargs)
{
    if (!kwargs || PyDict_Size(kwargs) == 0) return true;
    PyErr_Format(PyExc_TypeError, "%s(): takes no keyword arguments", name);
    return false;
}

/* ---- The two types */
static void function_dealloc(PyObject *self)
{
    function *f = (function *)self;
    PyTypeObject *type = Py_TYPE(self);
    for (int i = 0; i < f->signature.count; i++) {
        Py_XDECREF(f->signature.names[i]);
        Py_XDECREF(f->signature.defaults[i]);
    }
    Py_XDECREF(f->module_name);
    PyMem_Free(f->signature_text);
    PyMem_Free(f->document);
    PyObject_Free(self);
    Py_DECREF(type);
}

/* A built-in function pickles as getattr(its self, its name); so its self pickles as the module. */
static PyObject *function_reduce(PyObject *self, PyObject *none)
{
    (void)none;
    PyObject *importlib = PyImport_ImportModule("importlib");
    PyObject *import = importlib ? PyObject_GetAttrString(importlib, "import_module") : NULL;
    Py_XDECREF(importlib);
    return import ? Py_BuildValue("(N(O))", import, ((function *)self)->module_name) : NULL;
}

static PyObject *method_bind(PyObject *self, PyObject *object, PyObject *type)
{
    (void)type;
    if (!object || object == Py_None) return Py_NewRef(self);
    return PyObject_CallFunctionObjArgs(py_the.bound_method, self, object, NULL);
}

static PyObject *get_name(PyObject *self, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(((function *)self)->row->name);
}

static PyObject *get_document(PyObject *self, void *closure)
{
    (void)closure;
    return PyUnicode_FromString(((function *)self)->document);
}

static PyObject *get_module(PyObject *self, void *closure)
{
    (void)closure;
    return Py_NewRef(((function *)self)->module_name);
}

static PyMethodDef function_methods[] = {{"__reduce__", function_reduce, METH_NOARGS, NULL}, {0}};
static PyGetSetDef method_getset[] = {{"__name__", get_name, NULL, NULL, NULL},
                                      {"__qualname__", get_name, NULL, NULL, NULL},
                                      {"__doc__", get_document, NULL, NULL, NULL},
                                      {"__module__", get_module, NULL, NULL, NULL},
                                      {0}};
static PyType_Slot function_slots[] = {{Py_tp_dealloc, function_dealloc}, {Py_tp_methods, function_methods}, {0}};
static PyType_Slot method_slots[] = {{Py_tp_dealloc, function_dealloc},
                                     {Py_tp_getset, method_getset},
                                     {Py_tp_call, call_method},
                                     {Py_tp_descr_get, method_bind},
                                     {0}};
static PyType_Spec function_spec = {"mlx.core.function", sizeof(function), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, function_slots};
static PyType_Spec method_spec = {"mlx.core.method", sizeof(function), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION | Py_TPFLAGS_METHOD_DESCRIPTOR,
                                  method_slots};

bool py_init_args(PyObject *module)
{
    (void)module;
    PyObject *types = PyImport_ImportModule("types");
    py_the.bound_method = types ? PyObject_GetAttrString(types, "MethodType") : NULL;
    Py_XDECREF(types);
    py_the.function_type = (PyTypeObject *)PyType_FromSpec(&function_spec);
    py_the.method_type = (PyTypeObject *)PyType_FromSpec(&method_spec);
    return py_the.bound_method && py_the.function_type && py_the.method_type;
}

/* ---- Making them */
static char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = PyMem_Malloc(size);
    return copy ? memcpy(copy, text, size) : (char *)PyErr_NoMemory();
}

/* Takes over the signature's text. */
static function *new_function(PyTypeObject *type, const py_row *row, char *signature_text, PyObject *module_name)
{
    function *f = signature_text ? PyObject_New(function, type) : NULL;
    if (!f) return NULL;
    memset((char *)f + sizeof(PyObject), 0, sizeof *f - sizeof(PyObject));
    f->row = row;
    f->signature_text = signature_text;
    f->module_name = Py_XNewRef(module_name);
    const char *text = row->text ? row->text : "";
    size_t size = strlen(signature_text) + 2 + strlen(text) + 1;
    if (!(f->document = PyMem_Malloc(size))) {
        Py_DECREF(f);
        return (void *)PyErr_NoMemory();
    }
    PyOS_snprintf(f->document, size, "%s%s%s", signature_text, *text ? "\n\n" : "", text);
    return f;
}

bool py_add_functions(PyObject *module, const py_row *rows)
{
    PyObject *name = PyModule_GetNameObject(module);
    bool ok = name != NULL;
    for (const py_row *row = rows; ok && row->name; row++) {
        function *f = new_function(py_the.function_type, row, copy_text(row->signature), name);
        if (!f) {
            ok = false;
            break;
        }
        f->def = (PyMethodDef){row->name, (PyCFunction)(void (*)(void))call_function, METH_FASTCALL | METH_KEYWORDS,
                               f->document};
        PyObject *callable = PyCFunction_NewEx(&f->def, (PyObject *)f, name);
        ok = callable && PyModule_AddObjectRef(module, row->name, callable) == 0;
        Py_XDECREF(callable);
        Py_DECREF(f);
    }
    Py_XDECREF(name);
    return ok;
}

static bool add_method(PyTypeObject *type, const py_row *row, char *signature_text)
{
    PyObject *module_name = PyObject_GetAttrString((PyObject *)type, "__module__");
    function *f = module_name ? new_function(py_the.method_type, row, signature_text, module_name) : NULL;
    if (f) f->owner = type;
    bool ok = f && PyObject_SetAttrString((PyObject *)type, row->name, (PyObject *)f) == 0;
    Py_XDECREF(module_name);
    Py_XDECREF((PyObject *)f);
    return ok;
}

bool py_add_methods(PyTypeObject *type, const py_row *rows)
{
    for (const py_row *row = rows; row->name; row++)
        if (!add_method(type, row, copy_text(row->signature))) return false;
    return true;
}

bool py_add_functions_as_methods(PyTypeObject *type, PyObject *module, const char *const *names)
{
    for (; *names; names++) {
        PyObject *callable = PyObject_GetAttrString(module, *names);
        PyObject *f = callable ? PyObject_GetAttrString(callable, "__self__") : NULL;
        const py_row *row = f ? ((function *)f)->row : NULL;
        bool ok = row && add_method(type, row, py_signature_of_method(row->signature));
        Py_XDECREF(callable);
        Py_XDECREF(f);
        if (!ok) return false;
    }
    return true;
}

bool py_add_alias(PyObject *module, const char *name, const char *original)
{
    PyObject *callable = PyObject_GetAttrString(module, original);
    bool ok = callable && PyModule_AddObjectRef(module, name, callable) == 0;
    Py_XDECREF(callable);
    return ok;
}
