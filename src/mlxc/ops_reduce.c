/* SPDX-License-Identifier: MIT
 *
 * Reductions, running folds and what is made of them.  Each reduction has three entry points: over all axes, over one,
 * over several. */
#include "mlxc/mlxc.h"

#define REDUCE(name)                                                                                                   \
    int mlx_##name(mlx_array *res, const mlx_array a, bool keepdims, const mlx_stream s)                               \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(ARRAY(a), MX_ALL_AXES, keepdims));                                                    \
    }                                                                                                                  \
    int mlx_##name##_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims, const mlx_stream s)              \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(ARRAY(a), MX_AXES(axis), keepdims));                                                  \
    }
#define REDUCE_AXES(name)                                                                                              \
    int mlx_##name##_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, bool keepdims,          \
                          const mlx_stream s)                                                                          \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(ARRAY(a), AXES_OF(axes), keepdims));                                                  \
    }
MX_REDUCE_OPS(REDUCE)
MX_REDUCE_OPS(REDUCE_AXES)
REDUCE(argmax)
REDUCE(argmin)

#define REDUCE_MOMENT(name)                                                                                            \
    int mlx_##name(mlx_array *res, const mlx_array a, bool keepdims, int ddof, const mlx_stream s)                     \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(ARRAY(a), MX_ALL_AXES, keepdims, ddof));                                              \
    }                                                                                                                  \
    int mlx_##name##_axis(mlx_array *res, const mlx_array a, int axis, bool keepdims, int ddof, const mlx_stream s)    \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(ARRAY(a), MX_AXES(axis), keepdims, ddof));                                            \
    }                                                                                                                  \
    int mlx_##name##_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, bool keepdims,          \
                          int ddof, const mlx_stream s)                                                                \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(ARRAY(a), AXES_OF(axes), keepdims, ddof));                                            \
    }
REDUCE_MOMENT(var)
REDUCE_MOMENT(std)

int mlx_softmax(mlx_array *res, const mlx_array a, bool precise, const mlx_stream s)
{
    RETURN(res, s, mx_softmax(ARRAY(a), MX_ALL_AXES, precise));
}

int mlx_softmax_axis(mlx_array *res, const mlx_array a, int axis, bool precise, const mlx_stream s)
{
    RETURN(res, s, mx_softmax(ARRAY(a), MX_AXES(axis), precise));
}

int mlx_softmax_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, bool precise,
                     const mlx_stream s)
{
    RETURN(res, s, mx_softmax(ARRAY(a), AXES_OF(axes), precise));
}

#define SCAN(name)                                                                                                     \
    int mlx_##name(mlx_array *res, const mlx_array a, int axis, bool reverse, bool inclusive, const mlx_stream s)      \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(ARRAY(a), axis, reverse, inclusive));                                                 \
    }
MX_SCAN_OPS(SCAN)

/* The product of the sizes of some axes, or its inverse: known without evaluating, so a constant. */
static mx_array *element_count(mx_array *x, mx_axes axes, bool inverted, mx_dtype dtype)
{
    double count = 1;
    for (int i = 0; x && i < axes.count; i++) {
        int64_t size = mx_dim(x, axes.at[i]);
        if (size < 0) return NULL;
        count *= (double)size;
    }
    if (!x || mx_failed()) return NULL;
    return mx_scalar(inverted ? 1 / count : count, dtype);
}

int mlx_number_of_elements(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, bool inverted,
                           mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, element_count(ARRAY(a), AXES_OF(axes), inverted, DTYPE(dtype)));
}
