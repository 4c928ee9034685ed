/* SPDX-License-Identifier: MIT
 *
 * Rotary positions: as many threads as the device has room for, each with as many heads as are left. */
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/kernels/rope_args.cuh"
#include "core/params/rope.h"
#include <math.h>

enum { THREADS_OF_SM = 2048 };

/* Features that a thread takes: all addresses are those of whole vectors of as many. */
static int64_t features_of(const struct rope_args *a, size_t bytes)
{
    int64_t features = bytes == 8 ? 2 : 4;
    uint64_t odd = (uint64_t)a->n | (uint64_t)a->half | (uint64_t)a->position_stride;
    for (int i = 0; i < a->rows.ndim; i++) odd |= (uint64_t)a->rows.stride[0][i];
    odd |= (a->to | a->from) / bytes;
    return odd % (uint64_t)features ? 1 : features;
}

static bool rope(cuda_call *c)
{
    const rope_params *p = c->params;
    mx_array *x = c->in[0], *offset = c->in[1], *freqs = c->nin == 3 ? c->in[2] : NULL;
    cu_ptr from, to, offsets, frequencies = 0;
    int64_t strides[MX_MAX_NDIM], shape[MX_MAX_NDIM];
    if (!x->size) return cuda_output(c, 0, NULL, &to);
    bool adjacent = x->strides[x->ndim - 1] == 1;
    if (!(adjacent ? cuda_operand(c, x, &from) : cuda_contiguous(c, x, &from)) || !cuda_operand(c, offset, &offsets) ||
        (freqs && !cuda_operand(c, freqs, &frequencies)) || !cuda_output(c, 0, x, &to))
        return false;
    shape_row_major(array_shape(x), strides);
    for (int i = 0; i < x->ndim; i++) {
        shape[i] = x->shape[i];
        if (adjacent) strides[i] = x->strides[i];
    }
    int last = x->ndim - 1;
    int64_t count = offset->ndim ? offset->shape[0] : 1, positions = shape[last - 1], rows = x->size / shape[last];
    struct rope_args a = {.to = to,
                          .from = from,
                          .offsets = offsets,
                          .freqs = frequencies,
                          .n = shape[last],
                          .half = p->dims / 2,
                          .heads = rows / positions / count,
                          .offset_stride = offset->ndim ? offset->strides[0] : 0,
                          .freqs_stride = freqs ? freqs->strides[0] : 0,
                          .position_stride = strides[last - 1],
                          .rows = index_walk_of((mx_shape){last - 1, shape}, strides, NULL),
                          .log2_base = freqs ? 0 : log2((double)p->base),
                          .scale = p->scale,
                          .pairs = p->traditional,
                          .backward = p->backward};
    size_t bytes = mx_dtype_size((mx_dtype)x->dtype);
    int64_t features = features_of(&a, bytes), tail = a.n - 2 * a.half;
    int64_t slots = a.half / features + (tail + 2 * features - 1) / (2 * features), threads = slots * positions * count;
    int64_t room = (int64_t)c->queue->device->sm_count * THREADS_OF_SM, shares = (room + threads - 1) / threads;
    a.share = (a.heads + shares - 1) / shares;
    shares = (a.heads + a.share - 1) / a.share;
    a.slots = index_divider_of(slots);
    a.positions = index_divider_of(positions);
    a.shares = index_divider_of(shares);
    a.total = threads * shares;
    cuda_variant v = {.id = VARIANT_rope, .t = x->dtype, .option = features > 1};
    return variant_run_over(c, v, a.total, 1, &a, sizeof a);
}

const cuda_op cuda_rope = {.run = rope};
