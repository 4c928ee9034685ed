/* SPDX-License-Identifier: MIT
 *
 * Masked assignment: true entries are counted by chunks, the counts summed, and each chunk knows its first value. */
#include "cuda/copy.h"
#include "cuda/dispatch.h"

enum { CHUNK = 2048 };

/* Are there as many values as places?  Where the shapes do not say, the host has to wait for the counts. */
static bool enough_values(cuda_call *c, cuda_block *counts, int64_t rows, int64_t chunks, int64_t values)
{
    int64_t totals[64];
    for (int64_t first = 0, n; first < rows; first += n) {
        n = rows - first < 64 ? rows - first : 64;
        if (!queue_read(c->queue, totals, counts->at + (cu_ptr)(rows * chunks + first) * sizeof *totals,
                        (size_t)n * sizeof *totals))
            return false;
        for (int64_t i = 0; i < n; i++) {
            if (totals[i] > values)
                return mx_fail_false(MX_RUNTIME, "[masked_scatter] %lld places but only %lld values.",
                                     (long long)totals[i], (long long)values);
        }
    }
    return true;
}

static bool masked_set(cuda_call *c)
{
    mx_array *x = c->in[0], *mask = c->in[1], *values = c->in[2];
    int64_t rows = mask->shape[0], n = mask->shape[1], m = values->shape[1], chunks = (n + CHUNK - 1) / CHUNK;
    struct masked_args a = {.n = n, .values_row = m, .chunks = index_divider_of(chunks)};
    cu_ptr to, is_true, from;
    if (!x->size) return cuda_output(c, 0, NULL, &to);
    cuda_block *counts = cuda_scratch(c, (size_t)(rows * (chunks + 1)) * sizeof(int64_t));
    if (!counts || !cuda_contiguous(c, mask, &is_true) || !cuda_contiguous(c, values, &from)) return false;
    a.mask = is_true;
    a.values = from;
    a.counts = counts->at;
    cuda_variant count = {.id = VARIANT_masked_count}, scan = {.id = VARIANT_masked_scan};
    cuda_variant set = {.id = VARIANT_masked_set, .t = variant_unit(mx_dtype_size((mx_dtype)x->dtype))};
    if (!variant_run(c, count, rows * chunks, VARIANT_BLOCK, &a, sizeof a) ||
        !variant_run(c, scan, rows, VARIANT_BLOCK, &a, sizeof a) ||
        !(m >= n || enough_values(c, counts, rows, chunks, m)) || !cuda_output_from(c, x, &to))
        return false;
    a.to = to;
    return variant_run(c, set, rows * chunks, VARIANT_BLOCK, &a, sizeof a);
}

const cuda_op cuda_masked_set = {.run = masked_set};
