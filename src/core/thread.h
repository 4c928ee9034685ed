/* SPDX-License-Identifier: MIT
 *
 * What belongs to a thread: its scope stack, its error, its streams, its random key and its active traces.  Small, so
 * that it fits into the static thread-local block even when the library is opened at run time. */
#ifndef CORE_THREAD_H
#define CORE_THREAD_H

#include "core/compiler.h"
#include "mica/types.h"
#include "mica/error.h"
#include "mica/stream.h"

typedef struct mx_thread {
    bool started;      /* the exit hook is set */
    bool is_worker;    /* a pool or stream worker: nested parallel loops run in order */
    mx_code code;      /* the pending error, MX_OK if none */
    mx_code last_code; /* what mx_error returned last */
    char *message;     /* heap, or NULL: then `fixed_message` */
    const char *fixed_message;
    mx_array **scope; /* temporaries, oldest first */
    size_t scope_count, scope_capacity;
    mx_stream *stream;      /* chosen by mx_use_stream, NULL: the default */
    mx_stream *defaults[2]; /* per device type */
    mx_array *random_key;
    uint64_t traces;  /* bits of the traces that this thread has open */
    void *free_nodes; /* list of node blocks */
    int free_node_count;
    void *free_blocks;   /* per-class lists of small element blocks, allocated on first use */
    mx_array *drop_list; /* nodes waiting to be freed, so that long graphs are freed by a loop */
    bool dropping;
    struct mx_origins *origins; /* of sizes: what is captured shall be right for others; NULL: nothing is */
    bool sizes_used;            /* what is being captured depends on sizes in a way that its steps do not show */
    bool (*interrupt)(void);
    bool interrupted;                 /* it said yes, and the evaluations that stop for it are still to be left */
    int64_t interrupt_at;             /* next time to ask, in ns */
    const struct mx_group *stoppable; /* runs now and may be left half done; NULL: what runs has to end */
    bool stopped;                     /* it was left */
} mx_thread;

extern THREAD_LOCAL mx_thread mx_this_thread;
void thread_start(mx_thread *self); /* sets the exit hook */

ALWAYS_INLINE mx_thread *thread_self(void)
{
    mx_thread *self = &mx_this_thread;
    if (UNLIKELY(!self->started)) thread_start(self);
    return self;
}

/* To be called where a size decides what is done. */
ALWAYS_INLINE void note_sizes(void)
{
    mx_this_thread.sizes_used = true;
}

/* Asks, some times a second at most, whether the evaluation is to stop: what mx_set_interrupt was given. */
bool thread_interrupted(void);

/* Hands a reference to the innermost scope.  False: no memory, the reference is dropped and an error recorded. */
bool scope_push(mx_array *x);

#endif
