/* SPDX-License-Identifier: MIT
 *
 * A buffer: the memory behind one or more arrays.  A DONE array never changes, so host and device sides may exist at
 * once; the device side is the business of its backend and hangs on `side`. */
#ifndef CORE_BUFFER_H
#define CORE_BUFFER_H

#include "mica/types.h"
#include <stdatomic.h>

enum { BUFFER_FOREIGN = 1 }; /* flags: the memory is somebody else's, see release */

typedef struct mx_buffer {
    _Atomic int32_t refs;
    _Atomic int32_t exports; /* writable views that live: never donated, never reused */
    uint32_t flags;
    void *data;      /* host side */
    size_t bytes;    /* asked for */
    size_t capacity; /* of the host block */
    void (*release)(void *ctx);
    void *ctx;
    struct mx_buffer *next; /* in the list of foreign buffers to release */
} mx_buffer;

mx_buffer *buffer_new(size_t bytes);
mx_buffer *buffer_foreign(void *data, size_t bytes, void (*release)(void *ctx), void *ctx);
mx_buffer *buffer_keep(mx_buffer *b);
void buffer_drop(mx_buffer *b);
/* May its only holder overwrite it? */
bool buffer_is_reusable(const mx_buffer *b);

#endif
