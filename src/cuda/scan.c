/* SPDX-License-Identifier: MIT
 *
 * Scans of the last axis: lanes by the length of a row; few long rows are cut in chunks. */
#include "core/params/scan.h"
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/kernels/scan_args.cuh"

enum { CHUNK = 1 << 14, BLOCKS_WANTED = 1024, BLOCKS_MOST = 1 << 30 };

static bool launch(cuda_call *c, cuda_variant v, const scan_args *a)
{
    int64_t each = SCAN_THREADS / a->lanes, blocks = (a->rows * a->chunks + each - 1) / each;
    if (a->pass == SCAN_BEFORE) blocks = a->rows;
    return variant_run(c, v, blocks < BLOCKS_MOST ? blocks : BLOCKS_MOST, SCAN_THREADS, a, sizeof *a);
}

static bool in_chunks(cuda_call *c, cuda_variant v, scan_args *a)
{
    cuda_block *totals = cuda_scratch(c, (size_t)(a->rows * a->chunks) * 8); /* accumulators have 8 bytes at most */
    if (!totals) return false;
    a->totals = totals->at;
    for (a->pass = SCAN_TOTALS; a->pass <= SCAN_CHUNKS; a->pass++) {
        if (!launch(c, v, a)) return false;
    }
    return true;
}

static bool scan(cuda_call *c)
{
    const scan_params *p = c->params;
    mx_array *x = c->in[0];
    scan_args a = {.reverse = p->reverse, .inclusive = p->inclusive, .chunks = 1};
    if (x->size && !cuda_contiguous(c, x, &a.x)) return false;
    if (!cuda_output(c, 0, x, &a.out)) return false;
    if (x->size == 0) return true;
    int64_t bytes = (int64_t)mx_dtype_size((mx_dtype)x->dtype), vector = 16 / bytes;
    a.n = a.chunk = x->shape[x->ndim - 1];
    a.rows = x->size / a.n;
    a.vectors = (a.x | a.out) % 16 == 0 && a.n % vector == 0;
    for (a.lanes = 1; a.lanes < 32 && a.lanes * vector < a.n; a.lanes *= 2) {}
    if (a.lanes * vector < a.n) a.lanes = SCAN_THREADS; /* a group within a warp has one tile */
    cuda_variant v = {.id = VARIANT_scan, .t = x->dtype, .option = (uint8_t)p->kind};
    if (p->kind == SCAN_LOGADDEXP) v = (cuda_variant){.id = VARIANT_scan_logaddexp, .t = x->dtype};
    if (a.n <= 2 * CHUNK || a.rows >= BLOCKS_WANTED) return launch(c, v, &a);
    a.chunk = CHUNK;
    a.chunks = (a.n + CHUNK - 1) / CHUNK;
    return in_chunks(c, v, &a);
}

const cuda_op cuda_scan = {.run = scan};
