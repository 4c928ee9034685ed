/* SPDX-License-Identifier: MIT
 *
 * A buffer: the memory behind one or more arrays.  A DONE array never changes, so host and device sides may exist at
 * once; the device side is the business of its backend and hangs on `side`. */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include "mica/types.h"
#include "core/compiler.h"
#include <stdatomic.h>

enum { BUFFER_FOREIGN = 1 }; /* flags: the memory is somebody else's, see release */

typedef struct mx_buffer mx_buffer;

/* What must be given back to its owner outside the library: never where the last reference goes, which may be a worker,
 * but in mx_release_foreign, called from the outside.  `run` frees it. */
typedef struct mx_foreign {
    void (*run)(struct mx_foreign *f);
    struct mx_foreign *next;
} mx_foreign;
void foreign_push(mx_foreign *f);

/* What a buffer has on a device; a backend's own struct begins with it.  Any thread may call these. */
typedef struct mx_side_type {
    bool (*wait)(mx_buffer *b);     /* until the device has computed it; false: it failed, an error is recorded */
    bool (*to_host)(mx_buffer *b);  /* makes `data` what the device computed, once; waits for it */
    void (*exported)(mx_buffer *b); /* somebody may write to `data` from now on: copies of it are void */
    void (*release)(mx_buffer *b);  /* the buffer dies */
} mx_side_type;
typedef struct mx_side {
    const mx_side_type *type;
} mx_side;

struct mx_buffer {
    _Atomic int32_t refs;
    _Atomic int32_t exports; /* writable views that live: never donated, never reused */
    uint32_t flags;
    _Atomic(mx_side *) side; /* NULL: on the host only */
    void *data;              /* host side; NULL: on a device only */
    size_t bytes;            /* asked for */
    size_t capacity;         /* of the host block; 0: `data` is not ours to free */
    void (*release)(void *ctx);
    void *ctx;
    mx_foreign foreign;
};

mx_buffer *buffer_new(size_t bytes);
mx_buffer *buffer_foreign(void *data, size_t bytes, void (*release)(void *ctx), void *ctx);
/* A buffer that is on a device only; the side is taken (also when it fails). */
mx_buffer *buffer_of_side_take(mx_side *side, size_t bytes);
/* Host memory for one that has none yet; the caller holds the side's lock. */
bool buffer_add_host(mx_buffer *b);
/* ... or memory of the side, which lives as long as the buffer. */
void buffer_lend_host(mx_buffer *b, void *data);
mx_buffer *buffer_keep(mx_buffer *b);
void buffer_drop(mx_buffer *b);
/* Makes sure that the data can be read on the host; false: an error is recorded. */
ALWAYS_INLINE bool buffer_to_host(mx_buffer *b)
{
    mx_side *side = b ? atomic_load_explicit(&b->side, memory_order_acquire) : NULL;
    return LIKELY(!side) || side->type->to_host(b);
}
/* Waits until the data is computed, wherever that is; false: an error is recorded. */
ALWAYS_INLINE bool buffer_wait(mx_buffer *b)
{
    mx_side *side = b ? atomic_load_explicit(&b->side, memory_order_acquire) : NULL;
    return LIKELY(!side) || side->type->wait(b);
}
/* Somebody outside gets a writable view of the host's data. */
void buffer_export(mx_buffer *b);
/* May its only holder overwrite it on the host? */
bool buffer_is_reusable(const mx_buffer *b);

#endif
