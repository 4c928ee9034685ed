/* SPDX-License-Identifier: MIT
 *
 * Functions made of functions: what grad, value_and_grad and vmap return. */
#ifndef PY_TRANSFORMS_H
#define PY_TRANSFORMS_H

#include "trees.h"

typedef enum transform_kind {
    TRANSFORM_GRAD,
    TRANSFORM_VALUE_AND_GRAD,
    TRANSFORM_VMAP,
    TRANSFORM_CHECKPOINT,
    TRANSFORM_JACFWD,
    TRANSFORM_JACREV
} transform_kind;

typedef struct py_transformed {
    PyObject_HEAD PyObject *fun;
    transform_kind kind;
    /* grad: positions and names (a tuple) of the arguments to differentiate by; `bare`: one position, so that its
     * gradient is not in a tuple. */
    Py_ssize_t *argnums, argnum_count;
    PyObject *argnames;
    bool has_aux; /* jacfwd, jacrev: the function returns a pair, and the second is handed out as it is */
    /* vmap */
    PyObject *in_axes, *out_axes;
} py_transformed;

PyObject *py_transformed_new(PyObject *fun, transform_kind kind); /* the rest is empty */

PyObject *py_grad_call(py_transformed *f, PyObject *args, PyObject *kwargs);
PyObject *py_vmap_call(py_transformed *f, PyObject *args, PyObject *kwargs);
PyObject *py_checkpoint_call(py_transformed *f, PyObject *args, PyObject *kwargs);
PyObject *py_jacobian_call(py_transformed *f, PyObject *args, PyObject *kwargs);
bool py_add_control(PyObject *module);
bool py_add_custom(PyObject *module);
bool py_add_jacobian(PyObject *module);
bool py_add_grad(PyObject *module);
bool py_add_vmap(PyObject *module);
bool py_add_compile(PyObject *module);
/* An attribute of a transformed function: names, texts and all the rest are those of the original. */
PyObject *py_getattr_of_function(PyObject *self, PyObject *fun, PyObject *name);

/* The nodes of arrays; free with PyMem_Free.  NULL: MemoryError. */
mx_array **py_nodes_of(const py_leaves *leaves);

/* The arrays that a function is traced with, as objects. */
typedef struct py_tracers {
    mx_trace *trace;
    py_leaves objects;
    mx_array **nodes; /* what the objects hold at first; kept */
} py_tracers;
/* Begins a trace over the arrays in `leaves` (batched along `axes` if that is not NULL) and makes the objects. */
bool py_tracers_begin(py_tracers *t, const py_leaves *leaves, const int *axes);
void py_tracers_end(py_tracers *t);

/* py_tree_fill callbacks: the next of a list of objects for each leaf. */
typedef struct py_feed {
    const py_leaves *from;
    Py_ssize_t next;
} py_feed;
PyObject *py_feed_next(void *feed, PyObject *leaf);

/* Objects for arrays that belong to the open scope, appended to a list. */
bool py_leaves_add_nodes(py_leaves *leaves, mx_array *const *nodes, Py_ssize_t count);

#endif
