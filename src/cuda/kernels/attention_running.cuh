// SPDX-License-Identifier: MIT
//
// The running softmax of attention forward: the maximum and the sum of each row go along with its keys (Milakov and Gimelshein, "Online
// normalizer calculation for softmax", 2018).  Scores lie as attention_tile.cuh says.
#pragma once
#include "cuda/kernels/attention_tile.cuh"

// Of each of the lane's rows, (m, half of 16).
template <int M> struct running {
    float peak[M][2];  // the greatest score so far, before it is scaled
    float total[M][2]; // of the lane's columns
    __device__ __forceinline__ running()
    {
#pragma unroll
        for (int i = 0; i < M * 2; i++) peak[i / 2][i % 2] = -INF, total[i / 2][i % 2] = 0;
    }
};

// Scores become probabilities times what the row's sum will be; earlier sums shrink where the peak rises.
template <int M, int N> DEVICE void take_scores(running<M> &r, float (*s)[N][4], float (*sum)[WIDTH / 8][4], float scale)
{
#pragma unroll
    for (int i = 0; i < M * 2; i++) {
        int m = i / 2, h = i % 2;
        float high = r.peak[m][h];
#pragma unroll
        for (int n = 0; n < N; n++) high = fmaxf(high, fmaxf(s[m][n][2 * h], s[m][n][2 * h + 1]));
        high = quad_max(high);
        float shift = is_infinite(high) ? 0.0f : high * scale;
        float factor = r.peak[m][h] == -INF ? 0.0f : exp_units(r.peak[m][h] * scale - shift);
        float total = 0;
#pragma unroll
        for (int j = 0; j < N * 2; j++) {
            float &x = s[m][j / 2][2 * h + j % 2];
            total += x = exp_units(fmaf(x, scale, -shift));
        }
        r.peak[m][h] = high;
        r.total[m][h] = r.total[m][h] * factor + total;
        if (!__any_sync(WARP, factor != 1)) continue; // most tiles do not raise a peak
#pragma unroll
        for (int j = 0; j < WIDTH / 8 * 2; j++) sum[m][j / 2][2 * h + j % 2] *= factor;
    }
}

// A sink joins the row's sum; returns what the sums of values are multiplied by, and the logsumexp.
DEVICE float finish_row(float peak, float total, const float *sink, float &lse)
{
    float high = sink ? fmaxf(peak, *sink * UNITS) : peak, shift = is_infinite(high) ? 0.0f : high;
    float factor = !sink ? 1.0f : peak == -INF ? 0.0f : exp_units(peak - shift);
    total = total * factor + (sink ? exp_units(*sink * UNITS - shift) : 0.0f);
    lse = high * LOG_UNIT + logf(total);
    return factor / total;
}
DEVICE const float *sink_of(const attention_sinks &s, i64 batch, int head, int query)
{
    return s.at ? (const float *)s.at + batch * s.stride[0] + head * s.stride[1] + query * s.stride[2] : nullptr;
}

// A row sees the columns below its limit.
template <int M, int N> DEVICE void exclude(float (*s)[N][4], const int (*limit)[2])
{
    int t = threadIdx.x & 3;
#pragma unroll
    for (int i = 0; i < M * N * 4; i++) {
        int m = i / 4 / N, n = i / 4 % N, e = i % 4;
        if (n * 8 + t * 2 + e % 2 >= limit[m][e / 2]) s[m][n][e] = -INF;
    }
}
