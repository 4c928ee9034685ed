/* SPDX-License-Identifier: MIT
 *
 * cuFFT: plans are kept by their sizes in a cache of fixed size.  A transform is collected like a kernel and issued when its
 * batch starts.  Plans have no memory of their own: each call brings its workspace, so that queues share plans. */
#include "cuda/cufft.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <stdio.h>
#include <string.h>

enum { PLANS = 64, WORKSPACE_ALIGNMENT = 256 };

/* Zero it first: its padding is compared too. */
typedef struct plan_key {
    int64_t n, batch, stride[2], distance[2], type;
} plan_key;
typedef struct plan {
    plan_key key;
    uint64_t last_used; /* 0: an empty place */
    int handle;
    size_t workspace_bytes;
} plan;
typedef struct cufft_plans {
    pthread_mutex_t lock; /* of all below; taken under a queue's */
    const cuda_cufft *lib;
    uint64_t clock;
    plan plans[PLANS];
} cufft_plans;

typedef struct transform_args {
    plan_key key;
    cu_ptr from, to, workspace;
    bool inverse;
} transform_args;

/* ---- Opening */
static const cuda_cufft *library_of(cuda_gpu *gpu)
{
    pthread_mutex_lock(&runtime.gpu_lock);
    if (!gpu->cufft_asked) {
        gpu->cufft_asked = true;
        if (cuda_open_cufft(&gpu->cufft, gpu->driver.version, gpu->cufft_reason))
            gpu->cufft_reason[0] = 0;
        else
            fprintf(stderr, "mica: Fourier transforms of GPU arrays are made on the CPU: %s.\n", gpu->cufft_reason);
    }
    pthread_mutex_unlock(&runtime.gpu_lock);
    return gpu->cufft_reason[0] ? NULL : &gpu->cufft;
}

bool cufft_is_there(cuda_call *c)
{
    return library_of(c->queue->device->gpu) != NULL;
}

/* NULL: an error is recorded. */
static cufft_plans *plans_of(cuda_device *d, const cuda_cufft *lib)
{
    pthread_mutex_lock(&d->lock);
    cufft_plans *p = d->transforms;
    if (!p && (p = mx_alloc(1, sizeof *p))) {
        *p = (cufft_plans){.lib = lib};
        pthread_mutex_init(&p->lock, NULL);
        d->transforms = p;
    }
    pthread_mutex_unlock(&d->lock);
    return p;
}

/* ---- Plans */
static cu_enum make_plan(const cufft_plans *all, plan *p)
{
    const plan_key *k = &p->key;
    long long n = k->n, embed[2] = {k->n, k->n};
    cu_enum r = all->lib->cufftCreate(&p->handle);
    if (r != FFT_OK) return r;
    r = all->lib->cufftSetAutoAllocation(p->handle, 0);
    if (r == FFT_OK)
        r = all->lib->cufftMakePlanMany64(p->handle, 1, &n, &embed[0], k->stride[0], k->distance[0], &embed[1],
                                          k->stride[1], k->distance[1], (cu_enum)k->type, k->batch,
                                          &p->workspace_bytes);
    if (r != FFT_OK) all->lib->cufftDestroy(p->handle);
    return r;
}

/* The plan of a key, made where there is none, in the place of the one that was not used for longest.  The lock is held.
 * NULL: the library's answer says why. */
static plan *find_plan(cufft_plans *all, const plan_key *key, cu_enum *answer)
{
    plan *oldest = all->plans;
    *answer = FFT_OK;
    for (int i = 0; i < PLANS; i++) {
        plan *p = &all->plans[i];
        if (p->last_used && memcmp(&p->key, key, sizeof *key) == 0) {
            p->last_used = ++all->clock;
            return p;
        }
        if (p->last_used < oldest->last_used) oldest = p;
    }
    if (oldest->last_used) all->lib->cufftDestroy(oldest->handle);
    *oldest = (plan){.key = *key};
    *answer = make_plan(all, oldest);
    if (*answer != FFT_OK) return NULL;
    oldest->last_used = ++all->clock;
    return oldest;
}

/* ---- Issuing */
static void *pointer(cu_ptr at)
{
    return (void *)(uintptr_t)at;
}

static cu_enum transform(const cuda_cufft *lib, const plan *p, const transform_args *a, cu_stream stream)
{
    cu_enum r = lib->cufftSetStream(p->handle, stream);
    if (r == FFT_OK && p->workspace_bytes) r = lib->cufftSetWorkArea(p->handle, pointer(a->workspace));
    if (r != FFT_OK) return r;
    if (a->key.type == FFT_R2C) return lib->cufftExecR2C(p->handle, pointer(a->from), pointer(a->to));
    if (a->key.type == FFT_C2R) return lib->cufftExecC2R(p->handle, pointer(a->from), pointer(a->to));
    return lib->cufftExecC2C(p->handle, pointer(a->from), pointer(a->to), a->inverse ? FFT_INVERSE : FFT_FORWARD);
}

/* The plan may have been dropped since the transform was collected; the one made anew is the same. */
static mx_failure *issue(cuda_queue *q, const void *args)
{
    const transform_args *a = args;
    cufft_plans *all = q->device->transforms;
    cu_enum r;
    pthread_mutex_lock(&all->lock);
    plan *p = find_plan(all, &a->key, &r);
    if (p) r = transform(all->lib, p, a, q->handle);
    pthread_mutex_unlock(&all->lock);
    return r == FFT_OK ? NULL : failure_make(MX_RUNTIME, "[fft] GPU: cuFFT: a transform fails (%d).", r);
}

/* Transforms of one call run one after the other: they share it.  0: an error is recorded. */
static cu_ptr workspace_of(cuda_call *c, size_t bytes)
{
    bytes += WORKSPACE_ALIGNMENT;
    if (!c->workspace || c->workspace->capacity < bytes) c->workspace = cuda_scratch(c, bytes);
    if (!c->workspace) return 0;
    return (c->workspace->at + WORKSPACE_ALIGNMENT - 1) / WORKSPACE_ALIGNMENT * WORKSPACE_ALIGNMENT;
}

/* Finds or makes the plan ahead; where the device lacks memory for it, once more without what the pool keeps. */
static bool plan_ahead(cuda_device *d, cufft_plans *all, const plan_key *key, size_t *workspace_bytes)
{
    cu_enum r = FFT_NO_MEMORY;
    for (int attempt = 0; attempt < 2 && r == FFT_NO_MEMORY; attempt++) {
        if (attempt) pool_trim(&d->pool);
        pthread_mutex_lock(&all->lock);
        const plan *p = find_plan(all, key, &r);
        if (p) *workspace_bytes = p->workspace_bytes;
        pthread_mutex_unlock(&all->lock);
    }
    return r == FFT_OK || mx_fail_false(r == FFT_NO_MEMORY ? MX_MEMORY : MX_RUNTIME,
                                        "[fft] GPU: cuFFT: there is no plan for %lld transforms of %lld points (%d).",
                                        (long long)key->batch, (long long)key->n, r);
}

bool cufft_collect(cuda_call *c, const cufft_transform *t)
{
    const cuda_cufft *lib = library_of(c->queue->device->gpu);
    cufft_plans *all = lib ? plans_of(c->queue->device, lib) : NULL;
    transform_args a;
    if (!all) return false;
    memset(&a, 0, sizeof a);
    a.key = (plan_key){.n = t->n, .batch = t->batch, .type = t->type};
    a.key.stride[0] = t->from.stride, a.key.stride[1] = t->to.stride;
    a.key.distance[0] = t->from.distance, a.key.distance[1] = t->to.distance;
    a.from = t->from.at, a.to = t->to.at;
    a.inverse = t->inverse;
    size_t bytes = 0;
    if (!plan_ahead(c->queue->device, all, &a.key, &bytes)) return false;
    if (bytes && !(a.workspace = workspace_of(c, bytes))) return false;
    cuda_launch launch = {.issue = issue, .op = c->op->name};
    return cuda_collect(c, &launch, &a, sizeof a);
}
