/* SPDX-License-Identifier: MIT
 *
 * The four list types: one template, and the functions that differ. */
#include "mlxc/mlxc.h"

#include <string.h>

/* ---- Arrays ---- */

static bool keep_array(mx_array **entry, mlx_array handle)
{
    *entry = mx_keep(mlxc_get_array(handle, "vector", "an entry"));
    return *entry != NULL;
}

#define NAME(x) mlx_vector_array_##x
#define HANDLE mlx_vector_array
#define BOX mlxc_vector
#define ITEM mx_array *
#define VALUE const mlx_array
#define DATA const mlx_array *
#define copy_item keep_array
#define drop_item mx_drop
#define end_box(box) mlxc_batch_free((box)->batch)
#include "mlxc/vector_tmpl.h"

int mlx_vector_array_set(mlx_vector_array *vec, const mlx_vector_array src)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_vector from = VECTOR(src);
    return mlxc_leave_plain(&call, !mx_failed() && IS_SET(vec) && mlxc_set_vector(vec, from.at, from.count));
}

int mlx_vector_array_get(mlx_array *res, const mlx_vector_array vec, size_t idx)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_array **entry = mlx_vector_array_entry(vec, idx, __func__);
    return mlxc_leave(&call, res, entry ? *entry : NULL);
}

bool mlxc_append(mlxc_vector *vector, mx_array *array)
{
    if (!array || !mlxc_grow((void **)&vector->at, &vector->capacity, vector->count, sizeof *vector->at)) return false;
    vector->at[vector->count++] = mx_keep(array);
    return true;
}

bool mlxc_set_vector(mlx_vector_array *handle, mx_array *const *arrays, size_t count)
{
    mlxc_vector *box = handle->ctx, fresh = {0};
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) ok = mlxc_append(&fresh, arrays[i]);
    if (ok && !box) handle->ctx = box = mx_alloc(1, sizeof *box);
    if (!ok || !box) {
        mlxc_vector_clear(&fresh);
        return false;
    }
    mlxc_vector_clear(box);
    *box = fresh;
    return true;
}

void mlxc_vector_clear(mlxc_vector *vector)
{
    mlx_vector_array_clear(vector);
}

/* ---- Lists of arrays ---- */

typedef struct vector_list {
    mlx_vector_array *at;
    size_t count;
    size_t capacity;
} vector_list;

static bool copy_vector(mlx_vector_array *entry, mlx_vector_array handle)
{
    mlxc_vector from = mlxc_get_vector(handle, "vector_vector", "an entry");
    entry->ctx = NULL;
    return !mx_failed() && mlxc_set_vector(entry, from.at, from.count);
}

#define NAME(x) mlx_vector_vector_array_##x
#define HANDLE mlx_vector_vector_array
#define BOX vector_list
#define ITEM mlx_vector_array
#define VALUE const mlx_vector_array
#define DATA const mlx_vector_array *
#define copy_item copy_vector
#define drop_item mlx_vector_array_free
#define end_box(box) (void)(box)
#include "mlxc/vector_tmpl.h"

int mlx_vector_vector_array_set(mlx_vector_vector_array *vec, const mlx_vector_vector_array src)
{
    vector_list *from = src.ctx;
    return mlx_vector_vector_array_set_data(vec, from ? from->at : NULL, from ? from->count : 1);
}

int mlx_vector_vector_array_get(mlx_vector_array *res, const mlx_vector_vector_array vec, size_t idx)
{
    mlxc_call call = mlxc_enter(__func__);
    mlx_vector_array *entry = mlx_vector_vector_array_entry(vec, idx, __func__);
    mlxc_vector from = entry ? VECTOR(*entry) : (mlxc_vector){0};
    return mlxc_leave_plain(&call, entry && IS_SET(res) && mlxc_set_vector(res, from.at, from.count));
}

/* ---- Ints ---- */

typedef struct int_list {
    int *at;
    size_t count;
    size_t capacity;
} int_list;

static bool copy_int(int *entry, int value)
{
    *entry = value;
    return true;
}

static void drop_int(int value)
{
    (void)value;
}

#define NAME(x) mlx_vector_int_##x
#define HANDLE mlx_vector_int
#define BOX int_list
#define ITEM int
#define VALUE int
#define DATA int *
#define copy_item copy_int
#define drop_item drop_int
#define end_box(box) (void)(box)
#include "mlxc/vector_tmpl.h"

int mlx_vector_int_set(mlx_vector_int *vec, const mlx_vector_int src)
{
    int_list *from = src.ctx;
    return mlx_vector_int_set_data(vec, from ? from->at : NULL, from ? from->count : 1);
}

int mlx_vector_int_get(int *res, const mlx_vector_int vec, size_t idx)
{
    mlxc_call call = mlxc_enter(__func__);
    int *entry = mlx_vector_int_entry(vec, idx, __func__);
    bool ok = entry && IS_SET(res);
    if (ok) *res = *entry;
    return mlxc_leave_plain(&call, ok);
}

/* ---- Strings ---- */

typedef struct text_list {
    char **at;
    size_t count;
    size_t capacity;
} text_list;

static bool copy_text(char **entry, const char *value)
{
    *entry = mlxc_is_set(value, "vector_string", "an entry") ? mlxc_copy_text(value) : NULL;
    return *entry != NULL;
}

#define NAME(x) mlx_vector_string_##x
#define HANDLE mlx_vector_string
#define BOX text_list
#define ITEM char *
#define VALUE const char *
#define DATA const char **
#define copy_item copy_text
#define drop_item mx_free
#define end_box(box) (void)(box)
#include "mlxc/vector_tmpl.h"

int mlx_vector_string_set(mlx_vector_string *vec, const mlx_vector_string src)
{
    text_list *from = src.ctx;
    return mlx_vector_string_set_data(vec, from ? (const char **)from->at : NULL, from ? from->count : 1);
}

int mlx_vector_string_get(char **res, const mlx_vector_string vec, size_t idx)
{
    mlxc_call call = mlxc_enter(__func__);
    char **entry = mlx_vector_string_entry(vec, idx, __func__);
    bool ok = entry && IS_SET(res);
    if (ok) *res = *entry;
    return mlxc_leave_plain(&call, ok);
}
