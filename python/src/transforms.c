/* SPDX-License-Identifier: MIT
 *
 * eval, async_eval, and what the function transforms share: tracer objects and the callable that a transform returns.
 *
 * Evaluation runs without the GIL.  Between the groups of a tape the library asks `interrupted`, which takes the GIL
 * and lets Python handle its signals; so Ctrl-C raises KeyboardInterrupt within milliseconds and the arrays that were
 * not computed yet stay lazy. */
#include "transforms.h"

#include <string.h>
#include <time.h>

/* Taking the GIL from a busy thread may last its switch interval (5 ms), so it is not done more often than this. */
enum { SIGNALS_EVERY_MS = 50 };

typedef struct signal_watch {
    bool is_set;
    int64_t next_ms;
} signal_watch;
static _Thread_local signal_watch watch;

static bool interrupted(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    if (now_ms < watch.next_ms) return false;
    watch.next_ms = now_ms + SIGNALS_EVERY_MS;
    PyGILState_STATE gil = PyGILState_Ensure();
    bool stop = PyErr_CheckSignals() < 0;
    PyGILState_Release(gil);
    return stop;
}

static bool all_available(mx_array *const *arrays, int count)
{
    for (int i = 0; i < count; i++) {
        if (!mx_is_available(arrays[i])) return false;
    }
    return true;
}

bool py_eval_arrays(mx_array *const *arrays, int count)
{
    bool ok = false;
    if (all_available(arrays, count)) return true;
    if (!watch.is_set) {
        mx_set_interrupt(interrupted);
        watch.is_set = true;
    }
    Py_BEGIN_ALLOW_THREADS;
    ok = mx_eval_n(arrays, count);
    Py_END_ALLOW_THREADS;
    return ok || py_raise_false();
}

/* ---- eval */

typedef struct node_list {
    mx_array **at; /* kept: another thread may swap what an object holds while the GIL is released */
    int count, room;
    mx_array *few[16]; /* at first */
} node_list;

static bool add_node(node_list *list, mx_array *x)
{
    if (list->count == list->room) {
        bool first = list->at == list->few;
        mx_array **at = PyMem_Realloc(first ? NULL : list->at, 2 * (size_t)list->room * sizeof *at);
        if (!at) {
            PyErr_NoMemory();
            return false;
        }
        if (first) memcpy(at, list->few, sizeof list->few);
        list->at = at;
        list->room *= 2;
    }
    list->at[list->count++] = mx_keep(x);
    return true;
}

static bool collect_node(void *ctx, PyObject *leaf)
{
    if (py_is_array(leaf)) return add_node(ctx, py_array_of(leaf));
    if (py_the.random_state_type && Py_TYPE(leaf) == py_the.random_state_type) {
        mx_array *state = mx_random_state();
        return state ? add_node(ctx, state) : py_raise_false();
    }
    return true;
}

static PyObject *eval_with(py_args *in, bool (*evaluate)(mx_array *const *, int))
{
    node_list list;
    list.at = list.few;
    list.count = 0;
    list.room = sizeof list.few / sizeof *list.few;
    bool ok = true;
    for (Py_ssize_t i = 0; ok && i < in->rest_count; i++) ok = py_tree_visit(in->rest[i], collect_node, &list);
    ok = ok && evaluate(list.at, list.count);
    for (int i = 0; i < list.count; i++) mx_drop(list.at[i]);
    if (list.at != list.few) PyMem_Free(list.at);
    return ok ? Py_NewRef(Py_None) : NULL;
}

static PyObject *call_eval(py_args *in)
{
    return eval_with(in, py_eval_arrays);
}

static bool async_eval(mx_array *const *arrays, int count)
{
    for (int i = 0; i < count; i++) {
        if (!mx_is_tracer(arrays[i])) continue;
        PyErr_SetString(PyExc_ValueError, "[async_eval] Not allowed inside a function transformation.");
        return false;
    }
    return mx_async_eval_n(arrays, count) || py_raise_false();
}

static PyObject *call_async_eval(py_args *in)
{
    return eval_with(in, async_eval);
}

/* ---- Tracers */

mx_array **py_nodes_of(const py_leaves *leaves)
{
    mx_array **nodes = PyMem_Calloc((size_t)leaves->count + 1, sizeof *nodes);
    if (!nodes) return (void *)PyErr_NoMemory();
    for (Py_ssize_t i = 0; i < leaves->count; i++) nodes[i] = py_array_of(leaves->at[i]);
    return nodes;
}

bool py_leaves_add_nodes(py_leaves *leaves, mx_array *const *nodes, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *object = py_wrap_kept(nodes[i]);
        bool ok = object && py_leaves_add(leaves, object);
        Py_XDECREF(object);
        if (!ok) return false;
    }
    return true;
}

bool py_tracers_begin(py_tracers *t, const py_leaves *leaves, const int *axes)
{
    *t = (py_tracers){0};
    mx_array **in = py_nodes_of(leaves);
    t->nodes = PyMem_Calloc((size_t)leaves->count + 1, sizeof *t->nodes);
    if (!in || !t->nodes) {
        PyMem_Free(in);
        return PyErr_NoMemory(), false;
    }
    mx_scope scope = mx_scope_open();
    int n = (int)leaves->count;
    t->trace = axes ? mx_trace_begin_batched(in, axes, n, t->nodes) : mx_trace_begin(in, n, t->nodes);
    bool ok = t->trace && py_leaves_add_nodes(&t->objects, t->nodes, n);
    for (int i = 0; i < n; i++) t->nodes[i] = ok ? mx_keep(t->nodes[i]) : NULL;
    mx_scope_close(scope, NULL);
    PyMem_Free(in);
    return ok || py_raise_false();
}

void py_tracers_end(py_tracers *t)
{
    mx_trace_end(&t->trace);
    for (Py_ssize_t i = 0; t->nodes && i < t->objects.count; i++) mx_drop(t->nodes[i]);
    PyMem_Free(t->nodes);
    t->nodes = NULL;
    py_leaves_free(&t->objects);
}

PyObject *py_feed_next(void *ctx, PyObject *leaf)
{
    (void)leaf;
    py_feed *feed = ctx;
    if (feed->next < feed->from->count) return Py_NewRef(feed->from->at[feed->next++]);
    PyErr_SetString(PyExc_RuntimeError, "[tree_fill] The tree changed while it was walked.");
    return NULL;
}

/* ---- What a transform returns */

PyObject *py_transformed_new(PyObject *fun, transform_kind kind)
{
    PyTypeObject *type = py_the.transformed_type;
    py_transformed *f = PyObject_GC_New(py_transformed, type);
    if (!f) return NULL;
    f->fun = Py_NewRef(fun);
    f->kind = kind;
    f->argnums = NULL;
    f->argnum_count = 0;
    f->argnames = f->in_axes = f->out_axes = NULL;
    PyObject_GC_Track(f);
    return (PyObject *)f;
}

static int transformed_traverse(PyObject *self, visitproc visit, void *arg)
{
    py_transformed *f = (py_transformed *)self;
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(f->fun);
    Py_VISIT(f->argnames);
    Py_VISIT(f->in_axes);
    Py_VISIT(f->out_axes);
    return 0;
}

static int transformed_clear(PyObject *self)
{
    py_transformed *f = (py_transformed *)self;
    Py_CLEAR(f->fun);
    Py_CLEAR(f->argnames);
    Py_CLEAR(f->in_axes);
    Py_CLEAR(f->out_axes);
    return 0;
}

static void transformed_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    transformed_clear(self);
    PyMem_Free(((py_transformed *)self)->argnums);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyObject *transformed_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    py_transformed *f = (py_transformed *)self;
    if (mx_failed()) mx_error(); /* left by a caller who did not ask */
    if (f->kind == TRANSFORM_CHECKPOINT) return py_checkpoint_call(f, args, kwargs);
    if (f->kind == TRANSFORM_JACFWD || f->kind == TRANSFORM_JACREV) return py_jacobian_call(f, args, kwargs);
    return f->kind == TRANSFORM_VMAP ? py_vmap_call(f, args, kwargs) : py_grad_call(f, args, kwargs);
}

PyObject *py_getattr_of_function(PyObject *self, PyObject *fun, PyObject *name)
{
    static const char *const own[] = {"__class__", "__call__", "__repr__", "__str__", "__hash__", "__eq__", "__ne__"};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        if (PyUnicode_CompareWithASCIIString(name, own[i]) == 0) return PyObject_GenericGetAttr(self, name);
    }
    return PyObject_GetAttr(fun, name);
}

static PyObject *transformed_getattro(PyObject *self, PyObject *name)
{
    return py_getattr_of_function(self, ((py_transformed *)self)->fun, name);
}

static PyType_Slot transformed_slots[] = {
    {Py_tp_doc, "A function made by grad, value_and_grad, vmap, checkpoint or a Jacobian's function."},
    {Py_tp_call, transformed_call},
    {Py_tp_getattro, transformed_getattro},
    {Py_tp_traverse, transformed_traverse},
    {Py_tp_clear, transformed_clear},
    {Py_tp_dealloc, transformed_dealloc},
    {0, NULL},
};

static PyType_Spec transformed_spec = {
    .name = "mlx.core.TransformedFunction",
    .basicsize = sizeof(py_transformed),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = transformed_slots,
};

static const py_row rows[] = {
    {"eval", call_eval, "eval(*args) -> None",
     "Evaluates arrays and trees of arrays and waits for them; anything else is ignored."},
    {"async_eval", call_async_eval, "async_eval(*args) -> None",
     "Starts the evaluation of arrays and trees of arrays; reading one waits for it."},
    {0},
};

bool py_init_transforms(PyObject *module)
{
    py_the.transformed_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &transformed_spec, NULL);
    return py_the.transformed_type && py_add_functions(module, rows) && py_add_grad(module) && py_add_vmap(module) &&
           py_add_compile(module) && py_add_custom(module) && py_add_control(module) && py_add_jacobian(module);
}
