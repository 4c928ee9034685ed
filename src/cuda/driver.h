/* SPDX-License-Identifier: MIT
 *
 * NVIDIA's libraries as tables of function pointers, opened when the GPU is first asked for: nothing of CUDA is needed
 * to build or to load Mica.  driver.def is the list. */
#ifndef CUDA_DRIVER_H
#define CUDA_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Their types, by our names.  Enums are int in all of their interfaces. */
typedef int cu_result, cu_device, cu_enum, nvrtc_result, lt_result;
typedef unsigned long long cu_ptr;
typedef struct cu_context_object *cu_context;
typedef struct cu_module_object *cu_module;
typedef struct cu_function_object *cu_function;
typedef struct cu_stream_object *cu_stream;
typedef struct cu_event_object *cu_event;
typedef struct cu_graph_object *cu_graph;
typedef struct cu_graph_exec_object *cu_graph_exec;
typedef struct cu_node_object *cu_node;
typedef struct cu_kernel_node {
    cu_function function;
    unsigned grid[3], block[3], shared_bytes;
    void **params, **extra;
    void *kernel;
    cu_context context;
} cu_kernel_node;
typedef struct nvrtc_program_object *nvrtc_program;
typedef struct lt_handle_object *lt_handle;
typedef struct lt_desc_object *lt_desc;
typedef struct lt_layout_object *lt_layout;
typedef struct lt_preference_object *lt_preference;
typedef struct lt_algo {
    uint64_t word[8];
} lt_algo;
typedef struct lt_heuristic {
    lt_algo algo;
    size_t workspace_bytes;
    lt_result state;
    float waves;
    int reserved[4];
} lt_heuristic;

enum {
#define CONSTANT(ours, value, theirs) ours = value,
#include "cuda/driver.def"
    CUDA_CONSTANTS_END
};

/* ---- The tables */
typedef struct cuda_driver {
#define DRIVER(function, since, params) cu_result(*function) params;
#include "cuda/driver.def"
    int version; /* 12040 is 12.4 */
    bool simulated;
} cuda_driver;
typedef struct cuda_nvrtc {
#define NVRTC(function, since, params) nvrtc_result(*function) params;
#define NVRTC_TEXT(function, since, params) const char *(*function)params;
#include "cuda/driver.def"
    int version;
    bool simulated; /* makes images for a simulated driver only, as NVIDIA's for NVIDIA's */
} cuda_nvrtc;
typedef struct cuda_blaslt {
#define BLASLT(function, since, params) lt_result(*function) params;
#define BLASLT_TEXT(function, since, params) const char *(*function)params;
#define BLASLT_SIZE(function, since, params) size_t(*function) params;
#include "cuda/driver.def"
} cuda_blaslt;
typedef struct cuda_cufft {
#define CUFFT(function, since, params) cu_enum(*function) params;
#include "cuda/driver.def"
} cuda_cufft;

/* ---- Opening.  False: `reason` says what is missing, in one sentence. */
enum { CUDA_REASON = 512 };
/* Does MICA_CUDA allow it (off: no GPU at all), and which: the system's or the simulated one (sim)? */
bool cuda_is_off(void);
bool cuda_is_simulated(void);
bool cuda_open_driver(cuda_driver *d, char reason[CUDA_REASON]);
/* The newest NVRTC whose code the driver can load. */
bool cuda_open_nvrtc(cuda_nvrtc *n, int driver_version, char reason[CUDA_REASON]);
bool cuda_open_cufft(cuda_cufft *f, int driver_version, char reason[CUDA_REASON]);
bool cuda_open_blaslt(cuda_blaslt *b, int driver_version, char reason[CUDA_REASON]);

/* The folder of libmica itself. */
bool cuda_own_folder(char *folder, size_t room);

#endif
