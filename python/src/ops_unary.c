/* SPDX-License-Identifier: MIT
 *
 * Functions of one operand. */
#include "ops.h"

static mx_array *positive(mx_array *x)
{
    return x;
}

/* Toward zero. */
static mx_array *trunc_of(mx_array *x)
{
    if (!x || !mx_dtype_is(mx_dtype_of(x), MX_INEXACT)) return x;
    return mx_where(mx_less(x, mx_like(x, 0)), mx_ceil(x), mx_floor(x));
}

/* X(name, native function, what it computes) */
#define UNARY_FUNCTIONS(X)                                                                                             \
    X(abs, mx_abs, "|a|; float32 for complex64.")                                                                      \
    X(arccos, mx_arccos, "The inverse cosine.")                                                                        \
    X(arccosh, mx_arccosh, "The inverse hyperbolic cosine.")                                                           \
    X(arcsin, mx_arcsin, "The inverse sine.")                                                                          \
    X(arcsinh, mx_arcsinh, "The inverse hyperbolic sine.")                                                             \
    X(arctan, mx_arctan, "The inverse tangent.")                                                                       \
    X(arctanh, mx_arctanh, "The inverse hyperbolic tangent.")                                                          \
    X(bitwise_invert, mx_bitwise_invert, "Every bit inverted; ints only.")                                             \
    X(ceil, mx_ceil, "The least integer not below a.")                                                                 \
    X(conj, mx_conjugate, "The complex conjugate.")                                                                    \
    X(cos, mx_cos, "The cosine.")                                                                                      \
    X(cosh, mx_cosh, "The hyperbolic cosine.")                                                                         \
    X(degrees, mx_degrees, "Radians as degrees.")                                                                      \
    X(erf, mx_erf, "The error function, 2/sqrt(pi) times the integral of exp(-t^2) from 0 to a.")                      \
    X(erfinv, mx_erfinv, "The inverse of erf.")                                                                        \
    X(exp, mx_exp, "e^a.")                                                                                             \
    X(expm1, mx_expm1, "e^a - 1, exact near 0.")                                                                       \
    X(floor, mx_floor, "The greatest integer not above a.")                                                            \
    X(imag, mx_imag, "The imaginary part; zeros of the dtype for real arrays.")                                        \
    X(isfinite, mx_isfinite, "True where a is neither infinite nor NaN.")                                              \
    X(isinf, mx_isinf, "True where a is infinite.")                                                                    \
    X(isnan, mx_isnan, "True where a is NaN.")                                                                         \
    X(isneginf, mx_isneginf, "True where a is -inf.")                                                                  \
    X(isposinf, mx_isposinf, "True where a is +inf.")                                                                  \
    X(log, mx_log, "The natural logarithm.")                                                                           \
    X(log10, mx_log10, "The logarithm to base 10.")                                                                    \
    X(log1p, mx_log1p, "log(1 + a), exact near 0.")                                                                    \
    X(log2, mx_log2, "The logarithm to base 2.")                                                                       \
    X(logical_not, mx_logical_not, "True where a is 0.")                                                               \
    X(negative, mx_neg, "-a.")                                                                                         \
    X(positive, positive, "a itself.")                                                                                 \
    X(radians, mx_radians, "Degrees as radians.")                                                                      \
    X(real, mx_real, "The real part.")                                                                                 \
    X(reciprocal, mx_reciprocal, "1 / a.")                                                                             \
    X(rsqrt, mx_rsqrt, "1 / sqrt(a).")                                                                                 \
    X(sigmoid, mx_sigmoid, "1 / (1 + exp(-a)).")                                                                       \
    X(sign, mx_sign, "-1, 0 or 1; a / |a| for complex64.")                                                             \
    X(sin, mx_sin, "The sine.")                                                                                        \
    X(sinh, mx_sinh, "The hyperbolic sine.")                                                                           \
    X(sqrt, mx_sqrt, "The square root.")                                                                               \
    X(square, mx_square, "a * a.")                                                                                     \
    X(stop_gradient, mx_stop_gradient, "a, which gradients do not pass.")                                              \
    X(tan, mx_tan, "The tangent.")                                                                                     \
    X(tanh, mx_tanh, "The hyperbolic tangent.")                                                                        \
    X(trunc, trunc_of, "a without its fraction.")

#define FUNCTION(name, op, text)                                                                                       \
    static PyObject *py_##name(py_args *in)                                                                            \
    {                                                                                                                  \
        return py_return(in, op(py_arg_operand(in, 0)));                                                               \
    }
UNARY_FUNCTIONS(FUNCTION)

static PyObject *py_round(py_args *in)
{
    int decimals = 0;
    mx_array *x = py_arg_operand(in, 0);
    if (!x || !py_arg_int(in, 1, &decimals)) return NULL;
    return py_return(in, decimals ? mx_round_to(x, decimals) : mx_round(x));
}

static bool limit(py_args *in, int i, float *value, const float **out)
{
    double d = 0;
    if (!py_arg_double(in, i, &d)) return false;
    *value = (float)d;
    *out = py_arg_is_none(in, i) ? NULL : value;
    return true;
}

static PyObject *py_nan_to_num(py_args *in)
{
    double nan = 0;
    float high, low;
    const float *posinf, *neginf;
    mx_array *x = py_arg_operand(in, 0);
    if (!x || !py_arg_double(in, 1, &nan) || !limit(in, 2, &high, &posinf) || !limit(in, 3, &low, &neginf)) return NULL;
    return py_return(in, mx_nan_to_num(x, (float)nan, posinf, neginf));
}

#define ROW(name, op, text) {#name, py_##name, #name "(" ANY("a") ", /, *, " STREAM ") -> array", text},
const py_row py_rows_unary[] = {
    UNARY_FUNCTIONS(ROW){"round", py_round, "round(" ANY("a") ", /, decimals: int = 0, *, " STREAM ") -> array",
                         "Rounds to `decimals` decimals, halves to even."},
    {"nan_to_num", py_nan_to_num,
     "nan_to_num(" ANY(
         "a") ", /, nan: float = 0.0, posinf: Optional[float] = None, neginf: Optional[float] = None, *, " STREAM
              ") -> array",
     "Replaces NaN and infinities, these by the dtype's finite limits unless told otherwise."},
    {0}};
