/* SPDX-License-Identifier: MIT
 *
 * Files: npy and safetensors, by path or by the caller's stream. */
#include "mlxc/io.h"

#include <string.h>

/* ---- npy ---- */

static bool check_io(const char *name, const mlxc_io *io)
{
    if (!mlxc_is_set(io, name, "the stream")) return false;
    return mlxc_io_good(io) || mx_fail_false(MX_RUNTIME, "[%s] the stream is not open or in an error state.", name);
}

int mlx_load(mlx_array *res, const char *file, const mlx_stream s)
{
    RETURN(res, s, IS_SET(file) ? mx_load_npy(file) : NULL);
}

int mlx_load_reader(mlx_array *res, mlx_io_reader in_stream, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_array *x = NULL;
    if (check_io(__func__, in_stream.ctx)) {
        mx_stream_io io = mlxc_native_io(in_stream.ctx);
        x = mx_load_npy_from(&io);
    }
    return mlxc_leave(&call, res, x);
}

/* The path with the extension that saving appends when it is not there. */
static char *with_extension(const char *name, const char *file, const char *extension)
{
    if (!mlxc_is_set(file, name, "file")) return NULL;
    size_t length = strlen(file), more = strlen(extension);
    char *path = mx_alloc(length + more + 1, 1);
    if (!path) return NULL;
    memcpy(path, file, length);
    if (length < more || memcmp(file + length - more, extension, more) != 0) memcpy(path + length, extension, more);
    return path;
}

int mlx_save(const char *file, const mlx_array a)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_array *x = ARRAY(a);
    char *path = x ? with_extension(__func__, file, ".npy") : NULL;
    bool ok = path && mx_save_npy(path, x);
    mx_free(path);
    return mlxc_leave_plain(&call, ok);
}

int mlx_save_writer(mlx_io_writer out_stream, const mlx_array a)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_array *x = ARRAY(a);
    bool ok = x && check_io(__func__, out_stream.ctx);
    if (ok) {
        mx_stream_io io = mlxc_native_io(out_stream.ctx);
        ok = mx_save_npy_to(&io, x);
    }
    return mlxc_leave_plain(&call, ok);
}

/* ---- safetensors ---- */

/* Puts a map into a handle, in the place of what it held. */
static void set_map(void **ctx, mlxc_map *map)
{
    mlxc_map_free(*ctx);
    *ctx = map;
}

/* Ends the table; both maps are set, or neither. */
static bool take_table(const char *name, mx_table *table, mlx_map_string_to_array *arrays,
                       mlx_map_string_to_string *texts)
{
    bool ok = table && mlxc_is_set(arrays, name, "res_0") && mlxc_is_set(texts, name, "res_1");
    mlxc_map *a = ok ? mlxc_map_new() : NULL, *t = a ? mlxc_map_new() : NULL;
    ok = a && t;
    for (int i = 0; ok && i < mx_table_count(table); i++)
        ok = mlxc_map_put(a, mx_table_name(table, i), mx_table_value(table, i), NULL);
    for (int i = 0; ok && i < mx_table_text_count(table); i++)
        ok = mlxc_map_put(t, mx_table_text_name(table, i), NULL, mx_table_text(table, i));
    if (ok) {
        set_map(&arrays->ctx, a);
        set_map(&texts->ctx, t);
    } else {
        mlxc_map_free(a);
        mlxc_map_free(t);
    }
    if (table) mx_table_free(&table);
    return ok;
}

int mlx_load_safetensors(mlx_map_string_to_array *res_0, mlx_map_string_to_string *res_1, const char *file,
                         const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_table *table = IS_SET(file) && !mx_failed() ? mx_load_safetensors(file) : NULL;
    return mlxc_leave_plain(&call, take_table(__func__, table, res_0, res_1));
}

int mlx_load_safetensors_reader(mlx_map_string_to_array *res_0, mlx_map_string_to_string *res_1,
                                mlx_io_reader in_stream, const mlx_stream s)
{
    mlxc_call call = mlxc_enter_on(__func__, s);
    mx_table *table = NULL;
    if (!mx_failed() && check_io(__func__, in_stream.ctx)) {
        mx_stream_io io = mlxc_native_io(in_stream.ctx);
        table = mx_load_safetensors_from(&io);
    }
    return mlxc_leave_plain(&call, take_table(__func__, table, res_0, res_1));
}

static mx_table *table_of(const char *name, const mlxc_map *arrays, const mlxc_map *texts)
{
    if (!mlxc_is_set(arrays, name, "param")) return NULL;
    mx_table *table = mx_table_new();
    bool ok = table != NULL;
    for (size_t i = 0; ok && i < arrays->count; i++) ok = mx_table_put(table, arrays->at[i].key, arrays->at[i].array);
    for (size_t i = 0; ok && texts && i < texts->count; i++)
        ok = mx_table_put_text(table, texts->at[i].key, texts->at[i].text);
    if (!ok && table) mx_table_free(&table);
    return table;
}

int mlx_save_safetensors(const char *file, const mlx_map_string_to_array param, const mlx_map_string_to_string metadata)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_table *table = table_of(__func__, param.ctx, metadata.ctx);
    char *path = table ? with_extension(__func__, file, ".safetensors") : NULL;
    bool ok = path && mx_save_safetensors(path, table);
    mx_free(path);
    if (table) mx_table_free(&table);
    return mlxc_leave_plain(&call, ok);
}

int mlx_save_safetensors_writer(mlx_io_writer in_stream, const mlx_map_string_to_array param,
                                const mlx_map_string_to_string metadata)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_table *table = table_of(__func__, param.ctx, metadata.ctx);
    bool ok = table && check_io(__func__, in_stream.ctx);
    if (ok) {
        mx_stream_io io = mlxc_native_io(in_stream.ctx);
        ok = mx_save_safetensors_to(&io, table);
    }
    if (table) mx_table_free(&table);
    return mlxc_leave_plain(&call, ok);
}
