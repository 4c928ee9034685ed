/* SPDX-License-Identifier: MIT
 *
 * Calls of functions with rules of their own, and of checkpoints. */
#ifndef PY_CUSTOM_H
#define PY_CUSTOM_H

#include "transforms.h"

/* What is wanted of a call: any rule may be NULL. */
typedef struct py_rules {
    PyObject *fun, *vjp, *jvp, *vmap;
    bool checkpoint;
} py_rules;

PyObject *py_rules_call(const py_rules *rules, PyObject *args, PyObject *kwargs);

/* ---- Trees with marks where the arrays were (custom_trees.c) */
/* A copy of the tree with `mark` in the place of each array; the arrays are appended to `leaves`. */
PyObject *py_tree_mark(PyObject *tree, PyObject *mark, py_leaves *leaves);
/* A copy of a marked tree with the nodes (NULL: None) in their places, from *next on. */
PyObject *py_tree_unmark(PyObject *tree, PyObject *mark, mx_array *const *nodes, Py_ssize_t *next);
/* Takes from `given`, a tree of the same form, what lies where `tree` has marks: arrays, or None, which gives NULL (for all of a tree too).  The
 * nodes are of the open scope.  Else false: a ValueError that begins with [op] and names `what`. */
bool py_tree_match(PyObject *tree, PyObject *mark, PyObject *given, const char *op, const char *what, mx_array **nodes,
                   Py_ssize_t *next);

#endif
