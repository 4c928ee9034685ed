/* SPDX-License-Identifier: MIT
 *
 * A fiber takes unstarted threads of the block one after another and runs the kernel for each, so a thread that never waits costs
 * no switch.  When a thread waits, another fiber goes on with the rest.  A barrier counts arrivals; a warp operation
 * collects what each lane posts and the last to arrive runs it for all.  The runtime knows no instruction.
 *
 * Which ready thread runs next is the order: forward, reverse, random, or by random priorities of warps, the best of the
 * four at finding races.  What can never go on is reported as a deadlock. */
#include "rt.h"
#include "check.h"
#include "fiber.h"
#include "ptx_warp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

__attribute__((weak)) void __asan_poison_memory_region(const volatile void *p, size_t bytes);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void *p, size_t bytes);
__attribute__((weak)) int __asan_address_is_poisoned(const volatile void *p);

enum { RING = 2 * RT_MAX_THREADS, WARPS = RT_MAX_THREADS / 32, DYNAMIC_BYTES = 512 << 10, WINDOW_BYTES = 256 << 10 };
enum { UNHURT = 0, MISALIGNED = 716, LAUNCH_FAILED = 719 };
enum state { FRESH, READY, AT_BARRIER, AT_WARP };

struct async_copy {
    void *to;
    const void *from;
    int bytes, source_bytes, group;
};

struct thread {
    struct fiber *fiber;
    enum state state;
    struct sim_uint3 index;
    int line, vote;
    unsigned mask; /* of the warp operation that it waits at */
    sim_warp_function run;
    void *posted;
    const char *name;
    struct async_copy *copies;
    int copy_count, copy_room, group;
};

static struct machine {
    enum rt_order order;
    uint64_t random;
    const struct rt_launch *launch;
    struct sim_regs *regs;
    struct thread threads[RT_MAX_THREADS];
    unsigned touched; /* threads from here on are as new */
    unsigned short start_order[RT_MAX_THREADS], ring[RING];
    unsigned ring_head, ring_tail;
    unsigned priority[WARPS], arrived[WARPS], warp_epoch[WARPS], barrier_epoch;
    unsigned at_barrier, next_block, block_count, block;
    int barrier_line;
    bool grid_acquired, running;
    struct fiber host, *current, *all[RT_MAX_THREADS + 1], *idle[RT_MAX_THREADS + 1];
    unsigned fiber_count, idle_count;
    char *dynamic;
    int error;
    char message[768];
    struct rt_stats stats;
} m;

static void fiber_main(void);

static unsigned random_below(unsigned n)
{
    m.random ^= m.random << 13;
    m.random ^= m.random >> 7;
    m.random ^= m.random << 17;
    return (unsigned)(m.random >> 16) % n;
}

void rt_configure(enum rt_order order, uint64_t seed)
{
    m.order = order;
    m.random = seed * 0x9E3779B97F4A7C15ull | 1;
}

const char *rt_message(void)
{
    return m.message;
}

bool rt_running(void)
{
    return m.running;
}

struct rt_stats rt_stats(void)
{
    return m.stats;
}

struct rt_place rt_place(void)
{
    unsigned t = m.regs->current;
    return (struct rt_place){.block = m.block,
                             .thread = t,
                             .barrier_epoch = m.barrier_epoch,
                             .warp_epoch = m.warp_epoch[t / 32],
                             .grid_acquired = m.grid_acquired,
                             .kernel = m.launch->kernel->name};
}

/* ---- Switching */

static void switch_to(struct fiber *to, bool ending)
{
    struct fiber *from = m.current;
    m.stats.switches++;
    m.current = to;
    fiber_switch(from, to, ending);
}

void rt_fail(int error, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(m.message, sizeof m.message, format, args);
    va_end(args);
    if (!m.running) return;
    m.error = error;
    switch_to(&m.host, true);
}

static struct fiber *new_fiber(void)
{
    struct fiber *f = NULL;
    if (m.idle_count) {
        f = m.idle[--m.idle_count];
    } else {
        f = calloc(1, sizeof *f);
        if (!f || !fiber_create(f, m.fiber_count)) {
            free(f);
            return NULL;
        }
        m.all[m.fiber_count++] = f;
    }
    fiber_reset(f, fiber_main);
    return f;
}

static bool any_ready(void)
{
    return m.ring_head != m.ring_tail;
}

static void make_ready(unsigned t)
{
    m.threads[t].state = READY;
    m.ring[m.ring_tail++ % RING] = (unsigned short)t;
}

static void release(unsigned t)
{
    m.regs->waiting--;
    make_ready(t);
}

static unsigned best_priority(void)
{
    unsigned best = m.ring_head;
    for (unsigned i = m.ring_head; i != m.ring_tail; i++)
        if (m.priority[m.ring[i % RING] / 32] > m.priority[m.ring[best % RING] / 32]) best = i;
    return best;
}

static unsigned take_ready(void)
{
    unsigned at = m.ring_head;
    if (m.order == ORDER_REVERSE) at = m.ring_tail - 1;
    if (m.order == ORDER_RANDOM) at = m.ring_head + random_below(m.ring_tail - m.ring_head);
    if (m.order == ORDER_PRIORITY) at = best_priority();
    unsigned t = m.ring[at % RING];
    if (at == m.ring_head)
        m.ring_head++;
    else
        m.ring[at % RING] = m.ring[--m.ring_tail % RING];
    return t;
}

static _Noreturn void stuck(void)
{
    unsigned barrier = 0, warp = 0, ended = 0;
    int barrier_line = 0, warp_line = 0;
    const char *name = "";
    for (unsigned i = 0; i < m.regs->count; i++) {
        const struct thread *t = &m.threads[i];
        if (m.regs->ended[i / 32] >> i % 32 & 1) {
            ended++;
        } else if (t->state == AT_BARRIER) {
            barrier++;
            barrier_line = t->line;
        } else if (t->state == AT_WARP) {
            warp++;
            warp_line = t->line;
            name = t->name;
        }
    }
    rt_fail(
        LAUNCH_FAILED,
        "deadlock: kernel %s block (%u,%u,%u): no thread can go on: %u at __syncthreads (line %d), %u at %s (line %d), "
        "%u ended",
        m.launch->kernel->name, m.regs->block.x, m.regs->block.y, m.regs->block.z, barrier, barrier_line, warp, name,
        warp_line, ended);
    abort();
}

static void resume(unsigned t, bool ending)
{
    m.regs->current = t;
    m.regs->thread = m.threads[t].index;
    if (m.threads[t].fiber != m.current) switch_to(m.threads[t].fiber, ending);
}

/* The running thread has set its state; another one runs until it is resumed. */
static void step_aside(void)
{
    unsigned me = m.regs->current;
    m.threads[me].index = m.regs->thread;
    m.threads[me].fiber = m.current;
    if (me >= m.touched) m.touched = me + 1;
    bool unstarted = m.regs->next < m.regs->count;
    if (unstarted && (!any_ready() || (m.order == ORDER_RANDOM && random_below(2)))) {
        struct fiber *f = new_fiber();
        if (!f) rt_fail(2, "kernel %s: no memory for the stack of a thread", m.launch->kernel->name);
        switch_to(f, false);
    } else if (any_ready()) {
        resume(take_ready(), false);
    } else {
        stuck();
    }
}

static void wait_in(enum state state)
{
    m.threads[m.regs->current].state = state;
    m.regs->waiting++;
    step_aside();
}

/* The last to arrive goes on at once in forward order; else anyone may come first. */
static void go_on_in_order(void)
{
    if (m.order == ORDER_FORWARD) return;
    make_ready(m.regs->current);
    step_aside();
}

/* ---- Barriers */

static void open_barrier(void)
{
    m.at_barrier = 0;
    m.barrier_epoch++;
    for (unsigned i = 0; i < m.touched; i++)
        if (m.threads[i].state == AT_BARRIER) release(i);
}

static void barrier(int line)
{
    unsigned me = m.regs->current;
    if (m.at_barrier && m.barrier_line != line)
        rt_fail(LAUNCH_FAILED, "kernel %s: threads of a block meet at different __syncthreads (lines %d and %d)",
                m.launch->kernel->name, m.barrier_line, line);
    m.barrier_line = line;
    m.threads[me].line = line;
    if (m.at_barrier + 1 < m.regs->alive) {
        m.at_barrier++;
        wait_in(AT_BARRIER);
        return;
    }
    open_barrier();
    go_on_in_order();
}

static int barrier_vote(int kind, int value, int line)
{
    m.threads[m.regs->current].vote = value != 0;
    barrier(line);
    int count = 0, alive = 0;
    for (unsigned i = 0; i < m.regs->count; i++) {
        if (m.regs->ended[i / 32] >> i % 32 & 1) continue;
        alive++;
        count += m.threads[i].vote;
    }
    barrier(line); /* a vote may not change before all have counted */
    return kind == SIM_VOTE_ANY ? count > 0 : kind == SIM_VOTE_ALL ? count == alive : count;
}

/* ---- Warp operations */

static unsigned lanes_needed(unsigned warp, unsigned mask)
{
    unsigned lanes = m.regs->count - warp * 32;
    unsigned present = lanes >= 32 ? ~0u : (1u << lanes) - 1;
    return mask & present & ~m.regs->ended[warp];
}

static void run_warp_operation(unsigned warp, unsigned lanes, sim_warp_function run)
{
    void *posted[32] = {0};
    for (unsigned i = 0; i < 32; i++)
        if (lanes >> i & 1) posted[i] = m.threads[warp * 32 + i].posted;
    m.stats.warp_operations++;
    m.warp_epoch[warp]++;
    run(posted, lanes);
    m.arrived[warp] &= ~lanes;
}

static void refuse_mixed_lanes(unsigned warp, unsigned lanes, const struct thread *me)
{
    for (unsigned i = 0; i < 32; i++) {
        const struct thread *o = &m.threads[warp * 32 + i];
        if ((lanes >> i & 1) && (o->run != me->run || o->mask != me->mask))
            rt_fail(
                LAUNCH_FAILED,
                "kernel %s: lanes of a warp meet in different operations: %s (line %d, mask %08x) and %s (line %d, mask %08x)",
                m.launch->kernel->name, me->name, me->line, me->mask, o->name, o->line, o->mask);
    }
}

static void warp(sim_warp_function run, unsigned mask, void *posted, int line, const char *name)
{
    unsigned me = m.regs->current, w = me / 32, lane = me % 32;
    struct thread *t = &m.threads[me];
    if (!(mask >> lane & 1))
        rt_fail(LAUNCH_FAILED, "kernel %s line %d: lane %u calls %s with mask %08x, which leaves it out",
                m.launch->kernel->name, line, lane, name, mask);
    t->run = run;
    t->mask = mask;
    t->posted = posted;
    t->line = line;
    t->name = name;
    m.arrived[w] |= 1u << lane;
    unsigned needed = lanes_needed(w, mask);
    if ((m.arrived[w] & needed) != needed) {
        wait_in(AT_WARP);
        return;
    }
    refuse_mixed_lanes(w, needed, t);
    run_warp_operation(w, needed, run);
    for (unsigned i = 0; i < 32; i++)
        if ((needed >> i & 1) && i != lane) release(w * 32 + i);
    go_on_in_order();
}

/* A thread that ends may be the one that the others wait for. */
static void thread_ended(void)
{
    if (m.at_barrier && m.at_barrier == m.regs->alive) open_barrier();
    unsigned w = m.regs->current / 32;
    for (unsigned i = 0; i < 32; i++) {
        if (!(m.arrived[w] >> i & 1)) continue;
        struct thread *t = &m.threads[w * 32 + i];
        unsigned needed = lanes_needed(w, t->mask);
        if ((m.arrived[w] & needed) != needed) continue;
        run_warp_operation(w, needed, t->run);
        for (unsigned j = 0; j < 32; j++)
            if (needed >> j & 1) release(w * 32 + j);
    }
}

static void trap(int error, const char *text, const char *file, int line)
{
    const struct sim_regs *r = m.regs;
    rt_fail(error, "kernel %s block (%u,%u,%u) thread (%u,%u,%u): %s at %s:%d", m.launch->kernel->name, r->block.x,
            r->block.y, r->block.z, r->thread.x, r->thread.y, r->thread.z, text, file, line);
}

/* ---- Asynchronous copies: done at the wait and not before, so a missing wait shows. */

static void copy_async(void *to, const void *from, int bytes, int source_bytes)
{
    struct thread *t = &m.threads[m.regs->current];
    if (m.regs->current >= m.touched) m.touched = m.regs->current + 1;
    if (((uintptr_t)to | (uintptr_t)from) % (unsigned)bytes) trap(MISALIGNED, "misaligned cp.async", "dev_arch.cuh", 0);
    if (t->copy_count == t->copy_room) {
        int room = t->copy_room * 2 + 16;
        struct async_copy *copies = realloc(t->copies, (size_t)room * sizeof *copies);
        if (!copies) rt_fail(2, "kernel %s: no memory for asynchronous copies", m.launch->kernel->name);
        t->copies = copies;
        t->copy_room = room;
    }
    t->copies[t->copy_count++] = (struct async_copy){to, from, bytes, source_bytes, t->group};
}

static void copy_commit(void)
{
    m.threads[m.regs->current].group++;
    if (m.regs->current >= m.touched) m.touched = m.regs->current + 1;
}

static void copy_wait(int newest_in_flight)
{
    struct thread *t = &m.threads[m.regs->current];
    int kept = 0;
    for (int i = 0; i < t->copy_count; i++) {
        struct async_copy *c = &t->copies[i];
        if (c->group >= t->group - newest_in_flight) {
            t->copies[kept++] = *c;
            continue;
        }
        if (m.launch->module->checked && c->source_bytes)
            check_access((void *)(uintptr_t)c->from, (unsigned)c->source_bytes, SIM_READ, NULL);
        if (m.launch->module->checked) check_access(c->to, (unsigned)c->bytes, SIM_WRITE, NULL);
        memcpy(c->to, c->from, (size_t)c->source_bytes);
        memset((char *)c->to + c->source_bytes, 0, (size_t)(c->bytes - c->source_bytes));
    }
    t->copy_count = kept;
}

static void acquire_grid(void)
{
    m.grid_acquired = true;
}

/* PTX does not say that a block knows itself to be the last one: only the last to run can, and those that do fence before they read. */
static void fence(void)
{
    if (m.next_block == m.block_count) m.grid_acquired = true;
}

static void warp_ptx(int operation, unsigned mask, struct sim_ptx_lane *posted, int line)
{
    warp(ptx_warp_operations[operation].run, mask, posted, line, ptx_warp_operations[operation].name);
}

static const struct sim_table table = {
    .barrier = barrier,
    .barrier_vote = barrier_vote,
    .warp = warp,
    .thread_ended = thread_ended,
    .trap = trap,
    .copy_async = copy_async,
    .copy_commit = copy_commit,
    .copy_wait = copy_wait,
    .access = check_access,
    .acquire_grid = acquire_grid,
    .warp_ptx = warp_ptx,
    .fence = fence,
};

/* ---- Blocks */

/* Shared memory starts as NaNs.  Red zones between variables are left alone. */
static void poison_shared(void)
{
    const struct sim_module *module = m.launch->module;
    size_t bytes = (size_t)(module->shared_end - module->shared);
    if (__asan_address_is_poisoned) {
        for (volatile char *p = module->shared; p < module->shared_end; p++)
            if (!__asan_address_is_poisoned(p)) *p = (char)0xff;
    } else if (bytes) {
        memset(module->shared, 0xff, bytes);
    }
    memset(m.dynamic - module->window_bytes, 0xff, module->window_bytes + m.launch->shared_bytes);
}

static void shuffle_threads(void)
{
    for (unsigned i = 0; i < WARPS; i++) m.priority[i] = random_below(1u << 16);
    for (unsigned i = m.regs->count - 1; i > 0; i--) {
        unsigned j = random_below(i + 1);
        unsigned short kept = m.start_order[i];
        m.start_order[i] = m.start_order[j];
        m.start_order[j] = kept;
    }
}

static bool begin_block(void)
{
    if (m.next_block == m.block_count) return false;
    struct sim_regs *r = m.regs;
    unsigned block = m.next_block++;
    if (m.order == ORDER_REVERSE) block = m.block_count - 1 - block;
    const unsigned *grid = m.launch->grid;
    r->block = (struct sim_uint3){block % grid[0], block / grid[0] % grid[1], block / grid[0] / grid[1]};
    r->next = 0;
    r->alive = r->count;
    r->waiting = 0;
    unsigned warps = (r->count + 31) / 32;
    memset(r->ended, 0, warps * sizeof *r->ended);
    memset(m.arrived, 0, warps * sizeof *m.arrived);
    memset(m.warp_epoch, 0, warps * sizeof *m.warp_epoch);
    for (unsigned i = 0; i < m.touched; i++) {
        m.threads[i].state = FRESH;
        m.threads[i].copy_count = m.threads[i].group = 0;
    }
    m.touched = m.ring_head = m.ring_tail = m.at_barrier = m.barrier_epoch = 0;
    m.grid_acquired = false;
    m.block = block;
    m.stats.blocks++;
    m.stats.threads += r->count;
    poison_shared();
    if (m.order == ORDER_RANDOM || m.order == ORDER_PRIORITY) shuffle_threads();
    return true;
}

static void fiber_main(void)
{
    fiber_arrived();
    for (;;) {
        m.launch->kernel->entry(m.launch->params);
        if (m.regs->alive == 0) {
            if (begin_block()) continue;
            m.idle[m.idle_count++] = m.current;
            switch_to(&m.host, true);
        }
        if (!any_ready()) stuck();
        m.idle[m.idle_count++] = m.current;
        resume(take_ready(), true);
    }
}

static bool prepare(const struct rt_launch *launch, uint64_t device, uint64_t device_bytes)
{
    if (!m.dynamic) {
        char *window =
            mmap(NULL, WINDOW_BYTES + DYNAMIC_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (window == MAP_FAILED) return false;
        m.dynamic = window + WINDOW_BYTES;
    }
    if (__asan_poison_memory_region) {
        __asan_unpoison_memory_region(m.dynamic, launch->shared_bytes);
        __asan_poison_memory_region(m.dynamic + launch->shared_bytes, DYNAMIC_BYTES - launch->shared_bytes);
    }
    const struct sim_module *module = launch->module;
    const unsigned *block = launch->block, *grid = launch->grid;
    m.launch = launch;
    m.regs = module->regs;
    *module->table = &table;
    *m.regs = (struct sim_regs){
        .block_dim = {block[0], block[1], block[2]},
        .grid_dim = {grid[0], grid[1], grid[2]},
        .count = block[0] * block[1] * block[2],
        .linear = block[1] == 1 && block[2] == 1,
        .order = m.order == ORDER_FORWARD ? NULL : m.start_order,
        .window = m.dynamic - module->window_bytes,
        .dynamic = m.dynamic,
        .dynamic_bytes = launch->shared_bytes,
        .device = device,
        .device_bytes = device_bytes,
        .shared = (uintptr_t)module->shared,
        .shared_bytes = (uintptr_t)module->shared_end - (uintptr_t)module->shared,
    };
    if (module->window_bytes) {
        m.regs->shared = (uintptr_t)m.regs->window;
        m.regs->shared_bytes = module->window_bytes;
    }
    for (unsigned i = 0; i < m.regs->count; i++)
        m.start_order[i] = (unsigned short)(m.order == ORDER_REVERSE ? m.regs->count - 1 - i : i);
    return true;
}

int rt_run(const struct rt_launch *launch, uint64_t device, uint64_t device_bytes)
{
    if (!prepare(launch, device, device_bytes)) return 2;
    m.next_block = 0;
    m.block_count = launch->grid[0] * launch->grid[1] * launch->grid[2];
    m.touched = RT_MAX_THREADS;
    m.error = UNHURT;
    m.stats.launches++;
    begin_block();
    struct fiber *f = new_fiber();
    if (!f) return 2;
    m.running = true;
    m.current = &m.host;
    switch_to(f, false);
    m.running = false;
    if (m.error) { /* the stacks of abandoned threads serve again */
        memcpy(m.idle, m.all, m.fiber_count * sizeof *m.all);
        m.idle_count = m.fiber_count;
    }
    return m.error;
}
