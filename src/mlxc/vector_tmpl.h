/* SPDX-License-Identifier: MIT
 *
 * The functions of one list type.  Included once per type with these names defined, and undefined again at its end:
 * NAME(x)  mlx_vector_<type>_x       HANDLE  mlx_vector_<type>      BOX, ITEM  the struct behind ctx, what it stores
 * VALUE    what callers pass         DATA    a list of these        copy_item(box, value), drop_item(item),
 * end_box(box). */

static void NAME(clear)(BOX *box)
{
    for (size_t i = 0; i < box->count; i++) drop_item(box->at[i]);
    mx_free(box->at);
    end_box(box);
    *box = (BOX){0};
}

static bool NAME(add)(BOX *box, VALUE value)
{
    if (!mlxc_grow((void **)&box->at, &box->capacity, box->count, sizeof(ITEM))) return false;
    if (!copy_item(&box->at[box->count], value)) return false;
    box->count++;
    return true;
}

/* The entries may be the list's own, so the new ones are complete before the old ones go. */
static bool NAME(replace)(HANDLE *handle, DATA data, size_t count)
{
    BOX *box = handle->ctx, fresh = {0};
    bool ok = count == 0 || data || mx_fail_false(MX_VALUE, "[vector] a list of %zu entries is NULL.", count);
    for (size_t i = 0; ok && i < count; i++) ok = NAME(add)(&fresh, data[i]);
    if (ok && !box) handle->ctx = box = mx_alloc(1, sizeof *box);
    if (!ok || !box) {
        NAME(clear)(&fresh);
        return false;
    }
    NAME(clear)(box);
    *box = fresh;
    return true;
}

HANDLE NAME(new_data)(DATA data, size_t size)
{
    HANDLE vec = {NULL};
    mlxc_call call = mlxc_enter(__func__);
    mlxc_leave_plain(&call, NAME(replace)(&vec, data, size));
    return vec;
}

HANDLE NAME(new)(void)
{
    return NAME(new_data)(NULL, 0);
}

HANDLE NAME(new_value)(VALUE val)
{
    return NAME(new_data)(&val, 1);
}

int NAME(free)(HANDLE vec)
{
    if (vec.ctx) NAME(clear)(vec.ctx);
    mx_free(vec.ctx);
    mx_release_foreign();
    return 0;
}

int NAME(set_data)(HANDLE *vec, DATA data, size_t size)
{
    mlxc_call call = mlxc_enter(__func__);
    return mlxc_leave_plain(&call, IS_SET(vec) && NAME(replace)(vec, data, size));
}

int NAME(set_value)(HANDLE *vec, VALUE val)
{
    return NAME(set_data)(vec, &val, 1);
}

int NAME(append_data)(HANDLE vec, DATA data, size_t size)
{
    mlxc_call call = mlxc_enter(__func__);
    bool ok = IS_SET(vec.ctx) && (size == 0 || IS_SET(data));
    for (size_t i = 0; ok && i < size; i++) ok = NAME(add)(vec.ctx, data[i]);
    return mlxc_leave_plain(&call, ok);
}

int NAME(append_value)(HANDLE vec, VALUE val)
{
    return NAME(append_data)(vec, &val, 1);
}

size_t NAME(size)(HANDLE vec)
{
    return vec.ctx ? ((BOX *)vec.ctx)->count : 0;
}

/* The entry, or NULL and an error. */
static ITEM *NAME(entry)(HANDLE vec, size_t idx, const char *name)
{
    BOX *box = vec.ctx;
    if (!mlxc_is_set(box, name, "vec")) return NULL;
    if (idx >= box->count) return mx_fail(MX_INDEX, "[%s] index %zu of %zu entries.", name, idx, box->count);
    return &box->at[idx];
}

#undef NAME
#undef HANDLE
#undef BOX
#undef ITEM
#undef VALUE
#undef DATA
#undef copy_item
#undef drop_item
#undef end_box
