/* SPDX-License-Identifier: MIT
 *
 * Operations that move or repeat elements. */
#include "mlxc/mlxc.h"

#include <limits.h>
#include <string.h>

int mlx_reshape(mlx_array *res, const mlx_array a, const int *shape, size_t shape_num, const mlx_stream s)
{
    RETURN(res, s, mx_reshape_given(ARRAY(a), SHAPE_OF(shape)));
}

int mlx_flatten(mlx_array *res, const mlx_array a, int start_axis, int end_axis, const mlx_stream s)
{
    RETURN(res, s, mx_flatten(ARRAY(a), start_axis, end_axis));
}

int mlx_unflatten(mlx_array *res, const mlx_array a, int axis, const int *shape, size_t shape_num, const mlx_stream s)
{
    RETURN(res, s, mx_unflatten_given(ARRAY(a), axis, SHAPE_OF(shape)));
}

int mlx_transpose(mlx_array *res, const mlx_array a, const mlx_stream s)
{
    RETURN(res, s, mx_transpose(ARRAY(a), MX_ALL_AXES));
}

int mlx_transpose_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, const mlx_stream s)
{
    RETURN(res, s, mx_transpose(ARRAY(a), AXES_OF(axes)));
}

int mlx_swapaxes(mlx_array *res, const mlx_array a, int axis1, int axis2, const mlx_stream s)
{
    RETURN(res, s, mx_swapaxes(ARRAY(a), axis1, axis2));
}

int mlx_moveaxis(mlx_array *res, const mlx_array a, int source, int destination, const mlx_stream s)
{
    RETURN(res, s, mx_moveaxis(ARRAY(a), source, destination));
}

int mlx_broadcast_to(mlx_array *res, const mlx_array a, const int *shape, size_t shape_num, const mlx_stream s)
{
    RETURN(res, s, mx_broadcast_to(ARRAY(a), SHAPE_OF(shape)));
}

int mlx_broadcast_arrays(mlx_vector_array *res, const mlx_vector_array inputs, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mlxc_vector in = VECTOR(inputs);
    mx_array **out = mx_failed() ? NULL : mx_alloc(in.count + 1, sizeof *out);
    bool ok = out && mx_broadcast_arrays(in.at, (int)in.count, out);
    int status = mlxc_leave_list(&call, res, out, (int)in.count, ok);
    mx_free(out);
    return status;
}

int mlx_expand_dims(mlx_array *res, const mlx_array a, int axis, const mlx_stream s)
{
    RETURN(res, s, mx_expand_dims(ARRAY(a), MX_AXES(axis)));
}

int mlx_expand_dims_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, const mlx_stream s)
{
    RETURN(res, s, mx_expand_dims(ARRAY(a), AXES_OF(axes)));
}

int mlx_squeeze(mlx_array *res, const mlx_array a, const mlx_stream s)
{
    RETURN(res, s, mx_squeeze(ARRAY(a), MX_ALL_AXES));
}

int mlx_squeeze_axis(mlx_array *res, const mlx_array a, int axis, const mlx_stream s)
{
    RETURN(res, s, mx_squeeze(ARRAY(a), MX_AXES(axis)));
}

int mlx_squeeze_axes(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, const mlx_stream s)
{
    RETURN(res, s, mx_squeeze(ARRAY(a), AXES_OF(axes)));
}

int mlx_atleast_1d(mlx_array *res, const mlx_array a, const mlx_stream s)
{
    RETURN(res, s, mx_atleast(ARRAY(a), 1));
}

int mlx_atleast_2d(mlx_array *res, const mlx_array a, const mlx_stream s)
{
    RETURN(res, s, mx_atleast(ARRAY(a), 2));
}

int mlx_atleast_3d(mlx_array *res, const mlx_array a, const mlx_stream s)
{
    RETURN(res, s, mx_atleast(ARRAY(a), 3));
}

/* Row-major satisfies a caller who would take column-major too. */
int mlx_contiguous(mlx_array *res, const mlx_array a, bool allow_col_major, const mlx_stream s)
{
    (void)allow_col_major;
    RETURN(res, s, mx_contiguous(ARRAY(a)));
}

int mlx_as_strided(mlx_array *res, const mlx_array a, const int *shape, size_t shape_num, const int64_t *strides,
                   size_t strides_num, size_t offset, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a);
    if (strides_num != shape_num)
        x = mx_fail(MX_VALUE, "[%s] %zu strides for %zu dimensions.", __func__, strides_num, shape_num);
    if (offset > INT64_MAX) x = mx_fail(MX_OVERFLOW, "[%s] an offset of %zu.", __func__, offset);
    if (strides_num > 0 && !IS_SET(strides)) x = NULL;
    mx_shape to = SHAPE_OF(shape);
    return mlxc_leave(&call, res, x && !mx_failed() ? mx_as_strided(x, to, strides, (int64_t)offset) : NULL);
}

/* ---- Joining and splitting ---- */

static mx_array *concatenate(mlxc_vector v, int axis)
{
    return mx_failed() ? NULL : mx_concatenate(v.at, (int)v.count, axis);
}

static mx_array *stack(mlxc_vector v, int axis)
{
    return mx_failed() ? NULL : mx_stack(v.at, (int)v.count, axis);
}

int mlx_concatenate(mlx_array *res, const mlx_vector_array arrays, const mlx_stream s)
{
    RETURN(res, s, concatenate(VECTOR(arrays), 0));
}

int mlx_concatenate_axis(mlx_array *res, const mlx_vector_array arrays, int axis, const mlx_stream s)
{
    RETURN(res, s, concatenate(VECTOR(arrays), axis));
}

int mlx_stack(mlx_array *res, const mlx_vector_array arrays, const mlx_stream s)
{
    RETURN(res, s, stack(VECTOR(arrays), 0));
}

int mlx_stack_axis(mlx_array *res, const mlx_vector_array arrays, int axis, const mlx_stream s)
{
    RETURN(res, s, stack(VECTOR(arrays), axis));
}

static int split(mlxc_call *call, mlx_vector_array *res, mx_array *x, size_t count, const int *indices, int axis)
{
    bool ok = x && !mx_failed();
    if (ok && count > INT_MAX) ok = mx_fail_false(MX_VALUE, "[%s] %zu parts.", call->name, count);
    mx_array **out = ok ? mx_alloc(count + 1, sizeof *out) : NULL;
    int64_t *at = out && indices ? mx_alloc(count, sizeof *at) : NULL;
    for (size_t i = 0; at && i + 1 < count; i++) at[i] = indices[i];
    ok = out && (at || !indices) && mx_split(x, (int)count, at, axis, out);
    int status = mlxc_leave_list(call, res, out, (int)(ok ? count : 0), ok);
    mx_free(out);
    mx_free(at);
    return status;
}

int mlx_split(mlx_vector_array *res, const mlx_array a, int num_splits, int axis, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a);
    if (num_splits <= 0) x = mx_fail(MX_VALUE, "[%s] %d parts.", __func__, num_splits);
    return split(&call, res, x, (size_t)num_splits, NULL, axis);
}

int mlx_split_sections(mlx_vector_array *res, const mlx_array a, const int *indices, size_t indices_num, int axis,
                       const mlx_stream s)
{
    static const int nothing = 0;
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a);
    if (indices_num > 0 && !IS_SET(indices)) x = NULL;
    if (indices_num > INT_MAX - 1) x = mx_fail(MX_VALUE, "[%s] %zu parts.", __func__, indices_num);
    return split(&call, res, x, indices_num + 1, indices ? indices : &nothing, axis);
}

/* ---- Repeating, padding, rolling ---- */

int mlx_repeat(mlx_array *res, const mlx_array arr, int repeats, const mlx_stream s)
{
    RETURN(res, s, mx_repeat(mx_flatten(ARRAY(arr), 0, -1), repeats, 0));
}

int mlx_repeat_axis(mlx_array *res, const mlx_array arr, int repeats, int axis, const mlx_stream s)
{
    RETURN(res, s, mx_repeat(ARRAY(arr), repeats, axis));
}

int mlx_tile(mlx_array *res, const mlx_array arr, const int *reps, size_t reps_num, const mlx_stream s)
{
    RETURN(res, s, mx_tile(ARRAY(arr), SHAPE_OF(reps)));
}

static bool pad_mode(const char *name, const char *mode, mx_pad_mode *out)
{
    static const char *const names[] = {"constant", "edge", "reflect", "symmetric"};
    if (!mlxc_is_set(mode, name, "mode")) return false;
    for (int i = 0; i < 4; i++)
        if (strcmp(mode, names[i]) == 0) {
            *out = (mx_pad_mode)i;
            return true;
        }
    return mx_fail_false(MX_VALUE, "[%s] mode \"%s\" is not constant, edge, reflect or symmetric.", name, mode);
}

int mlx_pad(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, const int *low_pad_size,
            size_t low_pad_size_num, const int *high_pad_size, size_t high_pad_size_num, const mlx_array pad_value,
            const char *mode, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a), *value = ARRAY(pad_value);
    mx_axes along = AXES_OF(axes);
    const int64_t *low = INTS_OF(low_pad_size, along.count), *high = INTS_OF(high_pad_size, along.count);
    mx_pad_mode how = MX_PAD_CONSTANT;
    bool ok = pad_mode(__func__, mode, &how) && !mx_failed();
    return mlxc_leave(&call, res, ok ? mx_pad(x, along, low, high, how, value) : NULL);
}

int mlx_pad_symmetric(mlx_array *res, const mlx_array a, int pad_width, const mlx_array pad_value, const char *mode,
                      const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a), *value = ARRAY(pad_value);
    int axes[MX_MAX_NDIM];
    int64_t width[MX_MAX_NDIM];
    for (int i = 0; i < MX_MAX_NDIM; i++) {
        axes[i] = i;
        width[i] = pad_width;
    }
    mx_pad_mode how = MX_PAD_CONSTANT;
    bool ok = pad_mode(__func__, mode, &how) && !mx_failed();
    return mlxc_leave(&call, res, ok ? mx_pad(x, (mx_axes){mx_ndim(x), axes}, width, width, how, value) : NULL);
}

/* Shifts along one axis add up. */
static mx_array *roll_one(mx_array *x, const int *shifts, size_t count, int axis, const char *name)
{
    if (count > 0 && !mlxc_is_set(shifts, name, "shift")) return NULL;
    if (count > MX_MAX_NDIM) return mx_fail(MX_VALUE, "[%s] %zu shifts, the limit is %d.", name, count, MX_MAX_NDIM);
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) sum += shifts[i];
    return mx_roll(x, &sum, MX_AXES(axis));
}

int mlx_roll(mlx_array *res, const mlx_array a, const int *shift, size_t shift_num, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a);
    mx_array *flat = roll_one(mx_flatten(x, 0, -1), shift, shift_num, 0, __func__);
    return mlxc_leave(&call, res, flat ? mx_reshape(flat, mx_shape_of(x)) : NULL);
}

int mlx_roll_axis(mlx_array *res, const mlx_array a, const int *shift, size_t shift_num, int axis, const mlx_stream s)
{
    RETURN(res, s, roll_one(ARRAY(a), shift, shift_num, axis, __func__));
}

int mlx_roll_axes(mlx_array *res, const mlx_array a, const int *shift, size_t shift_num, const int *axes,
                  size_t axes_num, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = ARRAY(a);
    mx_axes along = AXES_OF(axes);
    const int64_t *shifts = INTS_OF(shift, along.count);
    return mlxc_leave(&call, res, mx_failed() ? NULL : mx_roll(x, shifts, along));
}
