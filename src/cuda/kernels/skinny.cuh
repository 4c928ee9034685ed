// SPDX-License-Identifier: MIT
//
// Products of a few rows with a matrix, d = alpha a b + beta c + bias: b is read once, 16 bytes a load and 64 bytes a thread under
// way, so they take as long as memory does.  T is the type of all; sums are float32.  OPTION / SKINNY_SIZES is 0 if b's
// elements are adjacent along k, where a team of lanes has a few columns and goes along them, else they are along n: lanes lie across
// columns, and the other threads of the block take other k.  Both orders are functions of sizes alone.
#include "cuda/kernels/folds.cuh"
#include "cuda/kernels/skinny_args.cuh"

enum {
    ROWS = 1 << OPTION % SKINNY_SIZES,
    VECTOR = 16 / sizeof(T),
    WARPS = SKINNY_THREADS / 32,
};

DEVICE void find_batch(const skinny_args &g, i64 batch, i64 *at)
{
    for (int x = 0; x < 4; x++) at[x] = 0;
    for (int i = (int)g.ndim - 1; i >= 0; i--) {
        i64 here = batch % g.shape[i];
        batch /= g.shape[i];
        for (int x = 0; x < 4; x++) at[x] += here * g.batch[x][i];
    }
}

DEVICE void finish(const skinny_args &g, const i64 *at, i64 chunk, int m, i64 column, float sum)
{
    sum *= g.alpha;
    if (chunk == 0) {
        if (g.beta != 0)
            sum += g.beta * load(reinterpret_cast<const T *>(g.at[2])[at[2] + m * g.row[2] + column * g.col[2]]);
        if (g.bias) sum += load(reinterpret_cast<const T *>(g.bias)[column]);
    }
    if (g.partial)
        reinterpret_cast<float *>(g.partial)[(chunk * g.m + m) * g.n + column] = sum;
    else
        store(reinterpret_cast<T *>(g.at[3])[at[3] + m * g.row[3] + column * g.col[3]], sum);
}

#if OPTION / SKINNY_SIZES == 0
enum { EACH = SKINNY_COLUMNS(ROWS), UNROLL = 4 / EACH };

DEVICE void multiply(const skinny_args &g, i64 unit, float *shared)
{
    int lane = threadIdx.x & (g.lanes - 1), teams = SKINNY_THREADS / g.lanes;
    i64 team = unit * teams + threadIdx.x / g.lanes, batch = team / g.tiles, column = (team - batch * g.tiles) * EACH;
    bool there = team < g.units;
    i64 at[4];
    float sum[ROWS][EACH];
#pragma unroll
    for (int i = 0; i < ROWS * EACH; i++) sum[i / EACH][i % EACH] = 0;
    find_batch(g, there ? batch : 0, at);
    if (there) {
        const T *x = reinterpret_cast<const T *>(g.at[0]) + at[0], *w[EACH];
#pragma unroll
        for (int r = 0; r < EACH; r++)
            w[r] = reinterpret_cast<const T *>(g.at[1]) + at[1] + min(column + r, g.n - 1) * g.col[1];
        i64 step = (i64)g.lanes * VECTOR;
#pragma unroll 1
        for (i64 k = lane * VECTOR; k < g.k; k += UNROLL * step) {
            vec<T, VECTOR> v[UNROLL][EACH];
#pragma unroll
            for (int i = 0; i < UNROLL * EACH; i++)
                if (k + i / EACH * step < g.k) v[i / EACH][i % EACH] = ld_vec<VECTOR>(w[i % EACH] + k + i / EACH * step);
#pragma unroll
            for (int u = 0; u < UNROLL; u++) {
                if (k + u * step >= g.k) break;
#pragma unroll
                for (int m = 0; m < ROWS; m++) {
                    vec<T, VECTOR> y = ld_vec<VECTOR>(x + min(m, g.m - 1) * g.row[0] + k + u * step);
#pragma unroll
                    for (int r = 0; r < EACH; r++)
#pragma unroll
                        for (int j = 0; j < VECTOR; j++)
                            sum[m][r] = fmaf(load(v[u][r].v[j]), load(y.v[j]), sum[m][r]);
                }
            }
        }
    }
#pragma unroll
    for (int i = 0; i < ROWS * EACH; i++) {
        int m = i / EACH, r = i % EACH;
        float total = group_fold<sum_fold<float>>(sum[m][r], g.lanes, shared);
        if (there && lane == 0 && m < g.m && column + r < g.n) finish(g, at, 0, m, column + r, total);
    }
}
typedef float shared_t[32];
#else
enum { UNROLL = 4, SPAN = SKINNY_LANES * VECTOR };

DEVICE void multiply(const skinny_args &g, i64 unit, float (*shared)[ROWS][SPAN])
{
    int lane = threadIdx.x & (g.lanes - 1), down = SKINNY_THREADS / g.lanes;
    i64 part = unit / g.tiles, first = (unit - part * g.tiles) * g.lanes * VECTOR, column = first + lane * VECTOR;
    i64 batch = part / g.chunks, chunk = part - batch * g.chunks, end = min(g.k, (chunk + 1) * g.chunk);
    i64 at[4];
    float sum[ROWS][VECTOR];
    find_batch(g, batch, at);
#pragma unroll
    for (int i = 0; i < ROWS * VECTOR; i++) sum[i / VECTOR][i % VECTOR] = 0;
    if (column < g.n) {
        const T *x = reinterpret_cast<const T *>(g.at[0]) + at[0];
        const T *w = reinterpret_cast<const T *>(g.at[1]) + at[1] + column;
#pragma unroll 1
        for (i64 k = chunk * g.chunk + threadIdx.x / g.lanes; k < end; k += UNROLL * down) {
            vec<T, VECTOR> v[UNROLL];
#pragma unroll
            for (int u = 0; u < UNROLL; u++)
                if (k + u * down < end) v[u] = ld_vec<VECTOR>(w + (k + u * down) * g.row[1]);
#pragma unroll
            for (int u = 0; u < UNROLL; u++) {
                if (k + u * down >= end) break;
#pragma unroll
                for (int m = 0; m < ROWS; m++) {
                    float y = load(x[min(m, g.m - 1) * g.row[0] + (k + u * down) * g.col[0]]);
#pragma unroll
                    for (int j = 0; j < VECTOR; j++) sum[m][j] = fmaf(load(v[u].v[j]), y, sum[m][j]);
                }
            }
        }
    }
    // The rows of a warp meet by shuffles, the warps in shared memory.
#pragma unroll
    for (int i = 0; i < ROWS * VECTOR; i++) {
        float &s = sum[i / VECTOR][i % VECTOR];
        for (int apart = 16; apart >= g.lanes; apart >>= 1) s += __shfl_xor_sync(WARP, s, apart);
        if ((threadIdx.x & 31) < g.lanes) shared[threadIdx.x >> 5][i / VECTOR][i % VECTOR * g.lanes + lane] = s;
    }
    __syncthreads();
    int span = g.lanes * VECTOR;
#pragma unroll 1
    for (int i = threadIdx.x; i < ROWS * span; i += SKINNY_THREADS) {
        int m = i / span, here = i - m * span;
        float total = 0;
        for (int warp = 0; warp < WARPS; warp++) total += shared[warp][m][here % VECTOR * g.lanes + here / VECTOR];
        if (m < g.m && first + here < g.n) finish(g, at, chunk, m, first + here, total);
    }
    __syncthreads();
}
typedef float shared_t[WARPS][ROWS][SPAN];
#endif

extern "C" __global__ void __launch_bounds__(SKINNY_THREADS, 1) ENTRY(const __grid_constant__ skinny_args g)
{
    __shared__ shared_t shared;
    i64 each = OPTION / SKINNY_SIZES ? 1 : SKINNY_THREADS / g.lanes;
#pragma unroll 1
    for (i64 unit = blockIdx.x; unit * each < g.units; unit += gridDim.x) multiply(g, unit, shared);
}
