/* SPDX-License-Identifier: MIT
 *
 * A stream has one runner at a time: whoever holds its baton.  An evaluation that finds the queue empty takes the baton
 * and runs on the calling thread; else it puts its tape on the queue for the stream's worker, which is started by the
 * first async_eval. */
#ifndef CORE_STREAM_H
#define CORE_STREAM_H

#include "core/device.h"
#include <pthread.h>
#include <stdatomic.h>

/* Work that a stream runs: owned by whoever enqueued it until `run` is called, which frees it. */
typedef struct mx_job {
    void (*run)(struct mx_job *job);
    struct mx_job *next;
} mx_job;

struct mx_stream {
    mx_device device;
    int index;
    const mx_backend *backend;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    mx_job *first, *last;
    bool running; /* somebody holds the baton */
    bool has_worker;
    bool by_default, idle; /* made as a thread's default; that thread has ended */
    _Atomic(void *) state; /* the backend's, made when it first runs something; streams are never freed */
    mx_failure *failure;   /* the first one since the last synchronize */
    struct mx_stream *next;
};

/* Takes the baton if nobody works on the stream and its queue is empty. */
bool stream_try_run(mx_stream *s);
void stream_end_run(mx_stream *s);
/* Appends a job; false (error recorded): no worker could be started and the job was not taken. */
bool stream_enqueue(mx_stream *s, mx_job *job);
void stream_note_failure(mx_stream *s, mx_failure *failure);
/* A thread that ends gives its default streams to those that come. */
void streams_give_back(mx_stream **defaults);
/* All streams forget their queues and workers: in the child after a fork. */
void streams_after_fork(void);

#endif
