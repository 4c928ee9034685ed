/* SPDX-License-Identifier: MIT
 *
 * Devices and streams: the baton, the queue and its worker. */
#include "core/stream.h"
#include "core/memory.h"
#include "core/runtime.h"
#include "core/thread.h"

static const mx_backend *const backends[] = {[MX_CPU] = &cpu_backend, [MX_GPU] = &cuda_backend};

const mx_backend *backend_of(mx_device_type type)
{
    return (unsigned)type <= MX_GPU ? backends[type] : NULL;
}

/* ---- Devices */
int mx_device_count(mx_device_type type)
{
    const mx_backend *b = backend_of(type);
    return b ? b->device_count() : 0;
}

bool mx_device_available(mx_device device)
{
    return device.index >= 0 && device.index < mx_device_count(device.type);
}

static bool check_device(const char *what, mx_device d)
{
    if (mx_device_available(d)) return true;
    if (d.type == MX_GPU && mx_device_count(MX_GPU) == 0) {
        return mx_fail_false(MX_VALUE, "[%s] There is no GPU: %s.", what, backend_of(MX_GPU)->why_none());
    }
    return mx_fail_false(MX_VALUE, "[%s] There is no device (%s, %d).", what, d.type == MX_GPU ? "gpu" : "cpu",
                         d.index);
}

mx_device mx_default_device(void)
{
    int code = atomic_load_explicit(&runtime.default_device, memory_order_relaxed);
    return (mx_device){(mx_device_type)(code / 1024), code % 1024};
}

bool mx_set_default_device(mx_device device)
{
    if (!check_device("set_default_device", device)) return false;
    atomic_store(&runtime.default_device, (int)device.type * 1024 + device.index);
    return true;
}

bool mx_device_info(mx_device device, int index, mx_device_fact *fact)
{
    const mx_backend *b = backend_of(device.type);
    return check_device("device_info", device) && b->info(device.index, index, fact);
}

/* ---- Streams */
mx_stream *mx_new_stream(mx_device device)
{
    if (!check_device("new_stream", device)) return NULL;
    mx_stream *s = mx_alloc(1, sizeof *s);
    if (!s) return NULL;
    s->device = device;
    s->backend = backend_of(device.type);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->changed, NULL);
    pthread_mutex_lock(&runtime.stream_lock);
    s->index = runtime.stream_count++;
    s->next = runtime.streams;
    runtime.streams = s;
    pthread_mutex_unlock(&runtime.stream_lock);
    return s;
}

mx_stream *mx_stream_by_index(int index)
{
    pthread_mutex_lock(&runtime.stream_lock);
    mx_stream *s = runtime.streams;
    while (s && s->index != index) s = s->next;
    pthread_mutex_unlock(&runtime.stream_lock);
    return s;
}

/* A default stream whose thread has ended serves the next thread: threads come and go, streams stay. */
static mx_stream *take_idle(mx_device device)
{
    pthread_mutex_lock(&runtime.stream_lock);
    mx_stream *s = runtime.streams;
    while (s && !(s->idle && s->device.type == device.type && s->device.index == device.index)) s = s->next;
    if (s) s->idle = false;
    pthread_mutex_unlock(&runtime.stream_lock);
    return s;
}

void streams_give_back(mx_stream **defaults)
{
    pthread_mutex_lock(&runtime.stream_lock);
    for (int i = 0; i < 2; i++) {
        if (defaults[i] && defaults[i]->by_default) defaults[i]->idle = true;
        defaults[i] = NULL;
    }
    pthread_mutex_unlock(&runtime.stream_lock);
}

mx_stream *mx_default_stream(mx_device device)
{
    if (!check_device("default_stream", device)) return NULL;
    mx_stream **s = &thread_self()->defaults[device.type];
    if (*s && (*s)->device.index == device.index) return *s;
    *s = take_idle(device);
    if (!*s && (*s = mx_new_stream(device))) (*s)->by_default = true;
    return *s;
}

bool mx_set_default_stream(mx_stream *stream)
{
    if (!stream) return mx_fail_false(MX_VALUE, "[set_default_stream] stream is NULL.");
    mx_stream **mine = &thread_self()->defaults[stream->device.type];
    pthread_mutex_lock(&runtime.stream_lock);
    if (*mine && *mine != stream && (*mine)->by_default) (*mine)->idle = true;
    if (stream->by_default) stream->by_default = false; /* more than one thread may have it now */
    pthread_mutex_unlock(&runtime.stream_lock);
    *mine = stream;
    return true;
}

mx_stream *mx_current_stream(void)
{
    mx_thread *self = thread_self();
    if (self->stream) return self->stream;
    mx_device d = mx_default_device();
    mx_stream *s = self->defaults[d.type];
    return LIKELY(s && s->device.index == d.index) ? s : mx_default_stream(d);
}

mx_stream *mx_use_stream(mx_stream *stream)
{
    mx_thread *self = thread_self();
    mx_stream *before = self->stream;
    self->stream = stream;
    return before;
}

mx_device mx_stream_device(const mx_stream *stream)
{
    return stream ? stream->device : mx_default_device();
}
int mx_stream_index(const mx_stream *stream)
{
    return stream ? stream->index : -1;
}

/* ---- The baton and the queue */
bool stream_try_run(mx_stream *s)
{
    pthread_mutex_lock(&s->lock);
    bool free = !s->running && !s->first;
    if (free) s->running = true;
    pthread_mutex_unlock(&s->lock);
    return free;
}

void stream_end_run(mx_stream *s)
{
    pthread_mutex_lock(&s->lock);
    s->running = false;
    pthread_cond_broadcast(&s->changed);
    pthread_mutex_unlock(&s->lock);
}

static void *work(void *stream)
{
    mx_stream *s = stream;
    thread_self()->is_worker = false; /* its kernels may use the pool */
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (!s->first || s->running) pthread_cond_wait(&s->changed, &s->lock);
        mx_job *job = s->first;
        s->first = job->next;
        if (!s->first) s->last = NULL;
        s->running = true;
        pthread_mutex_unlock(&s->lock);
        job->run(job);
        pthread_mutex_lock(&s->lock);
        s->running = false;
        pthread_cond_broadcast(&s->changed);
    }
    return NULL;
}

static bool start_worker(mx_stream *s)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    s->has_worker = pthread_create(&thread, &attributes, work, s) == 0;
    pthread_attr_destroy(&attributes);
    return s->has_worker || mx_fail_false(MX_RUNTIME, "[async_eval] cannot start a thread for stream %d.", s->index);
}

bool stream_enqueue(mx_stream *s, mx_job *job)
{
    pthread_mutex_lock(&s->lock);
    bool ok = s->has_worker || start_worker(s);
    if (ok) {
        job->next = NULL;
        if (s->last) {
            s->last->next = job;
        } else {
            s->first = job;
        }
        s->last = job;
        pthread_cond_broadcast(&s->changed);
    }
    pthread_mutex_unlock(&s->lock);
    return ok;
}

void stream_note_failure(mx_stream *s, mx_failure *failure)
{
    pthread_mutex_lock(&s->lock);
    if (!s->failure) s->failure = failure_keep(failure);
    pthread_mutex_unlock(&s->lock);
}

bool mx_synchronize(mx_stream *stream)
{
    mx_stream *s = stream ? stream : mx_current_stream();
    if (!s) return false;
    pthread_mutex_lock(&s->lock);
    while (s->running || s->first) pthread_cond_wait(&s->changed, &s->lock);
    pthread_mutex_unlock(&s->lock);
    bool ok = s->backend->wait(s);
    pthread_mutex_lock(&s->lock);
    mx_failure *failure = s->failure;
    s->failure = NULL;
    pthread_mutex_unlock(&s->lock);
    ok &= !failure;
    if (failure) failure_raise(failure);
    failure_drop(failure);
    mx_release_foreign();
    return ok;
}

void streams_after_fork(void)
{
    for (mx_stream *s = runtime.streams; s; s = s->next) {
        pthread_mutex_init(&s->lock, NULL);
        pthread_cond_init(&s->changed, NULL);
        s->first = s->last = NULL;
        s->running = s->has_worker = false;
    }
}
