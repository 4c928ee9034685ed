/* SPDX-License-Identifier: MIT
 *
 * The parts of linear algebra that are plain arithmetic. */
#include "mlxc/mlxc.h"

/* Vectors of two components get a third one, which is 0. */
static mx_array *three_components(const char *name, mx_array *x, int axis)
{
    if (!x) return NULL;
    int64_t size = mx_dim(x, axis), low = 0, high = 1;
    if (size == 2) return mx_pad(x, MX_AXES(axis), &low, &high, MX_PAD_CONSTANT, mx_like(x, 0));
    return size == 3 || size < 0 ? x : mx_fail(MX_VALUE, "[%s] vectors of %lld components.", name, (long long)size);
}

static mx_array *roll(mx_array *x, int64_t shift, int axis)
{
    return mx_roll(x, &shift, MX_AXES(axis));
}

/* c_i = a_(i+1) b_(i+2) - a_(i+2) b_(i+1), indices modulo 3.  The axis counts in each operand by itself. */
int mlx_linalg_cross(mlx_array *res, const mlx_array a, const mlx_array b, int axis, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = three_components(__func__, ARRAY(a), axis), *y = three_components(__func__, ARRAY(b), axis);
    mx_array *plus = mx_mul(roll(x, -1, axis), roll(y, -2, axis));
    mx_array *minus = mx_mul(roll(x, -2, axis), roll(y, -1, axis));
    return mlxc_leave(&call, res, mx_sub(plus, minus));
}

static mx_array *norm_l2(mx_array *x, mx_axes axes, bool keep)
{
    if (!x) return NULL;
    if (axes.count > 2) return mx_fail(MX_VALUE, "[norm_l2] %d axes, at most 2 make a norm.", axes.count);
    if (!mx_dtype_is(mx_dtype_of(x), MX_INEXACT)) x = mx_astype(x, MX_FLOAT32);
    return mx_sqrt(mx_sum(mx_square(mx_abs(x)), axes, keep));
}

int mlx_linalg_norm_l2(mlx_array *res, const mlx_array a, const int *axis, size_t axis_num, bool keepdims,
                       const mlx_stream s)
{
    RETURN(res, s, norm_l2(ARRAY(a), axis ? AXES_OF(axis) : MX_ALL_AXES, keepdims));
}
