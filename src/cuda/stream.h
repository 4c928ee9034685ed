/* SPDX-License-Identifier: MIT
 *
 * The device side of a stream: launches are collected and committed in batches, by number, by bytes and before anybody
 * waits.  A batch has a ticket; an event marks its end. */
#ifndef CUDA_STREAM_H
#define CUDA_STREAM_H

#include "cuda/gpu.h"

/* A kernel takes one struct by value.  Without a kernel it is a library's call, which the host issues in its place when
 * the batch starts; what went wrong, to be dropped, or NULL. */
typedef struct cuda_launch {
    cuda_kernel *kernel;
    mx_failure *(*issue)(cuda_queue *q, const void *args);
    unsigned grid[3], block[3], shared_bytes;
    size_t args_at, args_bytes; /* in the batch's arguments */
    bool merges;                /* merge.c: may be started later than its place, and with others like it */
    uint64_t after;             /* those launches that merge which it has to come after */
    const char *op;
} cuda_launch;

typedef struct cuda_batch {
    cuda_launch *launches;
    int count, capacity;
    char *args;
    size_t args_bytes, args_capacity;
    size_t written_bytes;
    bool open; /* something was issued since the last commit, collected or not */
} cuda_batch;

enum { QUEUE_EVENTS = 64, QUEUE_NAMES = 96, BATCH_LAUNCHES = 64 /* bits of cuda_launch.after */ };

typedef struct cuda_graph_cache cuda_graph_cache;

/* What spoils the arrays of the batches from..to; UINT64_MAX: the device is lost, and with it what was only copied. */
typedef struct queue_failure {
    mx_failure *failure;
    uint64_t from, to;
    struct queue_failure *next;
} queue_failure;

/* Pinned memory through which operands come to the device: staging.c. */
enum { RING_SEGMENTS = 8 };
typedef struct cuda_ring {
    pthread_mutex_t lock; /* taken before the queue's */
    bool asked;
    char *at; /* NULL: none could be pinned */
    int now;
    size_t used;                     /* of segment `now` */
    uint64_t tickets[RING_SEGMENTS]; /* the last batches that read them */
} cuda_ring;

/* Operands of a few bytes, such as 2.0 in 2.0 * x: one copy for all of a batch.  A slot belongs to the batch that is
 * collected and to the calls that have operands in it, and then until the batch is finished. */
enum { CONSTANT_BYTES = 64, CONSTANTS_BYTES = 4096, CONSTANTS_SLOTS = 16 };
typedef struct cuda_constants {
    cu_ptr at;
    char *data; /* pinned; NULL: there are none */
    size_t used;
    int refs;
    uint64_t ticket; /* the last batch that may read it */
} cuda_constants;

struct cuda_queue {
    cuda_device *device;
    int index;
    pthread_mutex_t lock; /* of all below; no side's or other queue's lock is taken under it */
    cu_stream handle;
    cuda_batch batch;
    uint64_t committed, finished; /* tickets */
    cu_event events[QUEUE_EVENTS];
    char names[QUEUE_EVENTS][QUEUE_NAMES]; /* the ops of recent batches */
    cuda_graph_cache *graphs;
    uint64_t started;                  /* launches, for who counts them */
    queue_failure last_resort;         /* for a failure that there is no memory for */
    _Atomic(queue_failure *) failures; /* newest first; read without the lock to see that there is none */
    int failure_count;
    mx_stream *stream;
    cuda_ring ring;
    bool constants_asked;
    cuda_constants slots[CONSTANTS_SLOTS];
    cuda_constants *constants; /* of the batch that is being collected; NULL: none yet */
    /* mark.c: where the device's clock stood when the host's did at base_ns, and the marks that count from there. */
    cu_event base;
    int64_t base_ns;
    int marks;
};

/* The queue of a stream, made when it is first used; its device's context is current afterwards. NULL: an error is
 * recorded. */
cuda_queue *cuda_queue_of(mx_stream *stream);

/* Collects a launch; the caller holds the lock.  False: an error is recorded. */
bool queue_launch(cuda_queue *q, const cuda_launch *launch, const void *args, size_t args_bytes, size_t written_bytes);
/* Opens a batch for work that is issued at once; the caller holds the lock. */
void queue_open(cuda_queue *q);
/* A block for the queue.  When the device has no more: waits for all its queues, empties the caches, tries again; then
 * a MEMORY error.  The caller holds no lock. */
cuda_block *queue_take(cuda_queue *q, size_t bytes);
/* Commits, takes no longer than the host needs.  The ticket's batch has no error known yet when true. */
bool queue_commit(cuda_queue *q);
/* The same, and asking without waiting how far the queue is; the caller holds the lock. */
bool queue_commit_locked(cuda_queue *q);
void queue_poll_locked(cuda_queue *q);
/* Waits on the host for a ticket, committing it if need be. */
bool queue_wait(cuda_queue *q, uint64_t ticket, bool computed);
/* Waits for all that was collected so far; false: the device is lost.  Failed batches stay with their arrays. */
bool queue_drain(cuda_queue *q);
/* Copies from the device to the host what was collected so far, and waits for it. */
bool queue_read(cuda_queue *q, void *to, cu_ptr from, size_t bytes);
/* What q issues from now on comes after another queue's ticket. */
bool queue_after(cuda_queue *q, cuda_queue *other, uint64_t ticket, bool computed);
/* Records a failure as this thread's error. */
void queue_raise(const queue_failure *failure);
/* Did the ticket's batch fail?  Then records its error.  What was only copied, not computed, outlives failed launches.
 */
bool queue_is_good(cuda_queue *q, uint64_t ticket, bool computed);

/* staging.c.  Copies to the device ahead of what is being collected; `ticket` has it. */
bool stage_in(cuda_queue *q, cu_ptr to, const void *from, size_t bytes, uint64_t *ticket);
/* Where a copy of the data will be in the batch that is collected now, and in later ones as long as the result is held.
 * NULL and no error: there is no room. */
cuda_constants *stage_constant(cuda_queue *q, const void *data, size_t bytes, cu_ptr *at);
void constants_drop(cuda_queue *q, cuda_constants *k);
/* Sends the constants of the batch that is committed; the caller holds the queue's lock. */
cu_result constants_send(cuda_queue *q);
/* Copies to the host what is computed already. */
bool stage_out(cuda_device *d, void *to, cu_ptr from, size_t bytes);

/* A place in the batch's arguments.  False: an error is recorded. */
bool batch_add_args(cuda_batch *b, size_t bytes, size_t *at);
/* merge.c: makes one launch of many of one kernel; the caller holds the queue's lock. */
void merge_launches(cuda_queue *q);

/* graph.c: starts `count` kernels of the batch, which are ready, as one graph if the like of it was seen before. */
cu_result graph_start(cuda_queue *q, int first, int count);

#endif
