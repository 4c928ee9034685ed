/* SPDX-License-Identifier: MIT
 *
 * Commands wait in their streams until something must run or chance says so.  fifo runs them at once, rnd picks among the heads
 * that are ready, min runs only what a wait needs.  A vector clock per command tells the checker what is ordered. */
#include "sim.h"
#include "check.h"

#include <time.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64 };

static const char *const kind_name[] = {"kernel", "copy",          "fill",  "event record", "event wait",
                                        "free",   "host function", "graph", "empty",        "library call"};

uint64_t sim_hash(const void *p, size_t bytes, uint64_t h)
{
    const unsigned char *b = p;
    h ^= 14695981039346656037ull;
    for (size_t i = 0; i < bytes; i++) h = (h ^ b[i]) * 1099511628211ull;
    return h;
}

void sim_merge(uint64_t *clock, const uint64_t *other)
{
    for (int i = 0; i < sim.stream_count; i++)
        if (other[i] > clock[i]) clock[i] = other[i];
}

sim_stream *sim_stream_of(sim_stream *handle)
{
    return (uintptr_t)handle <= 1 ? &sim.legacy : handle;
}

/* Out of memory for the simulator's own records is the end of the simulation. */
sim_command *sim_command_new(sim_stream *s, sim_command_kind kind)
{
    sim_command *c = calloc(1, sizeof *c);
    if (!c) abort();
    c->kind = kind;
    c->stream = s;
    return c;
}

void sim_command_free(sim_command *c)
{
    if (c->nodes) sim_drop_nodes(c->nodes);
    free(c->params);
    free(c->staged);
    free(c);
}

void sim_fault(int error)
{
    sim.sticky = error;
    sim_report("%s", rt_message());
}

static bool range_is_live(const sim_command *c, uint64_t p, const char *what)
{
    const char *fault = sim_is_device(p) ? sim_range_fault(p, c->bytes) : NULL;
    if (!fault) return true;
    rt_fail(SIM_ILLEGAL_ADDRESS, "%s #%u of %zu bytes: the %s is %s", kind_name[c->kind], c->id, c->bytes, what, fault);
    sim_fault(SIM_ILLEGAL_ADDRESS);
    return false;
}

static void run_copy(const sim_command *c)
{
    if (!range_is_live(c, c->from, "source") || !range_is_live(c, c->to, "target")) return;
    const void *from = c->staged ? c->staged : (const void *)(uintptr_t)c->from;
    if (c->pinned_hash && sim_hash(from, c->bytes, 1) != c->pinned_hash)
        sim_report("HOST RACE: the pinned source of copy #%u changed between the call and the copy", c->id);
    check_range(c->from, c->bytes, false);
    check_range(c->to, c->bytes, true);
    memmove((void *)(uintptr_t)c->to, from, c->bytes);
}

static void run_fill(const sim_command *c)
{
    if (!range_is_live(c, c->to, "target")) return;
    check_range(c->to, c->bytes, true);
    char *to = (char *)(uintptr_t)c->to;
    for (size_t i = 0; i < c->bytes; i += c->value_bytes) memcpy(to + i, &c->value, c->value_bytes);
}

static void run_kernel(const sim_command *c)
{
    struct rt_launch launch = {.module = c->function->module->desc,
                               .kernel = c->function->kernel,
                               .shared_bytes = c->shared_bytes,
                               .params = c->params};
    memcpy(launch.grid, c->grid, sizeof launch.grid);
    memcpy(launch.block, c->block, sizeof launch.block);
    if (sim.idle || !launch.kernel->entry) return;
    int error = rt_run(&launch, sim.arena, SIM_ARENA_BYTES);
    if (error) sim_fault(error);
}

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void sim_run_command(sim_command *c)
{
    sim.running = c;
    if (sim.verbose)
        sim_report("run #%u %s %s on stream %d", c->id, kind_name[c->kind],
                   c->function ? c->function->kernel->name : "", c->stream->id);
    switch (c->kind) {
    case KERNEL: run_kernel(c); break;
    case COPY: run_copy(c); break;
    case FILL: run_fill(c); break;
    case RECORD:
        c->event->done = c->generation;
        c->event->time = now_ms();
        break;
    case FREE: sim_free_block(c->to); break;
    case HOST: sim_call_host(c->host, c->host_data); break;
    case GRAPH: sim_run_nodes(c); break;
    case LIBRARY: c->library(c->staged); break;
    case WAIT:
    case EMPTY: break;
    }
}

static bool is_ready(const sim_command *c)
{
    return c->kind != WAIT || c->event->done >= c->generation;
}

static sim_stream *choose(sim_stream *wanted)
{
    sim_stream *candidate[SIM_STREAMS];
    int count = 0;
    for (int i = 0; i < sim.stream_count; i++)
        if (sim.stream[i]->head && is_ready(sim.stream[i]->head)) candidate[count++] = sim.stream[i];
    if (!count) return NULL;
    if (sim.sched == RUN_MINIMAL && wanted && wanted->head && is_ready(wanted->head)) return wanted;
    if (sim.sched != RUN_FIFO) return candidate[sim_random() % (unsigned)count];
    sim_stream *oldest = candidate[0];
    for (int i = 1; i < count; i++)
        if (candidate[i]->head->id < oldest->head->id) oldest = candidate[i];
    return oldest;
}

/* Runs one ready command; false when there is none. */
bool sim_step(sim_stream *wanted)
{
    sim_stream *s = sim.busy ? NULL : choose(wanted);
    if (!s) return false;
    sim_command *c = s->head;
    s->head = c->next;
    sim.pending--;
    if (!s->head) s->tail = NULL;
    if (!sim.sticky) sim_run_command(c);
    sim_command_free(c);
    return true;
}

/* Opening the arena costs more than a small launch: fifo waits for a batch. */
static int steps_by_chance(void)
{
    if (sim.sched == RUN_FIFO) return sim.pending < BATCH ? 0 : BATCH;
    return sim.eager && sim_random() % (unsigned)sim.eager == 0 ? 1 + (int)(sim_random() % 4) : 0;
}

void sim_maybe_step(void)
{
    int steps = sim.busy ? 0 : steps_by_chance();
    if (!steps) return;
    sim_open_arena();
    while (steps-- && sim_step(NULL)) {}
    sim_close_arena();
}

static void wait_for_callback(void)
{
    sim_close_arena();
    pthread_mutex_unlock(&sim.lock);
    pthread_mutex_lock(&sim.lock);
    sim_open_arena();
}

sim_result sim_drain(sim_stream *s)
{
    sim_open_arena();
    while (s->head && !sim.sticky) {
        if (sim_step(s)) continue;
        if (sim.busy) {
            wait_for_callback();
            continue;
        }
        rt_fail(SIM_LAUNCH_FAILED, "deadlock: stream %d waits for an event that is never recorded", s->id);
        sim_fault(SIM_LAUNCH_FAILED);
    }
    while (sim.busy) wait_for_callback();
    sim_close_arena();
    sim_merge(sim.host_clock, s->clock);
    return sim.sticky;
}

sim_result sim_drain_all(void)
{
    for (int i = 0; i < sim.stream_count; i++) sim_drain(sim.stream[i]);
    return sim.sticky;
}

void sim_remember(sim_command *c, uint64_t position)
{
    if (sim.info_count + 2 > sim.info_room) {
        uint32_t room = sim.info_room * 2 + 1024;
        struct sim_info *info = realloc(sim.info, room * sizeof *info);
        if (!info) abort();
        sim.info = info;
        sim.info_room = room;
    }
    c->id = ++sim.info_count;
    sim.info[c->id] =
        (struct sim_info){c->stream->id, position, c->function ? c->function->kernel->name : kind_name[c->kind]};
}

/* The legacy stream runs after all that blocking streams have, and they after it. */
static void order_legacy(sim_stream *s)
{
    if (s == &sim.legacy) {
        for (int i = 1; i < sim.stream_count; i++) {
            if (!sim.stream[i]->blocking) continue;
            sim_drain(sim.stream[i]);
            sim_merge(s->clock, sim.stream[i]->clock);
        }
    } else if (s->blocking) {
        if (sim.legacy.head) sim_drain(&sim.legacy);
        sim_merge(s->clock, sim.legacy.clock);
    }
}

sim_result sim_push(sim_command *c)
{
    sim_stream *s = c->stream;
    if (s->capture) return sim_capture(c);
    order_legacy(s);
    s->clock[s->id] = ++s->position;
    sim_merge(s->clock, sim.host_clock);
    if (c->kind == WAIT) sim_merge(s->clock, c->event->clock);
    memcpy(c->clock, s->clock, sizeof c->clock);
    if (c->kind == RECORD) memcpy(c->event->clock, s->clock, sizeof c->clock);
    sim_remember(c, s->position);
    if (s->tail)
        s->tail->next = c;
    else
        s->head = c;
    s->tail = c;
    sim.pending++;
    sim_maybe_step();
    return sim.sticky;
}
