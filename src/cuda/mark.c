/* SPDX-License-Identifier: MIT
 *
 * Times on the device, for the profiler: events that the driver stamps.  What was collected is started before each, so
 * a recorded run is launched group by group.
 *
 * Stamps only have differences, in float32 milliseconds: the host's clock is read beside one of them, anew whenever no
 * mark is out, so that differences stay short. */
#include "cuda/dispatch.h"
#include "cuda/stream.h"
#include "core/runtime.h"

/* The caller holds the queue's lock. */
static bool stamp(cuda_queue *q, cu_event *event)
{
    const cuda_driver *cu = &q->device->gpu->driver;
    if (!cuda_good(q->device->gpu, cu->cuEventCreate(event, 0), "profiler", "making an event")) return false;
    if (cuda_good(q->device->gpu, cu->cuEventRecord(*event, q->handle), "profiler", "recording an event")) return true;
    cu->cuEventDestroy_v2(*event);
    *event = NULL;
    return false;
}

static bool set_base(cuda_queue *q)
{
    const cuda_driver *cu = &q->device->gpu->driver;
    if (q->marks) return true;
    if (q->base) cu->cuEventDestroy_v2(q->base);
    q->base = NULL;
    if (!stamp(q, &q->base)) return false;
    bool ok = cuda_good(q->device->gpu, cu->cuEventSynchronize(q->base), "profiler", "waiting for an event");
    q->base_ns = clock_ns();
    return ok;
}

void *cuda_mark(mx_stream *stream)
{
    cuda_queue *q = cuda_queue_of(stream);
    cu_event event = NULL;
    if (!q) return NULL;
    pthread_mutex_lock(&q->lock);
    if (queue_commit_locked(q) && set_base(q) && stamp(q, &event)) q->marks++;
    pthread_mutex_unlock(&q->lock);
    return event;
}

bool cuda_mark_times(mx_stream *stream, void *first, void *second, int64_t *start_ns, int64_t *ns)
{
    cuda_queue *q = cuda_queue_of(stream);
    float start_ms = 0, ms = 0;
    if (!q) return false;
    const cuda_driver *cu = &q->device->gpu->driver;
    bool ok = first && second && cu->cuEventSynchronize(second) == CU_OK &&
              cu->cuEventElapsedTime(&start_ms, q->base, first) == CU_OK &&
              cu->cuEventElapsedTime(&ms, first, second) == CU_OK;
    if (first) cu->cuEventDestroy_v2(first);
    if (second) cu->cuEventDestroy_v2(second);
    pthread_mutex_lock(&q->lock);
    q->marks -= (first != NULL) + (second != NULL);
    pthread_mutex_unlock(&q->lock);
    *start_ns = q->base_ns + (int64_t)((double)start_ms * 1e6);
    *ns = (int64_t)((double)ms * 1e6);
    return ok;
}
