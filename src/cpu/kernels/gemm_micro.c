/* SPDX-License-Identifier: MIT
 *
 * The micro-kernel: a tile of C lives in registers while k runs; each step loads one row of a panel of B and multiplies
 * it by each float of a panel of A.  One body, instantiated for every height up to TILE_ROWS and for one and two
 * vectors, because a constant height is what lets the tile stay in registers. */
#include "cpu/kernels/gemm_parts.h"

typedef void (*micro_fn)(int64_t steps, const float *a, const float *b, int64_t b_row, float *c, int64_t c_row,
                         bool add);

ALWAYS_INLINE void store_row(const vec *sum, float *c, const int vecs, bool add)
{
    vec_store(c, add ? vec_add(vec_load(c), sum[0]) : sum[0]);
    if (vecs > 1) vec_store(c + VEC, add ? vec_add(vec_load(c + VEC), sum[1]) : sum[1]);
}

/* The tile of C is fetched while its sum is formed: each of its rows is a page of its own in a large matrix. */
ALWAYS_INLINE void fetch_tile(const int rows, const float *c, int64_t c_row)
{
    UNROLL
    for (int i = 0; i < rows; i++) {
        PREFETCH_TO_WRITE(c + i * c_row);
        PREFETCH_TO_WRITE(c + i * c_row + TILE_COLS - 1);
    }
}

ALWAYS_INLINE void micro(const int rows, const int vecs, int64_t steps, const float *a, const float *b, int64_t b_row,
                         float *c, int64_t c_row, bool add)
{
    vec sum[TILE_ROWS][2];
    UNROLL
    for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = vec_set(0);
    fetch_tile(rows, c, c_row);
    for (; steps > 0; steps--, a += rows, b += b_row) {
        vec b0 = vec_load(b), b1 = vecs > 1 ? vec_load(b + VEC) : b0;
        UNROLL
        for (int i = 0; i < rows; i++) {
            vec x = vec_set(a[i]);
            sum[i][0] = vec_fma(x, b0, sum[i][0]);
            if (vecs > 1) sum[i][1] = vec_fma(x, b1, sum[i][1]);
        }
    }
    UNROLL
    for (int i = 0; i < rows; i++, c += c_row) store_row(sum[i], c, vecs, add);
}

#define MICRO_OF(rows, vecs)                                                                                           \
    static void micro_##rows##x##vecs(int64_t steps, const float *a, const float *b, int64_t b_row, float *c,          \
                                      int64_t c_row, bool add)                                                         \
    {                                                                                                                  \
        micro(rows, vecs, steps, a, b, b_row, c, c_row, add);                                                          \
    }
#define MICRO(rows) MICRO_OF(rows, 1) MICRO_OF(rows, 2)
#define ENTRY(rows) {micro_##rows##x1, micro_##rows##x2},

#if defined LEVEL_AVX512
#define EACH_HEIGHT(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14)
#elif defined LEVEL_AVX2
#define EACH_HEIGHT(X) X(1) X(2) X(3) X(4) X(5) X(6)
#else
#define EACH_HEIGHT(X) X(1) X(2) X(3) X(4)
#endif

EACH_HEIGHT(MICRO)

static void micro_f32(int rows, int vecs, int64_t steps, const float *a, const float *b, int64_t b_row, float *c,
                      int64_t c_row, bool add)
{
    static const micro_fn table[TILE_ROWS][2] = {EACH_HEIGHT(ENTRY)};
    table[rows - 1][vecs - 1](steps, a, b, b_row, c, c_row, add);
}

#if defined LEVEL_AVX512

/* The same tile with a pair of bfloat16 in each float of the panels. */
TARGET("avx512bf16")
ALWAYS_INLINE void micro_pairs(const int rows, const int vecs, int64_t steps, const float *a, const float *b,
                               int64_t b_row, float *c, int64_t c_row, bool add)
{
    vec sum[TILE_ROWS][2];
    UNROLL
    for (int i = 0; i < rows; i++) sum[i][0] = sum[i][1] = vec_set(0);
    fetch_tile(rows, c, c_row);
    for (; steps > 0; steps--, a += rows, b += b_row) {
        __m512bh b0 = (__m512bh)vec_load(b), b1 = vecs > 1 ? (__m512bh)vec_load(b + VEC) : b0;
        UNROLL
        for (int i = 0; i < rows; i++) {
            __m512bh x = (__m512bh)vec_set(a[i]);
            sum[i][0] = _mm512_dpbf16_ps(sum[i][0], x, b0);
            if (vecs > 1) sum[i][1] = _mm512_dpbf16_ps(sum[i][1], x, b1);
        }
    }
    UNROLL
    for (int i = 0; i < rows; i++, c += c_row) store_row(sum[i], c, vecs, add);
}

#define PAIRS_OF(rows, vecs)                                                                                           \
    TARGET("avx512bf16")                                                                                               \
    static void pairs_##rows##x##vecs(int64_t steps, const float *a, const float *b, int64_t b_row, float *c,          \
                                      int64_t c_row, bool add)                                                         \
    {                                                                                                                  \
        micro_pairs(rows, vecs, steps, a, b, b_row, c, c_row, add);                                                    \
    }
#define PAIRS(rows) PAIRS_OF(rows, 1) PAIRS_OF(rows, 2)
#define PAIRS_ENTRY(rows) {pairs_##rows##x1, pairs_##rows##x2},

EACH_HEIGHT(PAIRS)

static void micro_bf16(int rows, int vecs, int64_t steps, const float *a, const float *b, int64_t b_row, float *c,
                       int64_t c_row, bool add)
{
    static const micro_fn table[TILE_ROWS][2] = {EACH_HEIGHT(PAIRS_ENTRY)};
    table[rows - 1][vecs - 1](steps, a, b, b_row, c, c_row, add);
}

gemm_method KERNEL(gemm_choose_method)(int type)
{
    if (type == GEMM_BF16 && CPU_HAS("avx512bf16")) return (gemm_method){2, KERNEL(gemm_pack_pairs), micro_bf16};
    return (gemm_method){1, KERNEL(gemm_pack), micro_f32};
}

#else

gemm_method KERNEL(gemm_choose_method)(int type)
{
    (void)type;
    return (gemm_method){1, KERNEL(gemm_pack), micro_f32};
}

#endif

ALWAYS_INLINE vec load_addend(const cpu_gemm *g, int64_t at, int n, const int type)
{
    if (g->d_col == 1) return load_some(g->d, at, n, type);
    if (g->d_col == 0) return vec_set(load_one(g->d, at, type));
    float x[VEC] = {0};
    for (int i = 0; i < n; i++) x[i] = load_one(g->d, at + i * g->d_col, type);
    return vec_load(x);
}

/* One vector of C: lanes <= VEC of them. */
ALWAYS_INLINE void finish_vec(const cpu_gemm *g, const float *sum, int64_t c, int64_t d, int lanes, const bool with_d,
                              const int type)
{
    vec x = vec_mul(vec_set(g->alpha), load_some(sum, 0, lanes, GEMM_F32));
    if (with_d) x = vec_add(x, vec_mul(vec_set(g->beta), load_addend(g, d, lanes, type)));
    store_some(g->c, c, x, lanes, type);
}

ALWAYS_INLINE void finish(const cpu_gemm *g, const gemm_area *t, const float *sum, int64_t sum_row, const bool with_d,
                          const int type)
{
    for (int64_t i = 0; i < t->rows; i++, sum += sum_row) {
        int64_t c = t->c_offset + (t->row + i) * g->c_row + t->col, j = 0;
        int64_t d = t->d_offset + (t->row + i) * g->d_row + t->col * g->d_col;
        for (; j + VEC <= t->cols; j += VEC) finish_vec(g, sum + j, c + j, d + j * g->d_col, VEC, with_d, type);
        if (j < t->cols) finish_vec(g, sum + j, c + j, d + j * g->d_col, (int)(t->cols - j), with_d, type);
    }
}

/* A whole tile of plain sums, the common case: two constant vectors a row, and the factor 1 need not be applied. */
ALWAYS_INLINE void round_tile(const cpu_gemm *g, const gemm_area *t, const float *sum, const int type)
{
    int64_t c = t->c_offset + t->row * g->c_row + t->col;
    for (int64_t i = 0; i < t->rows; i++, sum += TILE_COLS, c += g->c_row) {
        store_some(g->c, c, vec_load(sum), VEC, type);
        store_some(g->c, c + VEC, vec_load(sum + VEC), VEC, type);
    }
}

ALWAYS_INLINE void finish_type(const cpu_gemm *g, const gemm_area *t, const float *sum, int64_t sum_row, const int type)
{
    bool with_d = g->d && g->beta != 0;
    if (with_d)
        finish(g, t, sum, sum_row, true, type);
    else if (g->alpha == 1 && t->cols == TILE_COLS && sum_row == TILE_COLS)
        round_tile(g, t, sum, type);
    else
        finish(g, t, sum, sum_row, false, type);
}

void KERNEL(gemm_finish)(const cpu_gemm *g, const gemm_area *area, const float *sum, int64_t sum_row)
{
    if (g->dtype == GEMM_F32)
        finish_type(g, area, sum, sum_row, GEMM_F32);
    else if (g->dtype == GEMM_F16)
        finish_type(g, area, sum, sum_row, GEMM_F16);
    else
        finish_type(g, area, sum, sum_row, GEMM_BF16);
}
