/* SPDX-License-Identifier: MIT
 *
 * Copies between host and device through pinned memory, which the device reads by itself while the host goes on.
 *
 * To the device: a ring of segments a queue; a segment serves again when the batch that had it last has finished, so small
 * copies never wait for the device.  To the host: two segments a device, one filled while the other is emptied, on a
 * stream of their own, so that reading a result does not wait for what was started after it.  Where no memory can be
 * pinned the driver copies from and to pageable memory, which blocks the host. */
#include "cuda/stream.h"
#include "core/memory.h"
#include <string.h>

enum { SEGMENT_BYTES = 512 << 10, ALIGNMENT = 64 };

/* NULL: there is none to be had, which is no error. */
static char *pin(const cuda_driver *cu, size_t bytes)
{
    void *at = NULL;
    return cu->cuMemHostAlloc(&at, bytes, CU_HOST_PORTABLE) == CU_OK ? at : NULL;
}

/* ---- To the device */
/* Room in the ring; NULL and no error: nothing is pinned. */
static char *take_room(cuda_queue *q, size_t bytes, bool *ok)
{
    cuda_ring *r = &q->ring;
    *ok = true;
    if (!r->asked) {
        r->asked = true;
        r->at = pin(&q->device->gpu->driver, (size_t)RING_SEGMENTS * SEGMENT_BYTES);
    }
    if (!r->at) return NULL;
    if (r->used + bytes > SEGMENT_BYTES) {
        r->now = (r->now + 1) % RING_SEGMENTS;
        r->used = 0;
        *ok = queue_wait(q, r->tickets[r->now], false);
    }
    char *room = r->at + (size_t)r->now * SEGMENT_BYTES + r->used;
    r->used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return room;
}

static bool copy_in(cuda_queue *q, cu_ptr to, const char *from, size_t bytes, uint64_t *ticket)
{
    const cuda_driver *cu = &q->device->gpu->driver;
    bool ok;
    char *room = take_room(q, bytes, &ok);
    if (!ok) return false;
    if (room) memcpy(room, from, bytes);
    pthread_mutex_lock(&q->lock);
    queue_open(q);
    *ticket = q->committed + 1;
    if (room) q->ring.tickets[q->ring.now] = *ticket;
    /* From pageable memory the driver has read it all when the call returns. */
    cu_result r = cu->cuMemcpyHtoDAsync_v2(to, room ? room : from, bytes, q->handle);
    pthread_mutex_unlock(&q->lock);
    return cuda_good(q->device->gpu, r, "eval", "copying to the device");
}

bool stage_in(cuda_queue *q, cu_ptr to, const void *from, size_t bytes, uint64_t *ticket)
{
    bool ok = true;
    pthread_mutex_lock(&q->ring.lock);
    *ticket = 0; /* nothing to wait for */
    for (size_t done = 0; ok && done < bytes;) {
        size_t n = bytes - done < SEGMENT_BYTES ? bytes - done : SEGMENT_BYTES;
        ok = copy_in(q, to + done, (const char *)from + done, n, ticket);
        done += n;
        if (ok && done < bytes) queue_commit(q); /* so that the ring goes round */
    }
    pthread_mutex_unlock(&q->ring.lock);
    return ok;
}

/* ---- Constants */
static void start_constants(cuda_queue *q)
{
    const cuda_driver *cu = &q->device->gpu->driver;
    cu_ptr at;
    q->constants_asked = true;
    char *data = pin(cu, (size_t)CONSTANTS_SLOTS * CONSTANTS_BYTES);
    if (!data || cu->cuMemAlloc_v2(&at, (size_t)CONSTANTS_SLOTS * CONSTANTS_BYTES) != CU_OK) {
        if (data) cu->cuMemFreeHost(data);
        return;
    }
    for (int i = 0; i < CONSTANTS_SLOTS; i++) {
        cuda_constants *k = &q->slots[i];
        k->at = at + (cu_ptr)i * CONSTANTS_BYTES;
        k->data = data + (size_t)i * CONSTANTS_BYTES;
    }
}

/* One that no call has and no batch under way reads. */
static cuda_constants *free_slot(cuda_queue *q)
{
    for (int turn = 0; turn < 2; turn++) {
        for (int i = 0; i < CONSTANTS_SLOTS; i++) {
            cuda_constants *k = &q->slots[i];
            if (k->data && !k->refs && k->ticket <= q->finished) return k;
        }
        queue_poll_locked(q);
    }
    return NULL;
}

cuda_constants *stage_constant(cuda_queue *q, const void *data, size_t bytes, cu_ptr *at)
{
    pthread_mutex_lock(&q->lock);
    cuda_constants *k = q->constants;
    if (k && k->used + bytes > CONSTANTS_BYTES) {
        queue_commit_locked(q);
        k = NULL;
    }
    if (!q->constants_asked) start_constants(q);
    if (!k && (k = free_slot(q))) {
        q->constants = k;
        k->used = 0;
        k->refs = 1;
    }
    if (k) {
        *at = k->at + k->used;
        memcpy(k->data + k->used, data, bytes);
        k->used += (bytes + 15) / 16 * 16;
        k->refs++;
        queue_open(q);
    }
    pthread_mutex_unlock(&q->lock);
    return k;
}

void constants_drop(cuda_queue *q, cuda_constants *k)
{
    if (!k) return;
    pthread_mutex_lock(&q->lock);
    k->refs--;
    k->ticket = q->committed + 1; /* what the call collected is in that batch or before it */
    pthread_mutex_unlock(&q->lock);
}

cu_result constants_send(cuda_queue *q)
{
    cuda_constants *k = q->constants;
    if (!k) return CU_OK;
    q->constants = NULL;
    k->refs--;
    k->ticket = q->committed + 1;
    return q->device->gpu->driver.cuMemcpyHtoDAsync_v2(k->at, k->data, k->used, q->handle);
}

/* ---- To the host */
static bool start_out(cuda_device *d)
{
    cuda_out *o = &d->out;
    const cuda_driver *cu = &d->gpu->driver;
    if (o->stream) return true;
    bool ok = cuda_good(d->gpu, cu->cuStreamCreate(&o->stream, CU_STREAM_APART), "eval", "making a stream");
    for (int i = 0; ok && i < 2; i++)
        ok = cuda_good(d->gpu, cu->cuEventCreate(&o->events[i], CU_EVENT_UNTIMED), "eval", "making an event");
    if (ok) {
        o->at = pin(cu, 2 * SEGMENT_BYTES);
        return true;
    }
    if (o->events[0]) cu->cuEventDestroy_v2(o->events[0]);
    if (o->stream) cu->cuStreamDestroy_v2(o->stream);
    *o = (cuda_out){.lock = o->lock};
    return false;
}

/* Chunk i is copied by the device while chunk i - 1 is copied by us. */
static cu_result copy_out(cuda_device *d, char *to, cu_ptr from, size_t bytes)
{
    const cuda_driver *cu = &d->gpu->driver;
    const cuda_out *o = &d->out;
    size_t count = (bytes + SEGMENT_BYTES - 1) / SEGMENT_BYTES;
    cu_result r = CU_OK;
    for (size_t i = 0; r == CU_OK && i <= count; i++) {
        size_t at = i * SEGMENT_BYTES, before = at - SEGMENT_BYTES;
        if (i < count) {
            size_t n = bytes - at < SEGMENT_BYTES ? bytes - at : SEGMENT_BYTES;
            r = cu->cuMemcpyDtoHAsync_v2(o->at + i % 2 * SEGMENT_BYTES, from + at, n, o->stream);
            if (r == CU_OK) r = cu->cuEventRecord(o->events[i % 2], o->stream);
        }
        if (!i || r != CU_OK) continue;
        size_t n = bytes - before < SEGMENT_BYTES ? bytes - before : SEGMENT_BYTES;
        r = cu->cuEventSynchronize(o->events[(i - 1) % 2]);
        if (r == CU_OK) memcpy(to + before, o->at + (i - 1) % 2 * SEGMENT_BYTES, n);
    }
    return r;
}

bool stage_out(cuda_device *d, void *to, cu_ptr from, size_t bytes)
{
    const cuda_driver *cu = &d->gpu->driver;
    pthread_mutex_lock(&d->out.lock);
    bool ok = start_out(d);
    if (ok) {
        cu_result r;
        if (d->out.at) {
            r = copy_out(d, to, from, bytes);
        } else if ((r = cu->cuMemcpyDtoHAsync_v2(to, from, bytes, d->out.stream)) == CU_OK) {
            r = cu->cuStreamSynchronize(d->out.stream);
        }
        ok = cuda_good(d->gpu, r, "eval", "copying to the host");
    }
    pthread_mutex_unlock(&d->out.lock);
    return ok;
}
