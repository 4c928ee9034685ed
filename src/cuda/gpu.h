/* SPDX-License-Identifier: MIT
 *
 * The GPUs of this process: opened once, when the first one is asked for. */
#ifndef CUDA_GPU_H
#define CUDA_GPU_H

#include "cuda/driver.h"
#include "cuda/memory.h"
#include "core/stream.h"

enum { CUDA_DEVICES_MAX = 16, CUDA_QUEUES_MAX = POOL_QUEUES, CUDA_KERNEL_LISTS = 256, CUDA_SEEN = 512 };

typedef struct cuda_kernel cuda_kernel;
typedef struct cuda_queue cuda_queue;

/* Pinned memory through which results come to the host: staging.c. */
typedef struct cuda_out {
    pthread_mutex_t lock;
    cu_stream stream; /* NULL: not made yet */
    cu_event events[2];
    char *at; /* NULL: none could be pinned */
} cuda_out;

typedef struct cuda_device {
    struct cuda_gpu *gpu;
    int index, arch, sm_count; /* arch: 90 is compute capability 9.0 */
    cu_device handle;
    bool integrated; /* shares the host's memory */
    size_t bytes;
    char name[128];
    pthread_mutex_t lock;                              /* of what follows */
    _Atomic(cu_context) context;                       /* NULL until the device is first used */
    _Atomic(cuda_kernel *) kernels[CUDA_KERNEL_LISTS]; /* kernel.c; read without the lock */
    _Atomic uint64_t seen[CUDA_SEEN];                  /* group.c: groups that have no kernel yet */
    cuda_pool pool;                                    /* has a lock of its own */
    cuda_out out;                                      /* so has this */
    struct blaslt_plans *products;                     /* blaslt.c; has a lock of its own */
    struct cufft_plans *transforms;                    /* cufft.c; likewise */
    int queue_count;
    cuda_queue *queues[CUDA_QUEUES_MAX];
} cuda_device;

/* Kernels that wait to be compiled, and the threads that do it; gone is set when the process ends. */
typedef struct cuda_jobs {
    cuda_kernel *first, *last;
} cuda_jobs;
typedef struct cuda_workers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    cuda_jobs now, later;
    int count, busy, idle;
    bool gone;
    bool stops[2]; /* jit_stop_at_exit was called: NVRTC opened, NVRTC used */
} cuda_workers;

/* cubins.c: kernels that were compiled when the library was built. */
typedef struct cuda_cubins {
    char *data; /* the file; NULL: there is none */
    size_t bytes;
    const struct cubins_entry *entries;
    uint32_t count;
} cuda_cubins;

typedef struct cuda_gpu {
    char reason[CUDA_REASON]; /* why there is no device; empty: there is one */
    cuda_driver driver;
    bool cubins_asked;
    cuda_cubins cubins;
    bool nvrtc_asked; /* opened when the first kernel is compiled */
    cuda_nvrtc nvrtc;
    char nvrtc_reason[CUDA_REASON]; /* why nothing can be compiled; empty: it can */
    cuda_workers workers;           /* kernel.c */
    bool blaslt_asked;              /* opened for the first matrix product */
    cuda_blaslt blaslt;
    char blaslt_reason[CUDA_REASON];
    bool cufft_asked; /* opened for the first Fourier transform */
    cuda_cufft cufft;
    char cufft_reason[CUDA_REASON];
    bool fuse_at_once; /* MICA_FUSE=always: groups wait for their kernels, the first time already */
    int device_count;
    cuda_device devices[CUDA_DEVICES_MAX];
} cuda_gpu;

/* Never NULL but for lack of memory (no error is recorded). */
cuda_gpu *cuda_gpu_now(void);
/* Makes the device's context current on this thread; false: an error is recorded. */
bool cuda_enter(cuda_device *device);
cuda_device *cuda_device_of(const mx_stream *stream);
/* True if the call went well; else records "[op] what: the driver's words", MEMORY where it lacked memory. */
bool cuda_good(const cuda_gpu *gpu, cu_result result, const char *op, const char *what);

#endif
