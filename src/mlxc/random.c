/* SPDX-License-Identifier: MIT
 *
 * Random numbers.  An empty key draws from the calling thread's state. */
#include "mlxc/mlxc.h"

int mlx_random_seed(uint64_t seed)
{
    mlxc_call call = mlxc_enter(__func__);
    return mlxc_leave_plain(&call, mx_random_seed(seed));
}

int mlx_random_key(mlx_array *res, uint64_t seed)
{
    RETURN_HERE(res, mx_random_key(seed));
}

int mlx_random_split_num(mlx_array *res, const mlx_array key, int num, const mlx_stream s)
{
    RETURN(res, s, mx_random_split(ARRAY(key), num));
}

int mlx_random_split(mlx_array *res_0, mlx_array *res_1, const mlx_array key, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *keys = mx_random_split(ARRAY(key), 2), *rows[2] = {NULL, NULL};
    if (keys && mx_split(keys, 2, NULL, 0, rows))
        for (int i = 0; i < 2; i++) rows[i] = mx_squeeze(rows[i], MX_AXES(0));
    return mlxc_leave_two(&call, res_0, rows[0], res_1, rows[1]);
}

int mlx_random_bits(mlx_array *res, const int *shape, size_t shape_num, int width, const mlx_array key,
                    const mlx_stream s)
{
    RETURN(res, s, mx_random_bits(SHAPE_OF(shape), width, MAYBE(key)));
}

int mlx_random_bernoulli(mlx_array *res, const mlx_array p, const int *shape, size_t shape_num, const mlx_array key,
                         const mlx_stream s)
{
    RETURN(res, s, mx_random_bernoulli(ARRAY(p), SHAPE_OF(shape), MAYBE(key)));
}

int mlx_random_uniform(mlx_array *res, const mlx_array low, const mlx_array high, const int *shape, size_t shape_num,
                       mlx_dtype dtype, const mlx_array key, const mlx_stream s)
{
    RETURN(res, s, mx_random_uniform(ARRAY(low), ARRAY(high), SHAPE_OF(shape), DTYPE(dtype), MAYBE(key)));
}

int mlx_random_randint(mlx_array *res, const mlx_array low, const mlx_array high, const int *shape, size_t shape_num,
                       mlx_dtype dtype, const mlx_array key, const mlx_stream s)
{
    RETURN(res, s, mx_random_randint(ARRAY(low), ARRAY(high), SHAPE_OF(shape), DTYPE(dtype), MAYBE(key)));
}

int mlx_random_truncated_normal(mlx_array *res, const mlx_array lower, const mlx_array upper, const int *shape,
                                size_t shape_num, mlx_dtype dtype, const mlx_array key, const mlx_stream s)
{
    RETURN(res, s, mx_random_truncated_normal(ARRAY(lower), ARRAY(upper), SHAPE_OF(shape), DTYPE(dtype), MAYBE(key)));
}

int mlx_random_gumbel(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype, const mlx_array key,
                      const mlx_stream s)
{
    RETURN(res, s, mx_random_gumbel(SHAPE_OF(shape), DTYPE(dtype), MAYBE(key)));
}

/* A parameter of a distribution; NULL where it changes nothing, so that no work is spent on it. */
static mx_array *parameter(float value, float neutral, mx_dtype dtype)
{
    return value == neutral ? NULL : mx_scalar(value, dtype);
}

int mlx_random_normal(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype, float loc, float scale,
                      const mlx_array key, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_dtype type = DTYPE(dtype);
    mx_array *center = parameter(loc, 0, type), *width = parameter(scale, 1, type);
    return mlxc_leave(&call, res, mx_random_normal(SHAPE_OF(shape), type, center, width, MAYBE(key)));
}

int mlx_random_normal_broadcast(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype,
                                const mlx_array loc, const mlx_array scale, const mlx_array key, const mlx_stream s)
{
    RETURN(res, s, mx_random_normal(SHAPE_OF(shape), DTYPE(dtype), MAYBE(loc), MAYBE(scale), MAYBE(key)));
}

int mlx_random_multivariate_normal(mlx_array *res, const mlx_array mean, const mlx_array cov, const int *shape,
                                   size_t shape_num, mlx_dtype dtype, const mlx_array key, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    if (DTYPE(dtype) != MX_FLOAT32) mx_fail(MX_VALUE, "[multivariate_normal] the dtype must be float32.");
    mx_shape batch = SHAPE_OF(shape);
    mx_array *center = ARRAY(mean), *covariance = ARRAY(cov);
    mx_array *y = mx_failed() ? NULL : mx_random_multivariate_normal(center, covariance, batch, MAYBE(key));
    return mlxc_leave(&call, res, y);
}

int mlx_random_laplace(mlx_array *res, const int *shape, size_t shape_num, mlx_dtype dtype, float loc, float scale,
                       const mlx_array key, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_dtype type = DTYPE(dtype);
    mx_array *center = parameter(loc, 0, type), *width = parameter(scale, 1, type);
    return mlxc_leave(&call, res, mx_random_laplace(SHAPE_OF(shape), type, center, width, MAYBE(key)));
}

int mlx_random_categorical(mlx_array *res, const mlx_array logits, int axis, const mlx_array key, const mlx_stream s)
{
    RETURN(res, s, mx_random_categorical(ARRAY(logits), axis, MAYBE(key)));
}

int mlx_random_categorical_num_samples(mlx_array *res, const mlx_array logits_, int axis, int num_samples,
                                       const mlx_array key, const mlx_stream s)
{
    RETURN(res, s, mx_random_categorical_count(ARRAY(logits_), axis, num_samples, MAYBE(key)));
}

int mlx_random_categorical_shape(mlx_array *res, const mlx_array logits, int axis, const int *shape, size_t shape_num,
                                 const mlx_array key, const mlx_stream s)
{
    RETURN(res, s, mx_random_categorical_shape(ARRAY(logits), axis, SHAPE_OF(shape), MAYBE(key)));
}

int mlx_random_permutation(mlx_array *res, const mlx_array x, int axis, const mlx_array key, const mlx_stream s)
{
    RETURN(res, s, mx_random_permutation_of(ARRAY(x), axis, MAYBE(key)));
}

int mlx_random_permutation_arange(mlx_array *res, int x, const mlx_array key, const mlx_stream s)
{
    RETURN(res, s, mx_random_permutation(x, MAYBE(key)));
}
