/* SPDX-License-Identifier: MIT
 *
 * Trees: lists, tuples (named ones too) and dicts, nested, with anything else as leaves, in the order of the container.
 */
#ifndef PY_TREES_H
#define PY_TREES_H

#include "mica_py.h"

/* A growing list of strong references. */
typedef struct py_leaves {
    PyObject **at;
    Py_ssize_t count, room;
} py_leaves;

bool py_leaves_add(py_leaves *leaves, PyObject *leaf); /* takes a reference of its own */
void py_leaves_free(py_leaves *leaves);

/* Calls `visit` with each leaf (borrowed); false stops the walk: a Python exception is set. */
typedef bool (*py_visit_fn)(void *ctx, PyObject *leaf);
bool py_tree_visit(PyObject *tree, py_visit_fn visit, void *ctx);

/* A new tree with what `map` returns (a new reference; NULL: exception) in the place of each leaf.  Subclasses of list
 * and dict become plain ones, those of tuple keep their type. */
typedef PyObject *(*py_map_fn)(void *ctx, PyObject *leaf);
PyObject *py_tree_map(PyObject *tree, py_map_fn map, void *ctx);

/* The same, but lists and dicts are changed in place and stand in the result themselves; a tuple is new if something
 * below it changed. */
PyObject *py_tree_fill(PyObject *tree, py_map_fn map, void *ctx);

/* As py_tree_map, with the part of `prefix` that belongs to each leaf: `prefix` has a leaf where `tree` has a leaf or a
 * whole subtree.  A prefix that does not fit is a ValueError. */
typedef PyObject *(*py_map2_fn)(void *ctx, PyObject *leaf, PyObject *prefix_leaf);
PyObject *py_tree_map2(PyObject *tree, PyObject *prefix, py_map2_fn map, void *ctx);

/* Flattens a tree of arrays: a copy of the tree that holds them and, appended to `leaves`, the arrays in order.  A leaf
 * that is no array is a ValueError. */
PyObject *py_tree_flatten_arrays(PyObject *tree, py_leaves *leaves);

#endif
