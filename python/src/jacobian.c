/* SPDX-License-Identifier: MIT
 *
 * jacfwd, jacrev, hessian and linearize. */
#include "custom.h"

/* ---- A call: the chosen arguments, their forms, and what the function made */
typedef struct jacobian_call {
    PyObject *mark, *args, *result, *aux; /* result: the form */
    py_leaves forms, leaves, out;
    py_tracers t;
} jacobian_call;

static void call_free(jacobian_call *c)
{
    py_tracers_end(&c->t);
    Py_XDECREF(c->mark);
    Py_XDECREF(c->args);
    Py_XDECREF(c->result);
    Py_XDECREF(c->aux);
    py_leaves_free(&c->forms);
    py_leaves_free(&c->leaves);
    py_leaves_free(&c->out);
}

static bool is_chosen(const py_transformed *f, Py_ssize_t i)
{
    for (Py_ssize_t k = 0; k < f->argnum_count; k++) {
        if (f->argnums[k] == i) return true;
    }
    return false;
}

static const char *name_of(const py_transformed *f)
{
    return f->kind == TRANSFORM_JACREV ? "jacrev" : "jacfwd";
}

static bool choose(const py_transformed *f, PyObject *args, jacobian_call *c)
{
    c->mark = PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    for (Py_ssize_t i = 0; c->mark && i < f->argnum_count; i++) {
        if (f->argnums[i] >= PyTuple_Size(args)) {
            PyErr_Format(PyExc_ValueError,
                         "[%s] No derivative by argument %zd: the function is called with %zd positional "
                         "arguments.",
                         name_of(f), f->argnums[i], PyTuple_Size(args));
            return false;
        }
        PyObject *tree = py_tree_flatten_arrays(PyTuple_GetItem(args, f->argnums[i]), &c->leaves);
        py_leaves again = {0};
        PyObject *form = tree ? py_tree_mark(tree, c->mark, &again) : NULL;
        bool ok = form && py_leaves_add(&c->forms, form);
        py_leaves_free(&again);
        Py_XDECREF(tree);
        Py_XDECREF(form);
        if (!ok) return false;
    }
    return c->mark != NULL;
}

/* Calls the function with tracers in the chosen arguments. */
static bool run(const py_transformed *f, PyObject *args, PyObject *kwargs, jacobian_call *c)
{
    if (!choose(f, args, c) || !py_tracers_begin(&c->t, &c->leaves, NULL)) return false;
    Py_ssize_t next = 0, given = PyTuple_Size(args), form = 0;
    if (!(c->args = PyTuple_New(given))) return false;
    for (Py_ssize_t i = 0; i < given; i++) {
        PyObject *arg = PyTuple_GetItem(args, i), *item;
        if (is_chosen(f, i)) {
            item = py_tree_unmark(c->forms.at[form++], c->mark, c->t.nodes, &next);
        } else {
            item = Py_NewRef(arg);
        }
        if (!item || PyTuple_SetItem(c->args, i, item) < 0) return false;
    }
    PyObject *result = PyObject_Call(f->fun, c->args, kwargs);
    if (f->has_aux && result) {
        if (!PyTuple_Check(result) || PyTuple_Size(result) != 2) {
            PyErr_Format(PyExc_ValueError, "[%s] With has_aux the function must return a pair.", name_of(f));
            return Py_DECREF(result), false;
        }
        c->aux = Py_NewRef(PyTuple_GetItem(result, 1));
        PyObject *first = Py_NewRef(PyTuple_GetItem(result, 0));
        Py_DECREF(result);
        result = first;
    }
    if (result) c->result = py_tree_mark(result, c->mark, &c->out);
    Py_XDECREF(result);
    if (c->result && !c->out.count) PyErr_Format(PyExc_ValueError, "[%s] The function must return arrays.", name_of(f));
    return c->result && c->out.count;
}

/* ---- The tree of trees */
typedef struct spreading {
    const py_transformed *f;
    const jacobian_call *c;
    mx_array *const *jac;
    Py_ssize_t next;
} spreading;

/* For an output: the tree of an argument, or a tuple of those of several. */
static PyObject *spread_leaf(void *ctx, PyObject *leaf)
{
    spreading *s = ctx;
    if (leaf != s->c->mark) return Py_NewRef(leaf);
    bool one = s->f->argnames == NULL;
    PyObject *all = PyTuple_New(s->c->forms.count);
    for (Py_ssize_t i = 0; all && i < s->c->forms.count; i++) {
        PyObject *tree = py_tree_unmark(s->c->forms.at[i], s->c->mark, s->jac, &s->next);
        if (!tree || PyTuple_SetItem(all, i, tree) < 0) Py_CLEAR(all);
    }
    if (!all || !one) return all;
    PyObject *only = Py_NewRef(PyTuple_GetItem(all, 0));
    Py_DECREF(all);
    return only;
}

PyObject *py_jacobian_call(py_transformed *f, PyObject *args, PyObject *kwargs)
{
    jacobian_call c = {0};
    PyObject *made = NULL;
    if (run(f, args, kwargs, &c)) {
        mx_array **out = py_nodes_of(&c.out);
        mx_array **jac = PyMem_Calloc((size_t)(c.out.count * c.leaves.count) + 1, sizeof *jac);
        mx_scope scope = mx_scope_open();
        spreading s = {f, &c, jac, 0};
        if (out && jac && mx_trace_jacobian(c.t.trace, out, (int)c.out.count, f->kind == TRANSFORM_JACREV, jac))
            made = py_tree_map(c.result, spread_leaf, &s);
        mx_scope_close(scope, NULL);
        if (!made) py_raise();
        PyMem_Free(out);
        PyMem_Free(jac);
    }
    if (made && f->has_aux) {
        PyObject *pair = PyTuple_Pack(2, made, c.aux);
        Py_DECREF(made);
        made = pair;
    }
    call_free(&c);
    return made;
}

/* ---- Making the functions */
/* argnums: an int, which gives bare derivatives, or a sequence of ints, which gives tuples (argnames is set then). */
static bool set_argnums(py_transformed *f, py_args *in, PyObject *argnums)
{
    bool one = PyIndex_Check(argnums);
    if (!one && !PyList_Check(argnums) && !PyTuple_Check(argnums)) return py_incompatible(in) != NULL;
    PyObject *list = one ? PyTuple_Pack(1, argnums) : PySequence_Tuple(argnums);
    if (!list) return false;
    f->argnum_count = PyTuple_Size(list);
    f->argnums = PyMem_Calloc((size_t)f->argnum_count + 1, sizeof *f->argnums);
    bool ok = f->argnums || PyErr_NoMemory();
    for (Py_ssize_t i = 0; ok && i < f->argnum_count; i++) {
        PyObject *item = PyTuple_GetItem(list, i);
        ok = PyIndex_Check(item) || py_incompatible(in);
        f->argnums[i] = ok ? PyNumber_AsSsize_t(item, PyExc_ValueError) : 0;
        ok = ok && !PyErr_Occurred();
        if (ok && (f->argnums[i] < 0 || (i && f->argnums[i] <= f->argnums[i - 1]))) {
            PyErr_Format(PyExc_ValueError, "[%s] argnums must be positions in rising order.", name_of(f));
            ok = false;
        }
    }
    if (ok && f->argnum_count == 0) {
        PyErr_Format(PyExc_ValueError, "[%s] No argument to differentiate by is given.", name_of(f));
        ok = false;
    }
    if (!one && ok) f->argnames = Py_NewRef(list);
    Py_DECREF(list);
    return ok;
}

static PyObject *make_jacobian(py_args *in, PyObject *fun, transform_kind kind)
{
    if (!PyCallable_Check(fun)) return py_incompatible(in);
    py_transformed *f = (py_transformed *)py_transformed_new(fun, kind);
    if (f && (!set_argnums(f, in, in->at[1]) || !py_arg_bool(in, 2, &f->has_aux))) Py_CLEAR(f);
    return (PyObject *)f;
}

static PyObject *call_jacrev(py_args *in)
{
    return make_jacobian(in, in->at[0], TRANSFORM_JACREV);
}

static PyObject *call_jacfwd(py_args *in)
{
    return make_jacobian(in, in->at[0], TRANSFORM_JACFWD);
}

static PyObject *call_hessian(py_args *in)
{
    PyObject *first = make_jacobian(in, in->at[0], TRANSFORM_JACREV);
    PyObject *second = first ? make_jacobian(in, first, TRANSFORM_JACFWD) : NULL;
    Py_XDECREF(first);
    return second;
}

/* ---- linearize: a callable that keeps the program */
typedef struct linear_part {
    PyObject_HEAD PyObject *mark, *args, *result; /* forms */
    Py_ssize_t nin, nout;
    mx_program *program;
} linear_part;

static PyObject *linear_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    linear_part *l = (linear_part *)self;
    if (mx_failed()) mx_error();
    if (!py_no_keywords("linearize", kwargs)) return NULL;
    Py_ssize_t next = 0, at = 0;
    mx_array **in = PyMem_Calloc((size_t)(l->nin + l->nout) + 1, sizeof *in), **out = in + l->nin;
    if (!in) return PyErr_NoMemory();
    mx_scope scope = mx_scope_open();
    bool ok = py_tree_match(l->args, l->mark, args, "linearize", "tangents", in, &next);
    for (Py_ssize_t i = 0; ok && i < l->nin; i++) {
        if (in[i]) continue;
        PyErr_SetString(PyExc_ValueError, "[linearize] The tangents must be arrays.");
        ok = false;
    }
    ok = ok && mx_program_run(l->program, in, (int)l->nin, out, (int)l->nout);
    PyObject *result = ok ? py_tree_unmark(l->result, l->mark, out, &at) : NULL;
    mx_scope_close(scope, NULL);
    PyMem_Free(in);
    return result ? result : py_raise();
}

static int linear_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((linear_part *)self)->args);
    Py_VISIT(((linear_part *)self)->result);
    return 0;
}

static int linear_clear(PyObject *self)
{
    Py_CLEAR(((linear_part *)self)->args);
    Py_CLEAR(((linear_part *)self)->result);
    return 0;
}

static void linear_dealloc(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    linear_clear(self);
    Py_XDECREF(((linear_part *)self)->mark);
    mx_program_drop(((linear_part *)self)->program);
    PyObject_GC_Del(self);
    Py_DECREF(type);
}

static PyType_Slot linear_slots[] = {
    {Py_tp_doc, "The linear part of a function at a point, made by linearize: takes tangents of its arguments."},
    {Py_tp_call, linear_call},
    {Py_tp_traverse, linear_traverse},
    {Py_tp_clear, linear_clear},
    {Py_tp_dealloc, linear_dealloc},
    {0, NULL},
};

static PyType_Spec linear_spec = {
    .name = "mlx.core.LinearPart",
    .basicsize = sizeof(linear_part),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = linear_slots,
};

/* Takes the program. */
static PyObject *linear_new(jacobian_call *c, PyObject *form, mx_program *p)
{
    linear_part *l = PyObject_GC_New(linear_part, py_the.linear_type);
    if (!l) return mx_program_drop(p), NULL;
    l->mark = Py_NewRef(c->mark);
    l->args = Py_NewRef(form);
    l->result = Py_NewRef(c->result);
    l->nin = c->leaves.count;
    l->nout = c->out.count;
    l->program = p;
    PyObject_GC_Track(l);
    return (PyObject *)l;
}

static PyObject *call_linearize(py_args *in)
{
    if (!PyCallable_Check(in->at[0])) return py_incompatible(in);
    jacobian_call c = {0};
    Py_ssize_t next = 0, at = 0;
    PyObject *given = PyTuple_New(in->rest_count), *form = NULL, *result = NULL, *values = NULL, *linear = NULL;
    for (Py_ssize_t i = 0; given && i < in->rest_count; i++) PyTuple_SetItem(given, i, Py_NewRef(in->rest[i]));
    PyObject *arrays = given ? py_tree_flatten_arrays(given, &c.leaves) : NULL;
    py_leaves again = {0};
    c.mark = arrays ? PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type) : NULL;
    form = c.mark ? py_tree_mark(arrays, c.mark, &again) : NULL;
    if (form && py_tracers_begin(&c.t, &c.leaves, NULL)) {
        c.args = py_tree_unmark(form, c.mark, c.t.nodes, &next);
        result = c.args ? PyObject_Call(in->at[0], c.args, NULL) : NULL;
        c.result = result ? py_tree_mark(result, c.mark, &c.out) : NULL;
        mx_array **out = c.result ? py_nodes_of(&c.out) : NULL;
        mx_program *p = out ? mx_trace_linearize(c.t.trace, out, (int)c.out.count) : NULL;
        if (p && (linear = linear_new(&c, form, p))) values = py_tree_unmark(c.result, c.mark, out, &at);
        PyMem_Free(out);
    }
    PyObject *both = values ? PyTuple_Pack(2, values, linear) : NULL;
    if (!both) py_raise();
    py_leaves_free(&again);
    Py_XDECREF(given);
    Py_XDECREF(arrays);
    Py_XDECREF(form);
    Py_XDECREF(result);
    Py_XDECREF(values);
    Py_XDECREF(linear);
    call_free(&c);
    return both;
}

#define JACOBIAN_ARGUMENTS "(fun: Callable, argnums: Union[int, Sequence[int]] = 0, has_aux: bool = False) -> Callable"
#define JACOBIAN_TEXT                                                                                                   \
    "\n\nParameters\n----------\nargnums : position of the argument to differentiate by, a tree of real floating "      \
    "arrays; several positions give a tuple of derivatives\nhas_aux : the function returns a pair, whose second item "  \
    "is handed out beside the derivative of the first\n\nThe result has the tree of the outputs, and in it, for each "  \
    "of them, the tree of the argument: arrays of the output's shape and then the input's. Not in MLX; the meaning is " \
    "JAX's."
static const py_row rows[] = {
    {"jacfwd", call_jacfwd, "jacfwd" JACOBIAN_ARGUMENTS,
     "A function that computes the Jacobian of ``fun`` by forward mode: good for few inputs and many outputs." JACOBIAN_TEXT},
    {"jacrev", call_jacrev, "jacrev" JACOBIAN_ARGUMENTS,
     "A function that computes the Jacobian of ``fun`` by reverse mode: good for many inputs and few outputs." JACOBIAN_TEXT},
    {"hessian", call_hessian, "hessian" JACOBIAN_ARGUMENTS,
     "A function that computes the second derivatives of ``fun``: ``jacfwd(jacrev(fun))``." JACOBIAN_TEXT},
    {"linearize", call_linearize, "linearize(fun: Callable, *primals) -> tuple[object, Callable]",
     "The outputs of ``fun`` at ``primals``, and a function that takes tangents of these to tangents of the outputs. What "
     "depends on ``primals`` only is computed once. Not in MLX; the meaning is JAX's."},
    {0},
};

bool py_add_jacobian(PyObject *module)
{
    py_the.linear_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &linear_spec, NULL);
    return py_the.linear_type && py_add_functions(module, rows);
}
