/* SPDX-License-Identifier: MIT
 *
 * Walks over trees of Python containers.
 *
 * Each walk is one recursive function, guarded by Python's recursion limit, so that a list that holds itself is a
 * RecursionError.  Dicts are walked over a snapshot of their items: a callback may build named tuples, which is Python
 * code that could change the dict. */
#include "trees.h"

bool py_leaves_add(py_leaves *leaves, PyObject *leaf)
{
    if (leaves->count == leaves->room) {
        Py_ssize_t room = leaves->room ? 2 * leaves->room : 16;
        PyObject **at = PyMem_Realloc(leaves->at, (size_t)room * sizeof *at);
        if (!at) {
            PyErr_NoMemory();
            return false;
        }
        leaves->at = at;
        leaves->room = room;
    }
    Py_INCREF(leaf);
    leaves->at[leaves->count++] = leaf;
    return true;
}

void py_leaves_free(py_leaves *leaves)
{
    for (Py_ssize_t i = 0; i < leaves->count; i++) Py_DECREF(leaves->at[i]);
    PyMem_Free(leaves->at);
    *leaves = (py_leaves){0};
}

/* ---- Visit */

static bool visit_list(PyObject *list, py_visit_fn visit, void *ctx)
{
    for (Py_ssize_t i = 0; i < PyList_Size(list); i++) {
        PyObject *item = PyList_GetItem(list, i);
        if (!item) return false;
        Py_INCREF(item);
        bool ok = py_tree_visit(item, visit, ctx);
        Py_DECREF(item);
        if (!ok) return false;
    }
    return true;
}

static bool visit_tuple(PyObject *tuple, py_visit_fn visit, void *ctx)
{
    for (Py_ssize_t i = 0, n = PyTuple_Size(tuple); i < n; i++) {
        if (!py_tree_visit(PyTuple_GetItem(tuple, i), visit, ctx)) return false;
    }
    return true;
}

bool py_tree_visit(PyObject *tree, py_visit_fn visit, void *ctx)
{
    bool is_list = PyList_Check(tree), is_tuple = PyTuple_Check(tree), is_dict = PyDict_Check(tree), ok = true;
    if (!is_list && !is_tuple && !is_dict) return visit(ctx, tree);
    if (Py_EnterRecursiveCall(" in a tree of arrays")) return false;
    if (is_list) {
        ok = visit_list(tree, visit, ctx);
    } else if (is_tuple) {
        ok = visit_tuple(tree, visit, ctx);
    } else {
        PyObject *values = PyDict_Values(tree);
        ok = values && visit_list(values, visit, ctx);
        Py_XDECREF(values);
    }
    Py_LeaveRecursiveCall();
    return ok;
}

/* ---- Map, fill and map with a prefix: one walk with three settings */

typedef struct walk {
    py_map_fn map;
    py_map2_fn map2; /* in its place, with a prefix */
    void *ctx;
    bool in_place;
} walk;

static PyObject *walk_tree(const walk *w, PyObject *tree, PyObject *prefix);

static PyObject *bad_prefix(void)
{
    PyErr_SetString(PyExc_ValueError, "[tree_map] The axes are not a prefix of the tree that they are for.");
    return NULL;
}

/* The prefix of the child at `place`: its own one if the prefix is a container, else the same for all. */
static PyObject *child_prefix(PyObject *prefix, Py_ssize_t place, PyObject *key)
{
    if (!prefix) return NULL;
    if (PyList_Check(prefix)) return PyList_GetItem(prefix, place);
    if (PyTuple_Check(prefix)) return PyTuple_GetItem(prefix, place);
    if (PyDict_Check(prefix)) return PyDict_GetItemWithError(prefix, key);
    return prefix;
}

/* Is the prefix a leaf, or a container of the same kind and size? */
static bool prefix_fits(PyObject *tree, PyObject *prefix)
{
    if (!prefix) return true;
    if (PyList_Check(prefix)) return PyList_Check(tree) && PyList_Size(tree) == PyList_Size(prefix);
    if (PyTuple_Check(prefix)) return PyTuple_Check(tree) && PyTuple_Size(tree) == PyTuple_Size(prefix);
    if (PyDict_Check(prefix)) return PyDict_Check(tree) && PyDict_Size(tree) == PyDict_Size(prefix);
    return true;
}

static PyObject *walk_list(const walk *w, PyObject *list, PyObject *prefix)
{
    PyObject *out = w->in_place ? Py_NewRef(list) : PyList_New(0);
    for (Py_ssize_t i = 0; out && i < PyList_Size(list); i++) {
        PyObject *item = PyList_GetItem(list, i);
        Py_XINCREF(item);
        PyObject *made = item ? walk_tree(w, item, child_prefix(prefix, i, NULL)) : NULL;
        Py_XDECREF(item);
        bool ok = made != NULL;
        if (ok && w->in_place) {
            ok = i < PyList_Size(list) && PyList_SetItem(list, i, Py_NewRef(made)) == 0;
        } else if (ok) {
            ok = PyList_Append(out, made) == 0;
        }
        Py_XDECREF(made);
        if (!ok) Py_CLEAR(out);
    }
    return out;
}

static PyObject *walk_dict(const walk *w, PyObject *dict, PyObject *prefix)
{
    PyObject *items = PyDict_Items(dict), *out = w->in_place ? Py_NewRef(dict) : PyDict_New();
    if (!items) Py_CLEAR(out);
    for (Py_ssize_t i = 0; out && i < PyList_Size(items); i++) {
        PyObject *pair = PyList_GetItem(items, i), *key = PyTuple_GetItem(pair, 0), *value = PyTuple_GetItem(pair, 1);
        PyObject *below = child_prefix(prefix, i, key);
        if (prefix && !below && !PyErr_Occurred()) bad_prefix();
        PyObject *made = PyErr_Occurred() ? NULL : walk_tree(w, value, below);
        if (!made || (!(w->in_place && made == value) && PyDict_SetItem(out, key, made) < 0)) Py_CLEAR(out);
        Py_XDECREF(made);
    }
    Py_XDECREF(items);
    return out;
}

/* A tuple of the type of `like`: a named tuple takes its items as arguments, any other subclass as one iterable. */
static PyObject *tuple_like(PyObject *like, PyObject *items)
{
    PyObject *type = (PyObject *)Py_TYPE(like);
    if (type == (PyObject *)&PyTuple_Type) return Py_NewRef(items);
    if (PyObject_HasAttrString(type, "_fields")) return PyObject_CallObject(type, items);
    return PyObject_CallFunctionObjArgs(type, items, NULL);
}

static PyObject *walk_tuple(const walk *w, PyObject *tuple, PyObject *prefix)
{
    Py_ssize_t n = PyTuple_Size(tuple);
    PyObject *items = PyTuple_New(n), *out = NULL;
    bool changed = !w->in_place;
    for (Py_ssize_t i = 0; items && i < n; i++) {
        PyObject *item = PyTuple_GetItem(tuple, i), *made = walk_tree(w, item, child_prefix(prefix, i, NULL));
        changed |= made != item;
        if (!made || PyTuple_SetItem(items, i, made) < 0) Py_CLEAR(items);
    }
    if (items) out = changed ? tuple_like(tuple, items) : Py_NewRef(tuple);
    Py_XDECREF(items);
    return out;
}

static PyObject *walk_tree(const walk *w, PyObject *tree, PyObject *prefix)
{
    PyObject *(*walk_container)(const walk *, PyObject *, PyObject *) = PyList_Check(tree)    ? walk_list
                                                                        : PyTuple_Check(tree) ? walk_tuple
                                                                        : PyDict_Check(tree)  ? walk_dict
                                                                                              : NULL;
    if (!prefix_fits(tree, prefix)) return bad_prefix();
    if (!walk_container) return w->map2 ? w->map2(w->ctx, tree, prefix) : w->map(w->ctx, tree);
    if (Py_EnterRecursiveCall(" in a tree of arrays")) return NULL;
    PyObject *out = walk_container(w, tree, prefix);
    Py_LeaveRecursiveCall();
    return out;
}

PyObject *py_tree_map(PyObject *tree, py_map_fn map, void *ctx)
{
    return walk_tree(&(walk){.map = map, .ctx = ctx}, tree, NULL);
}

PyObject *py_tree_fill(PyObject *tree, py_map_fn map, void *ctx)
{
    return walk_tree(&(walk){.map = map, .ctx = ctx, .in_place = true}, tree, NULL);
}

PyObject *py_tree_map2(PyObject *tree, PyObject *prefix, py_map2_fn map, void *ctx)
{
    return walk_tree(&(walk){.map2 = map, .ctx = ctx}, tree, prefix);
}

static PyObject *collect_array(void *ctx, PyObject *leaf)
{
    if (!py_is_array(leaf)) {
        PyObject *name = PyType_GetName(Py_TYPE(leaf));
        if (!name) return NULL;
        PyErr_Format(PyExc_ValueError, "[tree_flatten] The argument should contain only arrays, but holds a %U.", name);
        Py_DECREF(name);
        return NULL;
    }
    return py_leaves_add(ctx, leaf) ? Py_NewRef(leaf) : NULL;
}

PyObject *py_tree_flatten_arrays(PyObject *tree, py_leaves *leaves)
{
    return py_tree_map(tree, collect_array, leaves);
}
