/* SPDX-License-Identifier: MIT
 *
 * Opening the GPU, facts about it, and the backend's table.  Nothing here runs before somebody asks for a GPU, and what
 * goes wrong is one sentence that every later question repeats. */
#include "cuda/gpu.h"
#include "cuda/dispatch.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *words(const cuda_gpu *gpu, cu_result result)
{
    const char *text = NULL;
    gpu->driver.cuGetErrorString(result, &text);
    return text ? text : "an unknown error";
}

bool cuda_good(const cuda_gpu *gpu, cu_result result, const char *op, const char *what)
{
    if (LIKELY(result == CU_OK)) return true;
    if (result == CU_BUSY) {
        return mx_fail_false(MX_RUNTIME, "[%s] GPU: %s: another process uses the GPU for itself alone (%d).", op, what,
                             result);
    }
    return mx_fail_false(result == CU_NO_MEMORY ? MX_MEMORY : MX_RUNTIME, "[%s] GPU: %s: %s (%d).", op, what,
                         words(gpu, result), result);
}

/* ---- Opening */
enum { ARCH_LEAST = 80 }; /* bfloat16, asynchronous copies to shared memory */

static bool describe(cuda_gpu *gpu, cuda_device *d, int index)
{
    const cuda_driver *cu = &gpu->driver;
    int major = 0, minor = 0, integrated = 0;
    *d = (cuda_device){.gpu = gpu, .index = index};
    pthread_mutex_init(&d->lock, NULL);
    pthread_mutex_init(&d->out.lock, NULL);
    cu_result r = cu->cuDeviceGet(&d->handle, index);
    if (r == CU_OK) r = cu->cuDeviceGetName(d->name, (int)sizeof d->name, d->handle);
    if (r == CU_OK) r = cu->cuDeviceTotalMem_v2(&d->bytes, d->handle);
    if (r == CU_OK) r = cu->cuDeviceGetAttribute(&d->sm_count, CU_SM_COUNT, d->handle);
    if (r == CU_OK) r = cu->cuDeviceGetAttribute(&integrated, CU_INTEGRATED, d->handle);
    if (r == CU_OK) r = cu->cuDeviceGetAttribute(&major, CU_MAJOR, d->handle);
    if (r == CU_OK) r = cu->cuDeviceGetAttribute(&minor, CU_MINOR, d->handle);
    d->arch = 10 * major + minor;
    d->integrated = integrated != 0;
    if (r != CU_OK)
        snprintf(gpu->reason, CUDA_REASON, "device %d does not describe itself: %s (%d)", index, words(gpu, r), r);
    if (r == CU_OK && d->arch < ARCH_LEAST) {
        snprintf(gpu->reason, CUDA_REASON,
                 "device %d (%s) has compute capability %d.%d, 8.0 or later is needed; CUDA_VISIBLE_DEVICES hides it",
                 index, d->name, major, minor);
    }
    return r == CU_OK && d->arch >= ARCH_LEAST;
}

static bool start_driver(cuda_gpu *gpu)
{
    const cuda_driver *cu = &gpu->driver;
    cu_result r = cu->cuInit(0);
    if (r == CU_OK) r = cu->cuDeviceGetCount(&gpu->device_count);
    if (r == CU_NO_DEVICE || (r == CU_OK && gpu->device_count == 0)) {
        snprintf(gpu->reason, CUDA_REASON, "the NVIDIA driver is installed but sees no device");
        return false;
    }
    if (r != CU_OK) {
        snprintf(gpu->reason, CUDA_REASON, "the NVIDIA driver does not start: %s (%d)", words(gpu, r), r);
        return false;
    }
    if (gpu->device_count > CUDA_DEVICES_MAX) gpu->device_count = CUDA_DEVICES_MAX;
    for (int i = 0; i < gpu->device_count; i++) {
        if (!describe(gpu, &gpu->devices[i], i)) return false;
    }
    return true;
}

static cuda_gpu *open_gpu(void)
{
    cuda_gpu *gpu = memory_try(sizeof *gpu); /* asking must not leave an error behind */
    if (!gpu) return NULL;
    memset(gpu, 0, sizeof *gpu);
    pthread_mutex_init(&gpu->workers.lock, NULL);
    pthread_cond_init(&gpu->workers.changed, NULL);
    const char *fuse = getenv("MICA_FUSE");
    gpu->fuse_at_once = fuse && strcmp(fuse, "always") == 0;
    if (cuda_is_off()) {
        snprintf(gpu->reason, CUDA_REASON, "the environment says MICA_CUDA=%s", getenv("MICA_CUDA"));
    } else if (atomic_load(&runtime.forked)) {
        snprintf(gpu->reason, CUDA_REASON, "this process is the child of a fork; start it anew (spawn) to use the GPU");
    } else if (!cuda_open_driver(&gpu->driver, gpu->reason) || !start_driver(gpu)) {
        gpu->device_count = 0;
    }
    return gpu;
}

cuda_gpu *cuda_gpu_now(void)
{
    cuda_gpu *gpu = atomic_load_explicit(&runtime.gpu, memory_order_acquire);
    if (LIKELY(gpu != NULL)) return gpu;
    pthread_mutex_lock(&runtime.gpu_lock);
    gpu = atomic_load(&runtime.gpu);
    if (!gpu && (gpu = open_gpu())) atomic_store_explicit(&runtime.gpu, gpu, memory_order_release);
    pthread_mutex_unlock(&runtime.gpu_lock);
    return gpu;
}

static cu_context start_device(cuda_device *d)
{
    const cuda_driver *cu = &d->gpu->driver;
    pthread_mutex_lock(&d->lock);
    cu_context context = atomic_load(&d->context);
    if (!context &&
        cuda_good(d->gpu, cu->cuDevicePrimaryCtxRetain(&context, d->handle), "eval", "starting the device")) {
        pool_init(&d->pool, cu, d->bytes, d->integrated);
        atomic_store_explicit(&d->context, context, memory_order_release);
    }
    context = atomic_load(&d->context);
    pthread_mutex_unlock(&d->lock);
    return context;
}

bool cuda_enter(cuda_device *d)
{
    const cuda_driver *cu = &d->gpu->driver;
    if (UNLIKELY(atomic_load_explicit(&runtime.forked, memory_order_relaxed))) {
        return mx_fail_false(MX_RUNTIME, "[eval] The GPU belongs to the process that this one was forked from; start "
                                         "the child anew (spawn) to use it.");
    }
    cu_context context = atomic_load_explicit(&d->context, memory_order_acquire);
    if (UNLIKELY(!context) && !(context = start_device(d))) return false;
    return cuda_good(d->gpu, cu->cuCtxSetCurrent(context), "eval", "entering the device");
}

cuda_device *cuda_device_of(const mx_stream *stream)
{
    return &cuda_gpu_now()->devices[stream->device.index];
}

/* ---- The backend */
static int device_count(void)
{
    const cuda_gpu *gpu = cuda_gpu_now();
    return gpu ? gpu->device_count : 0;
}

static const char *why_none(void)
{
    const cuda_gpu *gpu = cuda_gpu_now();
    return gpu ? gpu->reason : "no memory to ask for one";
}

static void clear_cache(void)
{
    cuda_gpu *gpu = cuda_gpu_now();
    mx_mark mark = mx_error_mark();
    for (int i = 0; !atomic_load(&runtime.forked) && i < gpu->device_count; i++) {
        cuda_device *d = &gpu->devices[i];
        if (atomic_load(&d->context) && cuda_enter(d)) pool_trim(&d->pool);
    }
    mx_error_reset(mark);
}

static bool info(int device, int index, mx_device_fact *fact)
{
    const cuda_device *d = &cuda_gpu_now()->devices[device];
    static _Thread_local char architecture[16];
    switch (index) {
    case 0: *fact = (mx_device_fact){"device_name", d->name, 0}; return true;
    case 1:
        snprintf(architecture, sizeof architecture, "sm_%d", d->arch);
        *fact = (mx_device_fact){"architecture", architecture, 0};
        return true;
    case 2: *fact = (mx_device_fact){"memory_size", NULL, (int64_t)d->bytes}; return true;
    case 3: *fact = (mx_device_fact){"multiprocessor_count", NULL, d->sm_count}; return true;
    case 4: *fact = (mx_device_fact){"driver_version", NULL, d->gpu->driver.version}; return true;
    case 5: *fact = (mx_device_fact){"total_memory", NULL, (int64_t)d->bytes}; return true;
    case 6: *fact = (mx_device_fact){"compute_capability_major", NULL, d->arch / 10}; return true;
    case 7: *fact = (mx_device_fact){"compute_capability_minor", NULL, d->arch % 10}; return true;
    default: return false;
    }
}

const mx_backend cuda_backend = {.name = "gpu",
                                 .type = MX_GPU,
                                 .device_count = device_count,
                                 .why_none = why_none,
                                 .run = cuda_run,
                                 .role = cuda_role,
                                 .longest_row = (int64_t)1 << 31,
                                 .team = cuda_team,
                                 .ends_product = cuda_ends_product,
                                 .flush = cuda_flush,
                                 .wait = cuda_wait,
                                 .mark = cuda_mark,
                                 .mark_times = cuda_mark_times,
                                 .clear_cache = clear_cache,
                                 .info = info};
