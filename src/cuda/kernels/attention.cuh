// SPDX-License-Identifier: MIT
//
// Attention forward (Dao, "FlashAttention-2", 2023): a block has ROWS queries of a head, whose keys and values come tile by tile while
// the softmax runs along.  Values are under way while the scores are computed, the next keys while the values are applied.
// cuda/attention.c launches it.
#define SIZE OPTION % ATTENTION_SIZES
#include "cuda/kernels/attention_running.cuh"

const bool GENERAL = OPTION / ATTENTION_SIZES != 0; // any rules; else no mask, and each row sees some key
// M: 16s of queries of a warp; what a warp reads of a tile serves them all.
const int WARPS = 4, THREADS = 32 * WARPS, ROWS = ATTENTION_ROWS(WIDTH, sizeof(T), GENERAL), M = ROWS / 16 / WARPS;
const int KEYS = ATTENTION_KEYS(WIDTH, sizeof(T)), N = KEYS / 8;

// The warp's first row sees `seen` columns, each further one another, at most all.
DEVICE void exclude_from(float (*s)[N][4], int seen, int all)
{
    int limit[M][2];
#pragma unroll
    for (int i = 0; i < M * 2; i++) {
        int n = seen + i * 8 + (threadIdx.x >> 2 & 7);
        limit[i / 2][i % 2] = n < all ? n : all;
    }
    exclude<M, N>(s, limit);
}

DEVICE void apply_rules(float (*s)[N][4], const attention_args &a, int batch, int head, int row, int key)
{
    const char *mask = mask_of(a.rules, batch, head);
    int g = threadIdx.x >> 2 & 7, t = threadIdx.x & 3;
#pragma unroll
    for (int i = 0; i < M * N * 4; i++) {
        int m = i / 4 / N, n = i / 4 % N, e = i % 4;
        s[m][n][e] = score_of(s[m][n][e] * (a.scale * UNITS), a.rules, mask, row + m * 16 + e / 2 * 8 + g, key + n * 8 + t * 2 + e % 2);
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
DEVICE void finish(const attention_args &a, const running<M> &r, float (*sum)[WIDTH / 8][4], float scale, T *tile)
{
    place p = place_of(a, block_again());
    int first = p.first + (int)threadIdx.x / 32 * 16 * M;
    float factor[M][2];
#pragma unroll
    for (int i = 0; i < M * 2; i++) {
        int row = first + i * 8 + (threadIdx.x >> 2 & 7);
        const float *sink = row < a.queries ? sink_of(a.sinks, p.batch, p.head, row) : nullptr;
        float lse, peak = r.peak[i / 2][i % 2] == -INF ? -INF : r.peak[i / 2][i % 2] * scale;
        factor[i / 2][i % 2] = finish_row(peak, quad_sum(r.total[i / 2][i % 2]), sink, lse);
        if (threadIdx.x % 4 == 0 && row < a.queries) ((float *)a.lse)[(i64)p.heads * a.queries + row] = lse;
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
    if (!GENERAL && a.causal && p.first + ROWS + ahead < keys) keys = p.first + ROWS + ahead;

    int warp = threadIdx.x / 32, mine = warp * 16 * M;
    bool working = p.first + mine < a.queries;
    float scale = GENERAL ? 1.0f : a.scale * UNITS, sum[M][WIDTH / 8][4] = {};
    running<M> r;

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
        if (GENERAL) apply_rules(s, a, p.batch, p.head, p.first + mine, key);
        int seen = a.causal ? p.first + mine + ahead + 1 - key : KEYS;
        if (!GENERAL && (seen < KEYS || key + KEYS > a.keys)) exclude_from(s, seen, a.keys - key);
        take_scores<M, N>(r, s, sum, scale);
        product<T>::of_sums<M, N>(sum, s, v);
    }
    if (working) finish(a, r, sum, scale, q + mine * WIDTH);
}
