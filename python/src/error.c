/* SPDX-License-Identifier: MIT
 *
 * The native API's errors as Python exceptions: one class for each code. */
#include "mica_py.h"

void *py_raise(void)
{
    PyObject *const classes[MX_CODE_COUNT] = {
        [MX_OK] = PyExc_RuntimeError,    [MX_VALUE] = PyExc_ValueError,       [MX_INDEX] = PyExc_IndexError,
        [MX_TYPE] = PyExc_TypeError,     [MX_OVERFLOW] = PyExc_OverflowError, [MX_RUNTIME] = PyExc_RuntimeError,
        [MX_MEMORY] = PyExc_MemoryError,
    };
    mx_error_info error = mx_error();
    if (PyErr_Occurred()) return NULL; /* it came first, and the library only saw a NULL */
    PyErr_SetString(classes[error.code], error.code == MX_OK ? "[mlx.core] failed without a message" : error.message);
    return NULL;
}
