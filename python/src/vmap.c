/* SPDX-License-Identifier: MIT
 *
 * vmap: a function of one item becomes a function of a batch.
 *
 * The function is run once, on placeholders without the mapped axis; the library then replays what it did on the whole
 * arrays.  in_axes and out_axes are an int, None (not mapped) or a tree of these that is a prefix of the arguments or
 * outputs. */
#include "transforms.h"

/* Leaves with the axis of each. */
typedef struct axes_of_leaves {
    py_leaves leaves;
    int *axes;
    Py_ssize_t room;
} axes_of_leaves;

static void axes_free(axes_of_leaves *a)
{
    py_leaves_free(&a->leaves);
    PyMem_Free(a->axes);
    a->axes = NULL;
}

static bool read_axis(PyObject *object, int *axis)
{
    *axis = MX_UNMAPPED;
    if (object == Py_None) return true;
    if (PyLong_Check(object)) {
        long value = PyLong_AsLong(object);
        if (value == -1 && PyErr_Occurred())
            PyErr_Clear();
        else if (value >= -MX_MAX_NDIM && value < MX_MAX_NDIM)
            return *axis = (int)value, true;
        PyErr_SetString(PyExc_ValueError, "[vmap] An axis is out of range.");
        return false;
    }
    PyErr_SetString(PyExc_ValueError, "[vmap] An axis must be an int or None.");
    return false;
}

/* py_tree_map2 callback: collects an array and its axis. */
static PyObject *collect(void *ctx, PyObject *leaf, PyObject *prefix_leaf)
{
    axes_of_leaves *a = ctx;
    if (!py_is_array(leaf)) {
        PyErr_SetString(PyExc_ValueError, "[vmap] Arguments and outputs must be trees that hold arrays only.");
        return NULL;
    }
    if (a->leaves.count == a->room) {
        Py_ssize_t room = a->room ? 2 * a->room : 16;
        int *axes = PyMem_Realloc(a->axes, (size_t)room * sizeof *axes);
        if (!axes) return PyErr_NoMemory();
        a->axes = axes;
        a->room = room;
    }
    if (!read_axis(prefix_leaf, &a->axes[a->leaves.count])) return NULL;
    return py_leaves_add(&a->leaves, leaf) ? Py_NewRef(leaf) : NULL;
}

/* Makes axes positive and checks that all mapped ones have the same size. */
static bool check_inputs(axes_of_leaves *a)
{
    int64_t size = -1;
    for (Py_ssize_t i = 0; i < a->leaves.count; i++) {
        if (a->axes[i] == MX_UNMAPPED) continue;
        mx_shape shape = mx_shape_of(py_array_of(a->leaves.at[i]));
        int axis = a->axes[i] < 0 ? a->axes[i] + shape.ndim : a->axes[i];
        if (axis < 0 || axis >= shape.ndim) {
            PyErr_Format(PyExc_ValueError, "[vmap] Axis %d is out of range for an input of %d dimensions.", a->axes[i],
                         shape.ndim);
            return false;
        }
        if (size >= 0 && shape.at[axis] != size) {
            PyErr_Format(PyExc_ValueError, "[vmap] The mapped axes have different sizes: %lld and %lld.",
                         (long long)size, (long long)shape.at[axis]);
            return false;
        }
        size = shape.at[axis];
        a->axes[i] = axis;
    }
    if (size >= 0) return true;
    PyErr_SetString(PyExc_ValueError, "[vmap] At least one of in_axes must not be None.");
    return false;
}

/* An output has the mapped axis more than what the function returned. */
static bool check_outputs(axes_of_leaves *a)
{
    for (Py_ssize_t i = 0; i < a->leaves.count; i++) {
        if (a->axes[i] == MX_UNMAPPED) continue;
        int ndim = mx_ndim(py_array_of(a->leaves.at[i])) + 1, axis = a->axes[i] < 0 ? a->axes[i] + ndim : a->axes[i];
        if (axis < 0 || axis >= ndim) {
            PyErr_Format(PyExc_ValueError, "[vmap] Axis %d is out of range for an output of %d dimensions.", a->axes[i],
                         ndim);
            return false;
        }
        a->axes[i] = axis;
    }
    return true;
}

/* The whole outputs, as objects. */
static bool replay(py_tracers *t, axes_of_leaves *out, py_leaves *results)
{
    mx_array **nodes = py_nodes_of(&out->leaves);
    mx_array **made = PyMem_Calloc((size_t)out->leaves.count + 1, sizeof *made);
    mx_scope scope = mx_scope_open();
    bool ok = nodes && made && mx_trace_vmap(t->trace, nodes, out->axes, (int)out->leaves.count, made) &&
              py_leaves_add_nodes(results, made, out->leaves.count);
    mx_scope_close(scope, NULL);
    if (!made && !PyErr_Occurred()) PyErr_NoMemory();
    PyMem_Free(nodes);
    PyMem_Free(made);
    return ok || py_raise_false();
}

/* Runs the function on placeholders; `shape` is a copy of the arguments to put them into. */
static PyObject *call_on_placeholders(py_transformed *f, PyObject *shape, const py_tracers *t)
{
    py_feed feed = {&t->objects, 0};
    PyObject *args = py_tree_fill(shape, py_feed_next, &feed);
    PyObject *result = args ? PyObject_Call(f->fun, args, NULL) : NULL;
    Py_XDECREF(args);
    return result;
}

PyObject *py_vmap_call(py_transformed *f, PyObject *args, PyObject *kwargs)
{
    axes_of_leaves in = {0}, out = {0};
    py_tracers t = {0};
    py_leaves results = {0};
    PyObject *shape = NULL, *result = NULL, *out_shape = NULL, *made = NULL;
    if (kwargs && PyDict_Size(kwargs) > 0) {
        PyErr_SetString(PyExc_TypeError, "vmap(): a mapped function takes no keyword arguments.");
        return NULL;
    }
    if (!(shape = py_tree_map2(args, f->in_axes, collect, &in)) || !check_inputs(&in)) goto done;
    if (!py_tracers_begin(&t, &in.leaves, in.axes)) goto done;
    if (!(result = call_on_placeholders(f, shape, &t))) goto done;
    if (!(out_shape = py_tree_map2(result, f->out_axes, collect, &out)) || !check_outputs(&out)) goto done;
    if (replay(&t, &out, &results)) {
        py_feed feed = {&results, 0};
        made = py_tree_fill(out_shape, py_feed_next, &feed);
    }
done:
    py_tracers_end(&t);
    axes_free(&in);
    axes_free(&out);
    py_leaves_free(&results);
    Py_XDECREF(shape);
    Py_XDECREF(result);
    Py_XDECREF(out_shape);
    return made;
}

static PyObject *call_vmap(py_args *in)
{
    if (!PyCallable_Check(in->at[0]) || py_arg_is_none(in, 1)) return py_incompatible(in);
    py_transformed *f = (py_transformed *)py_transformed_new(in->at[0], TRANSFORM_VMAP);
    if (!f) return NULL;
    f->in_axes = Py_NewRef(in->at[1]);
    f->out_axes = Py_NewRef(in->at[2]);
    return (PyObject *)f;
}

static const py_row rows[] = {
    {"vmap", call_vmap, "vmap(fun: Callable, in_axes: object = 0, out_axes: object = 0) -> Callable",
     "A function that applies ``fun`` to every index along an axis of its arguments at once.\n\n"
     "Parameters\n----------\nin_axes : the mapped axis of the arguments: an int, None (not mapped), or a tree of "
     "these that is a prefix of the tuple of arguments\n"
     "out_axes : where the outputs get the mapped axis, in the same way; None: the output is wanted once"},
    {0},
};

bool py_add_vmap(PyObject *module)
{
    return py_add_functions(module, rows);
}
