/* SPDX-License-Identifier: MIT
 *
 * The kernels of this process, and the threads that compile them.
 *
 * A missing kernel becomes a job; its launch is collected meanwhile, and so are those after it, so that the kernels of a
 * batch are compiled side by side.  Whoever commits the batch helps.  A job that failed is tried again when somebody asks
 * for the kernel again. */
#include "cuda/jit.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS_MAX = 8, SHARED_AT_FIRST = 48 << 10 };

/* ---- One kernel */
static bool load(cuda_kernel *k)
{
    cuda_device *d = k->device;
    const cuda_driver *cu = &d->gpu->driver;
    size_t bytes;
    cu_module module = NULL;
    void *image = cuda_enter(d) ? jit_image(d, k->source, k->entry, &bytes) : NULL;
    bool ok =
        image && cuda_good(d->gpu, cu->cuModuleLoadData(&module, image), k->entry, "loading the kernel") &&
        cuda_good(d->gpu, cu->cuModuleGetFunction(&k->function, module, k->entry), k->entry, "finding the kernel");
    if (!ok && module) cu->cuModuleUnload(module);
    mx_free(image);
    return ok;
}

/* On a thread that may have an error pending, which is not this one's business. */
static void make(cuda_kernel *k)
{
    mx_failure *before = failure_take();
    bool ok = load(k);
    k->failure = ok ? NULL : failure_take();
    if (UNLIKELY(runtime.trace_fuse) && k->later && k->failure)
        fprintf(stderr, "[fuse] %s runs node by node: %s\n", k->entry, k->failure->message);
    mx_error_reset((mx_mark){false});
    if (before) failure_raise(before);
    failure_drop(before);
    mx_free(k->source);
    k->source = NULL;
    atomic_store_explicit(&k->state, ok ? JIT_READY : JIT_FAILED, memory_order_release);
}

/* ---- The workers */
static cuda_kernel *take_job(cuda_jobs *jobs)
{
    cuda_kernel *k = jobs->first;
    if (k && !(jobs->first = k->next_job)) jobs->last = NULL;
    return k;
}

static cuda_kernel *next_job(cuda_workers *w, bool later_too)
{
    cuda_kernel *k = take_job(&w->now);
    return k || !later_too ? k : take_job(&w->later);
}

/* Under the lock, which is open while the job is done. */
static void do_job(cuda_workers *w, cuda_kernel *k)
{
    w->busy++;
    pthread_mutex_unlock(&w->lock);
    make(k);
    pthread_mutex_lock(&w->lock);
    w->busy--;
    pthread_cond_broadcast(&w->changed);
}

static void *work(void *workers)
{
    cuda_workers *w = workers;
    pthread_mutex_lock(&w->lock);
    for (;;) {
        cuda_kernel *k = w->gone ? NULL : next_job(w, true);
        if (k) {
            do_job(w, k);
            continue;
        }
        w->idle++;
        pthread_cond_wait(&w->changed, &w->lock);
        w->idle--;
    }
    return NULL;
}

/* The compiler must not be at work when the process ends and takes it down. */
static void stop_workers(void)
{
    cuda_gpu *gpu = atomic_load(&runtime.gpu);
    if (!gpu || atomic_load(&runtime.forked)) return;
    pthread_mutex_lock(&gpu->workers.lock);
    gpu->workers.gone = true;
    while (gpu->workers.busy) pthread_cond_wait(&gpu->workers.changed, &gpu->workers.lock);
    pthread_mutex_unlock(&gpu->workers.lock);
}

/* What runs last is what was registered first: the compiler's own ends, registered when it is opened and when it first
 * compiles, must come after ours. */
void jit_stop_at_exit(cuda_gpu *gpu, bool compiled)
{
    cuda_workers *w = &gpu->workers;
    pthread_mutex_lock(&w->lock);
    if (!w->stops[compiled]) atexit(stop_workers);
    w->stops[compiled] = true;
    pthread_mutex_unlock(&w->lock);
}

/* One more, if there is more to do than there are threads for it. */
static void add_worker(cuda_workers *w)
{
    pthread_t thread;
    pthread_attr_t attributes;
    int most = mx_cpu_threads() < WORKERS_MAX ? mx_cpu_threads() : WORKERS_MAX;
    if (w->idle || w->count >= most) return;
    if (!w->count) atexit(stop_workers);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attributes, work, w) == 0) w->count++; /* else who commits does it */
    pthread_attr_destroy(&attributes);
}

static void enqueue(cuda_workers *w, cuda_kernel *k)
{
    pthread_mutex_lock(&w->lock);
    cuda_jobs *jobs = k->later ? &w->later : &w->now;
    k->next_job = NULL;
    if (jobs->last) {
        jobs->last->next_job = k;
    } else {
        jobs->first = k;
    }
    jobs->last = k;
    add_worker(w);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

mx_failure *jit_finish(cuda_kernel *k)
{
    int state = atomic_load_explicit(&k->state, memory_order_acquire);
    if (LIKELY(state == JIT_READY)) return NULL;
    cuda_workers *w = &k->device->gpu->workers;
    pthread_mutex_lock(&w->lock);
    while ((state = atomic_load_explicit(&k->state, memory_order_acquire)) == JIT_PENDING) {
        cuda_kernel *job = next_job(w, k->later);
        if (job) {
            do_job(w, job);
        } else {
            pthread_cond_wait(&w->changed, &w->lock);
        }
    }
    mx_failure *failure = state == JIT_FAILED ? failure_keep(k->failure) : NULL;
    pthread_mutex_unlock(&w->lock);
    if (state == JIT_FAILED && !failure)
        failure = failure_make(MX_MEMORY, "[%s] GPU: no memory to compile it.", k->entry);
    return failure;
}

/* ---- Finding */
uint64_t jit_hash(const void *key, size_t bytes)
{
    uint64_t h = 1469598103934665603u ^ bytes, word;
    const char *at = key, *end = at + bytes;
    for (; end - at >= 8; at += 8) {
        memcpy(&word, at, 8);
        h = (h ^ word) * 0x9e3779b97f4a7c15u;
        h ^= h >> 29;
    }
    for (; at < end; at++) h = (h ^ (uint8_t)*at) * 1099511628211u;
    return h ^ h >> 32;
}

static cuda_kernel *look_up(const cuda_device *d, const void *key, size_t bytes, uint64_t hash)
{
    cuda_kernel *k = atomic_load_explicit(&d->kernels[hash % CUDA_KERNEL_LISTS], memory_order_acquire);
    while (k && !(k->hash == hash && k->key_bytes == bytes && memcmp(k->key, key, bytes) == 0)) k = k->next;
    return k;
}

cuda_kernel *jit_look(cuda_device *d, const void *key, size_t bytes)
{
    return look_up(d, key, bytes, jit_hash(key, bytes)); /* kernels are added and never taken away */
}

cuda_kernel *jit_find(cuda_device *d, const void *key, size_t bytes)
{
    cuda_kernel *k = jit_look(d, key, bytes);
    return k && atomic_load_explicit(&k->state, memory_order_acquire) != JIT_FAILED ? k : NULL;
}

static char *copy_text(const char *text)
{
    size_t n = strlen(text) + 1;
    char *copy = mx_alloc(n, 1);
    if (copy) memcpy(copy, text, n);
    return copy;
}

/* The kernel of the key, to be compiled now unless somebody else was faster; under the device's lock. */
static cuda_kernel *claim(cuda_device *d, cuda_kernel *fresh, bool *ours)
{
    _Atomic(cuda_kernel *) *list = &d->kernels[fresh->hash % CUDA_KERNEL_LISTS];
    cuda_kernel *k = look_up(d, fresh->key, fresh->key_bytes, fresh->hash);
    *ours = !k || atomic_load(&k->state) == JIT_FAILED;
    if (!k) {
        fresh->next = atomic_load(list);
        atomic_store_explicit(list, fresh, memory_order_release);
        return fresh;
    }
    if (*ours) {
        failure_drop(k->failure);
        k->failure = NULL;
        k->source = fresh->source;
        fresh->source = NULL;
        atomic_store(&k->state, JIT_PENDING);
    }
    return k;
}

cuda_kernel *jit_add(cuda_device *d, const void *key, size_t key_bytes, const char *source, const char *entry,
                     bool later)
{
    bool ours;
    cuda_kernel *fresh = mx_alloc(1, sizeof *fresh + key_bytes);
    if (!fresh || !(fresh->source = copy_text(source))) return mx_free(fresh), NULL;
    fresh->device = d;
    fresh->later = later;
    fresh->hash = jit_hash(key, key_bytes);
    atomic_init(&fresh->shared_bytes, SHARED_AT_FIRST);
    fresh->key_bytes = key_bytes;
    memcpy(fresh->key, key, key_bytes);
    snprintf(fresh->entry, sizeof fresh->entry, "%s", entry);
    atomic_init(&fresh->state, JIT_PENDING);
    cuda_workers *w = &d->gpu->workers;
    pthread_mutex_lock(&w->lock); /* failures are read under it */
    pthread_mutex_lock(&d->lock);
    cuda_kernel *k = claim(d, fresh, &ours);
    pthread_mutex_unlock(&d->lock);
    pthread_mutex_unlock(&w->lock);
    if (k != fresh) {
        mx_free(fresh->source);
        mx_free(fresh);
    }
    if (ours) enqueue(w, k);
    return k;
}
