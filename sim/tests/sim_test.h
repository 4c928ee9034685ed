/* SPDX-License-Identifier: MIT
 *
 * The simulated device as a product sees it: functions found by name. */
#ifndef SIM_TEST_H
#define SIM_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef unsigned long long ptr;
typedef void *handle;
#define CALLS(C)                                                                                                       \
    C(cuInit, (unsigned))                                                                                              \
    C(cuMemAlloc_v2, (ptr *, size_t))                                                                                  \
    C(cuMemFree_v2, (ptr))                                                                                             \
    C(cuMemFreeAsync, (ptr, handle))                                                                                   \
    C(cuMemHostAlloc, (void **, size_t, unsigned))                                                                     \
    C(cuMemcpyHtoDAsync_v2, (ptr, const void *, size_t, handle))                                                       \
    C(cuMemcpyDtoHAsync_v2, (void *, ptr, size_t, handle))                                                             \
    C(cuMemsetD8Async, (ptr, unsigned char, size_t, handle))                                                           \
    C(cuMemsetD32Async, (ptr, unsigned, size_t, handle))                                                               \
    C(cuStreamCreate, (handle *, unsigned))                                                                            \
    C(cuStreamSynchronize, (handle))                                                                                   \
    C(cuStreamWaitEvent, (handle, handle, unsigned))                                                                   \
    C(cuEventCreate, (handle *, unsigned))                                                                             \
    C(cuEventRecord, (handle, handle))                                                                                 \
    C(cuEventSynchronize, (handle))                                                                                    \
    C(cuLaunchHostFunc, (handle, void (*)(void *), void *))                                                            \
    C(cuModuleLoadData, (handle *, const void *))                                                                      \
    C(cuModuleGetFunction, (handle *, handle, const char *))                                                           \
    C(cuLaunchKernel,                                                                                                  \
      (handle, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, handle, void **, void **))        \
    C(cuGetErrorString, (int, const char **))                                                                          \
    C(cuGraphCreate, (handle *, unsigned))                                                                             \
    C(cuGraphAddKernelNode_v2, (handle *, handle, const handle *, size_t, const void *))                               \
    C(cuGraphInstantiateWithFlags, (handle *, handle, unsigned long long))                                             \
    C(cuGraphExecKernelNodeSetParams_v2, (handle, handle, const void *))                                               \
    C(cuGraphLaunch, (handle, handle))                                                                                 \
    C(cuStreamBeginCapture_v2, (handle, int))                                                                          \
    C(cuStreamEndCapture, (handle, handle *))                                                                          \
    C(nvrtcCreateProgram, (handle *, const char *, const char *, int, const char *const *, const char *const *))       \
    C(nvrtcCompileProgram, (handle, int, const char *const *))                                                         \
    C(nvrtcGetProgramLogSize, (handle, size_t *))                                                                      \
    C(nvrtcGetProgramLog, (handle, char *))                                                                            \
    C(nvrtcGetCUBINSize, (handle, size_t *))                                                                           \
    C(nvrtcGetCUBIN, (handle, char *))                                                                                 \
    C(cublasLtCreate, (handle *))                                                                                      \
    C(cublasLtMatmulDescCreate, (handle *, int, int))                                                                  \
    C(cublasLtMatmulDescSetAttribute, (handle, int, const void *, size_t))                                             \
    C(cublasLtMatrixLayoutCreate, (handle *, int, uint64_t, uint64_t, int64_t))                                        \
    C(cublasLtMatrixLayoutSetAttribute, (handle, int, const void *, size_t))                                           \
    C(cublasLtMatmulPreferenceCreate, (handle *))                                                                      \
    C(cublasLtMatmulPreferenceSetAttribute, (handle, int, const void *, size_t))                                       \
    C(cublasLtMatmulAlgoGetHeuristic, (handle, handle, handle, handle, handle, handle, handle, int, void *, int *))    \
    C(cublasLtMatmul, (handle, handle, const void *, ptr, handle, ptr, handle, const void *, ptr, handle, ptr, handle, \
                       const void *, ptr, size_t, handle))

struct calls {
#define FIELD(name, params) int(*name) params;
    CALLS(FIELD)
#undef FIELD
};
extern struct calls cu;
extern handle stream;

#define TRY(call) try_call(cu.call, #call)
void try_call(int result, const char *call); /* prints CAUGHT with the reason and exits */
void wrong(const char *what);                /* prints WRONG and exits with 1 */
handle kernel(const char *file, const char *name);
ptr device(size_t bytes);
ptr upload(const void *from, size_t bytes);
void download(void *to, ptr from, size_t bytes);
void run(handle f, unsigned gx, unsigned gy, unsigned bx, unsigned by, unsigned shared_bytes, void **params);

void test_right(void);
void test_blaslt(void);
void lt_short_leading(void);
void lt_long_leading(void);
void lt_freed(void);
void lt_small_workspace(void);
void lt_misaligned(void);
void lt_no_event(void);
int test_planted(const char *name); /* 0: no such case */
void test_speed(void);
void test_ptx(void);
void test_unknown(void);

#endif
