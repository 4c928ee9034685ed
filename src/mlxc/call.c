/* SPDX-License-Identifier: MIT
 *
 * The beginning and the end of every entry point, and views of its arguments.
 *
 * Nothing that an entry point makes stays in the thread's root scope, or a long-lived C program would never free it. */
#include "mlxc/mlxc.h"

#include <limits.h>

mlxc_call mlxc_enter(const char *name)
{
    mx_error();
    return (mlxc_call){.name = name, .scope = mx_scope_open()};
}

mlxc_call mlxc_enter_on(const char *name, mlx_stream s)
{
    mlxc_call call = mlxc_enter(name);
    mx_stream *stream = mlxc_get_stream(s, name);
    if (stream) {
        call.before = mx_use_stream(stream);
        call.moved = true;
    }
    return call;
}

static void put_back_stream(mlxc_call *call)
{
    if (call->moved) mx_use_stream(call->before);
}

int mlxc_leave_plain(mlxc_call *call, bool ok)
{
    mx_scope_close(call->scope, NULL);
    put_back_stream(call);
    return ok && !mx_failed() ? 0 : mlxc_report(call->name);
}

int mlxc_leave(mlxc_call *call, mlx_array *res, mx_array *result)
{
    if (!result || mx_failed() || !mlxc_is_set(res, call->name, "res")) return mlxc_leave_plain(call, false);
    result = mx_scope_close(call->scope, result);
    put_back_stream(call);
    return mlxc_set_array_take(res, result) ? 0 : mlxc_report(call->name);
}

int mlxc_leave_two(mlxc_call *call, mlx_array *res_0, mx_array *result_0, mlx_array *res_1, mx_array *result_1)
{
    if (!result_0 || !result_1 || mx_failed() || !mlxc_is_set(res_0, call->name, "res_0") ||
        !mlxc_is_set(res_1, call->name, "res_1"))
        return mlxc_leave_plain(call, false);
    mx_array *results[2] = {result_0, result_1};
    mx_scope_close_n(call->scope, results, 2);
    put_back_stream(call);
    bool ok = mlxc_set_array_take(res_0, result_0);
    ok = mlxc_set_array_take(res_1, result_1) && ok;
    return ok ? 0 : mlxc_report(call->name);
}

int mlxc_leave_list(mlxc_call *call, mlx_vector_array *res, mx_array *const *results, int count, bool ok)
{
    ok = ok && !mx_failed() && mlxc_is_set(res, call->name, "res") && mlxc_set_vector(res, results, (size_t)count);
    return mlxc_leave_plain(call, ok);
}

bool mlxc_is_set(const void *pointer, const char *name, const char *what)
{
    return pointer ? true : mx_fail_false(MX_VALUE, "[%s] %s is NULL.", name, what);
}

mx_array *mlxc_get_array(mlx_array handle, const char *name, const char *what)
{
    if (!handle.ctx) return mx_fail(MX_VALUE, "[%s] %s is an empty array handle.", name, what);
    return ((mlxc_array *)handle.ctx)->array;
}

mlxc_vector mlxc_get_vector(mlx_vector_array handle, const char *name, const char *what)
{
    mlxc_vector *vector = handle.ctx;
    if (!vector)
        mx_fail(MX_VALUE, "[%s] %s is an empty vector handle.", name, what);
    else if (vector->count > INT_MAX)
        mx_fail(MX_OVERFLOW, "[%s] %s has %zu entries, the limit is %d.", name, what, vector->count, INT_MAX);
    else
        return *vector;
    return (mlxc_vector){0};
}

mx_stream *mlxc_get_stream(mlx_stream handle, const char *name)
{
    return handle.ctx ? handle.ctx : mx_fail(MX_VALUE, "[%s] the stream is an empty handle.", name);
}

mx_dtype mlxc_get_dtype(mlx_dtype dtype, const char *name)
{
    if ((unsigned)dtype < MX_DTYPE_COUNT) return (mx_dtype)dtype;
    mx_fail(MX_VALUE, "[%s] %d is not a dtype.", name, (int)dtype);
    return MX_FLOAT32;
}

static bool check_list(const int *list, size_t count, const char *name)
{
    if (count > MX_MAX_NDIM)
        return mx_fail_false(MX_VALUE, "[%s] %zu dimensions, the limit is %d.", name, count, MX_MAX_NDIM);
    return list || count == 0 ? true : mx_fail_false(MX_VALUE, "[%s] a list of %zu entries is NULL.", name, count);
}

mx_axes mlxc_get_axes(const int *axes, size_t count, const char *name)
{
    if (!check_list(axes, count, name)) return (mx_axes){0, NULL};
    return (mx_axes){(int)count, axes};
}

mx_shape mlxc_get_shape(int64_t at[MX_MAX_NDIM], const int *dims, size_t count, const char *name)
{
    if (!check_list(dims, count, name)) return MX_SCALAR_SHAPE;
    for (size_t i = 0; i < count; i++) at[i] = dims[i];
    return (mx_shape){(int)count, at};
}

const int64_t *mlxc_get_ints(int64_t at[MX_MAX_NDIM], const int *list, size_t count, int want, const char *name)
{
    if (check_list(list, count, name) && (int)count != want && !mx_failed())
        mx_fail(MX_VALUE, "[%s] a list has %zu entries where %d are needed.", name, count, want);
    if (!mx_failed())
        for (size_t i = 0; i < count; i++) at[i] = list[i];
    return at;
}

bool mlxc_grow(void **at, size_t *capacity, size_t count, size_t item_bytes)
{
    if (count < *capacity) return true;
    size_t room = count + count / 2 + 4;
    void *bigger = mx_resize(*at, room, item_bytes);
    if (!bigger) return false;
    *at = bigger;
    *capacity = room;
    return true;
}
