// SPDX-License-Identifier: MIT
//
// Tiles of attention: rows of WIDTH elements in shared memory, zeros where there are none, and the two products that take them.  Sums lie
// in registers as mma.sync lays them out: a warp has 16 M rows and 8 N columns, of which lane 4 g + t has rows g and g + 8 of each
// 16, columns 2 t and 2 t + 1 of each 8: sum[m][n] is (g, 2 t), (g, 2 t + 1), (g + 8, 2 t), (g + 8, 2 t + 1).  float32 is
// multiplied by plain instructions in the same places.  The 16 bytes of a row change places from row to row, so that what a warp
// reads or writes at once lies in different banks.  A program defines T, the stored type, and SIZE, the index of WIDTH.
#pragma once
#include "cuda/kernels/dev.cuh"
#include "cuda/kernels/attention_args.cuh"

const bool HALF = sizeof(T) == 2;
const int WIDTH = ATTENTION_SIZE(SIZE), CHUNK = 16 / (int)sizeof(T), CHUNKS = WIDTH / CHUNK;

// ---- Numbers: logarithms are to base 2 for the 16-bit floats, whose exponential is one instruction
constexpr float LOG_UNIT = HALF ? 0.69314718055994531f : 1.0f, UNITS = HALF ? 1.4426950408889634f : 1.0f;
DEVICE float exp_units(float x)
{
    return HALF ? exp2_approx(x) : expf(x);
}
DEVICE bool is_infinite(float x)
{
    return fabsf(x) == INF;
}
DEVICE float quad_max(float x)
{
    x = fmaxf(x, __shfl_xor_sync(WARP, x, 1));
    return fmaxf(x, __shfl_xor_sync(WARP, x, 2));
}
DEVICE float quad_sum(float x)
{
    x += __shfl_xor_sync(WARP, x, 1);
    return x + __shfl_xor_sync(WARP, x, 2);
}

// ---- Tiles
// The 16 bytes chunk + part of a row; the first is known when this is compiled and the second fills its low bits, so that a thread
// has no more than 8 offsets.
template <class S> DEVICE S *tile_at(S *tile, int row, int chunk, int part)
{
    int turn = CHUNKS % 8 ? row >> 1 & 3 : (row & 3) << 1 | (row >> 2 & 1);
    return tile + (row * CHUNKS + (chunk & ~7) + (((chunk & 7) | part) ^ turn)) * CHUNK;
}

// Starts copies of ROWS rows, of which `rows` are there, `width` elements each.  A thread goes down by rows, so that it keeps one address.
template <int ROWS, int THREADS> DEVICE void load_tile(T *tile, const T *from, i64 stride, int rows, int width)
{
    const int LANES = CHUNKS & -CHUNKS, STEP = THREADS / LANES;
    int chunk = threadIdx.x % LANES, row = threadIdx.x / LANES;
    const T *at = from + row * stride + chunk * CHUNK;
#pragma unroll
    for (int i = 0; i < ROWS; i += STEP, at += STEP * stride) {
#pragma unroll
        for (int j = 0; j < CHUNKS; j += LANES) {
            int bytes = (width - (chunk + j) * CHUNK) * (int)sizeof(T);
            bytes = row + i >= rows || bytes < 0 ? 0 : bytes > 16 ? 16 : bytes;
            if (ROWS % STEP == 0 || row + i < ROWS)
                cp_async16(tile_at(tile, row + i, j, chunk), bytes ? at + j * CHUNK : from, (u32)bytes);
        }
    }
}

// Writes 16 M rows of a warp as T by way of its part of a tile.
template <int M> DEVICE void store_rows(const attention_side &to, int batch, int head, int first, int rows, int width,
                                        float (*sum)[WIDTH / 8][4], float (*factor)[2], T *tile)
{
    int lane = threadIdx.x & 31, g = lane >> 2, t = lane & 3;
    __syncwarp();
#pragma unroll
    for (int i = 0; i < M * (WIDTH / 8) * 2; i++) {
        int m = i / 2 / (WIDTH / 8), n = i / 2 % (WIDTH / 8), h = i % 2, column = n * 8 + t * 2;
        vec<T, 2> pair;
        store(pair.v[0], sum[m][n][2 * h] * factor[m][h]);
        store(pair.v[1], sum[m][n][2 * h + 1] * factor[m][h]);
        st_vec<2>(tile_at(tile, m * 16 + h * 8 + g, n * 8 / CHUNK, t * 2 / CHUNK) + column % CHUNK, pair);
    }
    __syncwarp();
    T *out = (T *)to.at + (i64)batch * to.stride[0] + (i64)head * to.stride[1] + (i64)first * to.stride[2];
    bool whole = width % CHUNK == 0;
    for (int i = lane; i < M * 16 * CHUNKS; i += 32) {
        int row = i / CHUNKS, chunk = i % CHUNKS, left = width - chunk * CHUNK;
        if (row >= rows || left <= 0) continue;
        const T *from = tile_at(tile, row, 0, chunk);
        T *place = out + row * to.stride[2] + chunk * CHUNK;
        if (whole) {
            st_vec<CHUNK>(place, ld_vec<CHUNK>(from));
        } else {
            for (int k = 0; k < left && k < CHUNK; k++) place[k] = from[k];
        }
    }
}

// ---- Scores that need not count (core/params/attention.h says what they are then)
constexpr float EXCLUDED = -2e38f * UNITS;
constexpr float LOW = -1e38f * UNITS;
constexpr float LEAST = -3.4e38f; // of an added mask: in base 2 the least number would be infinite

DEVICE const char *mask_of(const attention_rules &r, int batch, int head)
{
    return (const char *)r.mask + (batch * r.stride[0] + head * r.stride[1]) * (r.boolean ? 1 : (int)sizeof(T));
}
// The score of a pair by the rules, from the scaled product x.
DEVICE float score_of(float x, const attention_rules &r, const char *mask, int query, int key)
{
    if (query >= r.queries || key >= r.keys) return -INF;
    i64 at = query * r.stride[2] + key * r.stride[3];
    if (r.mask && r.boolean && !mask[at]) return EXCLUDED;
    if (r.causal && key - query > r.keys - r.queries) return EXCLUDED;
    if (!r.mask || r.boolean) return x;
    float added = load(((const T *)mask)[at]), sum = fmaf(added, UNITS, x);
    return sum == -INF && added != -INF && x != -INF ? LEAST : sum;
}

// ---- Products of the 16-bit floats
DEVICE void multiply_add(float sum[4], const u32 x[4], const u32 y[2], bf16)
{
    mma_bf16_16816(sum, x, y, sum);
}
DEVICE void multiply_add(float sum[4], const u32 x[4], const u32 y[2], f16)
{
    mma_f16_16816(sum, x, y, sum);
}
DEVICE u32 pair_of(float x, float y, bf16)
{
    return f32x2_to_bf16x2_bits(x, y);
}
DEVICE u32 pair_of(float x, float y, f16)
{
    return f32x2_to_f16x2_bits(x, y);
}

template <class S> struct product {
    // sum (16 M, 8 N) += a b': rows of both tiles.
    template <int M, int N> DEVICE void of_rows(float (*sum)[N][4], S *a, S *b)
    {
        int lane = threadIdx.x & 31;
#pragma unroll 4 // what is loaded ahead takes registers
        for (int k = 0; k < WIDTH / 16; k++) {
            u32 x[M][4];
#pragma unroll
            for (int m = 0; m < M; m++) ldmatrix_x4(x[m], tile_at(a, m * 16 + (lane & 15), 2 * k, lane >> 4));
#pragma unroll
            for (int n = 0; n < N; n += 2) {
                u32 y[4];
                ldmatrix_x4(y, tile_at(b, n * 8 + (lane >> 4) * 8 + (lane & 7), 2 * k, lane >> 3 & 1));
#pragma unroll
                for (int m = 0; m < M; m++) {
                    multiply_add(sum[m][n], x[m], y, S());
                    multiply_add(sum[m][n + 1], x[m], y + 2, S());
                }
            }
        }
    }
    // sum (16 M, WIDTH) += p (16 M, 8 N) b: p in the places of sums.
    template <int M, int N> DEVICE void of_sums(float (*sum)[WIDTH / 8][4], float (*p)[N][4], S *b)
    {
        int lane = threadIdx.x & 31;
#pragma unroll
        for (int k = 0; k < N / 2; k++) {
            u32 x[M][4];
#pragma unroll
            for (int i = 0; i < M * 4; i++) {
                const float *from = p[i / 4][2 * k + i % 4 / 2] + i % 2 * 2;
                x[i / 4][i % 4] = pair_of(from[0], from[1], S());
            }
#pragma unroll
            for (int n = 0; n < WIDTH / 8; n += 2) {
                u32 y[4];
                ldmatrix_x4_trans(y, tile_at(b, k * 16 + (lane & 15), n, lane >> 4));
#pragma unroll
                for (int m = 0; m < M; m++) {
                    multiply_add(sum[m][n], x[m], y, S());
                    multiply_add(sum[m][n + 1], x[m], y + 2, S());
                }
            }
        }
    }
};

// ---- Products of float32
template <> struct product<float> {
    template <int M, int N> DEVICE void of_rows(float (*sum)[N][4], float *a, float *b)
    {
        int g = threadIdx.x >> 2 & 7, t = threadIdx.x & 3;
#pragma unroll 1
        for (int k = 0; k < CHUNKS; k++) {
            vec<float, 4> x[M][2];
#pragma unroll
            for (int i = 0; i < M * 2; i++) x[i / 2][i % 2] = ld_vec<4>(tile_at(a, i * 8 + g, k, 0));
#pragma unroll
            for (int n = 0; n < N * 2; n++) {
                vec<float, 4> y = ld_vec<4>(tile_at(b, n / 2 * 8 + t * 2 + n % 2, k, 0));
#pragma unroll
                for (int i = 0; i < M * 2; i++) {
                    float &s = sum[i / 2][n / 2][i % 2 * 2 + n % 2];
#pragma unroll
                    for (int j = 0; j < 4; j++) s = fmaf(x[i / 2][i % 2].v[j], y.v[j], s);
                }
            }
        }
    }
    template <int M, int N> DEVICE void of_sums(float (*sum)[WIDTH / 8][4], float (*p)[N][4], float *b)
    {
        int lane = threadIdx.x & 31, t = lane & 3;
#pragma unroll 1
        for (int of = 0; of < 4; of++) { // the lane of the four that has p
#pragma unroll
            for (int k = 0; k < N * 2; k++) {
                float x[M][2];
#pragma unroll
                for (int i = 0; i < M * 2; i++)
                    x[i / 2][i % 2] = __shfl_sync(WARP, p[i / 2][k / 2][i % 2 * 2 + k % 2], (lane & 28) | of);
                int row = k / 2 * 8 + of * 2 + k % 2;
#pragma unroll
                for (int n = 0; n < WIDTH / 8; n++) {
                    vec<float, 2> y = ld_vec<2>(tile_at(b, row, n * 2, t >> 1) + (t & 1) * 2);
#pragma unroll
                    for (int i = 0; i < M * 4; i++) {
                        float &s = sum[i / 4][n][i % 4];
                        s = fmaf(x[i / 4][i % 4 / 2], y.v[i % 2], s);
                    }
                }
            }
        }
    }
};
