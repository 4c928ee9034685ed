/* SPDX-License-Identifier: MIT
 *
 * Operators of mx.array: x + y, x += y, x < y, -x.
 *
 * Two arrays go straight to the op; anything else first becomes an operand.  CPython calls one function for x + y and
 * its reflection, so either side may be the array. */
#include "number.h"

typedef struct operator
{
    const char *slot; /* for messages: "__add__" */
    const char *noun; /* "addition" */
    mx_array *(*op)(mx_array *, mx_array *);
    const char *bits; /* "bitwise and": only ints and bools, and no reflection */
}
operator;

/* ---- Applying */
static PyObject *refuse(const operator* o, PyObject *a, PyObject *b, const char *inplace)
{
    PyObject *other = py_is_array(a) ? b : a;
    PyObject *type = py_type_name(other);
    if (type && other == Py_None)
        PyErr_Format(PyExc_TypeError, "%s(): incompatible function arguments. Invoked with types: mlx.core.array, %U",
                     o->slot, type);
    else if (type)
        PyErr_Format(PyExc_ValueError, "Cannot perform %s%s on an mlx.core.array and %U", inplace, o->noun, type);
    Py_XDECREF(type);
    return NULL;
}

static bool refuse_floats(const operator* o, mx_array *x, mx_array *y)
{
    if (!mx_dtype_is(mx_dtype_of(x), MX_INEXACT) && !mx_dtype_is(mx_dtype_of(y), MX_INEXACT)) return false;
    PyErr_Format(PyExc_ValueError, "Floating point types not allowed with %s.", o->bits);
    return true;
}

/* The result, owned; NULL with an exception. */
static mx_array *apply(const operator* o, PyObject *a, PyObject *b, const char *inplace)
{
    mx_array *x, *y, *result = NULL;
    if (mx_failed()) mx_error();
    mx_scope s = mx_scope_open();
    if (py_is_array(a) && py_is_array(b)) {
        x = py_array_of(a);
        y = py_array_of(b);
    } else if (!py_is_operand(py_is_array(a) ? b : a)) {
        refuse(o, a, b, inplace);
        goto done;
    } else if (!py_to_operands(a, b, &x, &y)) {
        goto done;
    }
    if (!o->bits || !refuse_floats(o, x, y)) result = o->op(x, y);
done:
    result = mx_scope_close(s, result);
    if (!result) py_raise();
    return result;
}

static PyObject *binary(const operator* o, PyObject *a, PyObject *b)
{
    if (o->bits && !py_is_array(a)) return Py_NewRef(Py_NotImplemented);
    mx_array *result = apply(o, a, b, "");
    return result ? py_wrap(result) : NULL;
}

static PyObject *inplace(const operator* o, PyObject *a, PyObject *b)
{
    mx_array *result = apply(o, a, b, "inplace ");
    if (!result) return NULL;
    py_swap(a, result);
    return Py_NewRef(a);
}

/* ---- The operators */
/* A wrapper for the operator and one for its in-place form. */
#define OPERATOR(name, slot, noun, op, bits)                                                                           \
    static const operator op_##name = {"__" slot "__", noun, op, bits};                                                \
    PyObject *py_nb_##name(PyObject *a, PyObject *b)                                                                   \
    {                                                                                                                  \
        return binary(&op_##name, a, b);                                                                               \
    }
#define INPLACE(name)                                                                                                  \
    PyObject *py_nb_inplace_##name(PyObject *a, PyObject *b)                                                           \
    {                                                                                                                  \
        return inplace(&op_##name, a, b);                                                                              \
    }
OPERATOR(add, "add", "addition", mx_add, NULL)
OPERATOR(subtract, "sub", "subtraction", mx_sub, NULL)
OPERATOR(multiply, "mul", "multiplication", mx_mul, NULL)
OPERATOR(true_divide, "truediv", "division", mx_div, NULL)
OPERATOR(floor_divide, "floordiv", "floor division", mx_floor_div, NULL)
OPERATOR(remainder, "mod", "modulus", mx_remainder, NULL)
OPERATOR(and, "and", "bitwise and", mx_bitwise_and, "bitwise and")
OPERATOR(or, "or", "bitwise or", mx_bitwise_or, "bitwise or")
OPERATOR(xor, "xor", "bitwise xor", mx_bitwise_xor, "bitwise xor")
OPERATOR(lshift, "lshift", "left shift", mx_left_shift, "left shift")
OPERATOR(rshift, "rshift", "right shift", mx_right_shift, "right shift")
INPLACE(add)
INPLACE(subtract)
INPLACE(multiply)
INPLACE(floor_divide)
INPLACE(remainder)
INPLACE(and)
INPLACE(or)
INPLACE(xor)
INPLACE(lshift)
INPLACE(rshift)

PyObject *py_nb_inplace_true_divide(PyObject *a, PyObject *b)
{
    if (!mx_dtype_is(mx_dtype_of(py_array_of(a)), MX_INEXACT))
        return PyErr_Format(PyExc_ValueError, "In place division cannot cast to non-floating point type.");
    return inplace(&op_true_divide, a, b);
}

/* Only an array may stand at either side of @. */
static const operator op_matmul = {"__matmul__", "matrix multiplication", mx_matmul, NULL};

static bool both_arrays(PyObject *a, PyObject *b, const char *slot)
{
    if (py_is_array(a) && py_is_array(b)) return true;
    PyObject *type = py_type_name(py_is_array(a) ? b : a);
    if (type)
        PyErr_Format(PyExc_TypeError,
                     "%s(): incompatible function arguments. The following argument types are supported:\n"
                     "    1. %s(self, other: mlx.core.array) -> mlx.core.array\n\n"
                     "Invoked with types: mlx.core.array, %U",
                     slot, slot, type);
    Py_XDECREF(type);
    return false;
}

PyObject *py_nb_matrix_multiply(PyObject *a, PyObject *b)
{
    if (!py_is_array(a)) return Py_NewRef(Py_NotImplemented);
    return both_arrays(a, b, "__matmul__") ? binary(&op_matmul, a, b) : NULL;
}

PyObject *py_nb_inplace_matrix_multiply(PyObject *a, PyObject *b)
{
    return both_arrays(a, b, "__imatmul__") ? inplace(&op_matmul, a, b) : NULL;
}

static const operator op_power = {"__pow__", "power", mx_power, NULL};

PyObject *py_nb_power(PyObject *a, PyObject *b, PyObject *modulus)
{
    return modulus == Py_None ? binary(&op_power, a, b) : Py_NewRef(Py_NotImplemented);
}

PyObject *py_nb_inplace_power(PyObject *a, PyObject *b, PyObject *modulus)
{
    return modulus == Py_None ? inplace(&op_power, a, b) : Py_NewRef(Py_NotImplemented);
}

/* ---- One operand */
static PyObject *unary(PyObject *a, mx_array *(*op)(mx_array *))
{
    if (mx_failed()) mx_error();
    mx_scope s = mx_scope_open();
    return py_wrap(mx_scope_close(s, op(py_array_of(a))));
}

PyObject *py_nb_negative(PyObject *a)
{
    return unary(a, mx_neg);
}

PyObject *py_nb_absolute(PyObject *a)
{
    return unary(a, mx_abs);
}

PyObject *py_nb_invert(PyObject *a)
{
    mx_dtype dtype = mx_dtype_of(py_array_of(a));
    if (mx_dtype_is(dtype, MX_INEXACT))
        return PyErr_Format(PyExc_ValueError, "Floating point types not allowed with bitwise inversion.");
    return unary(a, dtype == MX_BOOL ? mx_logical_not : mx_bitwise_invert);
}

/* ---- Comparisons */
PyObject *py_array_compare(PyObject *a, PyObject *b, int op)
{
    static const operator comparisons[] = {
        [Py_LT] = {"__lt__", "less than", mx_less, NULL},
        [Py_LE] = {"__le__", "less than or equal", mx_less_equal, NULL},
        [Py_EQ] = {"__eq__", "equal", mx_equal, NULL},
        [Py_NE] = {"__ne__", "not equal", mx_not_equal, NULL},
        [Py_GT] = {"__gt__", "greater than", mx_greater, NULL},
        [Py_GE] = {"__ge__", "greater than or equal", mx_greater_equal, NULL},
    };
    if ((op == Py_EQ || op == Py_NE) && !py_is_operand(b)) return PyBool_FromLong(op == Py_NE);
    return binary(&comparisons[op], a, b);
}

/* ---- Names of Python 2 that MLX has */
static PyObject *array_div(py_args *in)
{
    return py_nb_true_divide(in->at[0], in->at[1]);
}

static PyObject *array_rdiv(py_args *in)
{
    return py_nb_true_divide(in->at[1], in->at[0]);
}

const py_row py_operator_rows[] = {
    {"__div__", array_div, "__div__(self, other: Union[scalar, array]) -> array", NULL},
    {"__rdiv__", array_rdiv, "__rdiv__(self, other: Union[scalar, array]) -> array", NULL},
    {0}};
