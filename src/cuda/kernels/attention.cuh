// SPDX-License-Identifier: MIT
//
// Attention forward (Dao, "FlashAttention-2", 2023): a block has ROWS queries of a head, whose keys and values come tile by tile while
// the maximum and the sum of each row run along (Milakov and Gimelshein, "Online normalizer calculation for softmax", 2018).  Values are
// under way while the scores are computed, the next keys while the values are applied.  cuda/attention.c launches it.
#define SIZE OPTION % ATTENTION_SIZES
#include "cuda/kernels/attention_tile.cuh"

// M: 16s of queries of a warp; what a warp reads of a tile serves them all.
const int WARPS = 4, THREADS = 32 * WARPS, ROWS = ATTENTION_ROWS(WIDTH, sizeof(T)), M = ROWS / 16 / WARPS;
const bool GENERAL = OPTION / ATTENTION_SIZES != 0; // scores are scaled before they are compared
const int KEYS = ATTENTION_KEYS(WIDTH, sizeof(T)), N = KEYS / 8;

// Of each of the lane's rows, (m, half of 16).
struct running {
    float peak[M][2];  // the greatest score so far, before it is scaled
    float total[M][2]; // of the lane's columns
};

// Scores become probabilities times what the row's sum will be; earlier sums shrink where the peak rises.
DEVICE void take_scores(running &r, float (*s)[N][4], float (*sum)[WIDTH / 8][4], float scale)
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

DEVICE void scale_scores(float (*s)[N][4], float scale)
{
#pragma unroll
    for (int i = 0; i < M * N * 4; i++) s[i / 4 / N][i / 4 % N][i % 4] *= scale;
}

// Keys from `keys` on are not there, and a row sees those below `seen` and as many more as its number is.
DEVICE void exclude(float (*s)[N][4], int keys, int seen)
{
    int g = threadIdx.x >> 2 & 7, t = threadIdx.x & 3;
#pragma unroll
    for (int i = 0; i < M * 2; i++) {
        int limit = seen + i * 8 + g < keys ? seen + i * 8 + g : keys;
#pragma unroll
        for (int j = 0; j < N * 2; j++)
            if (j / 2 * 8 + t * 2 + j % 2 >= limit) s[i / 2][j / 2][i % 2 * 2 + j % 2] = -INF;
    }
}

// What a block works at; the longest rows of a head come first.
struct place {
    int heads, batch, head, first;
};
DEVICE place place_of(const attention_args &a, u32 block)
{
    place p;
    p.heads = (int)(block / a.blocks);
    p.batch = p.heads / a.heads;
    p.head = p.heads % a.heads;
    p.first = (a.blocks - 1 - (int)(block % a.blocks)) * ROWS;
    return p;
}

// Writes the rows of a warp and their logsumexp.
DEVICE void finish(const attention_args &a, const running &r, float (*sum)[WIDTH / 8][4], float scale, T *tile)
{
    place p = place_of(a, block_again());
    int first = p.first + (int)threadIdx.x / 32 * 16 * M;
    float factor[M][2];
#pragma unroll
    for (int i = 0; i < M * 2; i++) {
        float total = quad_sum(r.total[i / 2][i % 2]);
        int row = first + i * 8 + (threadIdx.x >> 2 & 7);
        factor[i / 2][i % 2] = 1 / total;
        if (threadIdx.x % 4 == 0 && row < a.queries)
            ((float *)a.lse)[(i64)p.heads * a.queries + row] = r.peak[i / 2][i % 2] * scale * LOG_UNIT + logf(total);
    }
    store_rows<M>(a.out, p.batch, p.head, first, a.queries - first, a.value_width, sum, factor, tile);
}

extern "C" __global__ void __launch_bounds__(THREADS, 1) ENTRY(const attention_args a)
{
    DYN_SMEM(T, shared);
    T *q = shared, *k = q + ROWS * WIDTH, *v = k + KEYS * WIDTH;
    const place p = place_of(a, blockIdx.x);
    const T *from_q = (const T *)a.q.at + p.batch * a.q.stride[0] + p.head * a.q.stride[1] + p.first * a.q.stride[2];
    const T *from_k = (const T *)a.k.at + p.batch * a.k.stride[0] + p.head / a.share * a.k.stride[1];
    const T *from_v = (const T *)a.v.at + p.batch * a.v.stride[0] + p.head / a.share * a.v.stride[1];
    int ahead = a.keys - a.queries, keys = a.keys;
    if (a.causal && p.first + ROWS + ahead < keys) keys = p.first + ROWS + ahead;

    int warp = threadIdx.x / 32, mine = warp * 16 * M;
    bool working = p.first + mine < a.queries;
    float scale = GENERAL ? 1.0f : a.scale * UNITS, sum[M][WIDTH / 8][4] = {};
    running r;
#pragma unroll
    for (int i = 0; i < M * 2; i++) r.peak[i / 2][i % 2] = -INF, r.total[i / 2][i % 2] = 0;

    load_tile<ROWS, THREADS>(q, from_q, a.q.stride[2], a.queries - p.first, a.width);
    load_tile<KEYS, THREADS>(k, from_k, a.k.stride[2], a.keys, a.width);
    cp_async_commit();
#pragma unroll 1
    for (int key = 0; key < keys; key += KEYS) {
        float s[M][N][4] = {};
        cp_async_wait<0>();
        __syncthreads();
        load_tile<KEYS, THREADS>(v, from_v + key * a.v.stride[2], a.v.stride[2], a.keys - key, a.value_width);
        cp_async_commit();
        if (working) product<T>::of_rows<M, N>(s, q + mine * WIDTH, k);
        cp_async_wait<0>();
        __syncthreads();
        if (key + KEYS < keys) {
            from_k += KEYS * a.k.stride[2];
            load_tile<KEYS, THREADS>(k, from_k, a.k.stride[2], a.keys - key - KEYS, a.width);
            cp_async_commit();
        }
        if (!working) continue;
        if (GENERAL) scale_scores(s, a.scale * UNITS);
        int seen = a.causal ? p.first + mine + ahead + 1 - key : KEYS;
        if (seen < KEYS || key + KEYS > a.keys) exclude(s, a.keys - key, seen);
        take_scores(r, s, sum, scale);
        product<T>::of_sums<M, N>(sum, s, v);
    }
    if (working) finish(a, r, sum, scale, q + mine * WIDTH);
}
