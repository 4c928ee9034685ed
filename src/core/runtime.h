/* SPDX-License-Identifier: MIT
 *
 * The one place of mutable process-wide state. */
#ifndef CORE_RUNTIME_H
#define CORE_RUNTIME_H

#include "core/stream.h"
#include "mica/error.h"
#include "mica/profiler.h"
#include <pthread.h>
#include <stdatomic.h>

typedef struct where_table where_table;

typedef struct mx_runtime {
    /* Graph: held to build a tape.  `done` is signalled when evaluated nodes that others wait for are final. */
    pthread_mutex_t graph_lock;
    pthread_cond_t done;
    pthread_mutex_t done_lock;
    _Atomic int32_t waiters;
    _Atomic unsigned trace_turn;     /* the next bit to try */
    _Atomic uint64_t traces;         /* bits of all open traces */
    _Atomic uint64_t batched_traces; /* ... of those that batch: their nodes have no data */
    /* Compiled functions: held to look for a program or to add one. */
    pthread_mutex_t compile_lock;
    struct mx_compiled *compiled; /* those that have ids */
    _Atomic int compile_mode;
    /* Streams and devices. */
    pthread_mutex_t stream_lock;
    mx_stream *streams;
    int stream_count;
    _Atomic int default_device; /* device type * 1024 + index */
    /* The GPU backend's state, made when it is first asked for. */
    pthread_mutex_t gpu_lock;
    _Atomic(void *) gpu;
    _Atomic bool forked; /* this is the child of a fork: the GPU is the parent's */
    /* Plans of Fourier transforms (cpu/fft.h). */
    pthread_mutex_t fft_lock;
    struct fft_plan *fft_plans;
    /* What waits to be given back to its owners outside. */
    _Atomic(mx_foreign *) foreign;
    /* Random: one seed per process until mx_random_seed. */
    _Atomic uint64_t first_seed;
    /* MICA_TRACE=where (core/where.h). */
    pthread_mutex_t where_lock;
    where_table *where;
    _Atomic(mx_locate_fn) locate;
    /* The profile that is being recorded (graph/profile.h). */
    pthread_mutex_t profile_lock;
    _Atomic(mx_profile *) profile;
    /* Switches from the environment, read once. */
    bool trace_eval, trace_fuse, trace_where, check_nan, fuse;
} mx_runtime;

extern mx_runtime runtime;

/* Is `name` in the comma-separated list of the environment variable? */
bool environment_lists(const char *variable, const char *name);
int64_t clock_ns(void);

#endif
