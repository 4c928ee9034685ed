/* SPDX-License-Identifier: MIT
 *
 * Check mode.  For each 4 bytes the last write and the last read are kept: command, block, thread, epochs.  An access must be ordered after
 * the last write, a write also after the last read: by the same thread, a barrier or warp operation between them, or, in different
 * commands, by the vector clocks of streams, events and waits of the host.  So a race is found whenever both sides ran, whatever
 * the schedule was.  What is found fails the launch.  Not seen: races between nodes of one graph launch, and those hidden by a later access. */
#include "check.h"
#include "lint.h"
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { SHARED_CELLS = 1 << 18, WHOLE_COMMAND = 0xffff };

struct cell {
    uint32_t command, block;
    uint16_t thread, barrier_epoch, warp_epoch;
    uint8_t mask; /* of the 4 bytes */
    uint8_t kind;
};

struct access {
    uint64_t p;
    const char *space;
    void *code;
    struct rt_place place;
    int kind;
};

static struct shadow {
    struct cell *write, *read;
} device, shared;

static struct cell *reserve(uint64_t cells)
{
    void *p = mmap(NULL, cells * sizeof(struct cell), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) abort();
    return p;
}

static void prepare(struct shadow *s, uint64_t cells)
{
    if (s->write) return;
    s->write = reserve(cells);
    s->read = reserve(cells);
}

static bool is_ordered(const struct cell *earlier, const struct access *now)
{
    if (earlier->command != sim.running->id) {
        const struct sim_info *info = &sim.info[earlier->command];
        return sim.running->clock[info->stream] >= info->position;
    }
    if (now->place.thread == WHOLE_COMMAND || earlier->thread == WHOLE_COMMAND) return true;
    if (earlier->block != now->place.block) return now->place.grid_acquired;
    if (earlier->thread == now->place.thread || earlier->barrier_epoch != (uint16_t)now->place.barrier_epoch)
        return true;
    return earlier->thread / 32 == now->place.thread / 32 && earlier->warp_epoch != (uint16_t)now->place.warp_epoch;
}

static void found(const struct access *a, const char *what)
{
    char where[300] = "a whole range";
    if (a->code) sim_source_line(sim.running->function->module, a->code, where, sizeof where);
    const sim_block *b = sim_is_device(a->p) ? sim_find(a->p) : NULL;
    rt_fail(SIM_LAUNCH_FAILED, "%s: command #%u %s (stream %d) block %u thread %u %ss %s memory, offset %llu, at %s",
            what, sim.running->id, sim.info[sim.running->id].name, sim.running->stream->id, a->place.block,
            a->place.thread, a->kind & SIM_WRITE ? "write" : "read", a->space,
            (unsigned long long)(b ? a->p - b->p : a->p & 0xffff), where);
    sim_fault(SIM_LAUNCH_FAILED);
}

static void race(const struct access *a, const struct cell *c)
{
    char what[200];
    const struct sim_info *info = &sim.info[c->command];
    const char *between = c->command != sim.running->id ? "streams" : c->block != a->place.block ? "blocks" : "threads";
    snprintf(what, sizeof what, "RACE between %s: not ordered after the %s by #%u %s (stream %d) block %u thread %u",
             between, c->kind & SIM_WRITE ? "write" : "read", c->command, info->name, info->stream, c->block,
             c->thread);
    found(a, what);
}

static void touch(struct cell *write, struct cell *read, const struct access *a, unsigned mask)
{
    bool atomics = (a->kind & SIM_ATOMIC) && (write->kind & SIM_ATOMIC);
    if (write->command && (write->mask & mask) && !atomics && !is_ordered(write, a)) race(a, write);
    atomics = (a->kind & SIM_ATOMIC) && (read->kind & SIM_ATOMIC);
    if ((a->kind & SIM_WRITE) && read->command && (read->mask & mask) && !atomics && !is_ordered(read, a))
        race(a, read);
    struct cell *c = a->kind & SIM_WRITE ? write : read;
    bool same = c->command == sim.running->id && c->block == a->place.block && c->thread == a->place.thread;
    *c = (struct cell){.command = sim.running->id,
                       .block = a->place.block,
                       .thread = (uint16_t)a->place.thread,
                       .barrier_epoch = (uint16_t)a->place.barrier_epoch,
                       .warp_epoch = (uint16_t)a->place.warp_epoch,
                       .mask = (uint8_t)(same ? c->mask | mask : mask),
                       .kind = (uint8_t)a->kind};
}

static unsigned mask_of(uint64_t word, uint64_t first, uint64_t bytes)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < 4; i++)
        if (word * 4 + i >= first && word * 4 + i < first + bytes) mask |= 1u << i;
    return mask;
}

static void access_device(const struct access *a, uint64_t bytes)
{
    prepare(&device, SIM_ARENA_BYTES / 4);
    uint64_t first = a->p - sim.arena;
    for (uint64_t w = first / 4; w <= (first + bytes - 1) / 4; w++) {
        if (!(a->kind & SIM_WRITE) && !device.write[w].command && a->place.thread != WHOLE_COMMAND)
            found(a, "UNINITIALISED read");
        touch(&device.write[w], &device.read[w], a, mask_of(w, first, bytes));
    }
}

/* Shared memory is new in every block: cells of others count as never written. */
static void forget_other_blocks(struct cell *c, const struct access *a)
{
    if (c->command != sim.running->id || c->block != a->place.block) *c = (struct cell){0};
}

static void access_shared(const struct access *a, uint64_t first, uint64_t bytes)
{
    prepare(&shared, SHARED_CELLS);
    for (uint64_t w = first / 4; w <= (first + bytes - 1) / 4; w++) {
        struct cell *write = &shared.write[w % SHARED_CELLS], *read = &shared.read[w % SHARED_CELLS];
        forget_other_blocks(write, a);
        forget_other_blocks(read, a);
        if (!(a->kind & SIM_WRITE) && !write->command) found(a, "UNINITIALISED read");
        touch(write, read, a, mask_of(w, first, bytes));
    }
}

void check_access(void *p, unsigned bytes, int kind, void *code)
{
    if (kind & SIM_COUNTED) {
        lint_access((uintptr_t)p, bytes, !sim_is_device((uintptr_t)p), code);
        return;
    }
    struct access a = {.p = (uintptr_t)p, .code = code, .place = rt_place(), .kind = kind};
    const struct sim_regs *r = sim.running->function->module->desc->regs;
    if (sim_is_device(a.p)) {
        a.space = "device";
        const char *fault = sim_range_fault(a.p, bytes);
        if (!fault) {
            lint_access(a.p, bytes, false, code);
            access_device(&a, bytes);
            return;
        }
        const sim_block *b = sim_find(a.p);
        char where[300];
        sim_source_line(sim.running->function->module, code, where, sizeof where);
        rt_fail(SIM_ILLEGAL_ADDRESS,
                "kernel %s at %s block %u thread %u %ss %u bytes of %s: offset %lld of a block of %zu bytes",
                a.place.kernel, where, a.place.block, a.place.thread, kind & SIM_WRITE ? "write" : "read", bytes, fault,
                b ? (long long)(a.p - b->p) : 0ll, b ? b->bytes : 0);
        return;
    }
    a.space = "shared";
    lint_access(a.p, bytes, true, code);
    uint64_t dynamic = a.p - (uintptr_t)r->dynamic;
    if (a.p - r->shared < r->shared_bytes)
        access_shared(&a, (512u << 10) + (a.p - r->shared), bytes);
    else if (dynamic + bytes <= r->dynamic_bytes)
        access_shared(&a, dynamic, bytes);
    else if (dynamic < (512u << 10))
        rt_fail(SIM_ILLEGAL_ADDRESS,
                "kernel %s block %u thread %u %ss %u bytes of dynamic shared memory out of bounds: offset %llu of %llu",
                a.place.kernel, a.place.block, a.place.thread, kind & SIM_WRITE ? "write" : "read", bytes,
                (unsigned long long)dynamic, r->dynamic_bytes);
}

void check_range(uint64_t p, size_t bytes, bool write)
{
    if (!sim.checked || !bytes || !sim_is_device(p)) return;
    struct access a = {
        .p = p, .space = "device", .place = {.thread = WHOLE_COMMAND}, .kind = write ? SIM_WRITE : SIM_READ};
    access_device(&a, bytes);
}
