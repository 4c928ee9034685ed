/* SPDX-License-Identifier: MIT
 *
 * The slots of mx.array that make it a number; array.c puts them into the type. */
#ifndef MICA_PY_NUMBER_H
#define MICA_PY_NUMBER_H

#include "mica_py.h"

/* item.c */
int py_array_bool(PyObject *self);
PyObject *py_array_int(PyObject *self);
PyObject *py_array_float(PyObject *self);

/* operators.c: X(slot, function) for each of nb_add ... nb_inplace_xor. */
#define PY_OPERATORS(X)                                                                                                \
    X(add)                                                                                                             \
    X(subtract)                                                                                                        \
    X(multiply) X(true_divide) X(floor_divide) X(remainder) X(matrix_multiply) X(and) X(or) X(xor) X(lshift) X(rshift)
#define PY_DECLARE_OPERATOR(name)                                                                                      \
    PyObject *py_nb_##name(PyObject *a, PyObject *b);                                                                  \
    PyObject *py_nb_inplace_##name(PyObject *a, PyObject *b);
PY_OPERATORS(PY_DECLARE_OPERATOR)
#undef PY_DECLARE_OPERATOR
PyObject *py_nb_power(PyObject *a, PyObject *b, PyObject *modulus);
PyObject *py_nb_inplace_power(PyObject *a, PyObject *b, PyObject *modulus);
PyObject *py_nb_negative(PyObject *a);
PyObject *py_nb_absolute(PyObject *a);
PyObject *py_nb_invert(PyObject *a);
PyObject *py_array_compare(PyObject *a, PyObject *b, int op);
extern const py_row py_operator_rows[]; /* __div__, __rdiv__ */

#endif
