/* SPDX-License-Identifier: MIT
 *
 * Device memory in stream order, without asking the driver.
 *
 * Work of a queue (a stream's side here) is committed in batches, numbered from 1: tickets.  A block that is given back
 * while a batch is collected may still be used by that batch: it becomes free for its own queue when the batch is
 * committed, for others when the batch is finished, and where other queues have used it, when their batches are too. */
#ifndef CUDA_MEMORY_H
#define CUDA_MEMORY_H

#include "cuda/driver.h"
#include <pthread.h>
#include <stdatomic.h>

enum { POOL_QUEUES = 256, POOL_CLASSES = 4 * 34, POOL_USES = 6 };

typedef struct cuda_use {
    int queue;
    uint64_t ticket;
} cuda_use;

typedef struct cuda_slab {
    cu_ptr at;
    char *host; /* NULL: the host cannot see it */
    size_t bytes, used;
    int live; /* blocks in use */
    struct cuda_slab *next;
} cuda_slab;

typedef struct cuda_block {
    cu_ptr at;
    char *host; /* where host and device share memory: the same, else NULL */
    size_t capacity;
    int class, queue; /* its home: the queue that took it */
    int use_count;
    cuda_use uses[POOL_USES]; /* by other queues; once given back also the home's */
    cuda_slab *slab;
    struct cuda_block *next;
    /* Of the launches that merge.c may move in the home's batch `ticket`: those that read it, that write to it.  Under the
     * home's lock. */
    uint64_t ticket, readers, writers;
} cuda_block;

typedef struct cuda_pool_queue {
    cuda_block *given;              /* since the last commit */
    cuda_block *free[POOL_CLASSES]; /* newest first; uses[0] is the home's last ticket */
    bool open;                      /* a batch is being collected: it has the next ticket */
    uint64_t committed;             /* the last ticket */
    _Atomic uint64_t finished;
} cuda_pool_queue;

typedef struct cuda_pool {
    const cuda_driver *cu;
    bool mapped; /* host and device share memory */
    size_t slab_bytes;
    pthread_mutex_t lock;
    cuda_slab *slabs;
    cuda_block *free[POOL_CLASSES]; /* for anybody */
    cuda_block *waiting;            /* used by several queues */
    cuda_pool_queue *queues[POOL_QUEUES];
    size_t active, cached, reserved; /* bytes in use, free, and taken from the driver */
} cuda_pool;

/* `bytes`: what the device has in all. */
void pool_init(cuda_pool *p, const cuda_driver *cu, size_t bytes, bool mapped);
bool pool_add_queue(cuda_pool *p, int queue);
/* A block of at least `bytes`; NULL and no error: the device has no more (CU_NO_MEMORY), see pool_trim. */
cuda_block *pool_take(cuda_pool *p, int queue, size_t bytes);
/* Any thread, any time. */
void pool_give(cuda_pool *p, cuda_block *block);
/* Notes that another queue than the block's home reads it in the batch that the queue collects now; calling it again
 * moves the use to the present batch.  -1, or a queue that has to finish first: the block has no room for more. */
int pool_use(cuda_pool *p, cuda_block *block, int queue);
/* A queue begins to collect its next batch; has committed it; has finished all batches up to a ticket. */
void pool_open(cuda_pool *p, int queue);
void pool_commit(cuda_pool *p, int queue);
void pool_finished(cuda_pool *p, int queue, uint64_t ticket);
bool pool_has_finished(cuda_pool *p, int queue, uint64_t ticket);
/* Gives free slabs and blocks back to the driver, without waiting. */
void pool_trim(cuda_pool *p);
/* The same where more is cached than mx_set_cache_limit allows. */
void pool_keep_limit(cuda_pool *p);

#endif
