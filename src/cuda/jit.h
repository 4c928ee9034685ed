/* SPDX-License-Identifier: MIT
 *
 * Kernels compiled at run time, kept in the process by a binary key and on disk by a hash of all that goes into them. */
#ifndef CUDA_JIT_H
#define CUDA_JIT_H

#include "cuda/gpu.h"

/* The files of src/cuda/kernels, as they were when the library was built; ends with a NULL name. */
typedef struct cuda_file {
    const char *name, *text;
} cuda_file;
extern const cuda_file cuda_files[];

/* ---- kernel.c.  A kernel can be collected for launching while workers still compile it: whoever commits it waits. */
typedef enum jit_state { JIT_PENDING, JIT_READY, JIT_FAILED } jit_state;
struct cuda_kernel {
    cuda_kernel *next; /* in the device's list */
    cuda_device *device;
    _Atomic int state;             /* jit_state */
    cu_function function;          /* READY */
    mx_failure *failure;           /* FAILED: asking for the kernel again compiles again */
    _Atomic unsigned shared_bytes; /* that a launch may ask for; more has to be allowed first */
    char *source;
    cuda_kernel *next_job;
    bool later; /* nobody waits for it: compiled after those that somebody does */
    uint64_t hash;
    size_t key_bytes;
    char entry[96];
    char key[];
};

uint64_t jit_hash(const void *key, size_t key_bytes);
/* The kernel made for a key before, or NULL; jit_find: one that has not failed. */
cuda_kernel *jit_look(cuda_device *d, const void *key, size_t key_bytes);
cuda_kernel *jit_find(cuda_device *d, const void *key, size_t key_bytes);
/* Has `source` compiled, whose one entry point is `entry`, and keeps it under the key; `later`: after what others wait
 * for.  NULL: an error is recorded. */
cuda_kernel *jit_add(cuda_device *d, const void *key, size_t key_bytes, const char *source, const char *entry,
                     bool later);
/* Waits until the kernel is compiled, or compiles what is next in line itself.  What went wrong, to be dropped, or
 * NULL. */
mx_failure *jit_finish(cuda_kernel *kernel);
/* NVRTC was opened, or has compiled: the process, when it ends, waits for a compilation under way before NVRTC goes. */
void jit_stop_at_exit(cuda_gpu *gpu, bool compiled);

/* ---- jit.c: the image of a kernel, from the disk or from NVRTC; to be mx_freed.  NULL: an error is recorded. */
void *jit_image(cuda_device *d, const char *source, const char *entry, size_t *bytes);
/* For tests: one compilation, without a device.  `arch` as in "sm_90a"; `log` (may be NULL) gets the compiler's
 * remarks, resources included.  The image is to be mx_freed; NULL: an error is recorded. */
void *jit_compile(const cuda_nvrtc *nvrtc, const char *arch, const char *source, const char *entry, char **log,
                  size_t *bytes);

/* ---- cache.c: images on disk.  Every failure is a miss or nothing kept: the cache is never in the way. */
typedef struct cache_key {
    uint8_t at[32]; /* SHA-256 */
} cache_key;
/* Of everything that the image depends on; a simulated compiler has a version of its own.  Without `n` of all but the
 * compiler: the source fixes what a kernel does, whoever compiles it.  False: an error is recorded. */
bool jit_key(const cuda_nvrtc *n, const char *arch, const char *source, const char *entry, cache_key *key);
void sha256(const void *data, size_t bytes, uint8_t digest[32]);
void *cache_load(const cache_key *key, size_t *bytes);
void cache_store(const cache_key *key, const void *image, size_t bytes);

#endif
