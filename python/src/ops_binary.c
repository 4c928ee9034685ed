/* SPDX-License-Identifier: MIT
 *
 * Functions of two and three operands. */
#include "ops.h"

/* X(name, native function, what it computes) */
#define BINARY_FUNCTIONS(X)                                                                                            \
    X(add, mx_add, "a + b.")                                                                                           \
    X(arctan2, mx_arctan2, "The angle of the point (b, a).")                                                           \
    X(bitwise_and, mx_bitwise_and, "Bitwise and of ints or bools.")                                                    \
    X(bitwise_or, mx_bitwise_or, "Bitwise or of ints or bools.")                                                       \
    X(bitwise_xor, mx_bitwise_xor, "Bitwise exclusive or of ints or bools.")                                           \
    X(divide, mx_div, "a / b; ints become float32.")                                                                   \
    X(equal, mx_equal, "a == b.")                                                                                      \
    X(floor_divide, mx_floor_div, "The quotient: floored for floats, toward zero for ints, 0 for a zero divisor.")     \
    X(greater, mx_greater, "a > b.")                                                                                   \
    X(greater_equal, mx_greater_equal, "a >= b.")                                                                      \
    X(left_shift, mx_left_shift, "a shifted left by b bits.")                                                          \
    X(less, mx_less, "a < b.")                                                                                         \
    X(less_equal, mx_less_equal, "a <= b.")                                                                            \
    X(logaddexp, mx_logaddexp, "log(exp(a) + exp(b)) without overflow.")                                               \
    X(maximum, mx_maximum, "The larger; NaN if either is.")                                                            \
    X(minimum, mx_minimum, "The smaller; NaN if either is.")                                                           \
    X(multiply, mx_mul, "a * b.")                                                                                      \
    X(not_equal, mx_not_equal, "a != b.")                                                                              \
    X(power, mx_power, "a to the power b, in the promoted dtype.")                                                     \
    X(remainder, mx_remainder, "The remainder, with the sign of b.")                                                   \
    X(right_shift, mx_right_shift, "a shifted right by b bits.")                                                       \
    X(subtract, mx_sub, "a - b.")

#define FUNCTION(name, op, text)                                                                                       \
    static PyObject *py_##name(py_args *in)                                                                            \
    {                                                                                                                  \
        return binary(in, op);                                                                                         \
    }
static bool operands(py_args *in, mx_array **x, mx_array **y)
{
    if (in->at[0] == Py_None || in->at[1] == Py_None) return py_incompatible(in);
    return py_to_operands(in->at[0], in->at[1], x, y);
}

static PyObject *binary(py_args *in, mx_array *(*op)(mx_array *, mx_array *))
{
    mx_array *x, *y;
    return operands(in, &x, &y) ? py_return(in, op(x, y)) : NULL;
}
BINARY_FUNCTIONS(FUNCTION)

/* Truth does not depend on the other side's dtype, so each operand stands alone. */
static PyObject *logical(py_args *in, mx_array *(*op)(mx_array *, mx_array *))
{
    mx_array *x = py_arg_operand(in, 0), *y = x ? py_arg_operand(in, 1) : NULL;
    return py_return(in, op(x, y));
}

static PyObject *py_logical_and(py_args *in)
{
    return logical(in, mx_logical_and);
}

static PyObject *py_logical_or(py_args *in)
{
    return logical(in, mx_logical_or);
}

static PyObject *py_logical_xor(py_args *in)
{
    return logical(in, mx_logical_xor);
}

static PyObject *py_divmod(py_args *in)
{
    mx_array *x, *y, *out[2];
    if (!operands(in, &x, &y)) return NULL;
    return mx_divmod(x, y, out) ? py_return_list(in, out, 2) : py_return(in, NULL);
}

static PyObject *py_array_equal(py_args *in)
{
    mx_array *x, *y;
    bool equal_nan;
    if (!operands(in, &x, &y) || !py_arg_bool(in, 2, &equal_nan)) return NULL;
    return py_return(in, mx_array_equal(x, y, equal_nan));
}

static PyObject *close_by(py_args *in, mx_array *(*op)(mx_array *, mx_array *, double, double, bool))
{
    mx_array *x, *y;
    double rtol = 0, atol = 0;
    bool equal_nan;
    if (!operands(in, &x, &y) || !py_arg_double(in, 2, &rtol) || !py_arg_double(in, 3, &atol) ||
        !py_arg_bool(in, 4, &equal_nan))
        return NULL;
    return py_return(in, op(x, y, rtol, atol, equal_nan));
}

static PyObject *py_isclose(py_args *in)
{
    return close_by(in, mx_isclose);
}

static PyObject *py_allclose(py_args *in)
{
    return close_by(in, mx_allclose);
}

static PyObject *py_where(py_args *in)
{
    mx_array *condition = py_arg_operand(in, 0), *x, *y;
    if (!condition) return NULL;
    if (in->at[1] == Py_None || in->at[2] == Py_None) return py_incompatible(in);
    if (!py_to_operands(in->at[1], in->at[2], &x, &y)) return NULL;
    return py_return(in, mx_where(condition, x, y));
}

static PyObject *py_clip(py_args *in)
{
    mx_array *x = py_arg_operand(in, 0), *low = NULL, *high = NULL;
    if (!x) return NULL;
    if (py_arg_is_none(in, 1) && py_arg_is_none(in, 2))
        return PyErr_Format(PyExc_ValueError, "[clip] at most one of a_min and a_max may be None");
    if (!py_arg_is_none(in, 1) && !(low = py_to_array_like(in->at[1], x))) return NULL;
    if (!py_arg_is_none(in, 2) && !(high = py_to_array_like(in->at[2], x))) return NULL;
    return py_return(in, mx_clip(x, low, high));
}

#define BOTH ANY("a") ", " ANY("b") ", /, "
#define CLOSE BOTH "rtol: float = 1e-05, atol: float = 1e-08, *, equal_nan: bool = False, " STREAM ") -> array"
#define ROW(name, op, text) {#name, py_##name, #name "(" BOTH "*, " STREAM ") -> array", text},
const py_row py_rows_binary[] = {
    BINARY_FUNCTIONS(ROW){"logical_and", py_logical_and, "logical_and(" BOTH "*, " STREAM ") -> array",
                          "True where both are not 0."},
    {"logical_or", py_logical_or, "logical_or(" BOTH "*, " STREAM ") -> array", "True where one is not 0."},
    {"logical_xor", py_logical_xor, "logical_xor(" BOTH "*, " STREAM ") -> array",
     "True where one, but not both, is not 0."},
    {"divmod", py_divmod, "divmod(" BOTH "*, " STREAM ") -> list[array]",
     "Floored quotient and remainder: a == q * b + r, r with the sign of b."},
    {"array_equal", py_array_equal, "array_equal(" BOTH "*, equal_nan: bool = False, " STREAM ") -> array",
     "Do the arrays have the same shape and the same elements?"},
    {"isclose", py_isclose, "isclose(" CLOSE, "|a - b| <= atol + rtol * |b|, element by element."},
    {"allclose", py_allclose, "allclose(" CLOSE, "Is |a - b| <= atol + rtol * |b| everywhere?"},
    {"where", py_where, "where(" ANY("condition") ", " ANY("x") ", " ANY("y") ", /, *, " STREAM ") -> array",
     "x where the condition holds, y elsewhere; all three broadcast."},
    {"clip", py_clip,
     "clip(" ANY("a") ", /, a_min: Union[None, scalar, array], a_max: Union[None, scalar, array], *, " STREAM
                      ") -> array",
     "min(max(a, a_min), a_max); one bound may be None."},
    {0}};
