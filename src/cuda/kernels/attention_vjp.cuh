// SPDX-License-Identifier: MIT
//
// Attention backward (Dao, "FlashAttention-2", 2023) without sums by atomics: one kernel has queries and goes along their keys, another
// has keys and goes along their queries, so that each sum has one owner and one order, and the scores are made twice.  The second
// computes the scores' transpose, and probabilities and their gradients go from the registers of one product to those of the next.
// p = exp(scale q k' - logsumexp), ds = p (dout v' - sum(out dout)); dq = scale ds k, dk = scale ds' q, dv = p' dout.
#define PART OPTION % ATTENTION_PARTS
#define LARGE_PART (PART - 2 * ATTENTION_SMALL)
#define SIZE (PART < 2 * ATTENTION_SMALL ? PART / 2 : ATTENTION_SMALL + LARGE_PART / 3)
#include "cuda/kernels/attention_tile.cuh"

const int KIND = PART < 2 * ATTENTION_SMALL ? PART % 2 : LARGE_PART % 3;
const bool GENERAL = OPTION / ATTENTION_PARTS != 0;                     // any rules; else no mask, and each row sees some key
const bool BY_KEY = KIND != 0, ALL = SIZE < ATTENTION_SMALL;            // the rows are keys; one kernel has both gradients
const bool FIRST = KIND < 2, SECOND = KIND == 2 || (KIND == 1 && ALL); // it makes dq or dk; dv
const int ROWS = ATTENTION_VJP_ROWS(WIDTH, sizeof(T)), COLUMNS = ATTENTION_VJP_COLUMNS(WIDTH, sizeof(T));
const int THREADS = ROWS * 2, N = COLUMNS / 8, TILE = COLUMNS * WIDTH, STATS = BY_KEY ? 2 * COLUMNS : 0;

// Columns from `column` on of head `head`.
struct step {
    int head, column;
};

DEVICE void load_columns(const attention_vjp_args &a, int batch, step at, T *tiles, float *stats)
{
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const attention_side &side = a.columns[i];
        const T *from = (const T *)side.at + batch * side.stride[0] + at.head * side.stride[1] + at.column * side.stride[2];
        load_tile<COLUMNS, THREADS>(tiles + i * TILE, from, side.stride[2], a.column_count - at.column,
                                    i ? a.value_width : a.width);
    }
    if (BY_KEY && threadIdx.x < COLUMNS / 2) { // the first half the logsumexp
        int i = threadIdx.x % (COLUMNS / 4), of = threadIdx.x / (COLUMNS / 4);
        const float *from = (const float *)a.stats + ((i64)(batch * a.heads * a.share + at.head) * 2 + of) * a.padded;
        cp_async16(stats + of * COLUMNS + i * 4, from + at.column + i * 4, 16);
    }
    cp_async_commit();
}

DEVICE void load_own_rows(const attention_vjp_args &a, int batch, int head, int first, T *x, T *dx)
{
#pragma unroll
    for (int i = 0; i < (FIRST ? 2 : 1); i++) {
        const attention_side &side = a.rows[i];
        const T *from = (const T *)side.at + batch * side.stride[0] + head * side.stride[1] + first * side.stride[2];
        load_tile<ROWS, THREADS>(i ? dx : x, from, side.stride[2], a.row_count - first, i ? a.value_width : a.width);
    }
}

// Scores that do not count become -INF, and have no gradient.
DEVICE void exclude(float (*s)[4], float (*dp)[4], const float *delta, const float *row_delta, int low, int high)
{
    int g = threadIdx.x >> 2 & 7, t = threadIdx.x & 3;
#pragma unroll
    for (int i = 0; i < N * 4; i++) {
        int n = i / 4, row = g + i % 4 / 2 * 8, column = n * 8 + t * 2 + i % 2;
        if (BY_KEY ? column >= low + row : column < high && column < low + row) continue;
        s[n][i % 4] = -INF;
        dp[n][i % 4] = BY_KEY ? delta[column] : row_delta[i % 4 / 2];
    }
}

DEVICE void apply_rules(float (*s)[4], const attention_vjp_args &a, int batch, int head, int row, int column)
{
    const char *mask = mask_of(a.rules, batch, head);
    int g = threadIdx.x >> 2 & 7, t = threadIdx.x & 3;
#pragma unroll
    for (int i = 0; i < N * 4; i++) {
        int x = row + g + i % 4 / 2 * 8, y = column + i / 4 * 8 + t * 2 + i % 2;
        float &score = s[i / 4][i % 4];
        score = score_of(score * (a.scale * UNITS), a.rules, mask, BY_KEY ? y : x, BY_KEY ? x : y);
    }
}

// p in place of the scores, ds in that of dp.
DEVICE void take_scores(float (*s)[4], float (*dp)[4], const float *stats, const float *row_lse, const float *row_delta,
                        float scale, float share)
{
    int t = threadIdx.x & 3;
#pragma unroll
    for (int n = 0; n < N; n++) {
        vec<float, 2> lse, delta;
        if (BY_KEY) lse = ld_vec<2>(stats + n * 8 + t * 2);
        if (BY_KEY && FIRST) delta = ld_vec<2>(stats + COLUMNS + n * 8 + t * 2);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float score = s[n][i], minus = BY_KEY ? lse.v[i % 2] : row_lse[i / 2];
            s[n][i] = exp_units(fmaf(score, scale, -minus));
            if (GENERAL && score < LOW && minus < LOW && minus != -INF) s[n][i] = share; // a row that excludes all keys
            if (FIRST) dp[n][i] = s[n][i] * (dp[n][i] - (BY_KEY ? delta.v[i % 2] : row_delta[i / 2]));
            if (GENERAL && FIRST && score == EXCLUDED) dp[n][i] = 0;
        }
    }
}

DEVICE void write(const attention_side &to, int batch, int head, int first, int rows, int width, float (*sum)[WIDTH / 8][4],
                  float scale, T *tile)
{
    float factor[1][2] = {{scale, scale}};
    store_rows<1>(to, batch, head, first, rows, width, sum, factor, tile);
}

extern "C" __global__ void __launch_bounds__(THREADS, 2) ENTRY(const attention_vjp_args a)
{
    DYN_SMEM(T, shared);
    T *x = shared, *dx = x + ROWS * WIDTH, *tiles = dx + ROWS * WIDTH;
    float *stats = (float *)(tiles + 4 * TILE);
    int heads = blockIdx.x / a.blocks, batch = heads / a.heads, head = heads % a.heads;
    int first = (BY_KEY ? (int)(blockIdx.x % a.blocks) : a.blocks - 1 - (int)(blockIdx.x % a.blocks)) * ROWS;
    int mine = threadIdx.x / 32 * 16, start = 0, end = a.column_count;
    if (!GENERAL && a.causal && BY_KEY && first > a.ahead) start = (first - a.ahead) / COLUMNS * COLUMNS;
    if (!GENERAL && a.causal && !BY_KEY && first + ROWS + a.ahead < end) end = first + ROWS + a.ahead;
    bool working = first + mine < a.row_count;
    float scale = GENERAL ? 1.0f : a.scale * UNITS, sum[1][WIDTH / 8][4] = {}, more[1][ALL && SECOND ? WIDTH / 8 : 1][4] = {};

    float row_lse[2], row_delta[2];
    if (!BY_KEY) {
        const float *from = (const float *)a.stats + (i64)heads * 2 * a.padded + first + mine + (threadIdx.x >> 2 & 7);
        for (int h = 0; h < 2; h++) row_lse[h] = from[h * 8], row_delta[h] = from[a.padded + h * 8];
    }
    load_own_rows(a, batch, head, first, x, dx);
    step at = {BY_KEY ? head * a.share : head / a.share, start};
    int last = BY_KEY ? head * a.share + a.share : at.head + 1, stage = 0;
    load_columns(a, batch, at, tiles, stats);
#pragma unroll 1
    for (bool again = true; again; stage ^= 1) {
        cp_async_wait<0>();
        __syncthreads();
        step now = at;
        at.column += COLUMNS;
        if (at.column >= end) at.column = start, at.head++;
        again = at.head < last;
        if (again) load_columns(a, batch, at, tiles + (stage ^ 1) * 2 * TILE, stats + (stage ^ 1) * STATS);
        if (!working) continue;
        T *y = tiles + stage * 2 * TILE, *dy = y + TILE;
        float *column_stats = stats + stage * STATS, s[1][N][4] = {}, dp[1][N][4] = {};
        product<T>::template of_rows<1, N>(s, x + mine * WIDTH, y);
        if (FIRST) product<T>::template of_rows<1, N>(dp, dx + mine * WIDTH, dy);
        if (GENERAL) apply_rules(s[0], a, batch, BY_KEY ? now.head : head, first + mine, now.column);
        // Of the warp's first row: BY_KEY its first column, else the one behind its last.
        int low = !a.causal ? (BY_KEY ? 0 : COLUMNS) : first + mine + (BY_KEY ? -a.ahead : a.ahead + 1) - now.column;
        bool edge = GENERAL ? false : BY_KEY ? a.causal && low + 15 > 0 : low < COLUMNS || now.column + COLUMNS > a.column_count;
        if (edge) exclude(s[0], dp[0], column_stats + COLUMNS, row_delta, low, a.column_count - now.column);
        take_scores(s[0], dp[0], column_stats, row_lse, row_delta, scale, 1.0f / (float)a.rules.keys);
        if (FIRST) product<T>::template of_sums<1, N>(sum, dp, y);
        if (SECOND && ALL) product<T>::template of_sums<1, N>((float(*)[WIDTH / 8][4])more, s, dy);
        if (SECOND && !ALL) product<T>::template of_sums<1, N>(sum, s, dy);
    }
    if (!working) return;
    int rows = a.row_count - first - mine;
    if (FIRST) write(a.out[0], batch, head, first + mine, rows, a.width, sum, a.scale, x + mine * WIDTH);
    if (SECOND)
        write(a.out[1], batch, head, first + mine, rows, a.value_width, ALL ? (float(*)[WIDTH / 8][4])more : sum, 1.0f,
              dx + mine * WIDTH);
}
