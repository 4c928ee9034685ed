/* SPDX-License-Identifier: MIT
 *
 * Kernels with an algorithm of their own, each in the variants that variants.def lists: kernels/<name>.cuh, compiled
 * with T and U as types, OPTION as a number and ENTRY as its name. */
#ifndef CUDA_VARIANT_H
#define CUDA_VARIANT_H

#include "cuda/side.h"

/* Types by dtype; what is only moved goes by its size, as the unsigned integers and as units of 16 bytes. */
enum {
    TYPE_UNIT_16 = MX_DTYPE_COUNT,
    TYPE_COUNT,
    TYPE_NONE = 255,
    VARIANT_SOURCE = 512,
    VARIANT_ENTRY = 64,
    VARIANT_BLOCK = 256,
};
typedef enum variant_id {
#define VARIANT(name, t, u, options) VARIANT_##name,
#include "cuda/variants.def"
    VARIANT_COUNT
} variant_id;

typedef struct cuda_variant {
    uint16_t id;
    uint8_t t, u, option, spare[3];
} cuda_variant;

/* Types of T and U that there are, as bits; 0: none.  For tests. */
typedef struct variant_row {
    const char *name;
    uint32_t t, u;
    int options;
} variant_row;
extern const variant_row variant_rows[VARIANT_COUNT];
void variant_source(cuda_variant v, char source[VARIANT_SOURCE], char entry[VARIANT_ENTRY]);

/* The type that moves `bytes` (1, 2, 4, 8, 16). */
uint8_t variant_unit(size_t bytes);
/* Collects a launch; nothing to do is no launch.  False: an error is recorded. */
bool variant_run(cuda_call *c, cuda_variant v, int64_t blocks, unsigned threads, const void *args, size_t args_bytes);
/* The same with shared memory whose size the launch says. */
bool variant_run_with(cuda_call *c, cuda_variant v, int64_t blocks, unsigned threads, unsigned shared_bytes,
                      const void *args, size_t args_bytes);
/* One that loops over `total` in blocks of VARIANT_BLOCK threads with `each` elements. */
bool variant_run_over(cuda_call *c, cuda_variant v, int64_t total, int64_t each, const void *args, size_t args_bytes);

#endif
