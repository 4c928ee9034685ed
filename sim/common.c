/* SPDX-License-Identifier: MIT
 *
 * Start, settings, entry of every call (lock, injected errors, sticky errors), devices and contexts. */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct sim sim = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};
static _Thread_local bool in_callback;

unsigned sim_random(void)
{
    sim.random ^= sim.random << 13;
    sim.random ^= sim.random >> 7;
    sim.random ^= sim.random << 17;
    return (unsigned)(sim.random >> 11);
}

void sim_report(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("SIM: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static long number_of(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text && *text ? strtol(text, NULL, 0) : otherwise;
}

static int choice_of(const char *name, const char *const *words, int otherwise)
{
    const char *text = getenv(name);
    if (!text || !*text) return otherwise;
    for (int i = 0; words[i]; i++)
        if (!strcmp(text, words[i])) return i;
    sim_report("%s=%s is not known", name, text);
    return otherwise;
}

static void child_of_fork(void)
{
    sim.forked = true;
    pthread_mutex_init(&sim.lock, NULL);
}

static void start(void)
{
    static const char *const scheds[] = {"fifo", "min", "rnd", NULL}, *const orders[] = {"fwd", "rev", "rnd", "pct",
                                                                                         NULL};
    uint64_t seed = (uint64_t)number_of("SIM_SEED", 1);
    sim.random = seed * 0x9E3779B97F4A7C15ull | 1;
    for (int i = 0; i < 8; i++) sim_random();
    sim.sched = (sim_sched)choice_of("SIM_SCHED", scheds, RUN_FIFO);
    sim.eager = (int)number_of("SIM_EAGER", 4);
    rt_configure((enum rt_order)choice_of("SIM_ORDER", orders, ORDER_FORWARD), seed);
    const char *sanitizer = getenv("SIM_SAN"), *fail = getenv("SIM_FAIL"), *mem = getenv("SIM_MEM");
    sim.checked = sanitizer && !strcmp(sanitizer, "check");
    sim.protect = number_of("SIM_PROT", 1) != 0;
    sim.idle = number_of("SIM_KERNELS", 1) == 0;
    sim.verbose = number_of("SIM_VERBOSE", 0) != 0;
    sim.fail_error = SIM_OUT_OF_MEMORY;
    if (fail) sscanf(fail, "%63[^:]:%d:%d", sim.fail_name, &sim.fail_at, &sim.fail_error);
    sim.limit_bytes = mem ? strtoull(mem, NULL, 0) : 16ull << 30;
    void *arena = mmap((void *)(uintptr_t)0x500000000000ull, SIM_ARENA_BYTES, PROT_NONE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED) return;
    madvise(arena, SIM_ARENA_BYTES, MADV_HUGEPAGE);
    sim.arena = (uint64_t)(uintptr_t)arena;
    sim.used_bytes = 4096;
    sim.stream[0] = &sim.legacy;
    sim.stream_count = 1;
    sim.legacy.live = sim.legacy.blocking = true;
    pthread_atfork(NULL, NULL, child_of_fork);
    sim.ready = true;
}

sim_result sim_enter(const char *name)
{
    if (in_callback) return SIM_NOT_PERMITTED;
    if (!sim.ready || sim.forked) return SIM_NOT_INITIALIZED;
    pthread_mutex_lock(&sim.lock);
    sim_result r = sim.sticky;
    if (!r && !strcmp(name, sim.fail_name) && ++sim.fail_count == sim.fail_at) {
        r = sim.fail_error;
        if (r >= 700 && r < 800) sim.sticky = r; /* as a kernel's failure: from now on everything fails */
    }
    if (r) pthread_mutex_unlock(&sim.lock);
    return r;
}

/* For tests: as SIM_FAIL, from now on.  Gives back how many calls of the name there were since the last time. */
API int simFailAt(const char *name, int at, int error)
{
    pthread_mutex_lock(&sim.lock);
    int seen = sim.fail_count;
    snprintf(sim.fail_name, sizeof sim.fail_name, "%s", name);
    sim.fail_at = at;
    sim.fail_error = error;
    sim.fail_count = 0;
    pthread_mutex_unlock(&sim.lock);
    return seen;
}

sim_result sim_leave(sim_result r)
{
    pthread_mutex_unlock(&sim.lock);
    return r;
}

/* A host function runs without the lock and may not call the driver. */
void sim_call_host(void (*f)(void *), void *data)
{
    sim_close_arena();
    sim.busy = true;
    pthread_mutex_unlock(&sim.lock);
    in_callback = true;
    f(data);
    in_callback = false;
    pthread_mutex_lock(&sim.lock);
    sim.busy = false;
    sim_open_arena();
}

API sim_result cuInit(unsigned flags)
{
    if (flags) return SIM_INVALID_VALUE;
    pthread_once(&sim.once, start);
    return sim.forked ? SIM_NOT_INITIALIZED : sim.ready ? SIM_OK : SIM_OUT_OF_MEMORY;
}

API sim_result cuDriverGetVersion(int *version)
{
    *version = (int)number_of("SIM_DRIVER", 13000);
    return SIM_OK;
}

API sim_result cuDeviceGetCount(int *count)
{
    *count = 1;
    return SIM_OK;
}

API sim_result cuDeviceGet(int *device, int index)
{
    *device = 0;
    return index ? SIM_INVALID_DEVICE : SIM_OK;
}

API sim_result cuDeviceGetName(char *name, int size, int device)
{
    snprintf(name, (size_t)size, "Mica simulated CUDA device");
    return device ? SIM_INVALID_DEVICE : SIM_OK;
}

API sim_result cuDeviceGetAttribute(int *value, int attribute, int device)
{
    if (device) return SIM_INVALID_DEVICE;
    long capability = number_of("SIM_CC", 80);
    switch (attribute) {
    case SIM_ATTRIBUTE_MAX_THREADS: *value = RT_MAX_THREADS; break;
    case SIM_ATTRIBUTE_SHARED: *value = 48 << 10; break;
    case SIM_ATTRIBUTE_SHARED_OPTIN:
        *value = (int)number_of("SIM_SMEM", capability >= 90 ? 227 << 10 : 163 << 10);
        break;
    case SIM_ATTRIBUTE_WARP: *value = 32; break;
    case SIM_ATTRIBUTE_CLOCK: *value = 1000000; break;
    case SIM_ATTRIBUTE_SM_COUNT: *value = (int)number_of("SIM_SMS", 4); break;
    case SIM_ATTRIBUTE_INTEGRATED: *value = number_of("SIM_INTEGRATED", 0) != 0; break;
    case SIM_ATTRIBUTE_L2_BYTES: *value = 4 << 20; break;
    case SIM_ATTRIBUTE_MAJOR: *value = (int)(capability / 10); break;
    case SIM_ATTRIBUTE_MINOR: *value = (int)(capability % 10); break;
    case SIM_ATTRIBUTE_POOLS: *value = 1; break;
    default: *value = 0; return SIM_INVALID_VALUE;
    }
    return SIM_OK;
}

API sim_result cuDeviceTotalMem_v2(size_t *bytes, int device)
{
    *bytes = (size_t)sim.limit_bytes;
    return device ? SIM_INVALID_DEVICE : SIM_OK;
}

API sim_result cuDevicePrimaryCtxRetain(void **context, int device)
{
    ENTER(cuDevicePrimaryCtxRetain);
    *context = &sim;
    return sim_leave(device ? SIM_INVALID_DEVICE : SIM_OK);
}

API sim_result cuDevicePrimaryCtxRelease_v2(int device)
{
    return device ? SIM_INVALID_DEVICE : SIM_OK;
}

API sim_result cuCtxSetCurrent(void *context)
{
    return context && context != &sim ? SIM_INVALID_CONTEXT : SIM_OK;
}

API sim_result cuCtxGetCurrent(void **context)
{
    *context = &sim;
    return SIM_OK;
}

API sim_result cuCtxSynchronize(void)
{
    ENTER(cuCtxSynchronize);
    return sim_leave(sim_drain_all());
}

API sim_result cuGetErrorName(sim_result r, const char **text)
{
    static const struct {
        int value;
        const char *name;
    } names[] = {
#define ROW(name, value, theirs) {value, #theirs},
        SIM_VALUES(ROW)};
    *text = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !*text; i++)
        if (names[i].value == r && !strncmp(names[i].name, "CUDA_", 5)) *text = names[i].name;
    return *text ? SIM_OK : SIM_INVALID_VALUE;
}

/* After a kernel's failure: what happened, where. */
API sim_result cuGetErrorString(sim_result r, const char **text)
{
    if (r && r == sim.sticky && *rt_message()) {
        *text = rt_message();
        return SIM_OK;
    }
    return cuGetErrorName(r, text);
}
