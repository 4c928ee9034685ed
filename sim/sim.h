/* SPDX-License-Identifier: MIT
 *
 * The simulated driver's state.  One lock guards it all; a command runs under the lock, but for host functions. */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include "cuda_api.h"
#include "rt.h"

#include <pthread.h>
#include <stdbool.h>

enum { SIM_STREAMS = 64 };
#define SIM_ARENA_BYTES (64ull << 30)

typedef enum { RUN_FIFO, RUN_MINIMAL, RUN_RANDOM } sim_sched;
typedef enum { KERNEL, COPY, FILL, RECORD, WAIT, FREE, HOST, GRAPH, EMPTY, LIBRARY } sim_command_kind;

struct sim_function {
    struct sim_loaded *module;
    const struct sim_kernel *kernel;
    unsigned max_dynamic;
};
struct sim_loaded {
    void *library;
    const struct sim_module *desc;
    struct sim_function *functions;
    int count;
    char *image; /* in check mode: for the lines of its source */
    size_t image_bytes;
};
struct sim_event {
    uint64_t recorded, done; /* generations */
    uint64_t clock[SIM_STREAMS];
    struct sim_graph *capture;
    int capture_node;
    double time;
};

/* What a stream or a graph runs. */
typedef struct sim_command {
    sim_command_kind kind;
    struct sim_command *next;
    sim_stream *stream;
    uint32_t id;
    uint64_t clock[SIM_STREAMS];
    struct sim_function *function;
    unsigned grid[3], block[3], shared_bytes;
    void **params; /* with the values behind them */
    uint64_t to, from;
    size_t bytes;
    void *staged; /* pageable memory is copied at the call; LIBRARY: what it runs */
    void (*library)(const void *staged);
    uint64_t pinned_hash; /* of a pinned source at the call */
    uint32_t value;
    unsigned value_bytes;
    sim_event *event;
    uint64_t generation;
    void (*host)(void *);
    void *host_data;
    struct sim_nodes *nodes;
} sim_command;

struct sim_stream {
    bool live, blocking;
    int id;
    sim_command *head, *tail;
    uint64_t position, clock[SIM_STREAMS];
    struct sim_graph *capture;
    bool capture_origin;
    int capture_after[16], capture_count;
};

/* Nodes of an executable graph, shared with the launches under way. */
typedef struct sim_nodes {
    int references, count;
    struct sim_node **node;
} sim_nodes;
struct sim_node {
    sim_command command;
    struct sim_node *origin; /* in the graph that it was made from */
    int *after, after_count;
};
struct sim_graph {
    sim_node **node;
    int count;
};

typedef struct sim_block {
    uint64_t p;
    size_t bytes;
    enum { BLOCK_LIVE, BLOCK_FREEING, BLOCK_FREE } state;
} sim_block;

struct sim_info { /* of a command that ran, for reports and order */
    int stream;
    uint64_t position;
    const char *name;
};

extern struct sim {
    pthread_mutex_t lock;
    pthread_once_t once;
    bool ready, forked, busy, checked, protect, verbose, idle;
    sim_sched sched;
    int eager;
    uint64_t random;
    sim_result sticky;
    char fail_name[64];
    int fail_at, fail_count, fail_error;
    sim_stream *stream[SIM_STREAMS];
    int stream_count;
    sim_stream legacy;
    uint64_t host_clock[SIM_STREAMS];
    uint64_t arena, used_bytes, live_bytes, limit_bytes;
    int open, pending;
    sim_block *block;
    int block_count, block_room;
    struct {
        char *p;
        size_t bytes;
        bool mapped;
    } * pinned;
    int pinned_count;
    sim_command *running;
    struct sim_info *info;
    uint32_t info_count, info_room;
} sim;

/* ---- common.c */
sim_result sim_enter(const char *name); /* takes the lock when it returns OK */
sim_result sim_leave(sim_result r);
void sim_report(const char *format, ...) __attribute__((format(printf, 1, 2)));
unsigned sim_random(void);
void sim_call_host(void (*f)(void *), void *data);
#define ENTER(name)                                                                                                    \
    do {                                                                                                               \
        sim_result entered = sim_enter(#name);                                                                         \
        if (entered) return entered;                                                                                   \
    } while (0)

/* ---- memory.c */
sim_block *sim_find(uint64_t p);
bool sim_is_device(uint64_t p);
bool sim_is_pinned(const void *p);
const char *sim_range_fault(uint64_t p, size_t bytes); /* NULL: all of it is live */
void sim_open_arena(void);
void sim_close_arena(void);
void sim_free_block(uint64_t p);

/* ---- sched.c */
sim_stream *sim_stream_of(sim_stream *handle);
sim_command *sim_command_new(sim_stream *s, sim_command_kind kind);
void sim_command_free(sim_command *c);
/* What a library's call reads or writes: false after the fault of the device. */
bool sim_library_touches(const char *call, uint64_t p, size_t bytes, const char *what, bool write);
void sim_fault(int error); /* sticky, with the runtime's message */
void sim_run_command(sim_command *c);
sim_result sim_push(sim_command *c);                  /* takes it */
void sim_remember(sim_command *c, uint64_t position); /* gives it an id */
bool sim_step(sim_stream *wanted);
void sim_maybe_step(void);
sim_result sim_drain(sim_stream *s);
sim_result sim_drain_all(void);
void sim_merge(uint64_t *clock, const uint64_t *other);
uint64_t sim_hash(const void *p, size_t bytes, uint64_t h);

/* ---- launch.c, graph.c */
sim_result sim_fill_launch(sim_command *c, struct sim_function *f, const unsigned grid[3], const unsigned block[3],
                           unsigned shared_bytes, void **params);
/* "file:line" of an instruction of a module, or where it lies. */
void sim_source_line(const struct sim_loaded *m, const void *code, char *text, size_t room);
sim_result sim_capture(sim_command *c);
void sim_run_nodes(sim_command *launch);
void sim_drop_nodes(sim_nodes *n);

#endif
