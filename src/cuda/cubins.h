/* SPDX-License-Identifier: MIT
 *
 * The archive of kernels that are compiled already: a header, entries in the order of their keys, packed images. */
#ifndef CUDA_CUBINS_H
#define CUDA_CUBINS_H

#include "cuda/jit.h"

#define CUBINS_MAGIC "MICACUB1"
typedef struct cubins_header {
    char magic[8];
    uint32_t simulated, count;
} cubins_header;
typedef struct cubins_entry {
    cache_key key;      /* jit_key without a compiler */
    uint8_t digest[32]; /* of the image */
    uint64_t at;        /* in the file */
    uint32_t packed, bytes;
} cubins_entry;

/* An archive for another kind of device, a damaged or a missing file is an empty one. */
void cubins_open(cuda_cubins *c, const char *path, bool simulated);
void cubins_close(cuda_cubins *c);
/* The image of a key, to be mx_freed; NULL and no error: it is not there. */
void *cubins_load(const cuda_cubins *c, const cache_key *key, size_t *bytes);
/* The library's own archive, opened when it is first asked for. */
const cuda_cubins *cubins_of(cuda_gpu *gpu);

#endif
