/* SPDX-License-Identifier: MIT
 *
 * grad, value_and_grad, vjp and jvp.
 *
 * A call flattens the chosen arguments, begins a trace over their arrays, puts tracers in the place of the arrays
 * (lists and dicts are filled in place, so that a function which finds its parameters through a closure sees the
 * tracers), calls the function, puts the arrays back and asks the trace for the products.  What the function put into a
 * container itself stays there. */
#include "transforms.h"

#include <stdlib.h>
#include <string.h>

static const char *name_of(const py_transformed *f)
{
    return f->kind == TRANSFORM_GRAD ? "grad" : "value_and_grad";
}

/* ---- The arguments to differentiate by */

typedef struct chosen {
    PyObject *args, *kwargs; /* copies, in which trees are replaced by filled ones */
    py_leaves leaves;        /* the arrays of all chosen arguments */
    py_leaves shapes;        /* a copy of each chosen tree, to be filled with gradients */
    py_leaves trees;         /* the chosen trees themselves */
} chosen;

static void chosen_free(chosen *c)
{
    Py_CLEAR(c->args);
    Py_CLEAR(c->kwargs);
    py_leaves_free(&c->leaves);
    py_leaves_free(&c->shapes);
    py_leaves_free(&c->trees);
}

static bool check_positions(const py_transformed *f, PyObject *args)
{
    Py_ssize_t given = PyTuple_Size(args);
    for (Py_ssize_t i = 0; i < f->argnum_count; i++) {
        if (f->argnums[i] < given) continue;
        PyErr_Format(PyExc_ValueError,
                     "[%s] No gradient by argument %zd: the function is called with %zd positional arguments.",
                     name_of(f), f->argnums[i], given);
        return false;
    }
    return true;
}

static PyObject *named_argument(const py_transformed *f, PyObject *kwargs, PyObject *name)
{
    PyObject *value = kwargs ? PyDict_GetItemWithError(kwargs, name) : NULL;
    if (!value && !PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "[%s] No gradient by keyword argument '%U': the function is called without it.",
                     name_of(f), name);
    }
    return value;
}

static bool flatten_tree(chosen *c, PyObject *tree)
{
    PyObject *shape = py_tree_flatten_arrays(tree, &c->leaves);
    bool ok = shape && py_leaves_add(&c->shapes, shape) && py_leaves_add(&c->trees, tree);
    Py_XDECREF(shape);
    return ok;
}

static bool choose(const py_transformed *f, PyObject *args, PyObject *kwargs, chosen *c)
{
    if (!check_positions(f, args)) return false;
    for (Py_ssize_t i = 0; i < f->argnum_count; i++) {
        if (!flatten_tree(c, PyTuple_GetItem(args, f->argnums[i]))) return false;
    }
    for (Py_ssize_t i = 0, n = f->argnames ? PyTuple_Size(f->argnames) : 0; i < n; i++) {
        PyObject *tree = named_argument(f, kwargs, PyTuple_GetItem(f->argnames, i));
        if (!tree || !flatten_tree(c, tree)) return false;
    }
    if (c->leaves.count) return true;
    PyErr_Format(PyExc_ValueError, "[%s] There is no array among the arguments to differentiate by.", name_of(f));
    return false;
}

/* Makes the arguments of the call, with the tracers in them. */
static bool fill(const py_transformed *f, PyObject *args, PyObject *kwargs, chosen *c, const py_tracers *t)
{
    py_feed feed = {&t->objects, 0};
    Py_ssize_t given = PyTuple_Size(args), next = 0;
    c->args = PyTuple_New(given);
    c->kwargs = kwargs ? PyDict_Copy(kwargs) : NULL;
    if (!c->args || (kwargs && !c->kwargs)) return false;
    for (Py_ssize_t i = 0; i < given; i++) {
        bool is_chosen = next < f->argnum_count && f->argnums[next] == i; /* argnums are sorted */
        next += is_chosen;
        PyObject *arg = PyTuple_GetItem(args, i),
                 *item = is_chosen ? py_tree_fill(arg, py_feed_next, &feed) : Py_NewRef(arg);
        if (!item || PyTuple_SetItem(c->args, i, item) < 0) return false;
    }
    for (Py_ssize_t i = 0, n = f->argnames ? PyTuple_Size(f->argnames) : 0; i < n; i++) {
        PyObject *item = py_tree_fill(c->trees.at[f->argnum_count + i], py_feed_next, &feed);
        bool ok = item && PyDict_SetItem(c->kwargs, PyTuple_GetItem(f->argnames, i), item) == 0;
        Py_XDECREF(item);
        if (!ok) return false;
    }
    return true;
}

/* ---- Putting the arrays back */

typedef struct restore {
    const py_tracers *tracers;
    const py_leaves *originals;
    Py_ssize_t hint; /* leaves mostly come in the order in which they were filled */
} restore;

static PyObject *restore_leaf(void *ctx, PyObject *leaf)
{
    restore *r = ctx;
    Py_ssize_t n = r->tracers->objects.count;
    for (Py_ssize_t k = 0; py_is_array(leaf) && k < n; k++) {
        Py_ssize_t i = (r->hint + k) % n;
        if (r->tracers->objects.at[i] != leaf) continue;
        r->hint = i + 1;
        /* A tracer that the function assigned to (x += 1) holds the function's own value. */
        bool is_untouched = py_array_of(leaf) == r->tracers->nodes[i];
        return Py_NewRef(is_untouched ? r->originals->at[i] : leaf);
    }
    return Py_NewRef(leaf);
}

/* Walks the trees as they were given: what was filled in place hangs on them, also if filling stopped half way. */
static void restore_arguments(const chosen *c, const py_tracers *t)
{
    PyObject *type, *value, *traceback;
    restore r = {t, &c->leaves, 0};
    PyErr_Fetch(&type, &value, &traceback);
    for (Py_ssize_t i = 0; i < c->trees.count; i++) {
        PyObject *tree = py_tree_fill(c->trees.at[i], restore_leaf, &r);
        if (!tree) PyErr_WriteUnraisable(c->trees.at[i]);
        Py_XDECREF(tree);
    }
    PyErr_Restore(type, value, traceback);
}

/* ---- The call */

static bool is_one_value(const py_transformed *f, PyObject *result)
{
    if (py_is_array(result)) return true;
    bool tuple_allowed = f->kind == TRANSFORM_VALUE_AND_GRAD;
    if (tuple_allowed && PyTuple_Check(result) && PyTuple_Size(result) > 0 && py_is_array(PyTuple_GetItem(result, 0))) {
        return true;
    }
    PyObject *name = PyType_GetName(Py_TYPE(result));
    if (name) {
        PyErr_Format(PyExc_ValueError, "[%s] The function must return a scalar array%s, but it returned a %U.",
                     name_of(f), tuple_allowed ? " or a tuple whose first item is one" : "", name);
    }
    Py_XDECREF(name);
    return false;
}

static mx_array *value_of(const py_transformed *f, PyObject *result)
{
    if (!is_one_value(f, result)) return NULL;
    mx_array *value = py_array_of(PyTuple_Check(result) ? PyTuple_GetItem(result, 0) : result);
    if (mx_ndim(value) == 0) return value;
    PyObject *shape = py_shape_tuple(value);
    if (shape) {
        PyErr_Format(PyExc_ValueError, "[%s] The function must return a scalar, but its result has the shape %S.",
                     name_of(f), shape);
    }
    Py_XDECREF(shape);
    return NULL;
}

/* The gradients of all leaves, as objects. */
static bool differentiate(py_tracers *t, mx_array *value, py_leaves *grads)
{
    Py_ssize_t n = t->objects.count;
    mx_array **din = PyMem_Calloc((size_t)n, sizeof *din);
    if (!din) return PyErr_NoMemory(), false;
    mx_scope scope = mx_scope_open();
    mx_array *dout = mx_scalar(1, mx_dtype_of(value));
    bool ok = dout && mx_trace_vjp(t->trace, &value, &dout, 1, din) && py_leaves_add_nodes(grads, din, n);
    mx_scope_close(scope, NULL);
    PyMem_Free(din);
    return ok || py_raise_false();
}

/* The gradients in the trees of their arguments: one tree, a tuple of trees, or (positional, {name: tree}). */
static PyObject *arrange(const py_transformed *f, const chosen *c, const py_leaves *grads)
{
    py_feed feed = {grads, 0};
    PyObject *positional = PyTuple_New(f->argnum_count), *named = f->argnames ? PyDict_New() : NULL, *out = NULL;
    bool ok = positional && (named || !f->argnames);
    for (Py_ssize_t i = 0; ok && i < f->argnum_count; i++) {
        PyObject *tree = py_tree_fill(c->shapes.at[i], py_feed_next, &feed);
        ok = tree && PyTuple_SetItem(positional, i, tree) == 0;
    }
    for (Py_ssize_t i = 0; ok && named && i < PyTuple_Size(f->argnames); i++) {
        PyObject *tree = py_tree_fill(c->shapes.at[f->argnum_count + i], py_feed_next, &feed);
        ok = tree && PyDict_SetItem(named, PyTuple_GetItem(f->argnames, i), tree) == 0;
        Py_XDECREF(tree);
    }
    if (ok) {
        PyObject *first = f->argnum_count == 0   ? Py_None
                          : f->argnum_count == 1 ? PyTuple_GetItem(positional, 0)
                                                 : positional;
        out = named ? PyTuple_Pack(2, first, named) : Py_NewRef(first);
    }
    Py_XDECREF(positional);
    Py_XDECREF(named);
    return out;
}

PyObject *py_grad_call(py_transformed *f, PyObject *args, PyObject *kwargs)
{
    chosen c = {0};
    py_tracers t = {0};
    py_leaves grads = {0};
    PyObject *result = NULL, *arranged = NULL;
    if (!choose(f, args, kwargs, &c) || !py_tracers_begin(&t, &c.leaves, NULL)) goto done;
    if (fill(f, args, kwargs, &c, &t)) result = PyObject_Call(f->fun, c.args, c.kwargs);
    restore_arguments(&c, &t);
    mx_array *value = result ? value_of(f, result) : NULL;
    if (value && differentiate(&t, value, &grads)) arranged = arrange(f, &c, &grads);
done:
    py_tracers_end(&t);
    py_leaves_free(&grads);
    chosen_free(&c);
    if (arranged && f->kind == TRANSFORM_VALUE_AND_GRAD) {
        PyObject *both = PyTuple_Pack(2, result, arranged);
        Py_DECREF(arranged);
        arranged = both;
    }
    Py_XDECREF(result);
    return arranged;
}

/* ---- Making the function */

static int by_value(const void *a, const void *b)
{
    Py_ssize_t x = *(const Py_ssize_t *)a, y = *(const Py_ssize_t *)b;
    return (x > y) - (x < y);
}

/* argnums: an int, a sequence of ints, or None, which is 0 unless there are names. */
static bool set_argnums(py_transformed *f, py_args *in, PyObject *argnums)
{
    PyObject *list = NULL;
    bool ok = false;
    if (argnums == Py_None) {
        list = PyList_New(0);
        PyObject *zero = PyLong_FromLong(0);
        if (list && zero && !f->argnames && PyList_Append(list, zero) < 0) Py_CLEAR(list);
        Py_XDECREF(zero);
    } else if (PyIndex_Check(argnums)) {
        list = PyList_New(0);
        if (list && PyList_Append(list, argnums) < 0) Py_CLEAR(list);
    } else if (PyUnicode_Check(argnums) || !PySequence_Check(argnums)) {
        py_incompatible(in);
    } else {
        list = PySequence_List(argnums);
    }
    if (!list) return false;
    f->argnum_count = PyList_Size(list);
    f->argnums = PyMem_Calloc((size_t)f->argnum_count + 1, sizeof *f->argnums);
    if (!f->argnums) PyErr_NoMemory();
    ok = f->argnums != NULL;
    for (Py_ssize_t i = 0; ok && i < f->argnum_count; i++) {
        PyObject *item = PyList_GetItem(list, i);
        ok = PyIndex_Check(item) || py_incompatible(in);
        f->argnums[i] = ok ? PyNumber_AsSsize_t(item, PyExc_ValueError) : 0;
        ok = ok && !PyErr_Occurred();
    }
    Py_DECREF(list);
    if (ok) qsort(f->argnums, (size_t)f->argnum_count, sizeof *f->argnums, by_value);
    return ok;
}

static bool check_argnums(const py_transformed *f)
{
    for (Py_ssize_t i = 0; i < f->argnum_count; i++) {
        if (f->argnums[i] < 0) {
            PyErr_Format(PyExc_ValueError, "[%s] The argument index %zd is negative.", name_of(f), f->argnums[i]);
            return false;
        }
        if (i > 0 && f->argnums[i] == f->argnums[i - 1]) {
            PyErr_Format(PyExc_ValueError, "[%s] The argument index %zd is given twice.", name_of(f), f->argnums[i]);
            return false;
        }
    }
    if (f->argnum_count || f->argnames) return true;
    PyErr_Format(PyExc_ValueError, "[%s] No argument to differentiate by is given.", name_of(f));
    return false;
}

/* argnames: a name or a sequence of names; duplicates count once. */
static bool set_argnames(py_transformed *f, py_args *in, PyObject *argnames)
{
    PyObject *names = NULL;
    if (PyUnicode_Check(argnames)) {
        names = PyTuple_Pack(1, argnames);
    } else if (PySequence_Check(argnames)) {
        PyObject *unique = PyDict_New(), *list = PySequence_List(argnames);
        bool ok = unique && list;
        for (Py_ssize_t i = 0; ok && i < PyList_Size(list); i++) {
            PyObject *name = PyList_GetItem(list, i);
            ok = PyUnicode_Check(name) ? PyDict_SetItem(unique, name, Py_None) == 0 : py_incompatible(in) != NULL;
        }
        if (ok) names = PySequence_Tuple(unique);
        Py_XDECREF(unique);
        Py_XDECREF(list);
    } else {
        py_incompatible(in);
    }
    if (names && PyTuple_Size(names) == 0) {
        Py_DECREF(names);
        return true;
    }
    f->argnames = names;
    return names != NULL;
}

static PyObject *make_grad(py_args *in, transform_kind kind)
{
    if (!PyCallable_Check(in->at[0])) return py_incompatible(in);
    py_transformed *f = (py_transformed *)py_transformed_new(in->at[0], kind);
    if (f && !(set_argnames(f, in, in->at[2]) && set_argnums(f, in, in->at[1]) && check_argnums(f))) Py_CLEAR(f);
    return (PyObject *)f;
}

static PyObject *call_grad(py_args *in)
{
    return make_grad(in, TRANSFORM_GRAD);
}

static PyObject *call_value_and_grad(py_args *in)
{
    return make_grad(in, TRANSFORM_VALUE_AND_GRAD);
}

/* ---- vjp and jvp */

typedef struct products {
    py_leaves primals, others; /* array objects */
    py_leaves out, results;
    py_tracers t;
} products;

static void products_free(products *p)
{
    py_tracers_end(&p->t);
    py_leaves_free(&p->primals);
    py_leaves_free(&p->others);
    py_leaves_free(&p->out);
    py_leaves_free(&p->results);
}

static bool read_arrays(py_args *in, PyObject *sequence, py_leaves *leaves)
{
    PyObject *list = PySequence_Check(sequence) ? PySequence_List(sequence) : NULL;
    bool ok = list || py_incompatible(in);
    for (Py_ssize_t i = 0; ok && i < PyList_Size(list); i++) {
        PyObject *item = PyList_GetItem(list, i);
        ok = (py_is_array(item) || py_incompatible(in)) && py_leaves_add(leaves, item);
    }
    Py_XDECREF(list);
    return ok;
}

/* Calls fun on the tracers; its outputs, an array or a sequence of them, go to p->out. */
static bool run_function(PyObject *fun, bool is_vjp, products *p)
{
    PyObject *args = PyTuple_New(p->t.objects.count);
    for (Py_ssize_t i = 0; args && i < p->t.objects.count; i++) {
        if (PyTuple_SetItem(args, i, Py_NewRef(p->t.objects.at[i])) < 0) Py_CLEAR(args);
    }
    PyObject *result = args ? PyObject_Call(fun, args, NULL) : NULL;
    Py_XDECREF(args);
    if (!result) return false;
    bool is_sequence = PyList_Check(result) || PyTuple_Check(result), ok = true;
    Py_ssize_t n = is_sequence ? PySequence_Size(result) : 1;
    for (Py_ssize_t i = 0; ok && i < n; i++) {
        PyObject *item = is_sequence ? PySequence_GetItem(result, i) : Py_NewRef(result);
        ok = item && py_is_array(item) && py_leaves_add(&p->out, item);
        if (item && !py_is_array(item)) {
            PyErr_Format(PyExc_RuntimeError, "[%s] The function must return an array or a list of arrays.",
                         is_vjp ? "vjp" : "jvp");
        }
        Py_XDECREF(item);
    }
    Py_DECREF(result);
    return ok;
}

/* Value, array objects in a list. */
static PyObject *list_of(const py_leaves *leaves)
{
    PyObject *list = PyList_New(leaves->count);
    for (Py_ssize_t i = 0; list && i < leaves->count; i++) {
        if (PyList_SetItem(list, i, Py_NewRef(leaves->at[i])) < 0) Py_CLEAR(list);
    }
    return list;
}

static bool same_shape(mx_array *a, mx_array *b)
{
    mx_shape x = mx_shape_of(a), y = mx_shape_of(b);
    return x.ndim == y.ndim && (x.ndim == 0 || memcmp(x.at, y.at, (size_t)x.ndim * sizeof *x.at) == 0);
}

/* Cotangents belong to the outputs in order, but for those of stop_gradient, which take none. */
static bool match_cotangents(const products *p, mx_array *const *out, mx_array **dout)
{
    Py_ssize_t next = 0;
    for (Py_ssize_t i = 0; i < p->out.count; i++) {
        if (strcmp(mx_op_name(out[i]), "stop_gradient") == 0) {
            dout[i] = mx_zeros_like(out[i]);
            continue;
        }
        if (next == p->others.count) {
            PyErr_Format(PyExc_ValueError, "[vjp] %zd outputs need a cotangent each, but %zd are given.", p->out.count,
                         p->others.count);
            return false;
        }
        mx_array *given = py_array_of(p->others.at[next++]);
        if (!same_shape(given, out[i])) {
            PyErr_Format(PyExc_ValueError, "[vjp] Cotangent %zd has another shape than its output.", next - 1);
            return false;
        }
        dout[i] = mx_astype(given, mx_dtype_of(out[i]));
    }
    return true;
}

static bool match_tangents(const products *p, mx_array *const *in, mx_array **tin)
{
    if (p->others.count != p->primals.count) {
        PyErr_Format(PyExc_ValueError, "[jvp] %zd inputs, but %zd tangents.", p->primals.count, p->others.count);
        return false;
    }
    for (Py_ssize_t i = 0; i < p->others.count; i++) {
        mx_array *given = py_array_of(p->others.at[i]);
        if (!same_shape(given, in[i])) {
            PyErr_Format(PyExc_ValueError, "[jvp] Tangent %zd has another shape than its input.", i);
            return false;
        }
        tin[i] = mx_astype(given, mx_dtype_of(in[i]));
    }
    return true;
}

/* The products with the Jacobian, in the open scope. */
static bool multiply(products *p, bool is_vjp)
{
    Py_ssize_t nin = p->primals.count, nout = p->out.count;
    mx_array **in = py_nodes_of(&p->primals), **out = py_nodes_of(&p->out);
    mx_array **given = PyMem_Calloc((size_t)(nin + nout + 1), sizeof *given),
             **made = PyMem_Calloc((size_t)(nin + nout + 1), sizeof *made);
    bool ok = in && out && given && made;
    if (!ok) {
        PyErr_NoMemory();
    } else if (is_vjp) {
        ok = match_cotangents(p, out, given) && mx_trace_vjp(p->t.trace, out, given, (int)nout, made);
    } else {
        ok = match_tangents(p, in, given) && mx_trace_jvp(p->t.trace, given, out, (int)nout, made);
    }
    ok = ok && py_leaves_add_nodes(&p->results, made, is_vjp ? nin : nout);
    PyMem_Free(in);
    PyMem_Free(out);
    PyMem_Free(given);
    PyMem_Free(made);
    return ok;
}

static PyObject *jacobian_product(py_args *in, bool is_vjp)
{
    products p = {0};
    PyObject *out = NULL;
    bool ok = (PyCallable_Check(in->at[0]) || py_incompatible(in)) && read_arrays(in, in->at[1], &p.primals) &&
              read_arrays(in, in->at[2], &p.others) && py_tracers_begin(&p.t, &p.primals, NULL) &&
              run_function(in->at[0], is_vjp, &p) && multiply(&p, is_vjp);
    if (ok) {
        PyObject *outputs = list_of(&p.out), *results = list_of(&p.results);
        out = outputs && results ? PyTuple_Pack(2, outputs, results) : NULL;
        Py_XDECREF(outputs);
        Py_XDECREF(results);
    }
    products_free(&p);
    return out;
}

static PyObject *call_vjp(py_args *in)
{
    return jacobian_product(in, true);
}

static PyObject *call_jvp(py_args *in)
{
    return jacobian_product(in, false);
}

#define GRAD_ARGUMENTS                                                                                                 \
    "(fun: Callable, argnums: Union[None, int, Sequence[int]] = None, argnames: Union[str, Sequence[str]] = [])"
#define GRAD_TEXT                                                                                                      \
    "\n\nParameters\n----------\nfun : the function; it must return a scalar array\n"                                  \
    "argnums : positions of the arguments to differentiate by; 0 if neither positions nor names are given\n"           \
    "argnames : names of the keyword arguments to differentiate by\n\n"                                                \
    "Each of these arguments is an array or a tree (lists, tuples, dicts) of arrays only, and its gradient is the "    \
    "same tree.\nWith names the gradient is a pair: that of the positional arguments (or None) and a dict."
static const py_row rows[] = {
    {"grad", call_grad, "grad" GRAD_ARGUMENTS " -> Callable",
     "A function that computes the gradient of ``fun``." GRAD_TEXT},
    {"value_and_grad", call_value_and_grad, "value_and_grad" GRAD_ARGUMENTS " -> Callable",
     "A function that computes the value and the gradient of ``fun``, which may also return a tuple whose first item "
     "is the scalar." GRAD_TEXT},
    {"vjp", call_vjp,
     "vjp(fun: Callable, primals: list[array], cotangents: list[array]) -> tuple[list[array], list[array]]",
     "The outputs of ``fun`` at ``primals`` and the product of ``cotangents`` with its Jacobian."},
    {"jvp", call_jvp,
     "jvp(fun: Callable, primals: list[array], tangents: list[array]) -> tuple[list[array], list[array]]",
     "The outputs of ``fun`` at ``primals`` and the product of its Jacobian with ``tangents``."},
    {0},
};

bool py_add_grad(PyObject *module)
{
    return py_add_functions(module, rows);
}
