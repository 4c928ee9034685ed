/* SPDX-License-Identifier: MIT
 *
 * Recording what runs, for mica/profiler.h. */
#ifndef GRAPH_PROFILE_H
#define GRAPH_PROFILE_H

#include "core/stream.h"
#include "mica/profiler.h"

enum { PROFILE_NAME = 128, PROFILE_NDIM = 6, PROFILE_EVENTS = 1 << 20 };

/* A row of the table: what mica/profiler.h shows of it, and the name's memory. */
typedef struct profile_rows {
    mx_profile_row *at;
    int count, capacity;
    int *slots; /* open addressing: index + 1; twice the capacity */
} profile_rows;

/* A thread or a stream of a GPU. */
typedef struct profile_track {
    pthread_t thread;
    const mx_stream *stream; /* NULL: a thread */
} profile_track;

typedef struct profile_event {
    int row, track;
    int64_t start_ns, ns;
    mx_stream *stream; /* of a GPU, until its time is known: between two marks */
    void *marks[2];
    double bytes, flops;
    uint8_t dtype, ndim; /* of the last result; ndim > PROFILE_NDIM: not kept */
    int64_t shape[PROFILE_NDIM];
} profile_event;

struct mx_profile {
    int64_t began_ns, ended_ns;
    profile_rows rows;
    profile_event *events;
    size_t count, capacity, dropped, resolved;
    profile_track *tracks;
    int track_count, track_capacity;
    bool failed; /* something could not be kept for lack of memory */
};

/* The backend's run, recorded. */
bool profile_run(mx_stream *stream, const mx_group *group);
/* Orders the rows of a profile that has ended. */
void profile_sort(mx_profile *p);
/* "multiply+add+tanh (3 ops)" */
const char *group_name(const mx_group *group, char name[PROFILE_NAME]);

#endif
