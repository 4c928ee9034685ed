/* SPDX-License-Identifier: MIT
 *
 * export_function, exporter and import_function: the function is run once on placeholders for each set of example
 * arguments, and the program goes into the file (or, as dicts, to a callback). */
#include "transforms.h"

#include <stdlib.h>
#include <string.h>

/* ---- Arguments: arrays by position and by name, or one tuple or list and perhaps one dict */

typedef struct arguments {
    py_leaves leaves; /* positional, then named in the order of their names */
    const char **names;
    int name_count;
    PyObject *positional, *named; /* a tuple and a dict (or NULL), owned */
} arguments;

static void arguments_free(arguments *a)
{
    py_leaves_free(&a->leaves);
    PyMem_Free(a->names);
    Py_XDECREF(a->positional);
    Py_XDECREF(a->named);
}

static bool bad_arguments(const char *op)
{
    PyErr_Format(
        PyExc_ValueError,
        "[%s] Inputs can either be a variable number of positional and keyword arrays or a single tuple and/or "
        "dictionary of arrays.",
        op);
    return false;
}

/* (a, b), {"c": c} is the same as a, b, c=c. */
static bool normalize(arguments *a, const char *op, PyObject *args, PyObject *kwargs)
{
    Py_ssize_t n = PyTuple_Size(args);
    PyObject *first = n > 0 ? PyTuple_GetItem(args, 0) : NULL, *last = n > 0 ? PyTuple_GetItem(args, n - 1) : NULL;
    bool no_names = !kwargs || PyDict_Size(kwargs) == 0;
    if (n == 0 || py_is_array(first)) {
        a->positional = Py_NewRef(args);
        a->named = no_names ? NULL : Py_NewRef(kwargs);
        return true;
    }
    bool list = PyTuple_Check(first) || PyList_Check(first), dict = PyDict_Check(last);
    if (!no_names || n > 2 || !(list || dict) || (n == 2 && !(list && dict))) return bad_arguments(op);
    a->positional = list ? PySequence_Tuple(first) : PyTuple_New(0);
    a->named = dict ? Py_NewRef(last) : NULL;
    return a->positional != NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool sort_names(arguments *a)
{
    PyObject *name, *value;
    Py_ssize_t at = 0, n = PyDict_Size(a->named);
    if (!(a->names = PyMem_Calloc((size_t)n + 1, sizeof *a->names))) return PyErr_NoMemory(), false;
    while (PyDict_Next(a->named, &at, &name, &value)) {
        if (!PyUnicode_Check(name)) return bad_arguments("export_function");
        if (!(a->names[a->name_count++] = PyUnicode_AsUTF8AndSize(name, NULL))) return false;
    }
    qsort(a->names, (size_t)a->name_count, sizeof *a->names, by_text);
    return true;
}

static bool read_arguments(arguments *a, const char *op, PyObject *args, PyObject *kwargs)
{
    if (!normalize(a, op, args, kwargs) || (a->named && !sort_names(a))) return false;
    for (Py_ssize_t i = 0; i < PyTuple_Size(a->positional); i++) {
        PyObject *item = PyTuple_GetItem(a->positional, i);
        if (!py_is_array(item)) return bad_arguments(op);
        if (!py_leaves_add(&a->leaves, item)) return false;
    }
    for (int i = 0; i < a->name_count; i++) {
        PyObject *item = PyDict_GetItemString(a->named, a->names[i]);
        if (!item || !py_is_array(item)) return bad_arguments(op);
        if (!py_leaves_add(&a->leaves, item)) return false;
    }
    return true;
}

/* ---- Capturing */

static bool take_results(PyObject *result, py_leaves *out)
{
    bool ok = py_is_array(result) || PyTuple_Check(result) || PyList_Check(result);
    if (ok && py_is_array(result)) return py_leaves_add(out, result);
    for (Py_ssize_t i = 0, n = ok ? PySequence_Size(result) : 0; ok && i < n; i++) {
        PyObject *item = PySequence_GetItem(result, i);
        ok = item && py_is_array(item);
        if (ok && !py_leaves_add(out, item)) n = -1;
        Py_XDECREF(item);
        if (n < 0) return false;
    }
    if (!ok && !PyErr_Occurred()) {
        PyErr_SetString(PyExc_ValueError,
                        "[export_function] Outputs can be either a single array, a tuple, or a list of arrays.");
    }
    return ok;
}

static PyObject *call_on_tracers(PyObject *fun, const arguments *a, const py_leaves *tracers)
{
    Py_ssize_t positional = PyTuple_Size(a->positional);
    PyObject *args = PyTuple_New(positional), *kwargs = a->named ? PyDict_New() : NULL, *result = NULL;
    bool ok = args && (kwargs || !a->named);
    for (Py_ssize_t i = 0; ok && i < positional; i++) ok = PyTuple_SetItem(args, i, Py_NewRef(tracers->at[i])) == 0;
    for (int i = 0; ok && i < a->name_count; i++)
        ok = PyDict_SetItemString(kwargs, a->names[i], tracers->at[positional + i]) == 0;
    if (ok) result = PyObject_Call(fun, args, kwargs);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return result;
}

static mx_program *capture(PyObject *fun, const arguments *a, bool shapeless)
{
    py_leaves tracers = {0}, out = {0};
    mx_scope scope = mx_scope_open();
    mx_array **in = py_nodes_of(&a->leaves), **traced = PyMem_Calloc((size_t)a->leaves.count + 1, sizeof *traced);
    if (!traced) PyErr_NoMemory();
    mx_trace *t = in && traced ? mx_trace_begin_captured(in, (int)a->leaves.count, shapeless, traced) : NULL;
    mx_program *p = NULL;
    bool ok = t && py_leaves_add_nodes(&tracers, traced, a->leaves.count);
    if (!ok) py_raise();
    PyObject *result = ok ? call_on_tracers(fun, a, &tracers) : NULL;
    if (result && take_results(result, &out)) {
        mx_array **nodes = py_nodes_of(&out);
        p = nodes ? mx_trace_program(t, nodes, (int)out.count) : NULL;
        if (!p) py_raise();
        PyMem_Free(nodes);
    }
    mx_trace_end(&t);
    mx_scope_close(scope, NULL);
    Py_XDECREF(result);
    PyMem_Free(in);
    PyMem_Free(traced);
    py_leaves_free(&tracers);
    py_leaves_free(&out);
    return p;
}

/* ---- To a callback: a dict for the inputs, the keywords, the outputs, the constants, and one a primitive */

typedef struct telling {
    PyObject *callback, *inputs, *keywords, *outputs, *constants;
    bool started; /* what comes before the primitives has been told */
} telling;

static PyObject *name_of_value(uint64_t id)
{
    char text[16];
    int at = sizeof text;
    text[--at] = 0;
    for (id++; id; id = (id - 1) / 26) text[--at] = (char)('A' + (id - 1) % 26);
    return PyUnicode_FromString(text + at);
}

static PyObject *tuple_of_ints(const int64_t *at, int count)
{
    PyObject *tuple = PyTuple_New(count);
    for (int i = 0; tuple && i < count; i++) {
        PyObject *item = PyLong_FromLongLong(at[i]);
        if (!item || PyTuple_SetItem(tuple, i, item) < 0) Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *tell_value(const mx_export_value *v)
{
    PyObject *name = name_of_value(v->id), *shape = tuple_of_ints(v->shape.at, v->shape.ndim);
    return name && shape ? Py_BuildValue("(NNO)", name, shape, py_dtype_object(v->dtype)) : NULL;
}

static PyObject *tell_values(const mx_export_value *values, int count)
{
    PyObject *list = PyList_New(0);
    for (int i = 0; list && i < count; i++) {
        PyObject *item = tell_value(&values[i]);
        if (!item || PyList_Append(list, item) < 0) Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

static PyObject *tell_field(const mx_export_field *f)
{
    switch (f->kind) {
    case 'b': return PyBool_FromLong(f->whole != 0);
    case 'f':
    case 'd': return PyFloat_FromDouble(f->real);
    case 't': return Py_NewRef(py_dtype_object(f->whole));
    case 's': return PyUnicode_FromString(f->text);
    case 'L':
    case 'Q':
    case 'U': return tuple_of_ints(f->list, f->count);
    default: return PyLong_FromLongLong(f->whole);
    }
}

/* Calls back with {"type": type, key: value}; takes the value. */
static bool tell(const telling *t, const char *type, const char *key, PyObject *value)
{
    PyObject *dict = value ? Py_BuildValue("{s:O,s:s}", key, value, "type", type) : NULL, *result = NULL;
    if (dict) result = PyObject_CallFunctionObjArgs(t->callback, dict, NULL);
    Py_XDECREF(value);
    Py_XDECREF(dict);
    Py_XDECREF(result);
    return result != NULL;
}

static bool tell_start(telling *t)
{
    if (t->started) return true;
    t->started = true;
    return tell(t, "inputs", "inputs", Py_NewRef(t->inputs)) &&
           tell(t, "keyword_inputs", "keywords", Py_NewRef(t->keywords)) &&
           tell(t, "outputs", "outputs", Py_NewRef(t->outputs)) &&
           tell(t, "constants", "constants", Py_NewRef(t->constants));
}

static bool append(PyObject *list, PyObject *item)
{
    bool ok = item && PyList_Append(list, item) == 0;
    Py_XDECREF(item);
    return ok;
}

static bool tell_primitive(telling *t, const mx_export_item *item)
{
    PyObject *arguments = PyList_New(0), *dict = NULL, *result = NULL;
    bool ok = arguments && tell_start(t);
    for (int i = 0; ok && i < item->field_count; i++) ok = append(arguments, tell_field(&item->fields[i]));
    PyObject *in = ok ? tell_values(item->in, item->nin) : NULL, *out = in ? tell_values(item->out, item->nout) : NULL;
    if (out)
        dict = Py_BuildValue("{s:O,s:O,s:O,s:s,s:s}", "inputs", in, "outputs", out, "arguments", arguments, "name",
                             item->name, "type", "primitive");
    if (dict) result = PyObject_CallFunctionObjArgs(t->callback, dict, NULL);
    Py_XDECREF(arguments);
    Py_XDECREF(in);
    Py_XDECREF(out);
    Py_XDECREF(dict);
    Py_XDECREF(result);
    return result != NULL;
}

static bool tell_item(void *ctx, const mx_export_item *item)
{
    telling *t = ctx;
    PyObject *pair;
    switch (item->kind) {
    case MX_EXPORT_INPUT:
        if (item->name) {
            pair = Py_BuildValue("(sN)", item->name, name_of_value(item->out->id));
            if (!append(t->keywords, pair)) return false;
        }
        return append(t->inputs, tell_value(item->out));
    case MX_EXPORT_OUTPUT: return append(t->outputs, tell_value(item->in));
    case MX_EXPORT_CONSTANT:
        pair = Py_BuildValue("(NN)", name_of_value(item->out->id), py_wrap_kept(item->constant));
        return append(t->constants, pair);
    default: return tell_primitive(t, item);
    }
}

static bool export_to_callback(PyObject *callback, PyObject *fun, const arguments *a, bool shapeless)
{
    telling t = {callback, PyList_New(0), PyList_New(0), PyList_New(0), PyList_New(0), false};
    mx_program *p = capture(fun, a, shapeless);
    bool ok = p && t.inputs && t.keywords && t.outputs && t.constants;
    ok = ok && mx_export_visit(p, shapeless, a->names, a->name_count, tell_item, &t);
    if (!ok && !PyErr_Occurred()) py_raise();
    ok = ok && tell_start(&t);
    mx_program_drop(p);
    Py_XDECREF(t.inputs);
    Py_XDECREF(t.keywords);
    Py_XDECREF(t.outputs);
    Py_XDECREF(t.constants);
    return ok;
}

/* ---- FunctionExporter */

typedef struct py_exporter {
    PyObject_HEAD PyObject *fun;
    mx_exporter *file; /* NULL: closed */
    bool shapeless;
} py_exporter;

static PyObject *new_exporter(PyObject *file, PyObject *fun, bool shapeless, const char *metadata)
{
    PyObject *path = NULL;
    if (!PyUnicode_FSConverter(file, &path)) return NULL;
    mx_exporter *x = mx_exporter_open(PyBytes_AsString(path), shapeless, metadata);
    Py_DECREF(path);
    if (!x) return py_raise();
    py_exporter *e = PyObject_New(py_exporter, py_the.exporter_type);
    if (!e) return mx_exporter_close(&x, false), NULL;
    e->fun = Py_NewRef(fun);
    e->file = x;
    e->shapeless = shapeless;
    return (PyObject *)e;
}

static bool export_call(py_exporter *e, PyObject *args, PyObject *kwargs)
{
    arguments a = {0};
    if (!e->file) {
        PyErr_SetString(PyExc_RuntimeError, "[export_function] Attempting to write after exporting is closed.");
        return false;
    }
    mx_program *p = read_arguments(&a, "export_function", args, kwargs) ? capture(e->fun, &a, e->shapeless) : NULL;
    bool ok = p && e->file && (mx_exporter_add(e->file, p, a.names, a.name_count) || py_raise_false());
    mx_program_drop(p);
    arguments_free(&a);
    return ok;
}

static PyObject *exporter_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (mx_failed()) mx_error();
    return export_call((py_exporter *)self, args, kwargs) ? Py_NewRef(Py_None) : NULL;
}

static PyObject *exporter_close(PyObject *self, PyObject *unused)
{
    (void)unused;
    return mx_exporter_close(&((py_exporter *)self)->file, true) ? Py_NewRef(Py_None) : py_raise();
}

static PyObject *exporter_enter(PyObject *self, PyObject *unused)
{
    (void)unused;
    return Py_NewRef(self);
}

static PyObject *exporter_exit(PyObject *self, PyObject *args)
{
    (void)args;
    return exporter_close(self, NULL);
}

static void exporter_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    py_exporter *e = (py_exporter *)self;
    mx_exporter_close(&e->file, false);
    Py_XDECREF(e->fun);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyMethodDef exporter_methods[] = {
    {"close", exporter_close, METH_NOARGS, "close() -> None\n\nWrites the file."},
    {"__enter__", exporter_enter, METH_NOARGS, NULL},
    {"__exit__", exporter_exit, METH_VARARGS, NULL},
    {0},
};
static PyType_Slot exporter_slots[] = {
    {Py_tp_doc, "Exports a function into one file, once for each set of example arguments; made by exporter."},
    {Py_tp_call, exporter_call},
    {Py_tp_methods, exporter_methods},
    {Py_tp_dealloc, exporter_dealloc},
    {0, NULL},
};
static PyType_Spec exporter_spec = {"mlx.core.FunctionExporter", sizeof(py_exporter), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, exporter_slots};

/* ---- Imported functions */

typedef struct py_imported {
    PyObject_HEAD mx_imported *file;
} py_imported;

static PyObject *run_imported(const mx_imported *f, const arguments *a)
{
    int nin = (int)a->leaves.count;
    mx_array **in = py_nodes_of(&a->leaves), **ordered = PyMem_Calloc((size_t)nin + 1, sizeof *ordered), **out = NULL;
    PyObject *tuple = NULL;
    mx_scope scope = mx_scope_open();
    int program = in && ordered ? mx_imported_find(f, in, nin, a->names, a->name_count, ordered) : -1;
    int nout = mx_imported_outputs(f, program);
    if (program >= 0) out = PyMem_Calloc((size_t)nout + 1, sizeof *out);
    bool ok = out && mx_imported_run(f, program, ordered, nin, out);
    if (!ok) py_raise();
    if (ok) tuple = PyTuple_New(nout);
    for (int i = 0; tuple && i < nout; i++) {
        PyObject *item = py_wrap_kept(out[i]);
        if (!item || PyTuple_SetItem(tuple, i, item) < 0) Py_CLEAR(tuple);
    }
    mx_scope_close(scope, NULL);
    PyMem_Free(in);
    PyMem_Free(ordered);
    PyMem_Free(out);
    return tuple;
}

static PyObject *imported_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    arguments a = {0};
    if (mx_failed()) mx_error();
    bool ok = read_arguments(&a, "import_function::call", args, kwargs);
    PyObject *result = ok ? run_imported(((py_imported *)self)->file, &a) : NULL;
    arguments_free(&a);
    return result;
}

static void imported_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    mx_imported_free(&((py_imported *)self)->file);
    PyObject_Free(self);
    Py_DECREF(type);
}

static PyType_Slot imported_slots[] = {
    {Py_tp_doc, "A function from a file; returns a tuple of arrays."},
    {Py_tp_call, imported_call},
    {Py_tp_dealloc, imported_dealloc},
    {0, NULL},
};
static PyType_Spec imported_spec = {"mlx.core.ImportedFunction", sizeof(py_imported), 0,
                                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, imported_slots};

static PyObject *call_import(py_args *in)
{
    PyObject *path = NULL;
    bool with_metadata = false;
    if (!py_arg_bool(in, 1, &with_metadata) || !PyUnicode_FSConverter(in->at[0], &path)) return NULL;
    mx_imported *file;
    Py_BEGIN_ALLOW_THREADS;
    file = mx_import_function(PyBytes_AsString(path));
    Py_END_ALLOW_THREADS;
    Py_DECREF(path);
    if (!file) return py_raise();
    py_imported *f = PyObject_New(py_imported, py_the.imported_type);
    if (!f) return mx_imported_free(&file), NULL;
    f->file = file;
    return with_metadata ? Py_BuildValue("(Ns)", f, mx_imported_metadata(file)) : (PyObject *)f;
}

/* ---- The functions */

static PyObject *tuple_of_rest(const py_args *in)
{
    PyObject *tuple = PyTuple_New(in->rest_count);
    for (Py_ssize_t i = 0; tuple && i < in->rest_count; i++) {
        if (PyTuple_SetItem(tuple, i, Py_NewRef(in->rest[i])) < 0) Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *export_to(py_args *in, bool shapeless, const char *metadata, PyObject *args)
{
    arguments a = {0};
    PyObject *target = in->at[0], *fun = in->at[1];
    bool ok = false;
    if (PyCallable_Check(target)) {
        ok = read_arguments(&a, "export_function", args, in->kwargs) && export_to_callback(target, fun, &a, shapeless);
        arguments_free(&a);
        return ok ? Py_NewRef(Py_None) : NULL;
    }
    PyObject *e = new_exporter(target, fun, shapeless, metadata);
    if (!e) return NULL;
    PyObject *result = export_call((py_exporter *)e, args, in->kwargs) ? exporter_close(e, NULL) : NULL;
    Py_DECREF(e);
    return result;
}

static PyObject *call_export(py_args *in)
{
    bool shapeless = false;
    const char *metadata = NULL;
    if (!PyCallable_Check(in->at[1])) return py_incompatible(in);
    if (!py_arg_bool(in, 2, &shapeless) || !py_arg_text(in, 3, &metadata)) return NULL;
    PyObject *args = tuple_of_rest(in);
    PyObject *result = args ? export_to(in, shapeless, metadata, args) : NULL;
    Py_XDECREF(args);
    return result;
}

static PyObject *call_exporter(py_args *in)
{
    bool shapeless = false;
    const char *metadata = NULL;
    if (!PyCallable_Check(in->at[1])) return py_incompatible(in);
    if (!py_arg_bool(in, 2, &shapeless) || !py_arg_text(in, 3, &metadata)) return NULL;
    return new_exporter(in->at[0], in->at[1], shapeless, metadata);
}

static const py_row rows[] = {
    {"export_function", call_export,
     "export_function(file_or_callback: Union[str, Callable], fun: Callable, /, *args, shapeless: bool = False, metadata: "
     "Optional[str] = None, **kwargs) -> None",
     "Writes what ``fun`` does for arguments like these into a .mlxfn file, which MLX reads too.\n\n"
     "Arrays that ``fun`` uses but is not given are written as constants.\n\n"
     "Parameters\n----------\n"
     "file_or_callback : a path, or a function that is called with dicts: inputs, keyword_inputs, outputs, constants, "
     "and one for each primitive\n"
     "fun : takes arrays by position and by name, returns an array or a list or tuple of them\n"
     "*args, **kwargs : example arguments, or one tuple and/or one dict of them\n"
     "shapeless : the file is for inputs of other sizes too; ValueError if what ``fun`` does depends on them\n"
     "metadata : a text that import_function gives back"},
    {"exporter", call_exporter,
     "exporter(file: str, fun: Callable, *, shapeless: bool = False, metadata: Optional[str] = None) -> "
     "FunctionExporter",
     "A context manager that exports ``fun`` for several sets of example arguments into one file: each call of it adds "
     "one.  The file is written when it closes."},
    {"import_function", call_import,
     "import_function(file: str, return_metadata: bool = False) -> Union[Callable, tuple]",
     "The function in a .mlxfn file, of this library or of MLX.  A call takes the program that fits its arguments "
     "(ValueError if there is none) and returns a tuple of arrays."},
    {0},
};

bool py_init_export(PyObject *module)
{
    py_the.exporter_type = py_add_type(module, &exporter_spec);
    py_the.imported_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &imported_spec, NULL);
    return py_the.exporter_type && py_the.imported_type && py_add_functions(module, rows);
}
