/* SPDX-License-Identifier: MIT
 *
 * export_to_dot: graphs as files for Graphviz or a browser. */
#include "trees.h"

#include <string.h>

static bool name_arrays(mx_namer *names, PyObject *kwargs, py_leaves *leaves)
{
    PyObject *name, *value;
    for (Py_ssize_t at = 0; kwargs && PyDict_Next(kwargs, &at, &name, &value);) {
        const char *text = PyUnicode_AsUTF8AndSize(name, NULL);
        if (!text) return false;
        if (!py_is_array(value)) {
            PyErr_Format(PyExc_ValueError, "[export_to_dot] %U must be an array, not %R", name,
                         (PyObject *)Py_TYPE(value));
            return false;
        }
        if (!mx_namer_set(names, py_array_of(value), text)) return py_raise_false();
        if (!py_leaves_add(leaves, value)) return false;
    }
    return true;
}

static bool collect(py_args *in, py_leaves *leaves)
{
    for (Py_ssize_t i = 0; i < in->rest_count; i++) {
        PyObject *tree = py_tree_flatten_arrays(in->rest[i], leaves);
        if (!tree) return false;
        Py_DECREF(tree);
    }
    return true;
}

/* To a path, or as one str to an object's write. */
static bool write_graph(PyObject *file, mx_array *const *out, int count, mx_namer *names)
{
    PyObject *path = NULL;
    if (PyUnicode_Check(file) || PyObject_HasAttrString(file, "__fspath__")) {
        if (!PyUnicode_FSConverter(file, &path)) return false;
        bool ok;
        Py_BEGIN_ALLOW_THREADS;
        ok = mx_export_to_dot(PyBytes_AsString(path), out, count, names);
        Py_END_ALLOW_THREADS;
        Py_DECREF(path);
        return ok || py_raise_false();
    }
    if (!PyObject_HasAttrString(file, "write")) {
        PyErr_SetString(PyExc_ValueError,
                        "[export_to_dot] Accepts file-like objects or strings to be used as filenames.");
        return false;
    }
    char *text = mx_graph_text(out, count, names, MX_GRAPH_DOT);
    if (!text) return py_raise_false();
    PyObject *result = PyObject_CallMethod(file, "write", "s", text);
    mx_free_text(text);
    Py_XDECREF(result);
    return result != NULL;
}

static PyObject *py_export_to_dot(py_args *in)
{
    py_leaves leaves = {0};
    mx_namer *names = mx_namer_new();
    bool ok = names || py_raise_false();
    ok = ok && collect(in, &leaves) && name_arrays(names, in->kwargs, &leaves);
    mx_array **out = ok ? PyMem_Calloc((size_t)leaves.count + 1, sizeof *out) : NULL;
    if (ok && !out) PyErr_NoMemory();
    for (Py_ssize_t i = 0; out && i < leaves.count; i++) out[i] = mx_keep(py_array_of(leaves.at[i]));
    ok = out && write_graph(in->at[0], out, (int)leaves.count, names);
    for (Py_ssize_t i = 0; out && i < leaves.count; i++) mx_drop(out[i]);
    PyMem_Free(out);
    mx_namer_free(&names);
    py_leaves_free(&leaves);
    return ok ? Py_NewRef(Py_None) : NULL;
}

static const py_row rows[] = {
    {"export_to_dot", py_export_to_dot, "export_to_dot(file: Union[file, str, pathlib.Path], *args, **kwargs) -> None",
     "Write the graph that is still to be computed for arrays, without computing it.\n\n"
     "Args:\n"
     "  file: a path, or an object with ``write``. A path that ends in ``.svg`` gets a picture for a browser, in which\n"
     "    the ops that would run as one fused group share a box; everything else is text for Graphviz's ``dot``, an\n"
     "    ellipse for each array and a box for each op. The file appears when it is complete.\n"
     "  *args: trees of arrays.\n"
     "  **kwargs: arrays, and the names that they have in the picture.\n\n"
     "Raises:\n"
     "  ValueError: an argument that is no array; a file that is neither a path nor has ``write``.\n"
     "  RuntimeError: the file cannot be written, or the graph is too large for a picture (20000 ops).\n\n"
     "Example::\n\n"
     "  mx.export_to_dot(\"step.svg\", loss, grads, x=x, y=y)\n"},
    {0}};

bool py_init_graph(PyObject *module)
{
    return py_add_functions(module, rows);
}
