/* SPDX-License-Identifier: MIT
 *
 * Trees that remember where their arrays were without keeping them, and what a rule returned against such a tree. */
#include "custom.h"

typedef struct marking {
    PyObject *mark;
    py_leaves *leaves;
    mx_array *const *nodes;
    Py_ssize_t *next;
} marking;

static PyObject *mark_leaf(void *ctx, PyObject *leaf)
{
    marking *m = ctx;
    if (!py_is_array(leaf)) return Py_NewRef(leaf);
    return py_leaves_add(m->leaves, leaf) ? Py_NewRef(m->mark) : NULL;
}

PyObject *py_tree_mark(PyObject *tree, PyObject *mark, py_leaves *leaves)
{
    return py_tree_map(tree, mark_leaf, &(marking){.mark = mark, .leaves = leaves});
}

static PyObject *unmark_leaf(void *ctx, PyObject *leaf)
{
    marking *m = ctx;
    if (leaf != m->mark) return Py_NewRef(leaf);
    mx_array *node = m->nodes[(*m->next)++];
    return node ? py_wrap_kept(node) : Py_NewRef(Py_None);
}

PyObject *py_tree_unmark(PyObject *tree, PyObject *mark, mx_array *const *nodes, Py_ssize_t *next)
{
    return py_tree_map(tree, unmark_leaf, &(marking){.mark = mark, .nodes = nodes, .next = next});
}

static bool bad_form(const char *op, const char *what, PyObject *tree, PyObject *given)
{
    PyObject *want = py_type_name(tree), *got = py_type_name(given);
    if (want && got)
        PyErr_Format(PyExc_ValueError,
                     "[%s] The %s must have the same form as what they belong to: a %U "
                     "was returned where a %U is expected.",
                     op, what, got, want);
    Py_XDECREF(want);
    Py_XDECREF(got);
    return false;
}

static bool match_leaf(PyObject *given, const char *op, const char *what, mx_array **node)
{
    if (given == Py_None) return *node = NULL, true;
    if (py_is_array(given)) return (*node = mx_temporary(mx_keep(py_array_of(given)))) != NULL;
    PyObject *got = py_type_name(given);
    if (got) PyErr_Format(PyExc_ValueError, "[%s] The %s must be arrays or None, not a %U.", op, what, got);
    Py_XDECREF(got);
    return false;
}

static bool match_sequence(PyObject *tree, PyObject *mark, PyObject *given, const char *op, const char *what,
                           mx_array **nodes, Py_ssize_t *next)
{
    Py_ssize_t n = PySequence_Size(tree);
    bool none = given == Py_None;
    if (!none && !PyList_Check(given) && !PyTuple_Check(given)) return bad_form(op, what, tree, given);
    if (!none && PySequence_Size(given) != n) {
        PyErr_Format(PyExc_ValueError, "[%s] %zd %s were returned, but %zd are expected.", op, PySequence_Size(given),
                     what, n);
        return false;
    }
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *below = PySequence_GetItem(tree, i), *item = NULL;
        if (below) item = none ? Py_NewRef(given) : PySequence_GetItem(given, i);
        bool ok = item && py_tree_match(below, mark, item, op, what, nodes, next);
        Py_XDECREF(below);
        Py_XDECREF(item);
        if (!ok) return false;
    }
    return true;
}

static bool match_dict(PyObject *tree, PyObject *mark, PyObject *given, const char *op, const char *what,
                       mx_array **nodes, Py_ssize_t *next)
{
    PyObject *key, *below;
    Py_ssize_t at = 0;
    bool none = given == Py_None;
    if (!none && !PyDict_Check(given)) return bad_form(op, what, tree, given);
    while (PyDict_Next(tree, &at, &key, &below)) { /* ours alone: nobody changes it meanwhile */
        PyObject *item = none ? given : PyDict_GetItemWithError(given, key);
        if (!item && !PyErr_Occurred()) PyErr_Format(PyExc_ValueError, "[%s] The %s lack an entry %R.", op, what, key);
        if (!item || !py_tree_match(below, mark, item, op, what, nodes, next)) return false;
    }
    return true;
}

bool py_tree_match(PyObject *tree, PyObject *mark, PyObject *given, const char *op, const char *what, mx_array **nodes,
                   Py_ssize_t *next)
{
    if (tree == mark) return match_leaf(given, op, what, &nodes[(*next)++]);
    bool is_sequence = PyList_Check(tree) || PyTuple_Check(tree);
    if (!is_sequence && !PyDict_Check(tree)) return true; /* no array stood there: nothing is wanted */
    if (Py_EnterRecursiveCall(" in a tree of arrays")) return false;
    bool ok = is_sequence ? match_sequence(tree, mark, given, op, what, nodes, next)
                          : match_dict(tree, mark, given, op, what, nodes, next);
    Py_LeaveRecursiveCall();
    return ok;
}
