/* SPDX-License-Identifier: MIT
 *
 * From a variant to its source and its launch. */
#include "cuda/variant.h"
#include "cuda/elementwise.h"
#include "cuda/jit.h"
#include <stdio.h>
#include <string.h>

enum { BLOCKS_PER_SM = 32 };

#define VARIANT(name, t, u, options) {#name, t, u, options},
const variant_row variant_rows[VARIANT_COUNT] = {
#include "cuda/variants.def"
};

uint8_t variant_unit(size_t bytes)
{
    return bytes == 1   ? MX_UINT8
           : bytes == 2 ? MX_UINT16
           : bytes == 4 ? MX_UINT32
           : bytes == 8 ? MX_UINT64
                        : (uint8_t)TYPE_UNIT_16;
}

static const char *type_name(uint8_t type)
{
    return type == TYPE_UNIT_16 ? "unit16" : elementwise_type(type);
}

void variant_source(cuda_variant v, char source[VARIANT_SOURCE], char entry[VARIANT_ENTRY])
{
    const variant_row *row = &variant_rows[v.id];
    const char *t = row->t ? type_name(v.t) : NULL, *u = row->u ? type_name(v.u) : NULL;
    snprintf(entry, VARIANT_ENTRY, "%s%s%s%s%s_%d", row->name, t ? "_" : "", t ? t : "", u ? "_" : "", u ? u : "",
             v.option);
    int n = snprintf(source, VARIANT_SOURCE,
                     "#include \"cuda/kernels/index.cuh\"\n#define ENTRY %s\n#define OPTION %d\n", entry, v.option);
    if (t) n += snprintf(source + n, VARIANT_SOURCE - (size_t)n, "typedef %s T;\n", t);
    if (u) n += snprintf(source + n, VARIANT_SOURCE - (size_t)n, "typedef %s U;\n", u);
    snprintf(source + n, VARIANT_SOURCE - (size_t)n, "#include \"cuda/kernels/%s.cuh\"\n", row->name);
}

bool variant_run(cuda_call *c, cuda_variant v, int64_t blocks, unsigned threads, const void *args, size_t args_bytes)
{
    return variant_run_with(c, v, blocks, threads, 0, args, args_bytes);
}

bool variant_run_with(cuda_call *c, cuda_variant v, int64_t blocks, unsigned threads, unsigned shared_bytes,
                      const void *args, size_t args_bytes)
{
    struct {
        char kind[4]; /* no other key begins so */
        cuda_variant v;
    } key = {"var", v};
    cuda_device *d = c->queue->device;
    if (!blocks) return true;
    cuda_kernel *kernel = jit_find(d, &key, sizeof key);
    if (!kernel) {
        char source[VARIANT_SOURCE], entry[VARIANT_ENTRY];
        variant_source(v, source, entry);
        if (!(kernel = jit_add(d, &key, sizeof key, source, entry, false))) return false;
    }
    cuda_launch launch = {.kernel = kernel,
                          .grid = {(unsigned)blocks, 1, 1},
                          .block = {threads, 1, 1},
                          .shared_bytes = shared_bytes,
                          .op = c->op->name};
    return cuda_collect(c, &launch, args, args_bytes);
}

bool variant_run_over(cuda_call *c, cuda_variant v, int64_t total, int64_t each, const void *args, size_t args_bytes)
{
    int64_t share = VARIANT_BLOCK * each, blocks = (total + share - 1) / share;
    int64_t most = (int64_t)c->queue->device->sm_count * BLOCKS_PER_SM;
    return variant_run(c, v, blocks < most ? blocks : most, VARIANT_BLOCK, args, args_bytes);
}
