/* SPDX-License-Identifier: MIT
 *
 * Devices.  A device is two small numbers, so they are the ctx themselves and a handle owns nothing. */
#include "mlxc/mlxc.h"

#include <stdio.h>
#include <string.h>

static mlx_device to_handle(mx_device device)
{
    return (mlx_device){(void *)(((uintptr_t)device.index << 2) | (uintptr_t)device.type << 1 | 1)};
}

/* A CPU and an error for an empty handle. */
static mx_device from_handle(mlx_device dev, const char *name)
{
    uintptr_t bits = (uintptr_t)dev.ctx;
    mlxc_is_set(dev.ctx, name, "dev");
    return (mx_device){bits & 2 ? MX_GPU : MX_CPU, (int)(bits >> 2)};
}

#define DEVICE(dev) from_handle(dev, __func__)

mlx_device mlx_device_new(void)
{
    return to_handle(mx_default_device());
}

mlx_device mlx_device_new_type(mlx_device_type type, int index)
{
    mlxc_call call = mlxc_enter(__func__);
    bool ok = (unsigned)type <= MLX_GPU && index >= 0;
    if (!ok) mx_fail(MX_VALUE, "[%s] device type %d, index %d.", __func__, (int)type, index);
    mlxc_leave_plain(&call, ok);
    return ok ? to_handle((mx_device){(mx_device_type)type, index}) : (mlx_device){NULL};
}

int mlx_device_free(mlx_device dev)
{
    (void)dev;
    return 0;
}

int mlx_device_set(mlx_device *dev, const mlx_device src)
{
    mlxc_call call = mlxc_enter(__func__);
    bool ok = IS_SET(dev) && IS_SET(src.ctx);
    if (ok) *dev = src;
    return mlxc_leave_plain(&call, ok);
}

int mlx_device_tostring(mlx_string *str, mlx_device dev)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_device device = DEVICE(dev);
    char text[64];
    snprintf(text, sizeof text, "Device(%s, %d)", device.type == MX_GPU ? "gpu" : "cpu", device.index);
    return mlxc_leave_plain(&call, IS_SET(str) && !mx_failed() && mlxc_set_string(str, text));
}

bool mlx_device_equal(mlx_device lhs, mlx_device rhs)
{
    return lhs.ctx == rhs.ctx;
}

int mlx_device_get_index(int *index, mlx_device dev)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_device device = DEVICE(dev);
    if (IS_SET(index) && !mx_failed()) *index = device.index;
    return mlxc_leave_plain(&call, true);
}

int mlx_device_get_type(mlx_device_type *type, mlx_device dev)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_device device = DEVICE(dev);
    if (IS_SET(type) && !mx_failed()) *type = (mlx_device_type)device.type;
    return mlxc_leave_plain(&call, true);
}

int mlx_get_default_device(mlx_device *dev)
{
    mlxc_call call = mlxc_enter(__func__);
    if (IS_SET(dev)) *dev = to_handle(mx_default_device());
    return mlxc_leave_plain(&call, true);
}

int mlx_set_default_device(mlx_device dev)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_device device = DEVICE(dev);
    return mlxc_leave_plain(&call, !mx_failed() && mx_set_default_device(device));
}

int mlx_device_is_available(bool *avail, mlx_device dev)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_device device = DEVICE(dev);
    if (IS_SET(avail) && !mx_failed()) *avail = mx_device_available(device);
    return mlxc_leave_plain(&call, true);
}

int mlx_device_count(int *count, mlx_device_type type)
{
    mlxc_call call = mlxc_enter(__func__);
    bool ok = IS_SET(count);
    if (ok && (unsigned)type > MLX_GPU) ok = mx_fail_false(MX_VALUE, "[%s] %d is no device type.", __func__, (int)type);
    if (ok) *count = mx_device_count((mx_device_type)type);
    return mlxc_leave_plain(&call, ok);
}

/* ---- Facts: copied when asked for, a number is one without a text ---- */

typedef struct fact {
    char *name;
    char *text;
    size_t number;
} fact;

typedef struct fact_list {
    fact *at;
    size_t count;
    size_t capacity;
} fact_list;

static void free_facts(fact_list *list)
{
    for (size_t i = 0; list && i < list->count; i++) {
        mx_free(list->at[i].name);
        mx_free(list->at[i].text);
    }
    if (list) mx_free(list->at);
    mx_free(list);
}

static bool add_fact(fact_list *list, const mx_device_fact *from)
{
    if (!mlxc_grow((void **)&list->at, &list->capacity, list->count, sizeof *list->at)) return false;
    fact *f = &list->at[list->count++];
    *f = (fact){mlxc_copy_text(from->name), from->text ? mlxc_copy_text(from->text) : NULL, (size_t)from->number};
    return f->name && (f->text || !from->text);
}

/* The fact of a name, with an error if there is none. */
static fact *find_fact(const char *name, const void *out, mlx_device_info info, const char *key)
{
    fact_list *list = info.ctx;
    if (!mlxc_is_set(out, name, "the result") || !mlxc_is_set(list, name, "info") || !mlxc_is_set(key, name, "key"))
        return NULL;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->at[i].name, key) == 0) return &list->at[i];
    return mx_fail(MX_VALUE, "[%s] there is no \"%s\".", name, key);
}

mlx_device_info mlx_device_info_new(void)
{
    return (mlx_device_info){NULL};
}

int mlx_device_info_get(mlx_device_info *info, mlx_device dev)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_device device = DEVICE(dev);
    fact_list *list = IS_SET(info) && !mx_failed() ? mx_alloc(1, sizeof *list) : NULL;
    bool ok = list != NULL;
    mx_device_fact f;
    for (int i = 0; ok && mx_device_info(device, i, &f) && f.name; i++) ok = add_fact(list, &f);
    if (ok && !mx_failed()) {
        free_facts(info->ctx);
        info->ctx = list;
    } else {
        free_facts(list);
    }
    return mlxc_leave_plain(&call, ok);
}

int mlx_device_info_free(mlx_device_info info)
{
    free_facts(info.ctx);
    return 0;
}

int mlx_device_info_has_key(bool *exists, mlx_device_info info, const char *key)
{
    mlxc_call call = mlxc_enter(__func__);
    bool ok = IS_SET(exists) && IS_SET(info.ctx) && IS_SET(key);
    if (ok) {
        mx_mark mark = mx_error_mark();
        *exists = find_fact(__func__, exists, info, key) != NULL;
        mx_error_reset(mark);
    }
    return mlxc_leave_plain(&call, ok);
}

int mlx_device_info_is_string(bool *is_string, mlx_device_info info, const char *key)
{
    mlxc_call call = mlxc_enter(__func__);
    fact *f = find_fact(__func__, is_string, info, key);
    if (f) *is_string = f->text != NULL;
    return mlxc_leave_plain(&call, f != NULL);
}

int mlx_device_info_get_string(const char **value, mlx_device_info info, const char *key)
{
    mlxc_call call = mlxc_enter(__func__);
    fact *f = find_fact(__func__, value, info, key);
    if (f && !f->text) f = mx_fail(MX_VALUE, "[%s] \"%s\" is a size.", __func__, key);
    if (f) *value = f->text;
    return mlxc_leave_plain(&call, f != NULL);
}

int mlx_device_info_get_size(size_t *value, mlx_device_info info, const char *key)
{
    mlxc_call call = mlxc_enter(__func__);
    fact *f = find_fact(__func__, value, info, key);
    if (f && f->text) f = mx_fail(MX_VALUE, "[%s] \"%s\" is a string.", __func__, key);
    if (f) *value = f->number;
    return mlxc_leave_plain(&call, f != NULL);
}

int mlx_device_info_get_keys(mlx_vector_string *keys, mlx_device_info info)
{
    fact_list *list = info.ctx;
    mlxc_call call = mlxc_enter(__func__);
    int status = mlxc_leave_plain(&call, IS_SET(list));
    if (status == 0) status = mlx_vector_string_set_data(keys, NULL, 0);
    for (size_t i = 0; status == 0 && i < list->count; i++)
        status = mlx_vector_string_append_value(*keys, list->at[i].name);
    return status;
}
