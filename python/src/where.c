/* SPDX-License-Identifier: MIT
 *
 * MICA_TRACE=where: the line of Python that makes a node.
 *
 * It is the innermost one outside of this package; where a layer of mlx.nn made the node, its line is added.  Nodes may
 * be made while the GIL is released, so the GIL is asked for. */
#include "mica_py.h"

#include <stdlib.h>
#include <string.h>

/* Is the frame's module one of ours, mlx.something? */
static bool is_ours(PyObject *frame)
{
    PyObject *globals = PyObject_GetAttrString(frame, "f_globals");
    PyObject *name = globals ? PyDict_GetItemString(globals, "__name__") : NULL; /* borrowed */
    bool ours = name && PyUnicode_Check(name) && PyUnicode_Tailmatch(name, py_the.name_mlx, 0, PY_SSIZE_T_MAX, -1) == 1;
    Py_XDECREF(globals);
    return ours;
}

/* The frame that called this one; a new reference, or NULL.  Takes the reference of `frame`. */
static PyObject *caller_of(PyObject *frame)
{
    PyObject *back = PyObject_GetAttrString(frame, "f_back");
    Py_DECREF(frame);
    if (back != Py_None) return back;
    Py_DECREF(back);
    return NULL;
}

/* "file.py:12, in function" */
static PyObject *describe(PyObject *frame)
{
    PyCodeObject *code = PyFrame_GetCode((PyFrameObject *)frame);
    PyObject *file = PyObject_GetAttrString((PyObject *)code, "co_filename");
    PyObject *name = PyObject_GetAttrString((PyObject *)code, "co_name");
    int line = PyFrame_GetLineNumber((PyFrameObject *)frame);
    PyObject *text = file && name ? PyUnicode_FromFormat("%U:%d, in %U", file, line, name) : NULL;
    Py_XDECREF(file);
    Py_XDECREF(name);
    Py_DECREF(code);
    return text;
}

static PyObject *place(void)
{
    PyObject *frame = Py_XNewRef((PyObject *)PyEval_GetFrame());
    PyObject *inner = frame && is_ours(frame) ? describe(frame) : NULL;
    while (frame && is_ours(frame)) frame = caller_of(frame);
    PyObject *outer = frame ? describe(frame) : NULL;
    Py_XDECREF(frame);
    if (!inner || !outer) return outer ? outer : inner;
    PyObject *both = PyUnicode_FromFormat("%U\n  through %U", outer, inner);
    Py_DECREF(inner);
    Py_DECREF(outer);
    return both;
}

static bool locate(char *text, size_t size)
{
    PyGILState_STATE gil = PyGILState_Ensure();
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback); /* a node may be made while an exception is on its way */
    PyObject *line = place();
    const char *utf8 = line ? PyUnicode_AsUTF8AndSize(line, NULL) : NULL;
    if (utf8) PyOS_snprintf(text, size, "%s", utf8);
    Py_XDECREF(line);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    PyGILState_Release(gil);
    return utf8 != NULL;
}

static PyObject *forget(PyObject *self, PyObject *unused)
{
    (void)self, (void)unused;
    mx_set_locator(NULL);
    return Py_NewRef(Py_None);
}

/* At exit no thread may ask for the GIL any more. */
static bool stop_at_exit(void)
{
    static PyMethodDef def = {"forget", forget, METH_NOARGS, NULL};
    PyObject *function = PyCFunction_New(&def, NULL), *atexit = PyImport_ImportModule("atexit");
    PyObject *done = function && atexit ? PyObject_CallMethod(atexit, "register", "O", function) : NULL;
    Py_XDECREF(function);
    Py_XDECREF(atexit);
    Py_XDECREF(done);
    return done != NULL;
}

bool py_init_where(PyObject *module)
{
    (void)module;
    const char *trace = getenv("MICA_TRACE");
    if (!trace || !strstr(trace, "where")) return true;
    if (!stop_at_exit()) return false;
    mx_set_locator(locate);
    return true;
}
