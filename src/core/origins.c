/* SPDX-License-Identifier: MIT
 *
 * A hash table of axes of arrays. */
#include "core/origins.h"
#include "core/memory.h"

static origin_slot *slot_of(const mx_origins *o, const mx_array *x, int axis)
{
    uint64_t hash = (((uintptr_t)x >> 6) * MX_MAX_NDIM + (uint64_t)axis) * 0x9e3779b97f4a7c15u;
    size_t i = (size_t)(hash >> 32) & (o->slot_count - 1);
    while (o->slots[i].array && (o->slots[i].array != x || o->slots[i].axis != axis)) i = (i + 1) & (o->slot_count - 1);
    return &o->slots[i];
}

const size_source *origins_find(const mx_origins *o, const mx_array *x, int axis)
{
    if (!o->count) return NULL;
    const origin_slot *slot = slot_of(o, x, axis);
    return slot->array ? &slot->source : NULL;
}

static bool make_room(mx_origins *o)
{
    if (2 * o->count < o->slot_count) return true;
    mx_origins larger = {.count = o->count, .slot_count = o->slot_count ? 2 * o->slot_count : 64};
    if (!(larger.slots = mx_alloc(larger.slot_count, sizeof *larger.slots))) return false;
    for (size_t i = 0; i < o->slot_count; i++) {
        const origin_slot *slot = &o->slots[i];
        if (slot->array) *slot_of(&larger, slot->array, slot->axis) = *slot;
    }
    mx_free(o->slots);
    *o = larger;
    return true;
}

bool origins_add(mx_origins *o, mx_array *x, int axis, size_source source)
{
    if (!make_room(o)) return false;
    origin_slot *slot = slot_of(o, x, axis);
    if (slot->array) return true;
    *slot = (origin_slot){mx_keep(x), axis, source};
    o->count++;
    return true;
}

void origins_free(mx_origins *o)
{
    for (size_t i = 0; i < o->slot_count; i++) mx_drop(o->slots[i].array);
    mx_free(o->slots);
    *o = (mx_origins){0};
}
