/* SPDX-License-Identifier: MIT
 *
 * scan, while_loop and cond.  The functions are called once, on placeholders in the form of the arguments; what they
 * return gives the form of the results, and the library keeps what they did as programs. */
#include "custom.h"

/* Arrays of a tree, its form, and the mark in it. */
typedef struct formed {
    PyObject *form, *mark;
    py_leaves leaves;
    mx_array **nodes;
} formed;

static void formed_free(formed *f)
{
    Py_XDECREF(f->form);
    Py_XDECREF(f->mark);
    py_leaves_free(&f->leaves);
    PyMem_Free(f->nodes);
}

/* Numbers become arrays; anything else but arrays is refused. */
static PyObject *array_for_leaf(void *op, PyObject *leaf)
{
    if (py_is_array(leaf)) return Py_NewRef(leaf);
    if (leaf != Py_None && py_is_operand(leaf)) {
        mx_array *x = py_to_array(leaf);
        return x ? py_wrap_kept(x) : py_raise();
    }
    PyObject *name = py_type_name(leaf);
    if (name) PyErr_Format(PyExc_ValueError, "[%s] The arguments must be trees of arrays, but hold a %U.", op, name);
    Py_XDECREF(name);
    return NULL;
}

static bool form_tree(const char *op, PyObject *tree, PyObject *mark, formed *f)
{
    f->mark = mark ? Py_NewRef(mark) : PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    PyObject *arrays = f->mark ? py_tree_map(tree, array_for_leaf, (void *)op) : NULL;
    f->form = arrays ? py_tree_mark(arrays, f->mark, &f->leaves) : NULL;
    Py_XDECREF(arrays);
    return f->form && (f->nodes = py_nodes_of(&f->leaves));
}

/* What a captured function made. */
static bool form_result(const char *op, PyObject *result, PyObject *mark, formed *f)
{
    return form_tree(op, result, mark, f);
}

/* The nodes of a result that must have a form; None is not allowed. */
static bool match_result(const char *op, const char *what, const formed *want, PyObject *given, mx_array **nodes)
{
    Py_ssize_t next = 0;
    PyObject *arrays = py_tree_map(given, array_for_leaf, (void *)op);
    bool ok = arrays && py_tree_match(want->form, want->mark, arrays, op, what, nodes, &next);
    Py_XDECREF(arrays);
    return ok;
}

static PyObject *call_on(PyObject *fun, const formed *args, mx_array *const *traced)
{
    Py_ssize_t next = 0;
    PyObject *tuple = py_tree_unmark(args->form, args->mark, traced, &next);
    PyObject *result = tuple ? PyObject_Call(fun, tuple, NULL) : NULL;
    Py_XDECREF(tuple);
    return result;
}

/* A function of the arguments as a program.  Its result has the form `want`, or gets one in `made`. */
static mx_program *capture(const char *op, const char *what, PyObject *fun, const formed *args, const formed *want,
                           formed *made)
{
    Py_ssize_t n = args->leaves.count, room = (n > 0 ? n : 1) + (want ? want->leaves.count : 0);
    mx_array **traced = PyMem_Calloc((size_t)room + 1, sizeof *traced), **out = traced + n;
    mx_program *p = NULL;
    if (!traced) return (void *)PyErr_NoMemory();
    mx_scope scope = mx_scope_open();
    mx_trace *t = mx_trace_begin_captured(args->nodes, (int)n, false, traced);
    PyObject *result = t ? call_on(fun, args, traced) : NULL;
    if (result && want) {
        if (match_result(op, what, want, result, out)) p = mx_trace_program(t, out, (int)want->leaves.count);
    } else if (result && form_result(op, result, NULL, made)) {
        p = mx_trace_program(t, made->nodes, (int)made->leaves.count);
    }
    Py_XDECREF(result);
    mx_trace_end(&t);
    mx_scope_close(scope, NULL);
    PyMem_Free(traced);
    if (!p) py_raise();
    return p;
}

/* ---- while_loop */

static PyObject *call_while_loop(py_args *in)
{
    if (!PyCallable_Check(in->at[0]) || !PyCallable_Check(in->at[1])) return py_incompatible(in);
    formed args = {0}, yes = {0};
    PyObject *tuple = PyTuple_Pack(1, in->at[2]), *result = NULL;
    mx_program *cond = NULL, *body = NULL;
    mx_array **out = NULL;
    Py_ssize_t next = 0;
    bool ok = tuple && form_tree("while_loop", tuple, NULL, &args) &&
              (cond = capture("while_loop", "condition", in->at[0], &args, NULL, &yes));
    if (ok) {
        PyObject *only = PyTuple_GetItem(args.form, 0);
        formed want = {.form = only, .mark = args.mark, .leaves = args.leaves};
        ok = (body = capture("while_loop", "values", in->at[1], &args, &want, NULL)) &&
             (out = PyMem_Calloc((size_t)args.leaves.count + 1, sizeof *out));
        ok = ok && mx_while_program(cond, body, args.nodes, (int)args.leaves.count, out);
        if (ok) result = py_tree_unmark(only, args.mark, out, &next);
    }
    if (!result) py_raise();
    mx_program_drop(cond);
    mx_program_drop(body);
    formed_free(&args);
    formed_free(&yes);
    PyMem_Free(out);
    Py_XDECREF(tuple);
    return result;
}

/* ---- cond */

static PyObject *call_cond(py_args *in)
{
    if (!PyCallable_Check(in->at[1]) || !PyCallable_Check(in->at[2])) return py_incompatible(in);
    formed args = {0}, made = {0};
    PyObject *tuple = PyTuple_New(in->rest_count), *result = NULL;
    mx_program *yes = NULL, *no = NULL;
    mx_array **out = NULL, *predicate = py_arg_operand(in, 0);
    Py_ssize_t next = 0;
    for (Py_ssize_t i = 0; tuple && i < in->rest_count; i++) PyTuple_SetItem(tuple, i, Py_NewRef(in->rest[i]));
    bool ok = predicate && tuple && form_tree("cond", tuple, NULL, &args) &&
              (yes = capture("cond", "results", in->at[1], &args, NULL, &made)) &&
              (no = capture("cond", "results", in->at[2], &args, &made, NULL)) &&
              (out = PyMem_Calloc((size_t)made.leaves.count + 1, sizeof *out));
    ok = ok && mx_cond_program(predicate, yes, no, args.nodes, (int)args.leaves.count, out);
    if (ok) result = py_tree_unmark(made.form, made.mark, out, &next);
    if (!result) py_raise();
    mx_program_drop(yes);
    mx_program_drop(no);
    formed_free(&args);
    formed_free(&made);
    PyMem_Free(out);
    Py_XDECREF(tuple);
    return result;
}

/* ---- scan */

typedef struct scan_call {
    formed init, xs, ys;
    mx_program *body;
} scan_call;

static void scan_free(scan_call *s)
{
    formed_free(&s->init);
    formed_free(&s->xs);
    formed_free(&s->ys);
    mx_program_drop(s->body);
}

/* The pair that the body returned, as nodes: those of the carry, then those of y. */
static bool read_pair(scan_call *s, PyObject *pair, mx_array ***nodes)
{
    bool is_pair = (PyTuple_Check(pair) || PyList_Check(pair)) && PySequence_Size(pair) == 2;
    if (!is_pair) {
        PyErr_SetString(PyExc_ValueError, "[scan] The function must return a pair: the carry and what the step gives.");
        return false;
    }
    PyObject *carry = PySequence_GetItem(pair, 0), *y = carry ? PySequence_GetItem(pair, 1) : NULL;
    Py_ssize_t n = s->init.leaves.count;
    bool none = y == Py_None;
    PyObject *tree = none ? PyTuple_New(0) : Py_XNewRef(y);
    bool ok = tree && form_tree("scan", tree, s->init.mark, &s->ys);
    if (ok && none) {
        Py_DECREF(s->ys.form);
        s->ys.form = Py_NewRef(Py_None);
    }
    *nodes = ok ? PyMem_Calloc((size_t)(n + s->ys.leaves.count) + 1, sizeof **nodes) : NULL;
    ok = *nodes && match_result("scan", "carries", &s->init, carry, *nodes);
    for (Py_ssize_t i = 0; ok && i < s->ys.leaves.count; i++) (*nodes)[n + i] = s->ys.nodes[i];
    Py_XDECREF(carry);
    Py_XDECREF(y);
    Py_XDECREF(tree);
    return ok;
}

static bool capture_body(scan_call *s, PyObject *fun, bool no_xs)
{
    int ncarry = (int)s->init.leaves.count, nxs = (int)s->xs.leaves.count;
    mx_array **traced = PyMem_Calloc((size_t)(ncarry + nxs) + 1, sizeof *traced), **nodes = NULL;
    if (!traced) return PyErr_NoMemory() != NULL;
    mx_scope scope = mx_scope_open();
    mx_trace *t = mx_scan_begin(s->init.nodes, ncarry, s->xs.nodes, nxs, traced);
    Py_ssize_t next = 0;
    PyObject *carry = t ? py_tree_unmark(s->init.form, s->init.mark, traced, &next) : NULL;
    PyObject *x = !carry ? NULL : no_xs ? Py_NewRef(Py_None) : py_tree_unmark(s->xs.form, s->xs.mark, traced, &next);
    PyObject *pair = x ? PyObject_CallFunctionObjArgs(fun, carry, x, NULL) : NULL;
    if (pair && read_pair(s, pair, &nodes)) s->body = mx_trace_program(t, nodes, ncarry + (int)s->ys.leaves.count);
    Py_XDECREF(carry);
    Py_XDECREF(x);
    Py_XDECREF(pair);
    mx_trace_end(&t);
    mx_scope_close(scope, NULL);
    PyMem_Free(traced);
    PyMem_Free(nodes);
    return s->body || py_raise_false();
}

static PyObject *run_scan(scan_call *s, int64_t length, bool reverse)
{
    int ncarry = (int)s->init.leaves.count, nys = (int)s->ys.leaves.count;
    mx_array **out = PyMem_Calloc((size_t)(ncarry + nys) + 1, sizeof *out);
    if (!out) return PyErr_NoMemory();
    Py_ssize_t next = 0;
    PyObject *result = NULL;
    if (mx_scan_program(s->body, s->init.nodes, ncarry, s->xs.nodes, (int)s->xs.leaves.count, length, reverse, out)) {
        PyObject *carry = py_tree_unmark(s->init.form, s->init.mark, out, &next);
        PyObject *ys = carry ? py_tree_unmark(s->ys.form, s->ys.mark, out, &next) : NULL;
        result = ys ? PyTuple_Pack(2, carry, ys) : NULL;
        Py_XDECREF(carry);
        Py_XDECREF(ys);
    }
    PyMem_Free(out);
    return result ? result : py_raise();
}

static PyObject *call_scan(py_args *in)
{
    if (!PyCallable_Check(in->at[0])) return py_incompatible(in);
    int64_t length = -1;
    bool reverse = false, no_xs = py_arg_is_none(in, 2);
    scan_call s = {0};
    PyObject *empty = PyTuple_New(0), *result = NULL;
    bool ok = empty && py_arg_int64(in, 3, &length) && py_arg_bool(in, 4, &reverse);
    if (ok && !py_arg_is_none(in, 3) && length < 0) {
        PyErr_Format(PyExc_ValueError, "[scan] The length is negative: %lld.", (long long)length);
        ok = false;
    }
    ok = ok && form_tree("scan", in->at[1], NULL, &s.init) &&
         form_tree("scan", no_xs ? empty : in->at[2], s.init.mark, &s.xs) && capture_body(&s, in->at[0], no_xs);
    if (ok) result = run_scan(&s, length, reverse);
    if (!result) py_raise();
    scan_free(&s);
    Py_XDECREF(empty);
    return result;
}

#define CONTROL_NOTE                                                                                                    \
    "\n\nThe function is called once, on placeholders: what it does is kept and run when the result is needed. It can " \
    "use arrays from elsewhere, which derivatives, ``vmap`` and ``compile`` see. Random numbers without a key are the " \
    "same at each step. Not in MLX; the meaning is JAX's."
static const py_row rows[] = {
    {"scan", call_scan,
     "scan(f: Callable, init: object, xs: object = None, length: Union[None, int] = None, reverse: bool = False) -> tuple",
     "A loop that carries a value along: ``carry, y = f(carry, x)`` for each ``x`` along the first axis of ``xs``.\n\n"
     "Parameters\n----------\nf : returns the next carry, of the shapes and dtypes of ``init``, and what the step gives "
     "(or None)\ninit : a tree of arrays or numbers\nxs : a tree of arrays that are as long, or None\n"
     "length : the number of steps, if there are no ``xs``\nreverse : from the last to the first\n\n"
     "Returns\n-------\nThe last carry, and the ``y`` of all steps stacked along a new first axis.\n\n"
     "Differentiable both ways; reverse mode keeps one carry a step and runs the steps again." CONTROL_NOTE},
    {"while_loop", call_while_loop, "while_loop(cond_fun: Callable, body_fun: Callable, init_val: object) -> object",
     "``val = body_fun(val)`` as long as ``cond_fun(val)``, a scalar, is true.\n\nForward mode only; under ``vmap`` it "
     "runs until all are done." CONTROL_NOTE},
    {"cond", call_cond,
     "cond(pred: Union[scalar, array], true_fun: Callable, false_fun: Callable, *operands) -> object",
     "``true_fun(*operands)`` if the scalar ``pred`` is true, else ``false_fun(*operands)``; only that one runs. Both "
     "return trees of one form, shapes and dtypes.\n\nUnder ``vmap`` of ``pred`` both run." CONTROL_NOTE},
    {0},
};

bool py_add_control(PyObject *module)
{
    return py_add_functions(module, rows);
}
