// SPDX-License-Identifier: MIT
//
// Attention of few queries ("Flash-Decoding", Dao et al. 2023): the queries of all heads that share a key head are the rows of one
// tile, so that keys and values are read once; blocks take parts of the keys, the warps of a block quarters of each tile.  What a block
// has summed is float32, for attention_merge.cuh to put together in one order.
#define SIZE OPTION % ATTENTION_SIZES
#include "cuda/kernels/attention_running.cuh"

const int WARPS = 4, THREADS = 32 * WARPS, ROWS = ATTENTION_FEW, KEYS = ATTENTION_SPLIT_KEYS(sizeof(T));
const int MINE = KEYS / WARPS, N = MINE / 8, PITCH = WIDTH + 8; // PITCH: rows of sums begin in different banks
const bool GENERAL = OPTION / ATTENTION_SIZES != 0;             // any rules; else no mask, and each row sees some key

DEVICE void load_queries(T *tile, const attention_split_args &a, const T *from)
{
    for (int i = threadIdx.x; i < ROWS * CHUNKS; i += THREADS) {
        int row = i / CHUNKS, chunk = i % CHUNKS, bytes = (a.width - chunk * CHUNK) * (int)sizeof(T);
        bytes = row >= a.share * a.queries || bytes < 0 ? 0 : bytes > 16 ? 16 : bytes;
        i64 at = row / a.queries * a.q.stride[1] + row % a.queries * a.q.stride[2] + chunk * CHUNK;
        cp_async16(tile_at(tile, row, 0, chunk), bytes ? from + at : from, (u32)bytes);
    }
}

DEVICE void apply_rules(float (*s)[4], const attention_split_args &a, int batch, int head, int key, int last)
{
    int g = threadIdx.x >> 2 & 7, t = threadIdx.x & 3;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        int row = h * 8 + g;
        const char *mask = mask_of(a.rules, batch, head * a.share + (row < a.share * a.queries ? row / a.queries : 0));
#pragma unroll
        for (int i = 0; i < N * 2; i++) {
            int to = key + i / 2 * 8 + t * 2 + i % 2;
            float &x = s[i / 2][h * 2 + i % 2];
            x = to < last ? score_of(x * (a.scale * UNITS), a.rules, mask, row % a.queries, to) : -INF;
        }
    }
}

// What the warps have summed becomes the block's.
DEVICE void merge_warps(const attention_split_args &a, const running<1> &r, float (*sum)[WIDTH / 8][4], float scale,
                        float *shared, float (*peaks)[ROWS], float (*totals)[ROWS])
{
    int lane = threadIdx.x & 31, warp = threadIdx.x / 32, g = lane >> 2, t = lane & 3;
    __syncthreads();
#pragma unroll
    for (int i = 0; i < WIDTH / 8 * 2; i++) {
        vec<float, 2> pair = {{sum[0][i / 2][i % 2 * 2], sum[0][i / 2][i % 2 * 2 + 1]}};
        st_vec<2>(shared + (warp * ROWS + i % 2 * 8 + g) * PITCH + i / 2 * 8 + t * 2, pair);
    }
    for (int h = 0; h < 2; h++) {
        float total = quad_sum(r.total[0][h]);
        if (t == 0) peaks[warp][h * 8 + g] = r.peak[0][h] == -INF ? -INF : r.peak[0][h] * scale, totals[warp][h * 8 + g] = total;
    }
    __syncthreads();
    for (int i = threadIdx.x; i < a.share * a.queries * WIDTH; i += THREADS) {
        int row = i / WIDTH, column = i % WIDTH;
        float peak = -INF, total = 0, x = 0;
        for (int w = 0; w < WARPS; w++) peak = fmaxf(peak, peaks[w][row]);
        float shift = is_infinite(peak) ? 0.0f : peak;
        for (int w = 0; w < WARPS; w++) {
            float weight = exp_units(peaks[w][row] - shift);
            total = fmaf(totals[w][row], weight, total);
            x = fmaf(shared[(w * ROWS + row) * PITCH + column], weight, x);
        }
        i64 at = (i64)blockIdx.x * ROWS + row;
        ((float *)a.sums)[at * WIDTH + column] = x;
        if (column < 2) ((float *)a.stats)[at * 2 + column] = column ? total : peak;
    }
}

#if OPTION % ATTENTION_SIZES == ATTENTION_SIZES - 1
#define BOUNDS THREADS
#else
#define BOUNDS THREADS, 2 // else the compiler aims at more blocks than registers allow, and spills
#endif
extern "C" __global__ void __launch_bounds__(BOUNDS) ENTRY(const attention_split_args a)
{
    DYN_SMEM(T, shared);
    __shared__ float peaks[WARPS][ROWS], totals[WARPS][ROWS];
    T *q = shared, *k = q + ROWS * WIDTH, *v = k + KEYS * WIDTH;
    int heads = blockIdx.x / a.splits, batch = heads / a.heads, head = heads % a.heads;
    int first = (int)(blockIdx.x % a.splits) * a.keys_each, mine = threadIdx.x / 32 * MINE;
    int last = first + a.keys_each < a.keys ? first + a.keys_each : a.keys;
    const T *from_k = (const T *)a.k.at + batch * a.k.stride[0] + head * a.k.stride[1] + first * a.k.stride[2];
    const T *from_v = (const T *)a.v.at + batch * a.v.stride[0] + head * a.v.stride[1] + first * a.v.stride[2];
    float scale = GENERAL ? 1.0f : a.scale * UNITS, sum[1][WIDTH / 8][4] = {};
    running<1> r;
    int seen[2]; // keys that the lane's rows see
    for (int h = 0; h < 2; h++) {
        int row = h * 8 + (threadIdx.x >> 2 & 7);
        seen[h] = a.causal ? a.keys - a.queries + row % a.queries + 1 : a.keys;
    }
    load_queries(q, a, (const T *)a.q.at + batch * a.q.stride[0] + (i64)head * a.share * a.q.stride[1]);
    load_tile<KEYS, THREADS>(k, from_k, a.k.stride[2], last - first, a.width);
    cp_async_commit();
#pragma unroll 1
    for (int key = first; key < last; key += KEYS) {
        float s[1][N][4] = {};
        cp_async_wait<0>();
        __syncthreads();
        load_tile<KEYS, THREADS>(v, from_v, a.v.stride[2], last - key, a.value_width);
        cp_async_commit();
        from_v += KEYS * a.v.stride[2];
        product<T>::template of_rows<1, N>(s, q, k + mine * WIDTH);
        cp_async_wait<0>();
        __syncthreads();
        from_k += KEYS * a.k.stride[2];
        if (key + KEYS < last) load_tile<KEYS, THREADS>(k, from_k, a.k.stride[2], last - key - KEYS, a.width);
        cp_async_commit();
        if (GENERAL) apply_rules(s[0], a, batch, head, key + mine, last);
        int limit[1][2];
        for (int h = 0; h < 2; h++) limit[0][h] = (seen[h] < last ? seen[h] : last) - key - mine;
        if (!GENERAL) exclude<1, N>(s, limit);
        take_scores<1, N>(r, s, sum, scale);
        product<T>::template of_sums<1, N>(sum, s, v + mine * WIDTH);
    }
    merge_warps(a, r, sum, scale, (float *)shared, peaks, totals);
}
