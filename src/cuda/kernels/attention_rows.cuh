// SPDX-License-Identifier: MIT
//
// What attention backward does to rows of scores between matrix products, a warp a row.  OPTION 0: probabilities again, and the gradient of
// the scores, p (dp - sum(out dout)).  1: sums of float32 become T.  cuda/attention.c launches them.
#include "cuda/kernels/dev.cuh"
#include "cuda/kernels/attention_rows_args.cuh"

enum { VALUES = 4 };

struct place {
    i64 batch, head, query, seen;
};

template <class A> DEVICE place place_of_row(const A &a, u32 row)
{
    place p;
    u32 rest = row / a.queries;
    p.query = a.from_query + row % a.queries;
    p.head = a.from_head + rest % a.heads;
    p.batch = a.from_batch + rest / a.heads;
    p.seen = a.seen + p.query < a.keys ? a.seen + p.query : a.keys;
    return p;
}

// Four values from i on, `rest` behind n.
DEVICE vec<float, VALUES> load_values(const float *row, i64 i, i64 n, float rest)
{
    if (i + VALUES <= n) return ld_vec<VALUES>(row + i);
    vec<float, VALUES> x;
    for (int j = 0; j < VALUES; j++) x.v[j] = i + j < n ? row[i + j] : rest;
    return x;
}
DEVICE void store_values(T *row, i64 i, i64 n, const vec<T, VALUES> &x)
{
    if (i + VALUES <= n) {
        st_vec<VALUES>(row + i, x);
    } else {
        for (int j = 0; j < VALUES && i + j < n; j++) row[i + j] = x.v[j];
    }
}

#if OPTION == 0
extern "C" __global__ void __launch_bounds__(256) ENTRY(const attention_rows_args a)
{
    int lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    for (u32 row = blockIdx.x * warps + (threadIdx.x >> 5); row < a.rows; row += gridDim.x * warps) {
        place at = place_of_row(a, row);
        const float *scores = (const float *)a.scores + row * a.pitch, *dprobs = (const float *)a.dprobs + row * a.pitch;
        T *probs = (T *)a.probs + row * a.pitch, *dscores = (T *)a.dscores + row * a.pitch;
        const T *out = (const T *)a.out + at.batch * a.out_stride[0] + at.head * a.out_stride[1] +
                       at.query * a.out_stride[2];
        const T *dout = (const T *)a.dout + at.batch * a.dout_stride[0] + at.head * a.dout_stride[1] +
                        at.query * a.dout_stride[2];
        float lse = ((const float *)a.lse)[(at.batch * a.all_heads + at.head) * a.all_queries + at.query], delta = 0;
        for (i64 i = lane; i < a.width; i += 32) delta += load(out[i]) * load(dout[i]);
        delta = warp_fold<Sum>(delta);
        for (i64 i = lane * VALUES; i < a.keys; i += 32 * VALUES) {
            vec<float, VALUES> x = load_values(scores, i, at.seen, -INF), dx = load_values(dprobs, i, at.seen, delta);
            vec<T, VALUES> p, d;
            for (int j = 0; j < VALUES; j++) {
                float value = i + j < at.seen ? expf(x.v[j] - lse) : 0.0f;
                store(p.v[j], value);
                store(d.v[j], i + j < at.seen ? value * (dx.v[j] - delta) : 0.0f);
            }
            store_values(probs, i, a.keys, p);
            store_values(dscores, i, a.keys, d);
        }
    }
}
#else
extern "C" __global__ void __launch_bounds__(256) ENTRY(const attention_round_args a)
{
    int lane = threadIdx.x & 31, warps = blockDim.x >> 5;
    for (u32 row = blockIdx.x * warps + (threadIdx.x >> 5); row < a.rows; row += gridDim.x * warps) {
        u32 key = row % a.keys, head = row / a.keys % a.heads, batch = row / a.keys / a.heads;
        const float *from = (const float *)a.from + row * a.width;
        T *to = (T *)a.to + batch * a.stride[0] + head * a.stride[1] + key * a.stride[2];
        for (i64 i = lane; i < a.width; i += 32) store(to[i], from[i]);
    }
}
#endif
