/* SPDX-License-Identifier: MIT
 *
 * custom_function, checkpoint and depends.
 *
 * A call flattens the arguments, runs the function on arrays that derivatives do not see, and hands the library what it
 * returned together with a record of the call: the rules, the forms of arguments and results.  The library calls back
 * with arrays; the record puts them into these forms for the rule and takes the arrays from what the rule returns. */
#include "custom.h"

#include <string.h>

/* ---- The record of a call */

typedef struct call_record {
    py_rules rules;          /* owned */
    PyObject *mark;          /* stands for an array in the forms */
    PyObject *args, *kwargs; /* forms; kwargs NULL if there are none */
    PyObject *result;
} call_record;

static void record_free(call_record *r)
{
    Py_XDECREF(r->rules.fun);
    Py_XDECREF(r->rules.vjp);
    Py_XDECREF(r->rules.jvp);
    Py_XDECREF(r->rules.vmap);
    Py_XDECREF(r->mark);
    Py_XDECREF(r->args);
    Py_XDECREF(r->kwargs);
    Py_XDECREF(r->result);
    PyMem_Free(r);
}

/* The library calls this from any thread that may call Python, also without the GIL, or after Python has gone. */
static void release_record(void *ctx)
{
    if (!Py_IsInitialized()) return;
    PyGILState_STATE gil = PyGILState_Ensure();
    record_free(ctx);
    PyGILState_Release(gil);
}

static call_record *record_new(const py_rules *rules, PyObject *args, PyObject *kwargs, py_leaves *leaves)
{
    call_record *r = PyMem_Calloc(1, sizeof *r);
    if (!r) return (void *)PyErr_NoMemory();
    r->rules = (py_rules){Py_XNewRef(rules->fun), Py_XNewRef(rules->vjp), Py_XNewRef(rules->jvp),
                          Py_XNewRef(rules->vmap), rules->checkpoint};
    r->mark = PyObject_CallNoArgs((PyObject *)&PyBaseObject_Type);
    r->args = r->mark ? py_tree_mark(args, r->mark, leaves) : NULL;
    bool named = kwargs && PyDict_Size(kwargs) > 0;
    if (r->args && named) r->kwargs = py_tree_mark(kwargs, r->mark, leaves);
    if (r->args && (r->kwargs || !named)) return r;
    record_free(r);
    return NULL;
}

/* A form with nodes in it; one positional argument stands bare, several as a tuple. */
static PyObject *arguments_of(const call_record *r, mx_array *const *nodes, Py_ssize_t *next)
{
    PyObject *all = py_tree_unmark(r->args, r->mark, nodes, next);
    if (!all || PyTuple_Size(all) != 1) return all;
    PyObject *only = Py_NewRef(PyTuple_GetItem(all, 0));
    Py_DECREF(all);
    return only;
}

/* What a rule returned for the arguments. */
static bool match_positional(const call_record *r, PyObject *given, mx_array **nodes, Py_ssize_t *next)
{
    const char *op = "custom_function", *what = "cotangents";
    PyObject *form = PyTuple_Size(r->args) == 1 ? PyTuple_GetItem(r->args, 0) : r->args;
    bool is_tree = PyList_Check(form) || PyTuple_Check(form) || PyDict_Check(form);
    if (is_tree && given == Py_None) { /* a forgotten return, rather than zeros for all */
        PyErr_SetString(PyExc_ValueError, "[custom_function] The cotangents must have the form of the arguments: a "
                                          "NoneType was returned.");
        return false;
    }
    if (form == r->args) return py_tree_match(form, r->mark, given, op, what, nodes, next);
    bool wrapped = !is_tree && PyTuple_Check(given) && PyTuple_Size(given) == 1;
    return py_tree_match(form, r->mark, wrapped ? PyTuple_GetItem(given, 0) : given, op, what, nodes, next);
}

/* With keyword arguments a rule may return a pair: their cotangents are a dict, what is not in it is zero. */
static bool match_arguments(const call_record *r, PyObject *given, mx_array **nodes)
{
    Py_ssize_t next = 0, at = 0;
    PyObject *key, *form, *named = NULL;
    bool is_pair = r->kwargs && PyTuple_Check(given) && PyTuple_Size(given) == 2;
    bool is_dict = PyTuple_Size(r->args) == 2 && PyDict_Check(PyTuple_GetItem(r->args, 1)); /* the second argument */
    if (is_pair && !is_dict && PyDict_Check(PyTuple_GetItem(given, 1))) named = PyTuple_GetItem(given, 1);
    if (!match_positional(r, named ? PyTuple_GetItem(given, 0) : given, nodes, &next)) return false;
    while (named && PyDict_Next(r->kwargs, &at, &key, &form)) {
        PyObject *item = PyDict_GetItemWithError(named, key);
        if (!item && PyErr_Occurred()) return false;
        if (!py_tree_match(form, r->mark, item ? item : Py_None, "custom_function", "cotangents", nodes, &next))
            return false;
    }
    return true;
}

/* ---- The function itself */

/* Calls the function on nodes in the place of its arrays; its result with marks, and the arrays of it. */
static PyObject *call_function(const call_record *r, mx_array *const *in, py_leaves *out)
{
    Py_ssize_t next = 0;
    PyObject *args = py_tree_unmark(r->args, r->mark, in, &next), *kwargs = NULL, *form = NULL;
    if (args && r->kwargs) kwargs = py_tree_unmark(r->kwargs, r->mark, in, &next);
    PyObject *result = args && (kwargs || !r->kwargs) ? PyObject_Call(r->rules.fun, args, kwargs) : NULL;
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    if (result) form = py_tree_mark(result, r->mark, out);
    Py_XDECREF(result);
    return form;
}

static bool run_again(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin;
    PyGILState_STATE gil = PyGILState_Ensure();
    py_leaves leaves = {0};
    PyObject *form = call_function(ctx, in, &leaves);
    bool ok = form != NULL;
    if (ok && leaves.count != nout) {
        PyErr_Format(PyExc_ValueError,
                     "[custom_function] The function returned %zd arrays, and %d when it was first "
                     "called.",
                     leaves.count, nout);
        ok = false;
    }
    for (int i = 0; i < nout && ok; i++) ok = (out[i] = mx_temporary(mx_keep(py_array_of(leaves.at[i])))) != NULL;
    Py_XDECREF(form);
    py_leaves_free(&leaves);
    PyGILState_Release(gil);
    return ok;
}

/* ---- Rules */

static bool call_vjp(void *ctx, mx_array *const *in, int nin, mx_array *const *dout, mx_array *const *out, int nout,
                     mx_array **din)
{
    (void)nin, (void)nout;
    const call_record *r = ctx;
    PyGILState_STATE gil = PyGILState_Ensure();
    Py_ssize_t next = 0, next_dout = 0, next_out = 0;
    PyObject *primals = arguments_of(r, in, &next), *kwargs = NULL;
    if (primals && r->kwargs) kwargs = py_tree_unmark(r->kwargs, r->mark, in, &next);
    PyObject *cotangents = primals ? py_tree_unmark(r->result, r->mark, dout, &next_dout) : NULL;
    PyObject *outputs = cotangents ? py_tree_unmark(r->result, r->mark, out, &next_out) : NULL;
    PyObject *args = outputs && (kwargs || !r->kwargs) ? PyTuple_Pack(3, primals, cotangents, outputs) : NULL;
    PyObject *given = args ? PyObject_Call(r->rules.vjp, args, kwargs) : NULL;
    bool ok = given && match_arguments(r, given, din);
    Py_XDECREF(primals);
    Py_XDECREF(kwargs);
    Py_XDECREF(cotangents);
    Py_XDECREF(outputs);
    Py_XDECREF(args);
    Py_XDECREF(given);
    PyGILState_Release(gil);
    return ok;
}

static bool positional_only(const call_record *r, const char *rule)
{
    if (!r->kwargs) return true;
    PyErr_Format(PyExc_ValueError, "[custom %s] Function should only accept positional arguments", rule);
    return false;
}

static bool call_jvp(void *ctx, mx_array *const *in, mx_array *const *tin, int nin, mx_array **tout, int nout)
{
    (void)nin, (void)nout;
    const call_record *r = ctx;
    PyGILState_STATE gil = PyGILState_Ensure();
    Py_ssize_t next = 0, next_tin = 0, next_out = 0;
    PyObject *primals = positional_only(r, "jvp") ? arguments_of(r, in, &next) : NULL;
    PyObject *tangents = primals ? arguments_of(r, tin, &next_tin) : NULL;
    PyObject *given = tangents ? PyObject_CallFunctionObjArgs(r->rules.jvp, primals, tangents, NULL) : NULL;
    bool ok = given && py_tree_match(r->result, r->mark, given, "custom_function", "tangents", tout, &next_out);
    Py_XDECREF(primals);
    Py_XDECREF(tangents);
    Py_XDECREF(given);
    PyGILState_Release(gil);
    return ok;
}

/* ---- vmap */

typedef struct axes_walk {
    PyObject *mark;
    const int *from; /* axes for the form of the arguments */
    int *to;         /* ... from the form of the results */
    Py_ssize_t next;
} axes_walk;

static PyObject *axis_for_leaf(void *ctx, PyObject *leaf)
{
    axes_walk *w = ctx;
    if (leaf != w->mark) return Py_NewRef(Py_None);
    int axis = w->from[w->next++];
    return axis == MX_UNMAPPED ? Py_NewRef(Py_None) : PyLong_FromLong(axis);
}

static PyObject *axis_of_leaf(void *ctx, PyObject *leaf, PyObject *given)
{
    axes_walk *w = ctx;
    if (leaf != w->mark) return Py_NewRef(leaf);
    int *axis = &w->to[w->next++];
    *axis = MX_UNMAPPED;
    if (given == Py_None) return Py_NewRef(leaf);
    long value = PyLong_Check(given) ? PyLong_AsLong(given) : MX_MAX_NDIM;
    if (PyErr_Occurred()) PyErr_Clear();
    if (value < -MX_MAX_NDIM || value >= MX_MAX_NDIM) {
        PyErr_Format(PyExc_ValueError,
                     "[custom_function] The vmap rule's axes must be axes of its outputs or None, not "
                     "%R.",
                     given);
        return NULL;
    }
    *axis = (int)value;
    return Py_NewRef(leaf);
}

static PyObject *axes_of_arguments(const call_record *r, const int *axes)
{
    axes_walk w = {.mark = r->mark, .from = axes};
    PyObject *all = py_tree_map(r->args, axis_for_leaf, &w);
    if (!all || PyTuple_Size(all) != 1) return all;
    PyObject *only = Py_NewRef(PyTuple_GetItem(all, 0));
    Py_DECREF(all);
    return only;
}

static bool take_batch(const call_record *r, PyObject *given, mx_array **out, int *out_axes)
{
    if (!PyTuple_Check(given) || PyTuple_Size(given) != 2) {
        PyErr_SetString(PyExc_ValueError, "[custom_function] The vmap rule must return a tuple of outputs and axes.");
        return false;
    }
    Py_ssize_t next = 0;
    axes_walk w = {.mark = r->mark, .to = out_axes};
    if (!py_tree_match(r->result, r->mark, PyTuple_GetItem(given, 0), "custom_function", "outputs", out, &next))
        return false;
    PyObject *walked = py_tree_map2(r->result, PyTuple_GetItem(given, 1), axis_of_leaf, &w);
    Py_XDECREF(walked);
    return walked != NULL;
}

static bool call_vmap(void *ctx, mx_array *const *in, const int *in_axes, int nin, mx_array **out, int *out_axes,
                      int nout)
{
    (void)nin, (void)nout;
    const call_record *r = ctx;
    PyGILState_STATE gil = PyGILState_Ensure();
    Py_ssize_t next = 0;
    PyObject *inputs = positional_only(r, "vmap") ? arguments_of(r, in, &next) : NULL;
    PyObject *axes = inputs ? axes_of_arguments(r, in_axes) : NULL;
    PyObject *given = axes ? PyObject_CallFunctionObjArgs(r->rules.vmap, inputs, axes, NULL) : NULL;
    bool ok = given && take_batch(r, given, out, out_axes);
    Py_XDECREF(inputs);
    Py_XDECREF(axes);
    Py_XDECREF(given);
    PyGILState_Release(gil);
    return ok;
}

/* ---- A call */

/* Runs the function in the open scope; the record is taken when there is a result. */
static PyObject *run_call(call_record *r, const py_leaves *leaves, bool *taken)
{
    py_leaves made = {0};
    int nin = (int)leaves->count;
    mx_array **in = py_nodes_of(leaves), **inner = PyMem_Calloc((size_t)nin + 1, sizeof *inner), **out = NULL;
    PyObject *result = NULL;
    mx_array *key = r->rules.checkpoint ? mx_random_state() : NULL;
    bool ok = in && inner && (key || !r->rules.checkpoint) && mx_custom_begin(in, nin, inner) &&
              (r->result = call_function(r, inner, &made)) && (out = py_nodes_of(&made));
    if (ok) {
        mx_custom_rules rules = {.fn = run_again,
                                 .vjp = r->rules.vjp ? call_vjp : NULL,
                                 .jvp = r->rules.jvp ? call_jvp : NULL,
                                 .vmap = r->rules.vmap ? call_vmap : NULL,
                                 .ctx = r,
                                 .release = release_record,
                                 .checkpoint = key};
        Py_ssize_t next = 0;
        PyObject *form = Py_NewRef(r->result), *mark = Py_NewRef(r->mark); /* the record may go at once */
        *taken = true;
        if (mx_custom_end(&rules, in, nin, out, (int)made.count, out)) result = py_tree_unmark(form, mark, out, &next);
        Py_DECREF(form);
        Py_DECREF(mark);
    }
    PyMem_Free(in);
    PyMem_Free(inner);
    PyMem_Free(out);
    py_leaves_free(&made);
    return result;
}

PyObject *py_rules_call(const py_rules *rules, PyObject *args, PyObject *kwargs)
{
    if (mx_failed()) mx_error(); /* left by a caller who did not ask */
    if (!rules->vjp && !rules->jvp && !rules->vmap && !rules->checkpoint)
        return PyObject_Call(rules->fun, args, kwargs);
    py_leaves leaves = {0};
    bool taken = false;
    PyObject *result = NULL;
    call_record *r = record_new(rules, args, kwargs, &leaves);
    if (r) {
        mx_scope scope = mx_scope_open();
        result = run_call(r, &leaves, &taken);
        mx_scope_close(scope, NULL);
        if (!result) py_raise();
        if (!taken) record_free(r);
    }
    py_leaves_free(&leaves);
    return result;
}
