/* SPDX-License-Identifier: MIT
 *
 * A signature string as a table: `name(a: array, /, axis: Union[None, int] = None, *, stream: StreamOrDevice = None)`.
 */
#ifndef MICA_PY_SIGNATURE_H
#define MICA_PY_SIGNATURE_H

#include "mica_py.h"

typedef struct py_signature {
    int count;           /* parameters but *args and **kwargs */
    int positional;      /* the first so many can be given by position ... */
    int positional_only; /* ... and of these the first so many by position only */
    int stream;          /* the parameter of type StreamOrDevice, or -1 */
    bool takes_rest, takes_kwargs;
    PyObject *names[PY_MAX_PARAMS];    /* interned */
    PyObject *defaults[PY_MAX_PARAMS]; /* NULL: the parameter is required */
} py_signature;

/* Reads the text; false raises SystemError, which is a mistake in a table of rows. */
bool py_signature_read(const char *text, py_signature *out);

/* The text with the first parameter named self: "sum(a: array, /, axis)" becomes "sum(self, axis)".  PyMem_Free it. */
char *py_signature_of_method(const char *text);

#endif
