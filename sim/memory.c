/* SPDX-License-Identifier: MIT
 *
 * Device memory is an arena that nobody may touch but commands: outside of them it is PROT_NONE.  Addresses are not used
 * twice, so a pointer to freed memory stays wrong; freed pages go back to the system.  New memory is filled with 0xfe. */
#include "sim.h"
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

__attribute__((weak)) void __asan_poison_memory_region(const volatile void *p, size_t bytes);

enum { ALIGNMENT = 512, RED_ZONE = 512 };

static void set_protection(int protection)
{
    uint64_t huge = (2ull << 20) - 1;
    mprotect((void *)(uintptr_t)sim.arena, (size_t)((sim.used_bytes + huge) & ~huge), protection);
}

void sim_open_arena(void)
{
    if (sim.open++ == 0 && sim.protect) set_protection(PROT_READ | PROT_WRITE);
}

void sim_close_arena(void)
{
    if (--sim.open == 0 && sim.protect) set_protection(PROT_NONE);
}

bool sim_is_device(uint64_t p)
{
    return p - sim.arena < SIM_ARENA_BYTES;
}

static int find_pinned(const void *p)
{
    int i = 0;
    while (i < sim.pinned_count &&
           ((const char *)p < sim.pinned[i].p || (const char *)p >= sim.pinned[i].p + sim.pinned[i].bytes))
        i++;
    return i;
}

bool sim_is_pinned(const void *p)
{
    return find_pinned(p) < sim.pinned_count;
}

/* Device memory too: a copy to it is no reading by the host. */
static bool is_mapped(const void *p)
{
    int i = find_pinned(p);
    return i < sim.pinned_count && sim.pinned[i].mapped;
}

/* The last block that begins at or before p. */
sim_block *sim_find(uint64_t p)
{
    int low = 0, high = sim.block_count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (sim.block[middle].p <= p)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? &sim.block[low - 1] : NULL;
}

const char *sim_range_fault(uint64_t p, size_t bytes)
{
    const sim_block *b = sim_find(p);
    if (!b || p >= b->p + b->bytes + RED_ZONE) return "no allocation";
    if (p + bytes > b->p + b->bytes) return "out of bounds";
    return b->state == BLOCK_FREE ? "freed memory" : NULL;
}

static sim_result allocate(sim_device_ptr *p, size_t bytes)
{
    if (!p || !bytes) return SIM_INVALID_VALUE;
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (bytes > sim.limit_bytes - sim.live_bytes || sim.used_bytes + rounded + RED_ZONE > SIM_ARENA_BYTES)
        return SIM_OUT_OF_MEMORY;
    if (sim.block_count == sim.block_room) {
        int room = sim.block_room * 2 + 256;
        sim_block *blocks = realloc(sim.block, (size_t)room * sizeof *blocks);
        if (!blocks) return SIM_OUT_OF_MEMORY;
        sim.block = blocks;
        sim.block_room = room;
    }
    uint64_t at = sim.arena + sim.used_bytes;
    sim.used_bytes += rounded + RED_ZONE;
    sim.live_bytes += bytes;
    sim.block[sim.block_count++] = (sim_block){at, bytes, BLOCK_LIVE};
    set_protection(PROT_READ | PROT_WRITE);
    memset((void *)(uintptr_t)at, 0xfe, bytes);
    if (__asan_poison_memory_region)
        __asan_poison_memory_region((void *)(uintptr_t)(at + bytes), rounded + RED_ZONE - bytes);
    if (sim.protect && !sim.open) set_protection(PROT_NONE);
    *p = at;
    return SIM_OK;
}

void sim_free_block(uint64_t p)
{
    sim_block *b = sim_find(p);
    check_range(b->p, b->bytes, true);
    b->state = BLOCK_FREE;
    sim.live_bytes -= b->bytes;
    uint64_t first = (b->p + 4095) & ~4095ull, end = (b->p + b->bytes) & ~4095ull;
    memset((void *)(uintptr_t)b->p, 0xfb, b->bytes < 4096 ? b->bytes : 4096);
    if (first < end) madvise((void *)(uintptr_t)first, end - first, MADV_DONTNEED);
    if (__asan_poison_memory_region) __asan_poison_memory_region((void *)(uintptr_t)b->p, b->bytes);
}

API sim_result cuMemAlloc_v2(sim_device_ptr *p, size_t bytes)
{
    ENTER(cuMemAlloc);
    return sim_leave(allocate(p, bytes));
}

API sim_result cuMemAllocAsync(sim_device_ptr *p, size_t bytes, sim_stream *handle)
{
    ENTER(cuMemAllocAsync);
    (void)handle; /* memory is there at once; what waits for the stream is its use */
    return sim_leave(allocate(p, bytes));
}

static sim_result free_on(sim_device_ptr p, sim_stream *s, const char *name)
{
    sim_block *b = sim_find(p);
    if (!b || b->p != p || b->state != BLOCK_LIVE) {
        sim_report("%s: %s", name, b && b->p == p ? "freed twice" : "not an allocation");
        return SIM_INVALID_VALUE;
    }
    b->state = BLOCK_FREEING;
    sim_command *c = sim_command_new(s, FREE);
    c->to = p;
    c->bytes = b->bytes;
    return sim_push(c);
}

API sim_result cuMemFreeAsync(sim_device_ptr p, sim_stream *handle)
{
    ENTER(cuMemFreeAsync);
    return sim_leave(p ? free_on(p, sim_stream_of(handle), "cuMemFreeAsync") : SIM_OK);
}

API sim_result cuMemFree_v2(sim_device_ptr p)
{
    ENTER(cuMemFree);
    if (!p) return sim_leave(SIM_OK);
    sim_result r = sim_drain_all();
    if (!r) r = free_on(p, &sim.legacy, "cuMemFree");
    return sim_leave(r ? r : sim_drain(&sim.legacy));
}

API sim_result cuMemGetInfo_v2(size_t *unused, size_t *total)
{
    ENTER(cuMemGetInfo);
    *total = (size_t)sim.limit_bytes;
    *unused = (size_t)(sim.limit_bytes - sim.live_bytes);
    return sim_leave(SIM_OK);
}

API sim_result cuMemHostAlloc(void **p, size_t bytes, unsigned flags)
{
    ENTER(cuMemHostAlloc);
    if (bytes > sim.limit_bytes - sim.live_bytes) return sim_leave(SIM_OUT_OF_MEMORY);
    void *pinned = realloc(sim.pinned, (size_t)(sim.pinned_count + 1) * sizeof *sim.pinned);
    if (pinned) sim.pinned = pinned;
    *p = pinned ? aligned_alloc(4096, (bytes + 4095) / 4096 * 4096) : NULL;
    if (!*p) return sim_leave(SIM_OUT_OF_MEMORY);
    sim.pinned[sim.pinned_count].p = *p;
    sim.pinned[sim.pinned_count].mapped = (flags & SIM_HOST_MAPPED) != 0;
    sim.pinned[sim.pinned_count++].bytes = bytes;
    return sim_leave(SIM_OK);
}

API sim_result cuMemHostGetDevicePointer_v2(sim_device_ptr *p, void *host, unsigned flags)
{
    ENTER(cuMemHostGetDevicePointer);
    *p = (sim_device_ptr)(uintptr_t)host;
    return sim_leave(flags || !is_mapped(host) ? SIM_INVALID_VALUE : SIM_OK);
}

API sim_result cuMemAllocHost_v2(void **p, size_t bytes)
{
    return cuMemHostAlloc(p, bytes, 0);
}

API sim_result cuMemFreeHost(void *p)
{
    ENTER(cuMemFreeHost);
    for (int i = 0; i < sim.pinned_count; i++) {
        if (sim.pinned[i].p != p) continue;
        sim_result r = sim_drain_all(); /* copies under way may still read it */
        sim.pinned[i] = sim.pinned[--sim.pinned_count];
        free(p);
        return sim_leave(r);
    }
    return sim_leave(SIM_INVALID_VALUE);
}

/* ---- Copies and fills */

static sim_result copy(uint64_t to, uint64_t from, size_t bytes, sim_stream *s, bool wait)
{
    if (!bytes) return SIM_OK;
    bool host_source = !sim_is_device(from), host_target = !sim_is_device(to) && !is_mapped((void *)(uintptr_t)to);
    void *target = (void *)(uintptr_t)to;
    const void *source = (const void *)(uintptr_t)from;
    sim_command *c = sim_command_new(s, COPY);
    c->to = to;
    c->from = from;
    c->bytes = bytes;
    if (host_source && !sim_is_pinned(source)) {
        if (!(c->staged = malloc(bytes))) {
            sim_command_free(c);
            return SIM_OUT_OF_MEMORY;
        }
        memcpy(c->staged, source, bytes);
    } else if (host_source && !s->capture) {
        c->pinned_hash = sim_hash(source, bytes, 1);
    }
    /* Who reads the target before the copy ran sees that. */
    if (host_target && sim_is_pinned(target) && !s->capture) memset(target, 0xfd, bytes);
    if (host_target && !sim_is_pinned(target) && !s->capture) wait = true;
    sim_result r = sim_push(c);
    return r || !wait ? r : sim_drain(s);
}

#define COPY_CALL(name, label, TO, FROM, stream_param, stream, wait)                                                   \
    API sim_result name(TO to, FROM from, size_t bytes stream_param)                                                   \
    {                                                                                                                  \
        ENTER(label);                                                                                                  \
        return sim_leave(copy((uint64_t)(uintptr_t)to, (uint64_t)(uintptr_t)from, bytes, stream, wait));               \
    }
#define STREAM_PARAM , sim_stream *handle
COPY_CALL(cuMemcpyHtoDAsync_v2, cuMemcpyHtoDAsync, sim_device_ptr, const void *, STREAM_PARAM, sim_stream_of(handle),
          false)
COPY_CALL(cuMemcpyDtoHAsync_v2, cuMemcpyDtoHAsync, void *, sim_device_ptr, STREAM_PARAM, sim_stream_of(handle), false)
COPY_CALL(cuMemcpyDtoDAsync_v2, cuMemcpyDtoDAsync, sim_device_ptr, sim_device_ptr, STREAM_PARAM, sim_stream_of(handle),
          false)
COPY_CALL(cuMemcpyAsync, cuMemcpyAsync, sim_device_ptr, sim_device_ptr, STREAM_PARAM, sim_stream_of(handle), false)
COPY_CALL(cuMemcpyHtoD_v2, cuMemcpyHtoD, sim_device_ptr, const void *, , &sim.legacy, true)
COPY_CALL(cuMemcpyDtoH_v2, cuMemcpyDtoH, void *, sim_device_ptr, , &sim.legacy, true)

#define FILL_CALL(name, T, stream_param, stream)                                                                       \
    API sim_result name(sim_device_ptr to, T value, size_t count stream_param)                                         \
    {                                                                                                                  \
        ENTER(cuMemset);                                                                                               \
        sim_command *c = sim_command_new(stream, FILL);                                                                \
        c->to = to;                                                                                                    \
        c->bytes = count * sizeof value;                                                                               \
        c->value = value;                                                                                              \
        c->value_bytes = sizeof value;                                                                                 \
        return sim_leave(sim_push(c));                                                                                 \
    }
FILL_CALL(cuMemsetD8Async, unsigned char, STREAM_PARAM, sim_stream_of(handle))
FILL_CALL(cuMemsetD16Async, unsigned short, STREAM_PARAM, sim_stream_of(handle))
FILL_CALL(cuMemsetD32Async, unsigned, STREAM_PARAM, sim_stream_of(handle))
