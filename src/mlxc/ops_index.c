/* SPDX-License-Identifier: MIT
 *
 * Slices, gathers and scatters. */
#include "mlxc/mlxc.h"

/* ---- Slices ---- */

typedef struct slice {
    const int64_t *start, *stop, *step;
} slice;

/* The three lists of a static slice, one entry for each axis of `x`; an error is pending if they do not fit. */
#define SLICE_OF(x)                                                                                                    \
    ((slice){INTS_OF(start, (x) ? mx_ndim(x) : 0), INTS_OF(stop, (x) ? mx_ndim(x) : 0),                                \
             INTS_OF(strides, (x) ? mx_ndim(x) : 0)})

int mlx_slice(mlx_array *res, const mlx_array a, const int *start, size_t start_num, const int *stop, size_t stop_num,
              const int *strides, size_t strides_num, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a);
    slice at = SLICE_OF(x);
    return mlxc_leave(&call, res, mx_failed() ? NULL : mx_slice(x, at.start, at.stop, at.step));
}

int mlx_slice_update(mlx_array *res, const mlx_array src, const mlx_array update, const int *start, size_t start_num,
                     const int *stop, size_t stop_num, const int *strides, size_t strides_num, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(src), *u = ARRAY(update);
    slice at = SLICE_OF(x);
    return mlxc_leave(&call, res, mx_failed() ? NULL : mx_slice_update(x, u, at.start, at.stop, at.step));
}

/* x with its slice replaced by op(slice, update), in x's dtype. */
static mx_array *combine_slice(mx_array *op(mx_array *, mx_array *), mx_array *x, mx_array *update, slice at)
{
    if (!x || !update || mx_failed()) return NULL;
    mx_array *part = mx_slice(x, at.start, at.stop, at.step);
    mx_array *fresh = op(part, mx_astype(update, mx_dtype_of(x)));
    return mx_slice_update(x, fresh, at.start, at.stop, at.step);
}

#define SLICE_UPDATE(name, op)                                                                                         \
    int mlx_slice_update_##name(mlx_array *res, const mlx_array src, const mlx_array update, const int *start,         \
                                size_t start_num, const int *stop, size_t stop_num, const int *strides,                \
                                size_t strides_num, const mlx_stream s)                                                \
    {                                                                                                                  \
        mlxc_call call = mlxc_enter_on(__func__, s);                                                                   \
        mx_array *x = ARRAY(src);                                                                                      \
        slice at = SLICE_OF(x);                                                                                        \
        return mlxc_leave(&call, res, combine_slice(op, x, ARRAY(update), at));                                        \
    }
SLICE_UPDATE(add, mx_add)
SLICE_UPDATE(prod, mx_mul)
SLICE_UPDATE(max, mx_maximum)
SLICE_UPDATE(min, mx_minimum)

int mlx_slice_dynamic(mlx_array *res, const mlx_array a, const mlx_array start, const int *axes, size_t axes_num,
                      const int *slice_size, size_t slice_size_num, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a), *from = ARRAY(start);
    mx_axes along = AXES_OF(axes);
    mx_shape sizes = SHAPE_OF(slice_size);
    return mlxc_leave(&call, res, mx_failed() ? NULL : mx_slice_at(x, from, along, sizes));
}

int mlx_slice_update_dynamic(mlx_array *res, const mlx_array src, const mlx_array update, const mlx_array start,
                             const int *axes, size_t axes_num, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(src), *u = ARRAY(update), *from = ARRAY(start);
    mx_axes along = AXES_OF(axes);
    return mlxc_leave(&call, res, mx_failed() ? NULL : mx_slice_update_at(x, u, from, along));
}

/* ---- Along an axis ---- */

int mlx_take(mlx_array *res, const mlx_array a, const mlx_array indices, const mlx_stream s)
{
    RETURN(res, s, mx_take(mx_flatten(ARRAY(a), 0, -1), ARRAY(indices), 0));
}

int mlx_take_axis(mlx_array *res, const mlx_array a, const mlx_array indices, int axis, const mlx_stream s)
{
    RETURN(res, s, mx_take(ARRAY(a), ARRAY(indices), axis));
}

int mlx_take_along_axis(mlx_array *res, const mlx_array a, const mlx_array indices, int axis, const mlx_stream s)
{
    RETURN(res, s, mx_take_along_axis(ARRAY(a), ARRAY(indices), axis));
}

int mlx_put_along_axis(mlx_array *res, const mlx_array a, const mlx_array indices, const mlx_array values, int axis,
                       const mlx_stream s)
{
    RETURN(res, s, mx_put_along_axis(ARRAY(a), ARRAY(indices), ARRAY(values), axis));
}

int mlx_scatter_add_axis(mlx_array *res, const mlx_array a, const mlx_array indices, const mlx_array values, int axis,
                         const mlx_stream s)
{
    RETURN(res, s, mx_scatter_along_axis(ARRAY(a), ARRAY(indices), ARRAY(values), axis, MX_SCATTER_ADD));
}

int mlx_masked_scatter(mlx_array *res, const mlx_array a, const mlx_array mask, const mlx_array src, const mlx_stream s)
{
    RETURN(res, s, mx_masked_set(ARRAY(a), ARRAY(mask), ARRAY(src)));
}

/* ---- General gather and scatter ---- */

static bool check_indices(const char *name, size_t indices, int axes)
{
    return !mx_failed() && (indices == (size_t)axes ||
                            mx_fail_false(MX_VALUE, "[%s] %zu index arrays for %d axes.", name, indices, axes));
}

/* The sizes need one entry for each axis. */
static bool check_sizes(const char *name, mx_array *x, mx_shape sizes)
{
    return x && !mx_failed() &&
           (sizes.ndim == mx_ndim(x) ||
            mx_fail_false(MX_VALUE, "[%s] %d sizes for %d dimensions.", name, sizes.ndim, mx_ndim(x)));
}

int mlx_gather(mlx_array *res, const mlx_array a, const mlx_vector_array indices, const int *axes, size_t axes_num,
               const int *slice_sizes, size_t slice_sizes_num, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a);
    mlxc_vector index = VECTOR(indices);
    mx_axes along = AXES_OF(axes);
    mx_shape sizes = SHAPE_OF(slice_sizes);
    bool ok = check_indices(__func__, index.count, along.count) && check_sizes(__func__, x, sizes);
    return mlxc_leave(&call, res, ok ? mx_gather(x, index.at, along, sizes) : NULL);
}

int mlx_gather_single(mlx_array *res, const mlx_array a, const mlx_array indices, int axis, const int *slice_sizes,
                      size_t slice_sizes_num, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a), *index = ARRAY(indices);
    mx_shape sizes = SHAPE_OF(slice_sizes);
    bool ok = check_sizes(__func__, x, sizes);
    return mlxc_leave(&call, res, ok ? mx_gather(x, &index, MX_AXES(axis), sizes) : NULL);
}

#define SCATTER(name, mode)                                                                                            \
    int mlx_##name(mlx_array *res, const mlx_array a, const mlx_vector_array indices, const mlx_array updates,         \
                   const int *axes, size_t axes_num, const mlx_stream s)                                               \
    {                                                                                                                  \
        mlxc_call call = mlxc_enter_on(__func__, s);                                                                   \
        mx_array *x = ARRAY(a), *u = ARRAY(updates);                                                                   \
        mlxc_vector index = VECTOR(indices);                                                                           \
        mx_axes along = AXES_OF(axes);                                                                                 \
        bool ok = check_indices(__func__, index.count, along.count);                                                   \
        return mlxc_leave(&call, res, ok ? mx_scatter(x, index.at, u, along, mode) : NULL);                            \
    }                                                                                                                  \
    int mlx_##name##_single(mlx_array *res, const mlx_array a, const mlx_array indices, const mlx_array updates,       \
                            int axis, const mlx_stream s)                                                              \
    {                                                                                                                  \
        mlxc_call call = mlxc_enter_on(__func__, s);                                                                   \
        mx_array *x = ARRAY(a), *index = ARRAY(indices), *u = ARRAY(updates);                                          \
        return mlxc_leave(&call, res, mx_failed() ? NULL : mx_scatter(x, &index, u, MX_AXES(axis), mode));             \
    }
SCATTER(scatter, MX_SCATTER_SET)
SCATTER(scatter_add, MX_SCATTER_ADD)
SCATTER(scatter_prod, MX_SCATTER_PROD)
SCATTER(scatter_max, MX_SCATTER_MAX)
SCATTER(scatter_min, MX_SCATTER_MIN)
