/* SPDX-License-Identifier: MIT
 *
 * Memory of structures (mx_alloc, public) and of array elements (block_*), with statistics and limits.  Every
 * allocation of the library comes through here, so that a test can make any of them fail. */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include "mica/memory.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* For the text of an error itself: NULL without recording one, and never made to fail.  mx_free gives it back. */
void *memory_try(size_t bytes);

/* Elements: 64-byte aligned, not cleared, `*capacity` >= bytes.  block_free takes the capacity that block_alloc gave.
 */
void *block_alloc(size_t bytes, size_t *capacity);
void block_free(void *block, size_t capacity);

/* A device's blocks, in the statistics of all memory. */
void memory_count_device(int64_t active, int64_t cached);
/* May the device take `bytes` more from its driver, or should it give back what it has cached first? */
bool memory_fits(size_t bytes);
/* How many free bytes a device may keep: no bound until mx_set_cache_limit sets one. */
size_t memory_device_cache_limit(void);

/* Fixed-size blocks of one node (NODE_BYTES) from the calling thread's list; any thread may free them. */
#define NODE_BYTES 192
#define NODE_SLAB 128 /* nodes that a list grows by */
void *node_alloc(void);
void node_free(void *node);

/* Tests: the n-th allocation from now fails (1 is the next one), and with `forever` all that follow; 0 switches it off.
 * Counts mx_alloc, memory_try, block_alloc and node_alloc.  Returns how many allocations happened since the last call. */
int64_t memory_fail_at(int64_t n, bool forever);

#endif
