/* SPDX-License-Identifier: MIT
 *
 * Adds the tables of functions to the module, then their aliases and those that are methods of mx.array too. */
#include "ops.h"

bool py_axis_or_flat(py_args *in, int i, mx_array **x, int *axis)
{
    *axis = 0;
    if (py_arg_is_none(in, i)) return (*x = mx_flatten(*x, 0, -1)) || py_raise_false();
    return py_arg_int(in, i, axis);
}

int py_positive_axis(const char *op, int axis, int ndim)
{
    int positive = axis < 0 ? axis + ndim : axis;
    if (positive >= 0 && positive < ndim) return positive;
    PyErr_Format(PyExc_ValueError, "[%s] Axis %d is out of bounds for array with %d dimensions.", op, axis, ndim);
    return -1;
}

static const struct {
    const char *name, *original;
} aliases[] = {
    {"acos", "arccos"},
    {"acosh", "arccosh"},
    {"asin", "arcsin"},
    {"asinh", "arcsinh"},
    {"atan", "arctan"},
    {"atanh", "arctanh"},
    {"atan2", "arctan2"},
    {"bitwise_left_shift", "left_shift"},
    {"bitwise_right_shift", "right_shift"},
    {"concat", "concatenate"},
    {"conjugate", "conj"},
    {"cumulative_prod", "cumprod"},
    {"cumulative_sum", "cumsum"},
    {"empty", "zeros"},
    {"empty_like", "zeros_like"},
    {"matrix_transpose", "transpose"},
    {"permute_dims", "transpose"},
    {"pow", "power"},
};

bool py_init_ops(PyObject *module)
{
#define ADD_TABLE(name)                                                                                                \
    if (!py_add_functions(module, py_rows_##name)) return false;
    PY_TABLES(ADD_TABLE)
#undef ADD_TABLE
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (!py_add_alias(module, aliases[i].name, aliases[i].original)) return false;
    return py_init_array_methods(module);
}
