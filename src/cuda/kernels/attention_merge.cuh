// SPDX-License-Identifier: MIT
//
// The parts of attention_split.cuh become results: a warp a row, parts in their order.
#include "cuda/kernels/dev.cuh"
#include "cuda/kernels/attention_args.cuh"

DEVICE float exp_units(float x)
{
    return sizeof(T) == 2 ? exp2_approx(x) : expf(x);
}

extern "C" __global__ void __launch_bounds__(128) ENTRY(const attention_merge_args a)
{
    const float log_unit = sizeof(T) == 2 ? 0.69314718055994531f : 1.0f;
    int lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    i64 i = (i64)blockIdx.x * warps + (threadIdx.x >> 5);
    if (i >= a.rows) return;
    int query = (int)(i % a.queries), head = (int)(i / a.queries % a.heads);
    i64 batch = i / a.queries / a.heads;
    i64 part = (i / a.queries / a.share * a.splits) * ATTENTION_FEW + head % a.share * a.queries + query;
    const float *stats = (const float *)a.stats + part * 2, *sums = (const float *)a.sums + part * a.width;
    float peak = -INF, total = 0;
    for (int s = lane; s < a.splits; s += 32) peak = fmaxf(peak, stats[s * ATTENTION_FEW * 2]);
    peak = warp_fold<Max>(peak);
    const float *sink = a.sinks.at ? (const float *)a.sinks.at + batch * a.sinks.stride[0] + head * a.sinks.stride[1] +
                                         query * a.sinks.stride[2]
                                   : nullptr;
    if (sink) peak = fmaxf(peak, *sink / log_unit);
    float shift = fabsf(peak) == INF ? 0.0f : peak;
    for (int s = 0; s < a.splits; s++)
        total = fmaf(stats[s * ATTENTION_FEW * 2 + 1], exp_units(stats[s * ATTENTION_FEW * 2] - shift), total);
    if (sink) total += exp_units(*sink / log_unit - shift);
    T *out = (T *)a.out.at + batch * a.out.stride[0] + head * a.out.stride[1] + query * a.out.stride[2];
    for (int column = lane; column < a.value_width; column += 32) {
        float x = 0;
        for (int s = 0; s < a.splits; s++)
            x = fmaf(sums[(i64)s * ATTENTION_FEW * a.width + column], exp_units(stats[s * ATTENTION_FEW * 2] - shift), x);
        store(out[column], x / total);
    }
    if (lane == 0) ((float *)a.lse)[i] = peak * log_unit + logf(total);
}
