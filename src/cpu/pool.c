/* SPDX-License-Identifier: MIT
 *
 * Workers wait for a generation number to change: they spin for some microseconds, because the next kernel usually
 * follows at once, and then sleep.  Each thread has a share of adjacent chunks, the same one in every loop: what it wrote
 * in the last loop is in its cache for the next, and prefetchers like long runs.  Who is done takes from the others'
 * shares.  The thread that started the loop works too; when nothing is left it closes the gate and waits only for
 * workers that are inside: one that the system has not woken yet holds up nobody. */
#include "cpu/pool.h"
#include "core/runtime.h"
#include "core/array.h"
#include "core/device.h"
#include "core/thread.h"
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_THREADS = 256, SPIN_NS = 30000, SPIN_CHECK = 64 };

typedef struct share {
    ALIGNED(64) _Atomic int64_t next;
    int64_t end;
} share;

static struct {
    pthread_once_t once;
    int threads;         /* the caller included, which has share 0 */
    uint32_t first_seen; /* the generation when the workers were started */
    _Atomic int busy;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    _Atomic int sleepers;
    /* The loop that runs now. */
    _Atomic uint64_t gate; /* OPEN, then the workers inside, then 32 bits of generation */
    cpu_chunk_fn fn;
    void *ctx;
    _Atomic bool stopped; /* it is left half done */
    share shares[MAX_THREADS];
} pool = {.once = PTHREAD_ONCE_INIT, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static const uint64_t gate_open = (uint64_t)1 << 63, gate_one = (uint64_t)1 << 32, gate_inside = 0x7fffffff00000000u;

static uint32_t generation(void)
{
    return (uint32_t)atomic_load_explicit(&pool.gate, memory_order_acquire);
}

/* A worker goes in, if the gate of the generation that it has seen is still open. */
static bool enter_gate(uint32_t seen)
{
    uint64_t gate = atomic_load_explicit(&pool.gate, memory_order_acquire);
    while ((gate & gate_open) && (uint32_t)gate == seen) {
        if (atomic_compare_exchange_weak(&pool.gate, &gate, gate + gate_one)) return true;
    }
    return false;
}

static void leave_gate(void)
{
    atomic_fetch_sub_explicit(&pool.gate, gate_one, memory_order_release);
}

/* The caller: nobody comes in any more, and whoever is inside is waited for. */
static void close_gate(void)
{
    atomic_fetch_and(&pool.gate, ~gate_open);
    while (atomic_load_explicit(&pool.gate, memory_order_acquire) & gate_inside) CPU_PAUSE();
}

static void open_gate(void)
{
    uint32_t next = generation() + 1;
    atomic_store(&pool.gate, gate_open | next);
}

/* ---- Ctrl-C */
/* What lies in the memory of an input cannot be left half done: the input is gone, and nobody could ask again. */
static bool writes_over_inputs(const mx_group *g)
{
    for (int k = 0; k < g->count; k++) {
        for (int i = 0; i < g->nodes[k]->nin; i++) {
            mx_array *in = g->nodes[k]->in[i];
            for (int j = 0; j < g->count && array_state(in) == STATE_DONE; j++) {
                if (g->nodes[j]->buffer == in->buffer) return true;
            }
        }
    }
    return false;
}

/* Between two chunks of the thread that evaluates, or in a long one: is what it runs to be left? */
static bool should_stop(mx_thread *self)
{
    if (LIKELY(!self->stoppable || !self->interrupt) || self->stopped) return self->stopped;
    if (LIKELY(clock_ns() < self->interrupt_at)) return false;
    if (writes_over_inputs(self->stoppable)) return self->stoppable = NULL, false;
    return self->stopped = thread_interrupted();
}

bool cpu_stopped(void)
{
    mx_thread *self = thread_self();
    if (self->stoppable || self->stopped) return should_stop(self);
    return self->is_worker && atomic_load_explicit(&pool.stopped, memory_order_relaxed);
}

static void leave_loop(void)
{
    atomic_store_explicit(&pool.stopped, true, memory_order_relaxed);
    for (int k = 0; k < pool.threads; k++)
        atomic_store_explicit(&pool.shares[k].next, INT64_MAX / 2, memory_order_relaxed);
}

/* The chunks of the thread's own share, then what is left of the others'.  `caller`: who waits for them, or NULL. */
static void run_shares(cpu_chunk_fn fn, void *ctx, int own, mx_thread *caller)
{
    for (int k = 0; k < pool.threads; k++) {
        share *s = &pool.shares[(own + k) % pool.threads];
        for (;;) {
            int64_t i = atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
            if (i >= s->end) break;
            fn(ctx, i);
            if (caller && should_stop(caller)) leave_loop();
        }
    }
}

static void share_out(int64_t chunks)
{
    for (int k = 0; k < pool.threads; k++) {
        atomic_store_explicit(&pool.shares[k].next, chunks * k / pool.threads, memory_order_relaxed);
        pool.shares[k].end = chunks * (k + 1) / pool.threads;
    }
}

static uint32_t wait_for_work(uint32_t seen)
{
    uint32_t now;
    int64_t until = clock_ns() + SPIN_NS;
    do {
        for (int i = 0; i < SPIN_CHECK; i++) {
            now = generation();
            if (now != seen) return now;
            CPU_PAUSE();
        }
    } while (clock_ns() < until);
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.sleepers, 1);
    while ((now = generation()) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
    atomic_fetch_sub(&pool.sleepers, 1);
    pthread_mutex_unlock(&pool.lock);
    return now;
}

static void *work(void *own)
{
    /* The first loop is opened after the workers have been started. */
    uint32_t seen = pool.first_seen;
    thread_self()->is_worker = true;
    for (;;) {
        seen = wait_for_work(seen);
        if (!enter_gate(seen)) continue;
        run_shares(pool.fn, pool.ctx, (int)(uintptr_t)own, NULL);
        leave_gate();
    }
    return NULL;
}

/* The CPUs that a cgroup's quota stands for, rounded up; `otherwise` if there is none. */
static int cgroup_cpus(int otherwise)
{
    long long quota = 0, period = 0;
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "r");
    if (!f) return otherwise;
    int n = fscanf(f, "%lld %lld", &quota, &period);
    fclose(f);
    if (n != 2 || quota <= 0 || period <= 0) return otherwise;
    int cpus = (int)((quota + period - 1) / period);
    return cpus < otherwise ? cpus : otherwise;
}

static int choose_threads(void)
{
    const char *wish = getenv("MICA_NUM_THREADS");
    int n = wish ? atoi(wish) : 0;
    if (n < 1) {
        cpu_set_t set;
        n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
        n = cgroup_cpus(n);
    }
    return n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
}

/* As many workers as can be had: fewer threads only make it slower. */
static void start_workers(void)
{
    int wanted = choose_threads();
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pool.threads = 1;
    pool.first_seen = generation();
    for (int i = 1; i < wanted; i++) {
        pthread_t thread;
        if (pthread_create(&thread, &attributes, work, (void *)(uintptr_t)i)) break;
        pool.threads++;
    }
    pthread_attr_destroy(&attributes);
}

/* The child of a fork has no workers: the pool starts anew when it is next needed. */
static void after_fork(void)
{
    pool.once = (pthread_once_t)PTHREAD_ONCE_INIT;
    pthread_mutex_init(&pool.lock, NULL);
    pthread_cond_init(&pool.wake, NULL);
    atomic_store(&pool.busy, 0);
    atomic_store(&pool.sleepers, 0);
    atomic_store(&pool.gate, generation());
}

CONSTRUCTOR static void watch_fork(void)
{
    pthread_atfork(NULL, NULL, after_fork);
}

int cpu_thread_count(void)
{
    pthread_once(&pool.once, start_workers);
    return pool.threads;
}

int mx_cpu_threads(void)
{
    return cpu_thread_count();
}

static void run_in_order(int64_t chunks, cpu_chunk_fn fn, void *ctx)
{
    mx_thread *self = thread_self();
    bool top = !self->is_worker;
    for (int64_t i = 0; i < chunks && !(top && i && should_stop(self)); i++) fn(ctx, i);
}

void cpu_parallel(int64_t chunks, cpu_chunk_fn fn, void *ctx)
{
    if (UNLIKELY(thread_self()->stopped)) return;
    if (chunks <= 1 || thread_self()->is_worker || cpu_thread_count() == 1) return run_in_order(chunks, fn, ctx);
    if (atomic_exchange_explicit(&pool.busy, 1, memory_order_acquire)) return run_in_order(chunks, fn, ctx);
    pool.fn = fn;
    pool.ctx = ctx;
    atomic_store_explicit(&pool.stopped, false, memory_order_relaxed);
    share_out(chunks);
    open_gate();
    if (atomic_load(&pool.sleepers)) {
        pthread_mutex_lock(&pool.lock);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.lock);
    }
    /* A chunk's own loops run in order: the pool is theirs already. */
    mx_thread *self = thread_self();
    self->is_worker = true;
    run_shares(fn, ctx, 0, self);
    self->is_worker = false;
    close_gate();
    atomic_store_explicit(&pool.busy, 0, memory_order_release);
}
