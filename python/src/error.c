/* SPDX-License-Identifier: MIT
 *
 * The native API's errors as Python exceptions: one class for each code. */
#include "mica_py.h"

#include <string.h>

void *py_raise(void)
{
    PyObject *const classes[MX_CODE_COUNT] = {
        [MX_OK] = PyExc_RuntimeError,    [MX_VALUE] = PyExc_ValueError,       [MX_INDEX] = PyExc_IndexError,
        [MX_TYPE] = PyExc_TypeError,     [MX_OVERFLOW] = PyExc_OverflowError, [MX_RUNTIME] = PyExc_RuntimeError,
        [MX_MEMORY] = PyExc_MemoryError,
    };
    mx_error_info error = mx_error();
    if (PyErr_Occurred()) return NULL; /* it came first, and the library only saw a NULL */
    const char *message = error.code == MX_OK ? "[mlx.core] failed without a message" : error.message;
    /* A message that quotes a byte of the user's text may not be UTF-8. */
    PyObject *text = PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
    if (text) PyErr_SetObject(classes[error.code], text);
    Py_XDECREF(text);
    return NULL;
}
