/* SPDX-License-Identifier: MIT
 *
 * Queues: collecting, committing, waiting, and who has failed.
 *
 * A failed launch spoils the arrays of its batch; a fault on the device (an illegal address) spoils everything after
 * the last batch that was seen to finish, on every queue, because the driver's context is lost with it. */
#include "cuda/stream.h"
#include "cuda/jit.h"
#include "core/memory.h"
#include <stdio.h>
#include <string.h>

enum { COMMIT_BYTES = 256 << 20, AHEAD_LAUNCHES = 16 * BATCH_LAUNCHES, FAILURES_MAX = 1024 };

/* ---- Making */
static cuda_queue *make_queue(cuda_device *d, mx_stream *stream)
{
    cuda_queue *q = mx_alloc(1, sizeof *q);
    if (!q) return NULL;
    const cuda_driver *cu = &d->gpu->driver;
    q->device = d;
    q->stream = stream;
    pthread_mutex_init(&q->lock, NULL);
    pthread_mutex_init(&q->ring.lock, NULL);
    bool ok = cuda_good(d->gpu, cu->cuStreamCreate(&q->handle, CU_STREAM_APART), "eval", "making a stream");
    for (int i = 0; ok && i < QUEUE_EVENTS; i++)
        ok = cuda_good(d->gpu, cu->cuEventCreate(&q->events[i], CU_EVENT_UNTIMED), "eval", "making an event");
    pthread_mutex_lock(&d->lock);
    if (ok && d->queue_count == CUDA_QUEUES_MAX)
        ok = mx_fail_false(MX_RUNTIME, "[eval] GPU: more than %d streams on one device.", CUDA_QUEUES_MAX);
    if (ok) ok = pool_add_queue(&d->pool, d->queue_count);
    if (ok) {
        q->index = d->queue_count;
        d->queues[d->queue_count++] = q;
    }
    pthread_mutex_unlock(&d->lock);
    if (ok) return q;
    for (int i = 0; i < QUEUE_EVENTS && q->events[i]; i++) cu->cuEventDestroy_v2(q->events[i]);
    if (q->handle) cu->cuStreamDestroy_v2(q->handle);
    mx_free(q);
    return NULL;
}

cuda_queue *cuda_queue_of(mx_stream *stream)
{
    cuda_device *d = cuda_device_of(stream);
    if (!cuda_enter(d)) return NULL;
    cuda_queue *q = atomic_load_explicit(&stream->state, memory_order_acquire);
    if (LIKELY(q != NULL)) return q;
    pthread_mutex_lock(&stream->lock); /* two threads may ask for one stream */
    q = atomic_load(&stream->state);
    if (!q && (q = make_queue(d, stream))) atomic_store_explicit(&stream->state, q, memory_order_release);
    pthread_mutex_unlock(&stream->lock);
    return q;
}

/* ---- Failures */
/* The two oldest become one, so that the list has an end.  It spoils what was computed between them too, which nobody
 * has read for a thousand failures. */
static void join_oldest(cuda_queue *q)
{
    queue_failure *f = atomic_load(&q->failures);
    while (f->next->next) f = f->next;
    queue_failure *oldest = f->next;
    if (oldest->from < f->from) f->from = oldest->from;
    if (oldest->to > f->to) f->to = oldest->to;
    f->next = NULL;
    failure_drop(oldest->failure);
    if (oldest != &q->last_resort) mx_free(oldest);
    q->failure_count--;
}

/* What a lost device spoils is not noted again. */
static bool is_spoiled(const cuda_queue *q, uint64_t from)
{
    const queue_failure *f = atomic_load(&q->failures);
    while (f && (f->to != UINT64_MAX || from < f->from)) f = f->next;
    return f != NULL;
}

/* Takes the failure; NULL: there was no memory for it.  Without memory to remember which batches failed and why, nothing
 * of the queue from here on is believed. */
static void fail_tickets_take(cuda_queue *q, mx_failure *failure, uint64_t from, uint64_t to)
{
    if (failure) stream_note_failure(q->stream, failure);
    if (is_spoiled(q, from)) {
        failure_drop(failure);
        return;
    }
    queue_failure *f = failure ? memory_try(sizeof *f) : NULL;
    if (!f) {
        failure_drop(failure);
        if (q->last_resort.to) { /* from a later batch on */
            q->last_resort.from = from;
            return;
        }
        f = &q->last_resort;
        failure = NULL;
        to = UINT64_MAX;
    }
    *f = (queue_failure){failure, from, to, atomic_load(&q->failures)};
    atomic_store_explicit(&q->failures, f, memory_order_release);
    if (++q->failure_count > FAILURES_MAX) join_oldest(q);
}

void queue_raise(const queue_failure *f)
{
    if (f->failure) {
        failure_raise(f->failure);
    } else {
        mx_fail(MX_MEMORY,
                "[eval] GPU: a batch of this stream failed, and no memory was left to say why; use another stream.");
    }
}

static void fail_tickets(cuda_queue *q, cu_result result, const char *what, uint64_t from, uint64_t to)
{
    const char *names = q->names[from % QUEUE_EVENTS];
    const char *words = NULL;
    q->device->gpu->driver.cuGetErrorString(result, &words);
    mx_failure *failure = failure_make(MX_RUNTIME, "[%s] GPU: %s: %s (%d).", *names ? names : "eval", what,
                                       words ? words : "an unknown error", result);
    fail_tickets_take(q, failure, from, to);
}

bool queue_is_good(cuda_queue *q, uint64_t ticket, bool computed)
{
    if (LIKELY(!atomic_load_explicit(&q->failures, memory_order_acquire))) return true;
    pthread_mutex_lock(&q->lock);
    queue_failure *f = atomic_load(&q->failures);
    while (f && (ticket < f->from || ticket > f->to || (!computed && f->to != UINT64_MAX))) f = f->next;
    if (f) queue_raise(f);
    pthread_mutex_unlock(&q->lock);
    return !f;
}

/* ---- Collecting */
void queue_open(cuda_queue *q)
{
    if (q->batch.open) return;
    q->batch.open = true;
    pool_open(&q->device->pool, q->index);
}

static bool reserve(void **items, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity) return true;
    size_t wanted = needed + needed / 2 + 64;
    void *bigger = mx_resize(*items, wanted, size);
    if (!bigger) return false;
    *items = bigger;
    *capacity = wanted;
    return true;
}

bool batch_add_args(cuda_batch *b, size_t bytes, size_t *at)
{
    *at = (b->args_bytes + 15) / 16 * 16;
    if (!reserve((void **)&b->args, &b->args_capacity, *at + bytes, 1)) return false;
    b->args_bytes = *at + bytes;
    return true;
}

static bool is_compiling(const cuda_batch *b)
{
    for (int i = 0; i < b->count; i++) {
        const cuda_kernel *k = b->launches[i].kernel;
        if (k && atomic_load_explicit(&k->state, memory_order_acquire) == JIT_PENDING) return true;
    }
    return false;
}

/* Is it time to start?  A batch whose kernels are still compiled could not: what comes behind it asks for its own
 * meanwhile, so that the compilers of a cold start work side by side. */
static bool is_full(const cuda_batch *b)
{
    if (b->written_bytes >= COMMIT_BYTES || b->count >= AHEAD_LAUNCHES) return true;
    return b->count % BATCH_LAUNCHES == 0 && !is_compiling(b);
}

bool queue_launch(cuda_queue *q, const cuda_launch *launch, const void *args, size_t args_bytes, size_t written_bytes)
{
    cuda_batch *b = &q->batch;
    size_t launches = (size_t)b->capacity, at;
    if (!reserve((void **)&b->launches, &launches, (size_t)b->count + 1, sizeof *b->launches)) return false;
    b->capacity = (int)launches;
    if (!batch_add_args(b, args_bytes, &at)) return false;
    queue_open(q);
    memcpy(b->args + at, args, args_bytes);
    b->launches[b->count] = *launch;
    b->launches[b->count].args_at = at;
    b->launches[b->count++].args_bytes = args_bytes;
    b->written_bytes += written_bytes;
    if (is_full(b))
        queue_commit_locked(q); /* what fails here is the batch's failure, and told to who reads its arrays */
    return true;
}

/* ---- Committing and waiting */
static void note_names(cuda_queue *q, uint64_t ticket)
{
    char *names = q->names[ticket % QUEUE_EVENTS];
    size_t n = 0;
    names[0] = 0;
    for (int i = 0; i < q->batch.count && n + 16 < QUEUE_NAMES; i++) {
        if (i && q->batch.launches[i].op == q->batch.launches[i - 1].op) continue;
        n += (size_t)snprintf(names + n, QUEUE_NAMES - n, i ? ", %s" : "%s", q->batch.launches[i].op);
    }
}

static void finish(cuda_queue *q, uint64_t ticket)
{
    if (ticket > q->finished) q->finished = ticket;
    pool_finished(&q->device->pool, q->index, ticket);
}

/* Waits for the compiler.  What went wrong, or NULL. */
static mx_failure *finish_kernels(cuda_queue *q)
{
    const cuda_gpu *gpu = q->device->gpu;
    mx_failure *failure = NULL;
    for (int i = 0; i < q->batch.count && !failure; i++) {
        cuda_launch *l = &q->batch.launches[i];
        cuda_kernel *k = l->kernel;
        if (!k) continue;
        failure = jit_finish(k);
        if (failure || l->shared_bytes <= atomic_load_explicit(&k->shared_bytes, memory_order_relaxed)) continue;
        cu_result r = gpu->driver.cuFuncSetAttribute(k->function, CU_FUNCTION_SHARED_BYTES, (int)l->shared_bytes);
        if (r == CU_OK) {
            atomic_store_explicit(&k->shared_bytes, l->shared_bytes, memory_order_relaxed);
        } else {
            failure =
                failure_make(MX_RUNTIME, "[%s] GPU: %u bytes of shared memory: error %d.", l->op, l->shared_bytes, r);
        }
    }
    return failure;
}

/* Kernels between two calls of libraries start together. */
static cu_result start_launches(cuda_queue *q, mx_failure **failure)
{
    const cuda_batch *b = &q->batch;
    cu_result r = CU_OK;
    for (int at = 0; r == CU_OK && !*failure && at < b->count;) {
        const cuda_launch *l = &b->launches[at];
        int count = 0;
        while (at + count < b->count && l[count].kernel) count++;
        if (count) {
            r = graph_start(q, at, count);
        } else {
            *failure = l->issue(q, b->args + l->args_at);
            count = 1;
        }
        at += count;
    }
    return r;
}

bool queue_commit_locked(cuda_queue *q)
{
    cuda_batch *b = &q->batch;
    if (!b->open) return true;
    const cuda_driver *cu = &q->device->gpu->driver;
    uint64_t ticket = q->committed + 1;
    note_names(q, ticket);
    merge_launches(q);
    q->started += (uint64_t)b->count;
    mx_failure *failure = finish_kernels(q);
    cu_result r = constants_send(q);
    if (r == CU_OK && !failure) r = start_launches(q, &failure);
    bool ok = r == CU_OK && !failure;
    if (failure) fail_tickets_take(q, failure, ticket, ticket);
    if (r != CU_OK) fail_tickets(q, r, "its kernels do not start", ticket, ticket);
    cu_result marked = cu->cuEventRecord(q->events[ticket % QUEUE_EVENTS], q->handle);
    bool unmarked = marked != CU_OK;
    if (unmarked) marked = cu->cuStreamSynchronize(q->handle);
    if (marked != CU_OK) fail_tickets(q, marked, "its kernels failed", ticket, UINT64_MAX);
    b->count = 0;
    b->args_bytes = b->written_bytes = 0;
    b->open = false;
    q->committed = ticket;
    pool_commit(&q->device->pool, q->index);
    if (unmarked) finish(q, ticket);
    return ok && marked == CU_OK;
}

bool queue_commit(cuda_queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool ok = queue_commit_locked(q);
    pthread_mutex_unlock(&q->lock);
    return ok;
}

/* The event that marks a ticket, or a later one where its event marks that already. */
static cu_event event_of(const cuda_queue *q, uint64_t ticket)
{
    uint64_t oldest = q->committed >= QUEUE_EVENTS ? q->committed - QUEUE_EVENTS + 1 : 1;
    return q->events[(ticket > oldest ? ticket : oldest) % QUEUE_EVENTS];
}

/* Asks, without waiting, how far the queue is: blocks that others may have come free by it. */
void queue_poll_locked(cuda_queue *q)
{
    const cuda_driver *cu = &q->device->gpu->driver;
    while (q->finished < q->committed && cu->cuEventQuery(event_of(q, q->finished + 1)) == CU_OK)
        finish(q, q->finished + 1);
}

bool queue_wait(cuda_queue *q, uint64_t ticket, bool computed)
{
    pthread_mutex_lock(&q->lock);
    if (ticket > q->committed) queue_commit_locked(q);
    cu_event event = event_of(q, ticket);
    bool over = ticket <= q->finished || ticket > q->committed;
    pthread_mutex_unlock(&q->lock);
    if (!over) {
        /* Not under the lock: others collect meanwhile.  An event used anew meanwhile marks a later ticket. */
        const cuda_driver *cu = &q->device->gpu->driver;
        cu_result r = cu->cuEventSynchronize(event);
        if (r != CU_OK) r = cu->cuStreamSynchronize(q->handle); /* is it the event or the device? */
        pthread_mutex_lock(&q->lock);
        if (r == CU_OK) {
            finish(q, ticket);
            pool_keep_limit(&q->device->pool);
        } else {
            fail_tickets(q, r, "its kernels failed", q->finished + 1, UINT64_MAX);
        }
        pthread_mutex_unlock(&q->lock);
    }
    return queue_is_good(q, ticket, computed);
}

bool queue_drain(cuda_queue *q)
{
    pthread_mutex_lock(&q->lock);
    queue_commit_locked(q);
    uint64_t ticket = q->committed;
    pthread_mutex_unlock(&q->lock);
    return queue_wait(q, ticket, false);
}

bool queue_read(cuda_queue *q, void *to, cu_ptr from, size_t bytes)
{
    pthread_mutex_lock(&q->lock);
    queue_commit_locked(q);
    uint64_t ticket = q->committed;
    pthread_mutex_unlock(&q->lock);
    /* It was collected for the last batch, or for the one before where another thread has committed since. */
    return queue_wait(q, ticket, true) && queue_is_good(q, ticket - 1, true) && stage_out(q->device, to, from, bytes);
}

bool queue_after(cuda_queue *q, cuda_queue *other, uint64_t ticket, bool computed)
{
    if (q == other) return queue_is_good(q, ticket, computed);
    pthread_mutex_lock(&other->lock);
    if (ticket > other->committed) queue_commit_locked(other);
    cu_event event = event_of(other, ticket);
    bool over = ticket <= other->finished;
    pthread_mutex_unlock(&other->lock);
    if (!queue_is_good(other, ticket, computed)) return false;
    if (over) return true;
    const cuda_driver *cu = &q->device->gpu->driver;
    return cuda_good(q->device->gpu, cu->cuStreamWaitEvent(q->handle, event, 0), "eval", "waiting for another stream");
}

/* ---- Memory */
/* Everything that was given back becomes free: all queues are committed and waited for. */
static void drain_device(cuda_device *d)
{
    mx_mark mark = mx_error_mark();
    pthread_mutex_lock(&d->lock);
    int count = d->queue_count;
    pthread_mutex_unlock(&d->lock);
    for (int i = 0; i < count; i++) queue_drain(d->queues[i]);
    mx_error_reset(mark); /* failures stay with their queues */
}

cuda_block *queue_take(cuda_queue *q, size_t bytes)
{
    cuda_pool *p = &q->device->pool;
    cuda_block *b = pool_take(p, q->index, bytes);
    for (int i = 0; !b && i < q->device->queue_count; i++) {
        pthread_mutex_lock(&q->device->queues[i]->lock);
        queue_poll_locked(q->device->queues[i]);
        pthread_mutex_unlock(&q->device->queues[i]->lock);
    }
    if (!b) b = pool_take(p, q->index, bytes);
    if (b) return b;
    drain_device(q->device);
    pool_trim(p);
    b = pool_take(p, q->index, bytes);
    return b ? b : mx_fail(MX_MEMORY, "[memory] the GPU has no %zu bytes left; %zu are in use.", bytes, p->active);
}
