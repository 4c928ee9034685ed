/* SPDX-License-Identifier: MIT
 *
 * Elementwise operations: two tables of names, and those with parameters. */
#include "mlxc/mlxc.h"

#define UNARY(name, op)                                                                                                \
    int mlx_##name(mlx_array *res, const mlx_array a, const mlx_stream s)                                              \
    {                                                                                                                  \
        RETURN(res, s, mx_##op(ARRAY(a)));                                                                             \
    }
UNARY(abs, abs)
UNARY(arccos, arccos)
UNARY(arccosh, arccosh)
UNARY(arcsin, arcsin)
UNARY(arcsinh, arcsinh)
UNARY(arctan, arctan)
UNARY(arctanh, arctanh)
UNARY(bitwise_invert, bitwise_invert)
UNARY(ceil, ceil)
UNARY(conjugate, conjugate)
UNARY(copy, copy)
UNARY(cos, cos)
UNARY(cosh, cosh)
UNARY(degrees, degrees)
UNARY(erf, erf)
UNARY(erfinv, erfinv)
UNARY(exp, exp)
UNARY(expm1, expm1)
UNARY(floor, floor)
UNARY(imag, imag)
UNARY(isfinite, isfinite)
UNARY(isinf, isinf)
UNARY(isnan, isnan)
UNARY(isneginf, isneginf)
UNARY(isposinf, isposinf)
UNARY(log, log)
UNARY(log10, log10)
UNARY(log1p, log1p)
UNARY(log2, log2)
UNARY(logical_not, logical_not)
UNARY(negative, neg)
UNARY(ones_like, ones_like)
UNARY(radians, radians)
UNARY(real, real)
UNARY(reciprocal, reciprocal)
UNARY(rsqrt, rsqrt)
UNARY(sigmoid, sigmoid)
UNARY(sign, sign)
UNARY(sin, sin)
UNARY(sinh, sinh)
UNARY(sqrt, sqrt)
UNARY(square, square)
UNARY(stop_gradient, stop_gradient)
UNARY(tan, tan)
UNARY(tanh, tanh)
UNARY(zeros_like, zeros_like)

#define BINARY(name, op)                                                                                               \
    int mlx_##name(mlx_array *res, const mlx_array a, const mlx_array b, const mlx_stream s)                           \
    {                                                                                                                  \
        RETURN(res, s, mx_##op(ARRAY(a), ARRAY(b)));                                                                   \
    }
BINARY(add, add)
BINARY(arctan2, arctan2)
BINARY(bitwise_and, bitwise_and)
BINARY(bitwise_or, bitwise_or)
BINARY(bitwise_xor, bitwise_xor)
BINARY(divide, div)
BINARY(equal, equal)
BINARY(floor_divide, floor_div)
BINARY(greater, greater)
BINARY(greater_equal, greater_equal)
BINARY(left_shift, left_shift)
BINARY(less, less)
BINARY(less_equal, less_equal)
BINARY(logaddexp, logaddexp)
BINARY(logical_and, logical_and)
BINARY(logical_or, logical_or)
BINARY(maximum, maximum)
BINARY(minimum, minimum)
BINARY(multiply, mul)
BINARY(not_equal, not_equal)
BINARY(power, power)
BINARY(remainder, remainder)
BINARY(right_shift, right_shift)
BINARY(subtract, sub)

int mlx_round(mlx_array *res, const mlx_array a, int decimals, const mlx_stream s)
{
    RETURN(res, s, mx_round_to(ARRAY(a), decimals));
}

int mlx_nan_to_num(mlx_array *res, const mlx_array a, float nan, mlx_optional_float posinf, mlx_optional_float neginf,
                   const mlx_stream s)
{
    RETURN(
        res, s,
        mx_nan_to_num(ARRAY(a), nan, posinf.has_value ? &posinf.value : NULL, neginf.has_value ? &neginf.value : NULL));
}

int mlx_divmod(mlx_vector_array *res, const mlx_array a, const mlx_array b, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a), *y = ARRAY(b), *out[2] = {NULL, NULL};
    bool ok = !mx_failed() && mx_divmod(x, y, out);
    return mlxc_leave_list(&call, res, out, 2, ok);
}

int mlx_isclose(mlx_array *res, const mlx_array a, const mlx_array b, double rtol, double atol, bool equal_nan,
                const mlx_stream s)
{
    RETURN(res, s, mx_isclose(ARRAY(a), ARRAY(b), rtol, atol, equal_nan));
}

int mlx_allclose(mlx_array *res, const mlx_array a, const mlx_array b, double rtol, double atol, bool equal_nan,
                 const mlx_stream s)
{
    RETURN(res, s, mx_allclose(ARRAY(a), ARRAY(b), rtol, atol, equal_nan));
}

int mlx_array_equal(mlx_array *res, const mlx_array a, const mlx_array b, bool equal_nan, const mlx_stream s)
{
    RETURN(res, s, mx_array_equal(ARRAY(a), ARRAY(b), equal_nan));
}

int mlx_where(mlx_array *res, const mlx_array condition, const mlx_array x, const mlx_array y, const mlx_stream s)
{
    RETURN(res, s, mx_where(ARRAY(condition), ARRAY(x), ARRAY(y)));
}

int mlx_clip(mlx_array *res, const mlx_array a, const mlx_array a_min, const mlx_array a_max, const mlx_stream s)
{
    RETURN(res, s, mx_clip(ARRAY(a), MAYBE(a_min), MAYBE(a_max)));
}

int mlx_astype(mlx_array *res, const mlx_array a, mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, mx_astype(ARRAY(a), DTYPE(dtype)));
}

int mlx_view(mlx_array *res, const mlx_array a, mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, mx_view(ARRAY(a), DTYPE(dtype)));
}
