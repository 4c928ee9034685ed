/* SPDX-License-Identifier: MIT
 *
 * Array handles: making them, facts, reading. */
#include "mlxc/mlxc.h"

#include <limits.h>
#include <stdatomic.h>

/* ---- Handles ---- */

static void drop_copies(mlxc_array *handle)
{
    mx_free(atomic_exchange(&handle->shape, NULL));
    for (int i = 0; i < 2; i++) mx_free(atomic_exchange(&handle->strides[i], NULL));
}

bool mlxc_set_array_take(mlx_array *handle, mx_array *array)
{
    mlxc_array *box = handle->ctx;
    if (!box && !(box = mx_alloc(1, sizeof *box))) {
        mx_drop(array);
        return false;
    }
    mx_array *old = box->array;
    box->array = array;
    drop_copies(box);
    handle->ctx = box;
    mx_drop(old);
    return true;
}

mlx_array mlx_array_new(void)
{
    return (mlx_array){NULL};
}

int mlx_array_free(mlx_array arr)
{
    mlxc_array *box = arr.ctx;
    if (!box) return 0;
    drop_copies(box);
    mx_drop(box->array);
    mx_free(box);
    mx_release_foreign();
    return 0;
}

int mlx_array_set(mlx_array *arr, const mlx_array src)
{
    RETURN_HERE(arr, ARRAY(src));
}

/* ---- From values ---- */

static mx_array *double_array(double value)
{
    return mx_scalar(value, MX_FLOAT64);
}

/* A constructor and a setter for one kind of value. */
#define FROM_VALUE(kind, type, make)                                                                                   \
    int mlx_array_set_##kind(mlx_array *arr, type val)                                                                 \
    {                                                                                                                  \
        RETURN_HERE(arr, make(val));                                                                                   \
    }                                                                                                                  \
    mlx_array mlx_array_new_##kind(type val)                                                                           \
    {                                                                                                                  \
        mlx_array arr = {NULL};                                                                                        \
        mlx_array_set_##kind(&arr, val);                                                                               \
        return arr;                                                                                                    \
    }
FROM_VALUE(bool, bool, mx_bool)
FROM_VALUE(int, int, mx_int)
FROM_VALUE(float32, float, mx_float)
FROM_VALUE(float, float, mx_float)
FROM_VALUE(float64, double, double_array)
FROM_VALUE(double, double, double_array)

int mlx_array_set_complex(mlx_array *arr, float real_val, float imag_val)
{
    RETURN_HERE(arr, mx_complex(real_val, imag_val));
}

mlx_array mlx_array_new_complex(float real_val, float imag_val)
{
    mlx_array arr = {NULL};
    mlx_array_set_complex(&arr, real_val, imag_val);
    return arr;
}

/* ---- From memory ---- */

/* A shape whose sizes are possible; the memory must be there unless there are no elements. */
static mx_shape data_shape(int64_t at[MX_MAX_NDIM], const void *data, const int *dims, int dim, const char *name)
{
    if (dim < 0) mx_fail(MX_VALUE, "[%s] %d dimensions.", name, dim);
    mx_shape shape = mlxc_get_shape(at, dims, dim < 0 ? 0 : (size_t)dim, name);
    bool empty = false;
    for (int i = 0; i < shape.ndim; i++) {
        if (shape.at[i] < 0) mx_fail(MX_VALUE, "[%s] dimension %d has the size %d.", name, i, dims[i]);
        empty |= shape.at[i] == 0;
    }
    if (!data && !empty) mx_fail(MX_VALUE, "[%s] data is NULL.", name);
    return shape;
}

int mlx_array_set_data(mlx_array *arr, const void *data, const int *shape, int dim, mlx_dtype dtype)
{
    mlxc_call call = mlxc_enter(__func__);
    int64_t at[MX_MAX_NDIM];
    mx_shape s = data_shape(at, data, shape, dim, __func__);
    mx_dtype type = DTYPE(dtype);
    return mlxc_leave(&call, arr, mx_failed() ? NULL : mx_from_data(data, s, type));
}

mlx_array mlx_array_new_data(const void *data, const int *shape, int dim, mlx_dtype dtype)
{
    mlx_array arr = {NULL};
    mlx_array_set_data(&arr, data, shape, dim, dtype);
    return arr;
}

static void release_nothing(void *payload)
{
    (void)payload;
}

mlx_array mlx_array_new_data_managed_payload(void *data, const int *shape, int dim, mlx_dtype dtype, void *payload,
                                             void (*dtor)(void *))
{
    mlx_array arr = {NULL};
    mlxc_call call = mlxc_enter(__func__);
    mlxc_array *box = mx_alloc(1, sizeof *box); /* first: afterwards nothing may fail, or `dtor` would run */
    int64_t at[MX_MAX_NDIM];
    mx_shape s = data_shape(at, data, shape, dim, __func__);
    mx_dtype type = DTYPE(dtype);
    mx_array *x = mx_failed() ? NULL : mx_from_foreign(data, s, type, dtor ? dtor : release_nothing, payload);
    if (x) {
        box->array = mx_keep(x);
        arr.ctx = box;
    } else {
        mx_free(box);
    }
    mlxc_leave_plain(&call, x != NULL);
    return arr;
}

mlx_array mlx_array_new_data_managed(void *data, const int *shape, int dim, mlx_dtype dtype, void (*dtor)(void *))
{
    return mlx_array_new_data_managed_payload(data, shape, dim, dtype, data, dtor);
}

/* ---- Facts ---- */

size_t mlx_dtype_size(mlx_dtype dtype)
{
    mlxc_call call = mlxc_enter(__func__);
    size_t size = mx_dtype_size(DTYPE(dtype));
    return mlxc_leave_plain(&call, true) ? 0 : size;
}

/* A fact of a handle, `otherwise` if it is empty. */
#define FACT(type, name, expression, otherwise)                                                                        \
    type mlx_array_##name(const mlx_array arr)                                                                         \
    {                                                                                                                  \
        mlxc_call call = mlxc_enter(__func__);                                                                         \
        mx_array *x = ARRAY(arr);                                                                                      \
        type fact = x ? (type)(expression) : (type)(otherwise);                                                        \
        mlxc_leave_plain(&call, true);                                                                                 \
        return fact;                                                                                                   \
    }
FACT(size_t, itemsize, mx_dtype_size(mx_dtype_of(x)), 0)
FACT(size_t, size, mx_size(x), 0)
FACT(size_t, nbytes, mx_nbytes(x), 0)
FACT(size_t, ndim, mx_ndim(x), 0)
FACT(mlx_dtype, dtype, mx_dtype_of(x), MLX_FLOAT32)

int mlx_array_dim(const mlx_array arr, int dim)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_note_sizes();
    mx_array *x = ARRAY(arr);
    int64_t size = x ? mx_dim(x, dim) : -1;
    if (size > INT_MAX) mx_fail(MX_OVERFLOW, "[%s] a size of %lld does not fit an int.", __func__, (long long)size);
    return mlxc_leave_plain(&call, true) ? -1 : (int)size;
}

/* Publishes a copy made by this thread, unless another one was faster.  Never NULL after success: 0-d gets one entry.
 */
static int *copy_shape(mlxc_array *box)
{
    mx_shape shape = mx_shape_of(box->array);
    int *copy = mx_alloc((size_t)shape.ndim + 1, sizeof *copy), *before = NULL;
    if (!copy) return NULL;
    for (int i = 0; i < shape.ndim; i++) {
        if (shape.at[i] > INT_MAX) {
            mx_free(copy);
            return mx_fail(MX_OVERFLOW, "[mlx_array_shape] dimension %d has the size %lld, which does not fit an int.",
                           i, (long long)shape.at[i]);
        }
        copy[i] = (int)shape.at[i];
    }
    if (atomic_compare_exchange_strong(&box->shape, &before, copy)) return copy;
    mx_free(copy);
    return before;
}

const int *mlx_array_shape(const mlx_array arr)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_note_sizes();
    mlxc_array *box = arr.ctx;
    int *shape = NULL;
    if (ARRAY(arr) && !(shape = atomic_load(&box->shape))) shape = copy_shape(box);
    mlxc_leave_plain(&call, true);
    return shape;
}

/* The same for strides; `memory` NULL: those of row-major order. */
static size_t *copy_strides(mlxc_array *box, const int64_t *memory)
{
    int ndim = mx_ndim(box->array);
    size_t *copy = mx_alloc((size_t)ndim + 1, sizeof *copy), *before = NULL, step = 1;
    if (!copy) return NULL;
    for (int i = ndim - 1; i >= 0; i--) {
        copy[i] = memory ? (size_t)memory[i] : step;
        step *= (size_t)mx_dim(box->array, i);
    }
    if (atomic_compare_exchange_strong(&box->strides[memory != NULL], &before, copy)) return copy;
    mx_free(copy);
    return before;
}

const size_t *mlx_array_strides(const mlx_array arr)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_array *box = arr.ctx;
    const int64_t *memory = NULL;
    size_t *strides = NULL;
    mx_array *x = ARRAY(arr);
    if (x && mx_is_available(x)) mx_data_strided(x, &memory);
    if (x && !mx_failed() && !(strides = atomic_load(&box->strides[memory != NULL])))
        strides = copy_strides(box, memory);
    mlxc_leave_plain(&call, true);
    return strides;
}

/* ---- Reading ---- */

int mlx_array_tostring(mlx_string *str, const mlx_array arr)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_array *x = ARRAY(arr);
    char *text = x && IS_SET(str) ? mx_to_text(x, -1) : NULL;
    bool ok = text && mlxc_set_string(str, text);
    if (text) mx_free_text(text);
    return mlxc_leave_plain(&call, ok);
}

int mlx_array_eval(mlx_array arr)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_array *x = ARRAY(arr);
    return mlxc_leave_plain(&call, x && mx_eval(x));
}

static int read_item(const char *name, mlx_array arr, mx_dtype dtype, void *res, size_t bytes)
{
    mlxc_call call = mlxc_enter(name);
    mx_array *x = mlxc_get_array(arr, name, "arr");
    if (x && mx_size(x) != 1) x = mx_fail(MX_VALUE, "[%s] the array has %lld elements.", name, (long long)mx_size(x));
    bool ok = x && mlxc_is_set(res, name, "res") && mx_read(mx_astype(x, dtype), res, bytes);
    return mlxc_leave_plain(&call, ok);
}

static const void *data_of(const char *name, mlx_array arr)
{
    mlxc_call call = mlxc_enter(name);
    mx_array *x = mlxc_get_array(arr, name, "arr");
    const int64_t *strides = NULL;
    const void *data = x && mx_size(x) && mx_eval(x) ? mx_data_strided(x, &strides) : NULL;
    mlxc_leave_plain(&call, true);
    return data;
}

/* The two ways of reading one C type. */
#define READ(name, type, dtype)                                                                                        \
    int mlx_array_item_##name(type *res, const mlx_array arr)                                                          \
    {                                                                                                                  \
        return read_item(__func__, arr, dtype, res, sizeof(type));                                                     \
    }                                                                                                                  \
    const type *mlx_array_data_##name(const mlx_array arr)                                                             \
    {                                                                                                                  \
        return data_of(__func__, arr);                                                                                 \
    }
READ(bool, bool, MX_BOOL)
READ(uint8, uint8_t, MX_UINT8)
READ(uint16, uint16_t, MX_UINT16)
READ(uint32, uint32_t, MX_UINT32)
READ(uint64, uint64_t, MX_UINT64)
READ(int8, int8_t, MX_INT8)
READ(int16, int16_t, MX_INT16)
READ(int32, int32_t, MX_INT32)
READ(int64, int64_t, MX_INT64)
READ(float32, float, MX_FLOAT32)
READ(float64, double, MX_FLOAT64)
READ(complex64, mlx_complex64_t, MX_COMPLEX64)
#ifdef HAS_FLOAT16
READ(float16, float16_t, MX_FLOAT16)
#endif
#ifdef HAS_BFLOAT16
READ(bfloat16, bfloat16_t, MX_BFLOAT16)
#endif

/* ---- State ---- */

int _mlx_array_is_available(bool *res, const mlx_array arr)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_array *x = ARRAY(arr);
    bool ok = x && IS_SET(res);
    if (ok) *res = mx_is_available(x);
    return mlxc_leave_plain(&call, ok);
}

int _mlx_array_wait(const mlx_array arr)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_array *x = ARRAY(arr);
    return mlxc_leave_plain(&call, x && mx_eval(x));
}

/* Do the axes, taken in this order from the innermost, lie without gaps?  Axes of one element do not count. */
static bool is_dense(mx_array *x, const int64_t *strides, const int *order)
{
    int64_t expected = 1;
    for (int k = 0; k < mx_ndim(x); k++) {
        int64_t size = mx_dim(x, order[k]);
        if (size == 1) continue;
        if (strides[order[k]] != expected) return false;
        expected *= size;
    }
    return true;
}

typedef enum layout { ROW_MAJOR, COLUMN_MAJOR, ANY_ORDER } layout;

static int has_layout(const char *name, bool *res, mlx_array arr, layout wanted)
{
    mlxc_call call = mlxc_enter(name);
    mx_array *x = mlxc_get_array(arr, name, "arr");
    if (!x || !mlxc_is_set(res, name, "res") || !mx_eval(x)) return mlxc_leave_plain(&call, false);
    const int64_t *strides = NULL;
    int ndim = mx_ndim(x), order[MX_MAX_NDIM];
    if (mx_size(x) > 0) mx_data_strided(x, &strides);
    for (int i = 0; i < ndim; i++) order[i] = wanted == COLUMN_MAJOR ? i : ndim - 1 - i;
    for (int i = 1; strides && wanted == ANY_ORDER && i < ndim; i++)
        for (int j = i; j > 0 && strides[order[j - 1]] > strides[order[j]]; j--) {
            int swap = order[j];
            order[j] = order[j - 1];
            order[j - 1] = swap;
        }
    *res = !strides || is_dense(x, strides, order);
    return mlxc_leave_plain(&call, true);
}

int _mlx_array_is_contiguous(bool *res, const mlx_array arr)
{
    return has_layout(__func__, res, arr, ANY_ORDER);
}

int _mlx_array_is_row_contiguous(bool *res, const mlx_array arr)
{
    return has_layout(__func__, res, arr, ROW_MAJOR);
}

int _mlx_array_is_col_contiguous(bool *res, const mlx_array arr)
{
    return has_layout(__func__, res, arr, COLUMN_MAJOR);
}
