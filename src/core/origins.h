/* SPDX-License-Identifier: MIT
 *
 * Where sizes come from, while a shapeless program is captured: what was found out about the axes of its arrays. */
#ifndef CORE_ORIGINS_H
#define CORE_ORIGINS_H

#include "core/array.h"

/* An axis of an array that was not made from others' sizes, or (no array) a number. */
typedef struct size_source {
    const mx_array *array;
    int64_t at;
} size_source;

typedef struct origin_slot {
    mx_array *array; /* kept, so that no other gets its address; NULL: free */
    int axis;
    size_source source;
} origin_slot;

/* Open addressing; zeroed is empty. */
typedef struct mx_origins {
    origin_slot *slots;
    size_t count, slot_count;
} mx_origins;

const size_source *origins_find(const mx_origins *o, const mx_array *x, int axis); /* NULL: nothing is known */
bool origins_add(mx_origins *o, mx_array *x, int axis, size_source source);        /* false: an error is recorded */
void origins_free(mx_origins *o);

#endif
