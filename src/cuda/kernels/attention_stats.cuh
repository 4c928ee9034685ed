// SPDX-License-Identifier: MIT
//
// What attention backward needs of each row of scores: a warp a row.
#include "cuda/kernels/dev.cuh"
#include "cuda/kernels/attention_args.cuh"

extern "C" __global__ void __launch_bounds__(256) ENTRY(const attention_stats_args a)
{
    const float units = sizeof(T) == 2 ? 1.4426950408889634f : 1.0f;
    int lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    for (i64 i = (i64)blockIdx.x * warps + (threadIdx.x >> 5); i < a.rows; i += (i64)gridDim.x * warps) {
        int row = (int)(i % a.padded);
        i64 heads = i / a.padded, batch = heads / a.heads, head = heads % a.heads;
        float sum = 0;
        if (row < a.queries) {
            const T *out = (const T *)a.out.at + batch * a.out.stride[0] + head * a.out.stride[1] + row * a.out.stride[2];
            const T *dout = (const T *)a.dout.at + batch * a.dout.stride[0] + head * a.dout.stride[1] +
                            row * a.dout.stride[2];
            for (int k = lane; k < a.value_width; k += 32) sum = fmaf(load(out[k]), load(dout[k]), sum);
        }
        sum = warp_fold<Sum>(sum);
        if (lane) continue;
        if (a.dsinks && row < a.queries) {
            const attention_sinks &k = a.sinks;
            float sink = ((const float *)k.at)[batch * k.stride[0] + head * k.stride[1] + row * k.stride[2]];
            i64 at = heads * a.queries + row;
            ((float *)a.dsinks)[at] = -expf(sink - ((const float *)a.lse)[at]) * sum;
        }
        float *to = (float *)a.stats + heads * 2 * a.padded + row;
        to[0] = row < a.queries ? ((const float *)a.lse)[heads * a.queries + row] * units : INF;
        to[a.padded] = sum;
    }
}
