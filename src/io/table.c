/* SPDX-License-Identifier: MIT
 *
 * Tables: two lists of names, one with arrays and one with texts, each with an index by hash (FNV-1a, open
 * addressing), so that a table of many thousand names is built in linear time. */
#include "io/io.h"
#include "core/memory.h"
#include <string.h>

static uint32_t hash_name(const char *name)
{
    uint32_t h = 0x811c9dc5u;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 0x01000193u;
    return h;
}

/* Where the name is, or the empty slot where it belongs. */
static int find_slot(const name_list *list, const char *name)
{
    int mask = list->slot_count - 1, i = (int)(hash_name(name) & (uint32_t)mask);
    while (list->slots[i] && strcmp(list->entries[list->slots[i] - 1].name, name) != 0) i = (i + 1) & mask;
    return i;
}

static int find(const name_list *list, const char *name)
{
    return list->slot_count ? list->slots[find_slot(list, name)] - 1 : -1;
}

/* At most half of the slots are in use. */
static bool grow(name_list *list)
{
    if (list->count == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 16;
        table_entry *entries = mx_resize(list->entries, (size_t)capacity, sizeof *entries);
        if (!entries) return false;
        list->entries = entries;
        list->capacity = capacity;
    }
    if (2 * (list->count + 1) <= list->slot_count) return true;
    int slot_count = 4 * list->capacity;
    int32_t *slots = mx_alloc((size_t)slot_count, sizeof *slots);
    if (!slots) return false;
    mx_free(list->slots);
    list->slots = slots;
    list->slot_count = slot_count;
    memset(slots, 0, (size_t)slot_count * sizeof *slots);
    for (int i = 0; i < list->count; i++) list->slots[find_slot(list, list->entries[i].name)] = i + 1;
    return true;
}

static char *copy_text(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = mx_alloc(n, 1);
    if (copy) memcpy(copy, text, n);
    return copy;
}

/* The entry of the name, made if it is not there. */
static table_entry *entry_of(name_list *list, const char *name)
{
    int i = find(list, name);
    if (i >= 0) return &list->entries[i];
    char *copy = grow(list) ? copy_text(name) : NULL;
    if (!copy) return NULL;
    int slot = find_slot(list, name);
    list->entries[list->count] = (table_entry){.name = copy};
    list->slots[slot] = ++list->count;
    return &list->entries[list->count - 1];
}

static void free_list(name_list *list)
{
    for (int i = 0; i < list->count; i++) {
        mx_free(list->entries[i].name);
        mx_free(list->entries[i].text);
        mx_drop(list->entries[i].value);
    }
    mx_free(list->entries);
    mx_free(list->slots);
}

mx_table *mx_table_new(void)
{
    mx_table *table = mx_alloc(1, sizeof *table);
    if (table) *table = (mx_table){0};
    return table;
}

void mx_table_free(mx_table **table)
{
    if (!table || !*table) return;
    free_list(&(*table)->arrays);
    free_list(&(*table)->texts);
    mx_free(*table);
    *table = NULL;
}

bool table_given(const char *op, const mx_table *table)
{
    return table || mx_fail_false(MX_VALUE, "[%s] the table is NULL.", op);
}

static bool name_given(const char *name)
{
    return name || mx_fail_false(MX_VALUE, "[table] a name or text is NULL.");
}

bool mx_table_put(mx_table *table, const char *name, mx_array *value)
{
    if (!table_given("table", table) || !name_given(name) || !op_has("table", value)) return false;
    table_entry *e = entry_of(&table->arrays, name);
    if (!e) return false;
    mx_keep(value);
    mx_drop(e->value);
    e->value = value;
    return true;
}

bool mx_table_put_text(mx_table *table, const char *name, const char *text)
{
    if (!table_given("table", table) || !name_given(name) || !name_given(text)) return false;
    char *copy = copy_text(text);
    table_entry *e = copy ? entry_of(&table->texts, name) : NULL;
    if (!e) return mx_free(copy), false;
    mx_free(e->text);
    e->text = copy;
    return true;
}

int mx_table_count(const mx_table *table)
{
    return table ? table->arrays.count : 0;
}
int mx_table_text_count(const mx_table *table)
{
    return table ? table->texts.count : 0;
}

static const table_entry *entry_at(const mx_table *table, const name_list *list, int index)
{
    if (table && index >= 0 && index < list->count) return &list->entries[index];
    return mx_fail(MX_INDEX, "[table] there is no entry %d of %d.", index, table ? list->count : 0);
}

const char *mx_table_name(const mx_table *table, int index)
{
    const table_entry *e = entry_at(table, &table->arrays, index);
    return e ? e->name : NULL;
}
mx_array *mx_table_value(const mx_table *table, int index)
{
    const table_entry *e = entry_at(table, &table->arrays, index);
    return e ? e->value : NULL;
}
const char *mx_table_text_name(const mx_table *table, int index)
{
    const table_entry *e = entry_at(table, &table->texts, index);
    return e ? e->name : NULL;
}
const char *mx_table_text(const mx_table *table, int index)
{
    const table_entry *e = entry_at(table, &table->texts, index);
    return e ? e->text : NULL;
}

mx_array *mx_table_get(const mx_table *table, const char *name)
{
    if (!table_given("table", table) || !name_given(name)) return NULL;
    int i = find(&table->arrays, name);
    return i >= 0 ? table->arrays.entries[i].value : mx_fail(MX_VALUE, "[table] there is no array \"%s\".", name);
}

bool table_eval(const mx_table *table)
{
    bool ok = true;
    int count = table->arrays.count;
    mx_array **values = mx_alloc((size_t)(count ? count : 1), sizeof *values);
    if (!values) return false;
    for (int i = 0; i < count; i++) values[i] = table->arrays.entries[i].value;
    ok = mx_eval_n(values, count);
    mx_free(values);
    return ok;
}
