/* SPDX-License-Identifier: MIT
 *
 * Names of arrays: a list in the order of naming and a hash table over it.  An invented name is the length of the list
 * in letters, as MLX counts. */
#include "core/memory.h"
#include "core/op.h"
#include "mica/graph.h"
#include <string.h>

typedef struct name_entry {
    mx_array *array; /* kept */
    char *name;
} name_entry;

struct mx_namer {
    name_entry *entries;
    size_t count, capacity;
    size_t *slots; /* open addressing: index + 1; twice as many as entries */
};

mx_namer *mx_namer_new(void)
{
    return mx_alloc(1, sizeof(mx_namer));
}

void mx_namer_free(mx_namer **namer)
{
    mx_namer *n = namer ? *namer : NULL;
    if (!n) return;
    for (size_t i = 0; i < n->count; i++) {
        mx_drop(n->entries[i].array);
        mx_free(n->entries[i].name);
    }
    mx_free(n->entries);
    mx_free(n->slots);
    mx_free(n);
    *namer = NULL;
}

static size_t *slot_of(const mx_namer *n, const mx_array *x)
{
    size_t mask = 2 * n->capacity - 1, i = (size_t)(((uintptr_t)x >> 6) * 0x9e3779b97f4a7c15u >> 20) & mask;
    while (n->slots[i] && n->entries[n->slots[i] - 1].array != x) i = (i + 1) & mask;
    return &n->slots[i];
}

static bool make_room(mx_namer *n)
{
    if (n->count < n->capacity) return true;
    size_t capacity = n->capacity ? 2 * n->capacity : 64;
    name_entry *entries = mx_resize(n->entries, capacity, sizeof *entries);
    if (!entries) return false;
    n->entries = entries;
    size_t *slots = mx_alloc(2 * capacity, sizeof *slots);
    if (!slots) return false;
    mx_free(n->slots);
    n->slots = slots;
    n->capacity = capacity;
    for (size_t i = 0; i < n->count; i++) *slot_of(n, n->entries[i].array) = i + 1;
    return true;
}

bool mx_namer_set(mx_namer *namer, mx_array *x, const char *name)
{
    if (!namer || !name) return mx_fail_false(MX_VALUE, "[namer] the %s is NULL.", namer ? "name" : "namer");
    if (!op_has("namer", x) || !make_room(namer)) return false;
    size_t bytes = strlen(name) + 1;
    char *copy = mx_alloc(bytes, 1);
    if (!copy) return false;
    memcpy(copy, name, bytes);
    size_t *slot = slot_of(namer, x);
    if (*slot) {
        mx_free(namer->entries[*slot - 1].name);
        namer->entries[*slot - 1].name = copy;
    } else {
        namer->entries[namer->count++] = (name_entry){mx_keep(x), copy};
        *slot = namer->count;
    }
    return true;
}

const char *mx_namer_get(mx_namer *namer, mx_array *x)
{
    if (!namer) return mx_fail(MX_VALUE, "[namer] the namer is NULL.");
    if (!op_has("namer", x)) return NULL;
    size_t at = namer->count ? *slot_of(namer, x) : 0;
    if (at) return namer->entries[at - 1].name;
    char letters[16];
    char *name = letters + sizeof letters;
    *--name = 0;
    for (size_t i = namer->count + 1; i; i = (i - 1) / 26) *--name = (char)('A' + (i - 1) % 26);
    return mx_namer_set(namer, x, name) ? namer->entries[namer->count - 1].name : NULL;
}
