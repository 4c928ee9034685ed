/* SPDX-License-Identifier: MIT
 *
 * Sorting and selecting; without an axis, of all elements as one row. */
#include "mlxc/mlxc.h"

static mx_array *flat(mx_array *x)
{
    return x ? mx_flatten(x, 0, -1) : NULL;
}

#define SORT(name)                                                                                                     \
    int mlx_##name(mlx_array *res, const mlx_array a, const mlx_stream s)                                              \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(flat(ARRAY(a)), 0));                                                                  \
    }                                                                                                                  \
    int mlx_##name##_axis(mlx_array *res, const mlx_array a, int axis, const mlx_stream s)                             \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(ARRAY(a), axis));                                                                     \
    }
SORT(sort)
SORT(argsort)

#define SELECT(name, number)                                                                                           \
    int mlx_##name(mlx_array *res, const mlx_array a, int number, const mlx_stream s)                                  \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(flat(ARRAY(a)), number, 0));                                                          \
    }                                                                                                                  \
    int mlx_##name##_axis(mlx_array *res, const mlx_array a, int number, int axis, const mlx_stream s)                 \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(ARRAY(a), number, axis));                                                             \
    }
SELECT(partition, kth)
SELECT(argpartition, kth)
SELECT(topk, k)

int mlx_median(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, bool keepdims, const mlx_stream s)
{
    RETURN(res, s, mx_median(ARRAY(a), AXES_OF(axes), keepdims));
}
