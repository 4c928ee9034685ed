/* SPDX-License-Identifier: MIT
 *
 * Both map types: entries sorted by key, found by bisection.  Checkpoints have hundreds to thousands of entries, mostly
 * inserted in order, so an array beats a tree. */
#include "mlxc/mlxc.h"

#include <string.h>

/* What next and get return for "no more" and "not there", which are answers and no errors. */
#define NOTHING 2

mlxc_map *mlxc_map_new(void)
{
    return mx_alloc(1, sizeof(mlxc_map));
}

static void clear_entry(mlxc_entry *entry)
{
    mx_free(entry->key);
    mx_free(entry->text);
    mx_drop(entry->array);
}

void mlxc_map_free(mlxc_map *map)
{
    if (!map) return;
    for (size_t i = 0; i < map->count; i++) clear_entry(&map->at[i]);
    mx_free(map->at);
    mx_free(map);
}

/* The first entry whose key is not before `key`. */
static size_t place_of(const mlxc_map *map, const char *key)
{
    size_t low = 0, high = map->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(map->at[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static mlxc_entry *find(const mlxc_map *map, const char *key)
{
    size_t place = place_of(map, key);
    return place < map->count && strcmp(map->at[place].key, key) == 0 ? &map->at[place] : NULL;
}

bool mlxc_map_put(mlxc_map *map, const char *key, mx_array *array, const char *text)
{
    mlxc_entry fresh = {.key = mlxc_copy_text(key), .text = text ? mlxc_copy_text(text) : NULL};
    if (!fresh.key || (text && !fresh.text) ||
        !mlxc_grow((void **)&map->at, &map->capacity, map->count, sizeof *map->at)) {
        clear_entry(&fresh);
        return false;
    }
    fresh.array = mx_keep(array);
    mlxc_entry *old = find(map, key);
    if (old) {
        clear_entry(old);
        *old = fresh;
        return true;
    }
    size_t place = place_of(map, key);
    memmove(map->at + place + 1, map->at + place, (map->count - place) * sizeof *map->at);
    map->at[place] = fresh;
    map->count++;
    return true;
}

/* ---- What both types share ---- */

static void *new_map(const char *name)
{
    mlxc_call call = mlxc_enter(name);
    mlxc_map *map = mlxc_map_new();
    mlxc_leave_plain(&call, map != NULL);
    return map;
}

static int set_map(const char *name, void **ctx, const mlxc_map *src)
{
    mlxc_call call = mlxc_enter(name);
    mlxc_map *copy = mlxc_is_set(ctx, name, "map") && mlxc_is_set(src, name, "src") ? mlxc_map_new() : NULL;
    bool ok = copy != NULL;
    for (size_t i = 0; ok && i < src->count; i++)
        ok = mlxc_map_put(copy, src->at[i].key, src->at[i].array, src->at[i].text);
    if (ok && *ctx) { /* the object stays, its contents change hands */
        mlxc_map *target = *ctx, old = *target;
        *target = *copy;
        *copy = old;
        mlxc_map_free(copy);
    } else if (ok) {
        *ctx = copy;
    } else {
        mlxc_map_free(copy);
    }
    return mlxc_leave_plain(&call, ok);
}

/* The entry of a key; NULL with an error for bad arguments, without one if it is not there. */
static mlxc_entry *look_up(const char *name, const void *out, const mlxc_map *map, const char *key)
{
    bool ok = mlxc_is_set(out, name, "value") && mlxc_is_set(map, name, "map") && mlxc_is_set(key, name, "key");
    return ok ? find(map, key) : NULL;
}

static int leave_without(mlxc_call *call)
{
    bool failed = mx_failed();
    return mlxc_leave_plain(call, !failed) ? 1 : NOTHING;
}

static void *new_iterator(const char *name, const mlxc_map *map)
{
    mlxc_call call = mlxc_enter(name);
    size_t *position = mlxc_is_set(map, name, "map") ? mx_alloc(1, sizeof *position) : NULL;
    mlxc_leave_plain(&call, position != NULL);
    return position;
}

static mlxc_entry *next_entry(const char *name, const void *key, const void *value, size_t *position,
                              const mlxc_map *map)
{
    bool ok = mlxc_is_set(key, name, "key") && mlxc_is_set(value, name, "value") && mlxc_is_set(position, name, "it") &&
              mlxc_is_set(map, name, "it");
    return ok && *position < map->count ? &map->at[(*position)++] : NULL;
}

/* ---- To arrays ---- */

mlx_map_string_to_array mlx_map_string_to_array_new(void)
{
    return (mlx_map_string_to_array){new_map(__func__)};
}

int mlx_map_string_to_array_set(mlx_map_string_to_array *map, const mlx_map_string_to_array src)
{
    return set_map(__func__, map ? &map->ctx : NULL, src.ctx);
}

int mlx_map_string_to_array_free(mlx_map_string_to_array map)
{
    mlxc_map_free(map.ctx);
    mx_release_foreign();
    return 0;
}

int mlx_map_string_to_array_insert(mlx_map_string_to_array map, const char *key, const mlx_array value)
{
    mlxc_call call = mlxc_enter(__func__);
    mx_array *x = ARRAY(value);
    return mlxc_leave_plain(&call, x && IS_SET(map.ctx) && IS_SET(key) && mlxc_map_put(map.ctx, key, x, NULL));
}

int mlx_map_string_to_array_get(mlx_array *value, const mlx_map_string_to_array map, const char *key)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_entry *entry = look_up(__func__, value, map.ctx, key);
    return entry ? mlxc_leave(&call, value, entry->array) : leave_without(&call);
}

mlx_map_string_to_array_iterator mlx_map_string_to_array_iterator_new(mlx_map_string_to_array map)
{
    return (mlx_map_string_to_array_iterator){new_iterator(__func__, map.ctx), map.ctx};
}

int mlx_map_string_to_array_iterator_free(mlx_map_string_to_array_iterator it)
{
    mx_free(it.ctx);
    return 0;
}

int mlx_map_string_to_array_iterator_next(const char **key, mlx_array *value, mlx_map_string_to_array_iterator it)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_entry *entry = next_entry(__func__, key, value, it.ctx, it.map_ctx);
    if (!entry) return leave_without(&call);
    *key = entry->key;
    return mlxc_leave(&call, value, entry->array);
}

/* ---- To strings ---- */

mlx_map_string_to_string mlx_map_string_to_string_new(void)
{
    return (mlx_map_string_to_string){new_map(__func__)};
}

int mlx_map_string_to_string_set(mlx_map_string_to_string *map, const mlx_map_string_to_string src)
{
    return set_map(__func__, map ? &map->ctx : NULL, src.ctx);
}

int mlx_map_string_to_string_free(mlx_map_string_to_string map)
{
    mlxc_map_free(map.ctx);
    return 0;
}

int mlx_map_string_to_string_insert(mlx_map_string_to_string map, const char *key, const char *value)
{
    mlxc_call call = mlxc_enter(__func__);
    bool ok = IS_SET(map.ctx) && IS_SET(key) && IS_SET(value);
    return mlxc_leave_plain(&call, ok && mlxc_map_put(map.ctx, key, NULL, value));
}

int mlx_map_string_to_string_get(const char **value, const mlx_map_string_to_string map, const char *key)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_entry *entry = look_up(__func__, value, map.ctx, key);
    if (!entry) return leave_without(&call);
    *value = entry->text;
    return mlxc_leave_plain(&call, true);
}

mlx_map_string_to_string_iterator mlx_map_string_to_string_iterator_new(mlx_map_string_to_string map)
{
    return (mlx_map_string_to_string_iterator){new_iterator(__func__, map.ctx), map.ctx};
}

int mlx_map_string_to_string_iterator_free(mlx_map_string_to_string_iterator it)
{
    mx_free(it.ctx);
    return 0;
}

int mlx_map_string_to_string_iterator_next(const char **key, const char **value, mlx_map_string_to_string_iterator it)
{
    mlxc_call call = mlxc_enter(__func__);
    mlxc_entry *entry = next_entry(__func__, key, value, it.ctx, it.map_ctx);
    if (!entry) return leave_without(&call);
    *key = entry->key;
    *value = entry->text;
    return mlxc_leave_plain(&call, true);
}
