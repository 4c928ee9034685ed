/* SPDX-License-Identifier: MIT
 *
 * Buffers.  The header of a small one sits in front of its data in one block, so that a scalar costs one allocation. */
#include "core/buffer.h"
#include "core/memory.h"
#include "core/runtime.h"

enum { HEADER = 128, SMALL = 896 }; /* header plus small data: at most one class of the per-thread lists */
_Static_assert(sizeof(mx_buffer) <= HEADER, "the data after the header starts on a cache line");

mx_buffer *buffer_new(size_t bytes)
{
    size_t capacity;
    bool small = bytes <= SMALL;
    mx_buffer *b = block_alloc(small ? HEADER + bytes : HEADER, &capacity);
    if (!b) return NULL;
    *b = (mx_buffer){.bytes = bytes, .capacity = small ? capacity : 0};
    b->data = small ? (char *)b + HEADER : block_alloc(bytes, &b->capacity);
    if (!b->data) return block_free(b, HEADER), NULL;
    atomic_init(&b->refs, 1);
    return b;
}

mx_buffer *buffer_foreign(void *data, size_t bytes, void (*release)(void *ctx), void *ctx)
{
    mx_buffer *b = mx_alloc(1, sizeof *b);
    if (!b) return NULL;
    *b = (mx_buffer){.data = data, .bytes = bytes, .flags = BUFFER_FOREIGN, .release = release, .ctx = ctx};
    atomic_init(&b->refs, 1);
    return b;
}

mx_buffer *buffer_of_side_take(mx_side *side, size_t bytes)
{
    size_t capacity;
    mx_buffer *b = block_alloc(HEADER, &capacity);
    mx_buffer lone = {.bytes = bytes};
    atomic_init(&lone.side, side);
    if (!b) return side->type->release(&lone), NULL;
    *b = (mx_buffer){.bytes = bytes};
    atomic_init(&b->refs, 1);
    atomic_init(&b->side, side);
    return b;
}

bool buffer_add_host(mx_buffer *b)
{
    if (!b->data) b->data = block_alloc(b->bytes, &b->capacity);
    return b->data != NULL;
}

void buffer_lend_host(mx_buffer *b, void *data)
{
    b->data = data;
}

void buffer_export(mx_buffer *b)
{
    atomic_fetch_add(&b->exports, 1);
    mx_side *side = atomic_load_explicit(&b->side, memory_order_acquire);
    if (side) side->type->exported(b);
}

mx_buffer *buffer_keep(mx_buffer *b)
{
    if (b) atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
    return b;
}

void foreign_push(mx_foreign *f)
{
    f->next = atomic_load(&runtime.foreign);
    while (!atomic_compare_exchange_weak(&runtime.foreign, &f->next, f)) {}
}

static void release_foreign_buffer(mx_foreign *f)
{
    mx_buffer *b = (mx_buffer *)((char *)f - offsetof(mx_buffer, foreign));
    if (b->release) b->release(b->ctx);
    mx_free(b);
}

static void free_buffer(mx_buffer *b)
{
    mx_side *side = atomic_load_explicit(&b->side, memory_order_acquire);
    if (UNLIKELY(side != NULL)) side->type->release(b);
    if (b->flags & BUFFER_FOREIGN) {
        b->foreign.run = release_foreign_buffer;
        foreign_push(&b->foreign);
        return;
    }
    bool small = b->data == (char *)b + HEADER;
    size_t capacity = b->capacity;
    if (!small && capacity) block_free(b->data, capacity);
    block_free(b, small ? capacity : HEADER);
}

void buffer_drop(mx_buffer *b)
{
    if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1) free_buffer(b);
}

bool buffer_is_reusable(const mx_buffer *b)
{
    return atomic_load_explicit(&b->refs, memory_order_acquire) == 1 && !(b->flags & BUFFER_FOREIGN) &&
           !atomic_load_explicit(&b->side, memory_order_acquire) &&
           atomic_load_explicit(&b->exports, memory_order_acquire) == 0;
}

void mx_release_foreign(void)
{
    if (!atomic_load_explicit(&runtime.foreign, memory_order_relaxed)) return;
    mx_foreign *list = atomic_exchange(&runtime.foreign, NULL);
    while (list) {
        mx_foreign *f = list;
        list = f->next;
        f->run(f);
    }
}
