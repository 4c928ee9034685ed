/* SPDX-License-Identifier: MIT
 *
 * compile: a call writes the structure of its arguments and their constants into a key, looks for the program that was
 * captured for it and replays that.  Else the function is run once on placeholders: its arguments are copies with the
 * placeholders in them, the trees of `inputs` get them in place and are restored after.  What stands in the trees of
 * `outputs` when it returns is what every call puts there.
 *
 * The note of a program is (shape of the result, shape of the outputs): the trees with `py_the.array_mark` for each array. */
#include "transforms.h"

#include <string.h>

typedef struct py_compiled {
    PyObject_HEAD PyObject *fun, *inputs, *outputs; /* trees; None: nothing */
    mx_compiled *programs;
    bool shapeless;
} py_compiled;

/* ---- The key of a call */

typedef struct call_key {
    char *bytes;
    size_t count, room;
    mx_array **nodes; /* borrowed */
    int node_count, node_room;
    bool is_state; /* of the trees of `inputs`: what is no array does not matter */
    char few_bytes[256];
    mx_array *few_nodes[32];
} call_key;

static void key_init(call_key *k)
{
    k->bytes = k->few_bytes;
    k->nodes = k->few_nodes;
    k->count = 0;
    k->node_count = 0;
    k->room = sizeof k->few_bytes;
    k->node_room = sizeof k->few_nodes / sizeof *k->few_nodes;
    k->is_state = false;
}

static void key_free(call_key *k)
{
    if (k->bytes != k->few_bytes) PyMem_Free(k->bytes);
    if (k->nodes != k->few_nodes) PyMem_Free(k->nodes);
}

/* A list that is at first in the struct, twice as long. */
static void *grown(void *at, const void *few, size_t bytes)
{
    void *bigger = PyMem_Realloc(at == few ? NULL : at, 2 * bytes);
    if (!bigger) return PyErr_NoMemory();
    if (at == few) memcpy(bigger, few, bytes);
    return bigger;
}

static bool key_put(call_key *k, char tag, const void *data, size_t bytes)
{
    while (k->room - k->count < bytes + 1) {
        void *bigger = grown(k->bytes, k->few_bytes, k->room);
        if (!bigger) return false;
        k->bytes = bigger;
        k->room *= 2;
    }
    k->bytes[k->count++] = tag;
    if (bytes) memcpy(k->bytes + k->count, data, bytes);
    k->count += bytes;
    return true;
}

static bool key_put_node(call_key *k, mx_array *x)
{
    if (!x) return py_raise_false();
    if (k->node_count == k->node_room) {
        void *bigger = grown(k->nodes, k->few_nodes, (size_t)k->node_room * sizeof *k->nodes);
        if (!bigger) return false;
        k->nodes = bigger;
        k->node_room *= 2;
    }
    k->nodes[k->node_count++] = x;
    return key_put(k, 'a', NULL, 0);
}

static bool key_put_text(call_key *k, PyObject *text)
{
    Py_ssize_t size = 0;
    const char *utf8 = PyUnicode_AsUTF8AndSize(text, &size);
    return utf8 && key_put(k, 's', &size, sizeof size) && key_put(k, '=', utf8, (size_t)size);
}

static bool key_put_int(call_key *k, PyObject *o)
{
    int overflow = 0;
    long long value = PyLong_AsLongLongAndOverflow(o, &overflow);
    if (!overflow) return !(value == -1 && PyErr_Occurred()) && key_put(k, 'i', &value, sizeof value);
    PyObject *digits = PyObject_Str(o);
    bool ok = digits && key_put(k, 'I', NULL, 0) && key_put_text(k, digits);
    Py_XDECREF(digits);
    return ok;
}

static bool key_put_constant(call_key *k, PyObject *o)
{
    if (o == Py_None) return key_put(k, 'n', NULL, 0);
    if (PyBool_Check(o)) return key_put(k, o == Py_True ? 'T' : 'F', NULL, 0);
    if (PyLong_Check(o)) return key_put_int(k, o);
    if (PyFloat_Check(o)) return key_put(k, 'f', &(double){PyFloat_AsDouble(o)}, sizeof(double));
    if (PyUnicode_Check(o)) return key_put_text(k, o);
    PyObject *name = py_type_name(o);
    if (!name) return false;
    PyErr_Format(PyExc_ValueError,
                 "[compile] Function arguments must be trees of arrays or constants (floats, ints, strings, or None), "
                 "but received type %U.",
                 name);
    Py_DECREF(name);
    return false;
}

static bool key_put_tree(call_key *k, PyObject *o);

static bool key_put_list(call_key *k, PyObject *list)
{
    Py_ssize_t n = PyList_Size(list);
    bool ok = key_put(k, '[', &n, sizeof n);
    for (Py_ssize_t i = 0; ok && i < n; i++) ok = key_put_tree(k, PyList_GetItem(list, i));
    return ok;
}

static bool key_put_tuple(call_key *k, PyObject *tuple)
{
    struct {
        Py_ssize_t n;
        PyTypeObject *type;
    } head = {PyTuple_Size(tuple), Py_TYPE(tuple)};
    bool ok = key_put(k, '(', &head, sizeof head);
    for (Py_ssize_t i = 0; ok && i < head.n; i++) ok = key_put_tree(k, PyTuple_GetItem(tuple, i));
    return ok;
}

/* Nothing here runs Python code, so the dict stays as it is. */
static bool key_put_dict(call_key *k, PyObject *dict)
{
    Py_ssize_t n = PyDict_Size(dict), at = 0;
    PyObject *name, *value;
    bool ok = key_put(k, '{', &n, sizeof n);
    while (ok && PyDict_Next(dict, &at, &name, &value)) {
        ok = PyTuple_Check(name) ? key_put_tuple(k, name) : key_put_constant(k, name);
        ok = ok && key_put_tree(k, value);
    }
    return ok;
}

static bool key_put_container(call_key *k, PyObject *o)
{
    if (Py_EnterRecursiveCall(" in a tree of arrays")) return false;
    bool ok = PyTuple_Check(o) ? key_put_tuple(k, o) : PyList_Check(o) ? key_put_list(k, o) : key_put_dict(k, o);
    Py_LeaveRecursiveCall();
    return ok;
}

static bool is_random_state(PyObject *o)
{
    return py_the.random_state_type && Py_TYPE(o) == py_the.random_state_type;
}

static bool key_put_tree(call_key *k, PyObject *o)
{
    if (py_is_array(o)) return key_put_node(k, py_array_of(o));
    if (PyTuple_Check(o) || PyList_Check(o) || PyDict_Check(o)) return key_put_container(k, o);
    if (!k->is_state) return key_put_constant(k, o);
    return is_random_state(o) ? key_put_node(k, mx_random_state()) : key_put(k, '-', NULL, 0);
}

static bool key_of_call(call_key *k, py_compiled *f, PyObject *args, PyObject *kwargs)
{
    bool ok = key_put_tuple(k, args) && (!kwargs || PyDict_Size(kwargs) == 0 || key_put_dict(k, kwargs));
    k->is_state = true;
    return ok && (f->inputs == Py_None || key_put_tree(k, f->inputs));
}

/* ---- What a call gives */

typedef struct results {
    mx_array **nodes;
    int next, count;
} results;

static PyObject *next_result(results *r)
{
    if (r->next < r->count) return py_wrap_kept(r->nodes[r->next++]);
    PyErr_SetString(PyExc_RuntimeError, "[compile] The number of outputs changed.");
    return NULL;
}

static PyObject *result_leaf(void *ctx, PyObject *leaf)
{
    return leaf == py_the.array_mark ? next_result(ctx) : Py_NewRef(leaf);
}

static PyObject *put_tree(results *r, PyObject *shape, PyObject *live);

static PyObject *put_list(results *r, PyObject *shape, PyObject *live)
{
    PyObject *list = live && PyList_Check(live) ? Py_NewRef(live) : PyList_New(0);
    for (Py_ssize_t i = 0; list && i < PyList_Size(shape); i++) {
        bool there = i < PyList_Size(list);
        PyObject *made = put_tree(r, PyList_GetItem(shape, i), there ? PyList_GetItem(list, i) : NULL);
        bool ok = made && (there ? PyList_SetItem(list, i, Py_NewRef(made)) : PyList_Append(list, made)) == 0;
        Py_XDECREF(made);
        if (!ok) Py_CLEAR(list);
    }
    return list;
}

static PyObject *put_dict(results *r, PyObject *shape, PyObject *live)
{
    PyObject *dict = live && PyDict_Check(live) ? Py_NewRef(live) : PyDict_New(), *name, *value;
    Py_ssize_t at = 0;
    while (dict && PyDict_Next(shape, &at, &name, &value)) {
        PyObject *old = PyDict_GetItemWithError(dict, name);
        PyObject *made = old || !PyErr_Occurred() ? put_tree(r, value, old) : NULL;
        if (!made || (made != old && PyDict_SetItem(dict, name, made) < 0)) Py_CLEAR(dict);
        Py_XDECREF(made);
    }
    return dict;
}

static PyObject *put_tuple(results *r, PyObject *shape, PyObject *live)
{
    Py_ssize_t n = PyTuple_Size(shape);
    PyObject *items = PyList_New(0), *tuple;
    bool fits = live && PyTuple_Check(live) && PyTuple_Size(live) == n;
    for (Py_ssize_t i = 0; items && i < n; i++) {
        PyObject *made = put_tree(r, PyTuple_GetItem(shape, i), fits ? PyTuple_GetItem(live, i) : NULL);
        if (!made || PyList_Append(items, made) < 0) Py_CLEAR(items);
        Py_XDECREF(made);
    }
    tuple = items ? PyList_AsTuple(items) : NULL;
    Py_XDECREF(items);
    return tuple;
}

/* What is to stand where `live` (or NULL) stands: arrays are new, containers are changed in place, all else stays. */
static PyObject *put_tree(results *r, PyObject *shape, PyObject *live)
{
    if (shape == py_the.array_mark) return next_result(r);
    if (is_random_state(shape)) {
        if (r->next >= r->count || !mx_random_set_state(r->nodes[r->next++])) return py_raise();
        return Py_NewRef(shape);
    }
    if (PyList_Check(shape)) return put_list(r, shape, live);
    if (PyDict_Check(shape)) return put_dict(r, shape, live);
    if (PyTuple_Check(shape)) return put_tuple(r, shape, live);
    return Py_NewRef(live ? live : shape);
}

static PyObject *replay(py_compiled *f, const mx_program *p, const call_key *k)
{
    PyObject *note = mx_program_note(p), *shape = PyTuple_GetItem(note, 0), *state = PyTuple_GetItem(note, 1);
    mx_array *few[16];
    results r = {few, 0, mx_program_outputs(p)};
    if (r.count > 16 && !(r.nodes = PyMem_Malloc((size_t)r.count * sizeof *r.nodes))) return PyErr_NoMemory();
    mx_scope scope = mx_scope_open();
    PyObject *made = NULL;
    if (!mx_program_run(p, k->nodes, k->node_count, r.nodes, r.count)) {
        py_raise();
    } else if (shape == py_the.array_mark) {
        made = next_result(&r);
    } else {
        made = py_tree_map(shape, result_leaf, &r);
    }
    if (made && state != Py_None) {
        PyObject *put = put_tree(&r, state, f->outputs);
        if (!put) Py_CLEAR(made);
        Py_XDECREF(put);
    }
    mx_scope_close(scope, NULL);
    if (r.nodes != few) PyMem_Free(r.nodes);
    return made;
}

/* ---- Capturing */

typedef struct capture {
    py_compiled *f;
    mx_trace *trace;
    py_leaves tracers; /* objects of the placeholders, in the order of the key */
    py_leaves state;   /* what stood in `inputs` where the last of them are now */
    Py_ssize_t next;
    mx_array *random_key; /* the thread's, if `inputs` has the random state; kept */
    py_leaves out;        /* objects of the outputs */
} capture;

static PyObject *feed_argument(void *ctx, PyObject *leaf)
{
    capture *c = ctx;
    if (!py_is_array(leaf)) return Py_NewRef(leaf);
    return Py_NewRef(c->tracers.at[c->next++]);
}

static PyObject *feed_state(void *ctx, PyObject *leaf)
{
    capture *c = ctx;
    bool is_random = is_random_state(leaf);
    if (!is_random && !py_is_array(leaf)) return Py_NewRef(leaf);
    if (c->next == c->tracers.count || !py_leaves_add(&c->state, leaf)) return NULL;
    PyObject *tracer = c->tracers.at[c->next++];
    if (!is_random) return Py_NewRef(tracer);
    if (!c->random_key) c->random_key = mx_keep(mx_random_state());
    return mx_random_set_state(py_array_of(tracer)) ? Py_NewRef(leaf) : py_raise();
}

/* What the function put there itself stays. */
static PyObject *restore_state(void *ctx, PyObject *leaf)
{
    const capture *c = ctx;
    Py_ssize_t first = c->next - c->state.count;
    for (Py_ssize_t i = 0; py_is_array(leaf) && i < c->state.count; i++) {
        if (c->tracers.at[first + i] == leaf) return Py_NewRef(c->state.at[i]);
    }
    return Py_NewRef(leaf);
}

static PyObject *take_output(void *ctx, PyObject *leaf)
{
    capture *c = ctx;
    if (!py_is_array(leaf)) return Py_NewRef(leaf);
    return py_leaves_add(&c->out, leaf) ? Py_NewRef(py_the.array_mark) : NULL;
}

static PyObject *take_state(void *ctx, PyObject *leaf)
{
    capture *c = ctx;
    if (!is_random_state(leaf)) return take_output(ctx, leaf);
    mx_array *key = mx_random_state();
    PyObject *object = key ? py_wrap_kept(key) : py_raise();
    bool ok = object && py_leaves_add(&c->out, object);
    Py_XDECREF(object);
    return ok ? Py_NewRef(leaf) : NULL;
}

/* Calls the function on placeholders: (shape of its result, shape of the outputs). */
static PyObject *call_on_placeholders(capture *c, PyObject *args, PyObject *kwargs)
{
    py_compiled *f = c->f;
    PyObject *new_args = py_tree_map(args, feed_argument, c), *new_kwargs = NULL, *result = NULL, *filled = NULL;
    PyObject *shape = NULL, *state = NULL, *note = NULL;
    bool ok = new_args && (!kwargs || (new_kwargs = py_tree_map(kwargs, feed_argument, c)));
    if (ok && f->inputs != Py_None) ok = (filled = py_tree_fill(f->inputs, feed_state, c)) != NULL;
    if (ok) result = PyObject_Call(f->fun, new_args, new_kwargs);
    if (result) shape = py_tree_map(result, take_output, c);
    if (shape) state = f->outputs == Py_None ? Py_NewRef(Py_None) : py_tree_map(f->outputs, take_state, c);
    if (state) note = PyTuple_Pack(2, shape, state);
    Py_XDECREF(new_args);
    Py_XDECREF(new_kwargs);
    Py_XDECREF(filled);
    Py_XDECREF(result);
    Py_XDECREF(shape);
    Py_XDECREF(state);
    return note;
}

/* Puts back what was in `inputs`, also when an exception is set. */
static bool restore(capture *c)
{
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (c->random_key) mx_random_set_state(c->random_key);
    PyObject *restored = c->state.count ? py_tree_fill(c->f->inputs, restore_state, c) : Py_NewRef(Py_None);
    bool ok = restored != NULL;
    Py_XDECREF(restored);
    if (!type) return ok;
    PyErr_Restore(type, value, traceback);
    return false;
}

static void release_note(void *note)
{
    Py_DECREF((PyObject *)note);
}

/* A program with its note, a reference of which is the caller's. */
static mx_program *make_program(capture *c, PyObject *note)
{
    mx_array **out = py_nodes_of(&c->out);
    mx_program *p = out ? mx_trace_program(c->trace, out, (int)c->out.count) : NULL;
    if (p) mx_program_set_note(p, Py_NewRef(note), release_note);
    if (!p) py_raise();
    PyMem_Free(out);
    return p;
}

static mx_program *capture_call(py_compiled *f, const call_key *k, PyObject *args, PyObject *kwargs)
{
    capture c = {.f = f};
    mx_program *p = NULL;
    mx_scope scope = mx_scope_open();
    mx_array **traced = PyMem_Calloc((size_t)k->node_count + 1, sizeof *traced);
    if (!traced) PyErr_NoMemory();
    if (traced) c.trace = mx_trace_begin_captured(k->nodes, k->node_count, f->shapeless, traced);
    bool ok = c.trace && py_leaves_add_nodes(&c.tracers, traced, k->node_count);
    if (!ok) py_raise();
    PyObject *note = ok ? call_on_placeholders(&c, args, kwargs) : NULL;
    ok = restore(&c) && note;
    if (ok) p = make_program(&c, note);
    mx_trace_end(&c.trace);
    mx_scope_close(scope, NULL);
    PyMem_Free(traced);
    Py_XDECREF(note);
    mx_drop(c.random_key);
    py_leaves_free(&c.tracers);
    py_leaves_free(&c.state);
    py_leaves_free(&c.out);
    return p;
}

/* The state of `inputs` is out of place while it is traced, and may be while the function runs, so its nodes are kept. */
static mx_program *capture_and_keep(py_compiled *f, const call_key *k, PyObject *args, PyObject *kwargs)
{
    for (int i = 0; i < k->node_count; i++) mx_keep(k->nodes[i]);
    mx_program *p = capture_call(f, k, args, kwargs);
    if (p && !mx_compiled_add(f->programs, k->bytes, k->count, k->nodes, k->node_count, p)) {
        mx_program_drop(p);
        p = py_raise();
    }
    return p;
}

/* ---- Functions with state: one thread at a time, because a trace puts placeholders into trees that others read */

static _Thread_local int stateful_calls;

static bool enter_stateful(const py_compiled *f)
{
    if (f->inputs == Py_None && f->outputs == Py_None) return false;
    if (stateful_calls++ || PyThread_acquire_lock(py_the.state_lock, NOWAIT_LOCK)) return true;
    Py_BEGIN_ALLOW_THREADS;
    PyThread_acquire_lock(py_the.state_lock, WAIT_LOCK);
    Py_END_ALLOW_THREADS;
    return true;
}

static void leave_stateful(bool entered)
{
    if (entered && --stateful_calls == 0) PyThread_release_lock(py_the.state_lock);
}

static PyObject *call_compiled(py_compiled *f, PyObject *args, PyObject *kwargs)
{
    call_key k;
    PyObject *result = NULL;
    bool captured = false;
    key_init(&k);
    mx_program *p = NULL;
    if (key_of_call(&k, f, args, kwargs)) {
        p = mx_compiled_find(f->programs, k.bytes, k.count, k.nodes, k.node_count);
        if (!p && mx_failed()) py_raise();
        if (!p && !PyErr_Occurred()) {
            captured = true;
            p = capture_and_keep(f, &k, args, kwargs);
        }
    }
    if (p) result = replay(f, p, &k);
    mx_program_drop(p);
    for (int i = 0; captured && i < k.node_count; i++) mx_drop(k.nodes[i]);
    key_free(&k);
    return result;
}

static PyObject *compiled_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    py_compiled *f = (py_compiled *)self;
    if (mx_failed()) mx_error(); /* left by a caller who did not ask */
    if (mx_compile_mode_now() == MX_COMPILE_DISABLED) return PyObject_Call(f->fun, args, kwargs);
    bool entered = enter_stateful(f);
    PyObject *result = call_compiled(f, args, kwargs);
    leave_stateful(entered);
    return result;
}

/* ---- The type */

static int compiled_traverse(PyObject *self, visitproc visit, void *arg)
{
    py_compiled *f = (py_compiled *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(f->fun);
    Py_VISIT(f->inputs);
    Py_VISIT(f->outputs);
    return 0;
}

static int compiled_clear(PyObject *self)
{
    py_compiled *f = (py_compiled *)self;
    Py_CLEAR(f->fun);
    Py_CLEAR(f->inputs);
    Py_CLEAR(f->outputs);
    return 0;
}

static void compiled_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    compiled_clear(self);
    mx_compiled_free(&((py_compiled *)self)->programs);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *compiled_getattro(PyObject *self, PyObject *name)
{
    return py_getattr_of_function(self, ((py_compiled *)self)->fun, name);
}

static PyType_Slot compiled_slots[] = {
    {Py_tp_doc, "A function made by compile."},
    {Py_tp_call, compiled_call},
    {Py_tp_getattro, compiled_getattro},
    {Py_tp_traverse, compiled_traverse},
    {Py_tp_clear, compiled_clear},
    {Py_tp_dealloc, compiled_dealloc},
    {0, NULL},
};

static PyType_Spec compiled_spec = {
    .name = "mlx.core.CompiledFunction",
    .basicsize = sizeof(py_compiled),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = compiled_slots,
};

static PyObject *call_compile(py_args *in)
{
    bool shapeless = false;
    if (!PyCallable_Check(in->at[0]) || py_arg_is_none(in, 3)) return py_incompatible(in);
    if (!py_arg_bool(in, 3, &shapeless)) return NULL;
    py_compiled *f = PyObject_GC_New(py_compiled, py_the.compiled_type);
    if (!f) return NULL;
    f->fun = Py_NewRef(in->at[0]);
    f->inputs = Py_NewRef(in->at[1]);
    f->outputs = Py_NewRef(in->at[2]);
    f->shapeless = shapeless;
    f->programs = mx_compile(NULL, NULL, 0, shapeless);
    PyObject_GC_Track(f);
    if (f->programs) return (PyObject *)f;
    Py_DECREF(f);
    return py_raise();
}

static PyObject *set_enabled(mx_compile_mode mode)
{
    mx_set_compile_mode(mode);
    return Py_NewRef(Py_None);
}

static PyObject *call_enable(py_args *in)
{
    (void)in;
    return set_enabled(MX_COMPILE_ENABLED);
}

static PyObject *call_disable(py_args *in)
{
    (void)in;
    return set_enabled(MX_COMPILE_DISABLED);
}

static const py_row rows[] = {
    {"compile", call_compile,
     "compile(fun: Callable, inputs: Optional[object] = None, outputs: Optional[object] = None, shapeless: bool = "
     "False) -> Callable",
     "A function that gives what ``fun`` gives, traced once for each kind of arguments and made again from then on "
     "without calling ``fun``.\n\n"
     "It is traced anew for other dtypes, shapes, structures of arguments and constants (int, float, str, None).  "
     "Arrays that ``fun`` uses but is not given are constants.  Whatever else ``fun`` does, it does while it is "
     "traced only.\n\n"
     "Parameters\n----------\n"
     "fun : takes and returns trees of arrays and constants\n"
     "inputs : a list or dict of arrays (nested) that ``fun`` reads: they are arguments too\n"
     "outputs : a list or dict into which ``fun`` writes arrays: each call updates it\n"
     "shapeless : other sizes (not other numbers of dimensions) are not traced anew; a ``fun`` that depends on sizes "
     "may then fail or use the first ones"},
    {"enable_compile", call_enable, "enable_compile() -> None",
     "Switches compile on, also where MLX_DISABLE_COMPILE is in the environment."},
    {"disable_compile", call_disable, "disable_compile() -> None",
     "Switches compile off: compiled functions call the original.  MLX_DISABLE_COMPILE in the environment does so "
     "from the start."},
    {0},
};

bool py_add_compile(PyObject *module)
{
    py_the.compiled_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &compiled_spec, NULL);
    py_the.array_mark = PyObject_CallFunctionObjArgs((PyObject *)&PyBaseObject_Type, NULL);
    py_the.state_lock = PyThread_allocate_lock();
    if (!py_the.state_lock) PyErr_NoMemory();
    return py_the.compiled_type && py_the.array_mark && py_the.state_lock && py_add_functions(module, rows);
}
