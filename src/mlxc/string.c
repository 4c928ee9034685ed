/* SPDX-License-Identifier: MIT
 *
 * Strings: a ctx is a box with the text, so that setting it is seen through every copy of the handle. */
#include "mlxc/mlxc.h"

#include <string.h>

typedef struct string_box {
    char *text; /* NULL never */
} string_box;

char *mlxc_copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = mx_alloc(bytes, 1);
    return copy ? memcpy(copy, text, bytes) : NULL;
}

bool mlxc_set_string(mlx_string *handle, const char *text)
{
    string_box *box = handle->ctx;
    char *copy = mlxc_copy_text(text);
    if (!copy) return false;
    if (!box && !(box = mx_alloc(1, sizeof *box))) {
        mx_free(copy);
        return false;
    }
    mx_free(box->text);
    box->text = copy;
    handle->ctx = box;
    return true;
}

mlx_string mlx_string_new(void)
{
    return (mlx_string){NULL};
}

mlx_string mlx_string_new_data(const char *str)
{
    mlx_string string = {NULL};
    mlxc_call call = mlxc_enter(__func__);
    mlxc_leave_plain(&call, IS_SET(str) && mlxc_set_string(&string, str));
    return string;
}

int mlx_string_set(mlx_string *str, const mlx_string src)
{
    mlxc_call call = mlxc_enter(__func__);
    return mlxc_leave_plain(&call, IS_SET(str) && IS_SET(src.ctx) && mlxc_set_string(str, mlx_string_data(src)));
}

const char *mlx_string_data(mlx_string str)
{
    return str.ctx ? ((string_box *)str.ctx)->text : NULL;
}

int mlx_string_free(mlx_string str)
{
    string_box *box = str.ctx;
    if (box) mx_free(box->text);
    mx_free(box);
    return 0;
}
