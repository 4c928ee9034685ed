/* SPDX-License-Identifier: MIT
 *
 * Process-wide state, the environment, and what happens around fork. */
#include "core/runtime.h"
#include "core/thread.h"
#include "mica/transforms.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

mx_runtime runtime = {
    .graph_lock = PTHREAD_MUTEX_INITIALIZER,
    .fft_lock = PTHREAD_MUTEX_INITIALIZER,
    .done = PTHREAD_COND_INITIALIZER,
    .done_lock = PTHREAD_MUTEX_INITIALIZER,
    .stream_lock = PTHREAD_MUTEX_INITIALIZER,
    .gpu_lock = PTHREAD_MUTEX_INITIALIZER,
    .where_lock = PTHREAD_MUTEX_INITIALIZER,
    .profile_lock = PTHREAD_MUTEX_INITIALIZER,
    .compile_lock = PTHREAD_MUTEX_INITIALIZER,
};

void memory_lock_for_fork(bool lock);

bool environment_lists(const char *variable, const char *name)
{
    const char *list = getenv(variable);
    size_t n = strlen(name);
    while (list && *list) {
        size_t m = strcspn(list, ",");
        if (m == n && memcmp(list, name, n) == 0) return true;
        list += m + (list[m] == ',');
    }
    return false;
}

int64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The child of a fork has one thread.  All locks are taken before and given back after, so none is left held by a
 * thread that is gone; queues and workers of streams start anew. */
static void before_fork(void)
{
    pthread_mutex_lock(&runtime.compile_lock);
    pthread_mutex_lock(&runtime.graph_lock);
    pthread_mutex_lock(&runtime.stream_lock);
    pthread_mutex_lock(&runtime.done_lock);
    pthread_mutex_lock(&runtime.gpu_lock);
    pthread_mutex_lock(&runtime.fft_lock);
    pthread_mutex_lock(&runtime.where_lock);
    pthread_mutex_lock(&runtime.profile_lock);
    memory_lock_for_fork(true);
}

static void after_fork_parent(void)
{
    memory_lock_for_fork(false);
    pthread_mutex_unlock(&runtime.profile_lock);
    pthread_mutex_unlock(&runtime.where_lock);
    pthread_mutex_unlock(&runtime.fft_lock);
    pthread_mutex_unlock(&runtime.gpu_lock);
    pthread_mutex_unlock(&runtime.done_lock);
    pthread_mutex_unlock(&runtime.stream_lock);
    pthread_mutex_unlock(&runtime.graph_lock);
    pthread_mutex_unlock(&runtime.compile_lock);
}

static void after_fork_child(void)
{
    after_fork_parent();
    pthread_cond_init(&runtime.done, NULL);
    atomic_store(&runtime.waiters, 0);
    atomic_store(&runtime.forked, true);
    streams_after_fork();
}

/* MICA_DEVICE: the default device until the program says otherwise.  Whether there is a GPU is asked when it is used. */
static int first_device(void)
{
    const char *wish = getenv("MICA_DEVICE");
    if (!wish || !*wish || strcmp(wish, "cpu") == 0) return MX_CPU * 1024;
    if (strcmp(wish, "gpu") == 0) return MX_GPU * 1024;
    fprintf(stderr, "mica: MICA_DEVICE=%s is neither cpu nor gpu; using cpu.\n", wish);
    return MX_CPU * 1024;
}

CONSTRUCTOR static void start(void)
{
    atomic_init(&runtime.default_device, first_device());
    atomic_init(&runtime.compile_mode, getenv("MLX_DISABLE_COMPILE") ? MX_COMPILE_DISABLED : MX_COMPILE_ENABLED);
    runtime.trace_eval = environment_lists("MICA_TRACE", "eval");
    runtime.trace_fuse = environment_lists("MICA_TRACE", "fuse");
    const char *fuse = getenv("MICA_FUSE");
    runtime.fuse = !fuse || strcmp(fuse, "0") != 0;
    runtime.trace_where = environment_lists("MICA_TRACE", "where");
    const char *check = getenv("MICA_CHECK_NAN");
    runtime.check_nan = check && strcmp(check, "0") != 0;
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}
