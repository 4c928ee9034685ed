/* SPDX-License-Identifier: MIT
 *
 * The part of the driver's and NVRTC's binary interface that is simulated, from NVIDIA's public documentation.  SIM_VALUES,
 * the functions and the structs that callers see are compared with the toolkit's headers where they are installed. */
#ifndef SIM_CUDA_API_H
#define SIM_CUDA_API_H

#include <stddef.h>
#include <stdint.h>

#define SIM_VALUES(V)                                                                                                  \
    V(OK, 0, CUDA_SUCCESS)                                                                                             \
    V(INVALID_VALUE, 1, CUDA_ERROR_INVALID_VALUE)                                                                      \
    V(OUT_OF_MEMORY, 2, CUDA_ERROR_OUT_OF_MEMORY)                                                                      \
    V(NOT_INITIALIZED, 3, CUDA_ERROR_NOT_INITIALIZED)                                                                  \
    V(INVALID_DEVICE, 101, CUDA_ERROR_INVALID_DEVICE)                                                                  \
    V(INVALID_IMAGE, 200, CUDA_ERROR_INVALID_IMAGE)                                                                    \
    V(INVALID_CONTEXT, 201, CUDA_ERROR_INVALID_CONTEXT)                                                                \
    V(INVALID_HANDLE, 400, CUDA_ERROR_INVALID_HANDLE)                                                                  \
    V(NOT_FOUND, 500, CUDA_ERROR_NOT_FOUND)                                                                            \
    V(NOT_READY, 600, CUDA_ERROR_NOT_READY)                                                                            \
    V(ILLEGAL_ADDRESS, 700, CUDA_ERROR_ILLEGAL_ADDRESS)                                                                \
    V(LAUNCH_OUT_OF_RESOURCES, 701, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES)                                                \
    V(ASSERT, 710, CUDA_ERROR_ASSERT)                                                                                  \
    V(MISALIGNED_ADDRESS, 716, CUDA_ERROR_MISALIGNED_ADDRESS)                                                          \
    V(LAUNCH_FAILED, 719, CUDA_ERROR_LAUNCH_FAILED)                                                                    \
    V(NOT_PERMITTED, 800, CUDA_ERROR_NOT_PERMITTED)                                                                    \
    V(NOT_SUPPORTED, 801, CUDA_ERROR_NOT_SUPPORTED)                                                                    \
    V(CAPTURE_UNSUPPORTED, 900, CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED)                                                 \
    V(CAPTURE_INVALIDATED, 901, CUDA_ERROR_STREAM_CAPTURE_INVALIDATED)                                                 \
    V(CAPTURE_UNJOINED, 904, CUDA_ERROR_STREAM_CAPTURE_UNJOINED)                                                       \
    V(UPDATE_FAILURE, 910, CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE)                                                       \
    V(ATTRIBUTE_MAX_THREADS, 1, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK)                                             \
    V(ATTRIBUTE_SHARED, 8, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK)                                            \
    V(ATTRIBUTE_WARP, 10, CU_DEVICE_ATTRIBUTE_WARP_SIZE)                                                               \
    V(ATTRIBUTE_CLOCK, 13, CU_DEVICE_ATTRIBUTE_CLOCK_RATE)                                                             \
    V(ATTRIBUTE_SM_COUNT, 16, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)                                                \
    V(ATTRIBUTE_INTEGRATED, 18, CU_DEVICE_ATTRIBUTE_INTEGRATED)                                                        \
    V(ATTRIBUTE_L2_BYTES, 38, CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)                                                       \
    V(ATTRIBUTE_MAJOR, 75, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)                                               \
    V(ATTRIBUTE_MINOR, 76, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)                                               \
    V(ATTRIBUTE_SHARED_OPTIN, 97, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)                               \
    V(ATTRIBUTE_POOLS, 115, CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED)                                                \
    V(FUNCTION_MAX_DYNAMIC, 8, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES)                                        \
    V(STREAM_NON_BLOCKING, 1, CU_STREAM_NON_BLOCKING)                                                                  \
    V(HOST_MAPPED, 2, CU_MEMHOSTALLOC_DEVICEMAP)

enum sim_value {
#define SIM_VALUE(name, value, theirs) SIM_##name = value,
    SIM_VALUES(SIM_VALUE)
#undef SIM_VALUE
};

typedef int sim_result;
typedef unsigned long long sim_device_ptr;

typedef struct sim_stream sim_stream;
typedef struct sim_event sim_event;
typedef struct sim_graph sim_graph;
typedef struct sim_node sim_node;
typedef struct sim_exec sim_exec;
typedef struct sim_lt_handle sim_lt_handle;
typedef struct sim_desc sim_desc;
typedef struct sim_layout sim_layout;
typedef struct sim_preference sim_preference;

typedef struct sim_kernel_node_params {
    struct sim_function *function;
    unsigned grid[3], block[3], shared_bytes;
    void **params, **extra;
    void *library_kernel, *context;
} sim_kernel_node_params;
typedef struct sim_update_result {
    int result;
    sim_node *node, *from;
} sim_update_result;
typedef struct sim_algo {
    uint64_t magic, problem, workspace_bytes, alignment; /* alignment: of the operands, 16 bits each */
    uint64_t unused[4];
} sim_algo;
typedef struct sim_heuristic {
    sim_algo algo;
    size_t workspace_bytes;
    int state;
    float waves;
    int reserved[4];
} sim_heuristic;

enum nvrtc_value {
    NVRTC_OK = 0,
    NVRTC_OUT_OF_MEMORY = 1,
    NVRTC_INVALID_INPUT = 3,
    NVRTC_INVALID_PROGRAM = 4,
    NVRTC_INVALID_OPTION = 5,
    NVRTC_COMPILATION = 6
};

#define API __attribute__((visibility("default")))

#ifndef __cplusplus /* the test has NVIDIA's declarations of them */
struct sim_function;
struct sim_loaded;
struct sim_program;
#define FUNCTION(result, name, params) API result name params;
#include "functions.def"
#undef FUNCTION
API int simFailAt(const char *name, int at, int error);
#endif

#endif
