/* SPDX-License-Identifier: MIT
 *
 * The matrix product of every SIMD level that this CPU has, against a naive loop in double over random sizes, strides,
 * types, factors and batches; that threads do not change a bit; that no NaN leaks and none is lost. */
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "cpu/gemm.h"

typedef bool (*gemm_fn)(const cpu_gemm *g, cpu_parallel_fn parallel);
typedef struct {
    const char *name;
    gemm_fn gemm;
} level;

static int failures;

static void fail(const char *what, const char *level_name, const cpu_gemm *g)
{
    if (++failures <= 20)
        printf("FAILED %s %s: type %d batch %d m %d n %d k %d a (%d %d) b (%d %d) c %d d %s alpha %g beta %g\n", what,
               level_name, g->dtype, (int)g->batch, (int)g->m, (int)g->n, (int)g->k, (int)g->a_row, (int)g->a_col,
               (int)g->b_row, (int)g->b_col, (int)g->c_row, g->d ? "yes" : "no", g->alpha, g->beta);
}

static uint64_t state = 88172645463325252ull;

static int64_t draw(int64_t end)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (int64_t)((state * 0x2545f4914f6cdd1dull >> 33) % (uint64_t)end);
}

/* Element access of its own, in the plainest way, so that it shares no mistake with the kernels. */
static double half_value(unsigned h)
{
    int exponent = (int)(h >> 10 & 31), fraction = (int)(h & 1023);
    double x = exponent == 31 ? (fraction ? (double)NAN : INFINITY)
               : exponent     ? ldexp(1024 + fraction, exponent - 25)
                              : ldexp(fraction, -24);
    return h & 0x8000 ? -x : x;
}

static double value(const void *p, int64_t i, int dtype)
{
    if (dtype == GEMM_F32) return ((const float *)p)[i];
    unsigned h = ((const uint16_t *)p)[i];
    if (dtype == GEMM_F16) return half_value(h);
    uint32_t bits = h << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Bits of a random number in [-1, 1] whose product sums are not all exact. */
static void put_random(void *p, int64_t i, int dtype)
{
    float x = (float)(draw(2000001) - 1000000) * 1e-6f;
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (dtype == GEMM_F32)
        ((float *)p)[i] = x;
    else if (dtype == GEMM_BF16)
        ((uint16_t *)p)[i] = (uint16_t)(bits >> 16);
    else
        ((uint16_t *)p)[i] = (uint16_t)((draw(2) << 15) | (draw(15) << 10) | draw(1024)); /* below 1, subnormals too */
}

static size_t size_of(int dtype)
{
    return dtype == GEMM_F32 ? sizeof(float) : sizeof(uint16_t);
}

static void serial(int64_t chunks, cpu_chunk_fn fn, void *ctx)
{
    for (int64_t i = 0; i < chunks; i++) fn(ctx, i);
}

typedef struct {
    int64_t begin, end, step;
    cpu_chunk_fn fn;
    void *ctx;
} share;

static void *run_share(void *p)
{
    const share *s = p;
    for (int64_t i = s->begin; i != s->end; i += s->step) s->fn(s->ctx, i);
    return NULL;
}

/* Every second chunk on another thread, and backwards: another order and other neighbours than `serial`. */
static void two_threads(int64_t chunks, cpu_chunk_fn fn, void *ctx)
{
    int64_t odd = chunks / 2;
    share mine = {0, (chunks + 1) / 2 * 2, 2, fn, ctx}, other = {2 * odd - 1, -1, -2, fn, ctx};
    pthread_t thread;
    if (odd && pthread_create(&thread, NULL, run_share, &other)) abort();
    run_share(&mine);
    if (odd) pthread_join(thread, NULL);
}

/* Memory that ends where a page that nobody may touch begins. */
typedef struct {
    void *map;
    size_t map_bytes;
} guarded;

static void *make_guarded(guarded *x, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
    x->map_bytes = whole + page;
    x->map = mmap(NULL, x->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (x->map == MAP_FAILED || mprotect((char *)x->map + whole, page, PROT_NONE)) abort();
    return (char *)x->map + whole - bytes;
}

/* A matrix of a batch at the end of its memory, at strides of one of several kinds. */
typedef struct {
    guarded memory;
    void *block;
    void *data;
    size_t bytes;
    int64_t row, col;
    int64_t *offsets;
} operand;

enum { ROWS, COLUMNS, SPACED, BACKWARDS, BROADCAST, KINDS };

static operand make(int64_t rows, int64_t cols, int64_t batch, int dtype, int kind, bool batched)
{
    int64_t pad = draw(3) ? 0 : draw(5);
    operand x = {.row = cols + pad, .col = 1};
    int64_t extent = rows * (cols + pad), start = 0;
    if (kind == COLUMNS) x.row = 1, x.col = rows + pad, extent = cols * (rows + pad);
    if (kind == SPACED) x.row = 3 * (cols + pad), x.col = 2, extent *= 3;
    if (kind == BACKWARDS) x.row = -x.row, start = extent ? (rows - 1) * (cols + pad) : 0;
    if (kind == BROADCAST) x.row = 0;
    int64_t last = rows && cols ? (rows - 1) * (x.row > 0 ? x.row : 0) + (cols - 1) * x.col + start + 1 : 0;
    int64_t count = (batched && batch ? batch - 1 : 0) * extent + last;
    x.bytes = (size_t)count * size_of(dtype);
    x.block = make_guarded(&x.memory, x.bytes);
    for (int64_t i = 0; i < count; i++) put_random(x.block, i, dtype);
    x.data = (char *)x.block + (size_t)start * size_of(dtype);
    if (batched) x.offsets = malloc((size_t)(batch + 1) * sizeof *x.offsets);
    for (int64_t i = 0; batched && i < batch; i++) x.offsets[i] = (batch - 1 - i) * extent;
    return x;
}

static void discard(operand *x)
{
    munmap(x->memory.map, x->memory.map_bytes);
    free(x->offsets);
}

static int64_t offset(const int64_t *offsets, int64_t i)
{
    return offsets ? offsets[i] : 0;
}

/* What C should hold, and how far from it a float32 sum of k products with one rounding to the dtype may be. */
typedef struct {
    double want, slack;
} bound;

static bound reference(const cpu_gemm *g, int64_t p, int64_t i, int64_t j)
{
    double unit = g->dtype == GEMM_F32 ? 0x1p-24 : g->dtype == GEMM_F16 ? 0x1p-11 : 0x1p-8, sum = 0, size = 0;
    int64_t a = offset(g->a_batch, p) + i * g->a_row, b = offset(g->b_batch, p) + j * g->b_col;
    int64_t d = offset(g->d_batch, p) + i * g->d_row + j * g->d_col;
    for (int64_t k = 0; k < g->k; k++) {
        double x = value(g->a, a + k * g->a_col, g->dtype) * value(g->b, b + k * g->b_row, g->dtype);
        sum += x, size += fabs(x);
    }
    double addend = g->d && g->beta != 0 ? (double)g->beta * value(g->d, d, g->dtype) : 0;
    bound x = {.want = g->alpha * sum + addend};
    x.slack = ((double)g->k + 3) * 0x1p-24 * (fabs(g->alpha) * size + fabs(addend)) + 0x1p-149;
    x.slack += 1.01 * unit * fabs(x.want) + (g->dtype == GEMM_F16 ? 0x1p-25 : 0);
    return x;
}

/* The reference of every element, or of a random tenth of a large product (slack below 0: not computed). */
static bound *make_references(const cpu_gemm *g)
{
    bound *all = malloc((size_t)(g->batch * g->m * g->n + 1) * sizeof *all), *at = all;
    bool large = g->m * g->n * g->k > 1000000;
    for (int64_t p = 0; p < g->batch; p++)
        for (int64_t i = 0; i < g->m; i++)
            for (int64_t j = 0; j < g->n; j++) *at++ = large && draw(10) ? (bound){0, -1} : reference(g, p, i, j);
    return all;
}

static void check_values(const cpu_gemm *g, const char *level_name, const bound *at)
{
    for (int64_t p = 0; p < g->batch; p++) {
        for (int64_t i = 0; i < g->m; i++) {
            for (int64_t j = 0; j < g->n; j++, at++) {
                double got = value(g->c, offset(g->c_batch, p) + i * g->c_row + j, g->dtype);
                if (at->slack >= 0 && !(fabs(got - at->want) <= at->slack)) {
                    fail("value", level_name, g);
                    return;
                }
            }
        }
    }
}

/* All that lies between C's rows and around C must stay as it was. */
static void check_margins(const cpu_gemm *g, const char *level_name, const operand *c, const char *before)
{
    size_t size = size_of(g->dtype);
    char *inside = calloc(c->bytes, 1);
    for (int64_t p = 0; p < g->batch; p++)
        for (int64_t i = 0; i < g->m; i++)
            if (g->n) memset(inside + (size_t)(offset(g->c_batch, p) + i * g->c_row) * size, 1, (size_t)g->n * size);
    for (size_t i = 0; i < c->bytes; i++) {
        if (!inside[i] && ((char *)c->block)[i] != before[i]) {
            fail("margin", level_name, g);
            break;
        }
    }
    free(inside);
}

/* Complements what is final, and counts how often it was told so. */
typedef struct {
    const cpu_gemm *g;
    uint8_t *told;
} complement;

static void complement_area(void *ctx, const cpu_area *area)
{
    const complement *x = ctx;
    const cpu_gemm *g = x->g;
    for (int64_t i = area->row; i < area->row + area->rows; i++) {
        for (int64_t j = area->col; j < area->col + area->cols; j++) {
            int64_t at = offset(g->c_batch, area->product) + i * g->c_row + j;
            if (g->dtype == GEMM_F32)
                ((uint32_t *)g->c)[at] = ~((uint32_t *)g->c)[at];
            else
                ((uint16_t *)g->c)[at] = (uint16_t) ~((uint16_t *)g->c)[at];
            x->told[(area->product * g->m + i) * g->n + j]++;
        }
    }
}

/* Every element is handed to the epilogue once, when it is final. */
static void check_epilogue(const cpu_gemm *plain, const level *l, const char *want)
{
    size_t size = size_of(plain->dtype), elements = (size_t)(plain->batch * plain->m * plain->n);
    complement x = {plain, calloc(elements + 1, 1)};
    cpu_gemm g = *plain;
    g.epilogue = complement_area, g.epilogue_ctx = &x;
    l->gemm(&g, two_threads);
    bool good = true;
    for (size_t e = 0; e < elements && good; e++) {
        size_t p = e / (size_t)(g.m * g.n), i = e / (size_t)g.n % (size_t)g.m, j = e % (size_t)g.n;
        size_t at = ((size_t)(offset(g.c_batch, (int64_t)p) + (int64_t)i * g.c_row) + j) * size;
        uint32_t was = 0, is = 0;
        memcpy(&was, (const char *)g.c + at, size);
        memcpy(&is, want + at, size);
        good = x.told[e] == 1 && (was ^ is) == (size == 4 ? 0xffffffffu : 0xffffu);
    }
    if (!good) fail("epilogue", l->name, &g);
    free(x.told);
}

static void compare(cpu_gemm *g, const operand *c, const level *levels, int count)
{
    char *before = malloc(c->bytes), *first = malloc(c->bytes);
    bound *references = make_references(g);
    memcpy(before, c->block, c->bytes);
    for (int i = 0; i < count; i++) {
        memcpy(c->block, before, c->bytes);
        if (!levels[i].gemm(g, serial)) fail("memory", levels[i].name, g);
        check_values(g, levels[i].name, references);
        check_margins(g, levels[i].name, c, before);
        memcpy(first, c->block, c->bytes);
        memcpy(c->block, before, c->bytes);
        if (!levels[i].gemm(g, two_threads)) fail("memory", levels[i].name, g);
        if (memcmp(first, c->block, c->bytes)) fail("threads", levels[i].name, g);
        memcpy(c->block, before, c->bytes);
        check_epilogue(g, &levels[i], first);
    }
    free(before);
    free(first);
    free(references);
}

static void check_case(int64_t batch, int64_t m, int64_t n, int64_t k, int dtype, int a_kind, int b_kind, int d_kind,
                       const level *levels, int count)
{
    static const float factors[] = {1, 0, -0.5f, 1, 1, 2.25f, 1};
    bool batched = batch != 1;
    operand a = make(m, k, batch, dtype, a_kind, batched);
    operand b = make(k, n, batch, dtype, b_kind, batched && draw(3));
    operand c = make(m, n, batch, dtype, ROWS, batched);
    operand d = make(m, n, batch, dtype, d_kind < 0 ? ROWS : d_kind, batched && draw(2));
    cpu_gemm g = {m,
                  n,
                  k,
                  batch,
                  a.offsets,
                  b.offsets,
                  c.offsets,
                  d.offsets,
                  a.data,
                  a.row,
                  a.col,
                  b.data,
                  b.row,
                  b.col,
                  c.data,
                  c.row,
                  d_kind < 0 ? NULL : d.data,
                  d.row,
                  d.col,
                  factors[draw(7)],
                  factors[draw(7)],
                  dtype,
                  NULL,
                  NULL};
    compare(&g, &c, levels, count);
    discard(&a), discard(&b), discard(&c), discard(&d);
}

static void check_random(int cases, const level *levels, int count)
{
    for (int i = 0; i < cases; i++) {
        static const int64_t ends[] = {3, 20, 70, 200};
        int64_t m = draw(ends[draw(4)]), n = draw(ends[draw(4)]), k = draw(ends[draw(4)]);
        if (draw(8) == 0) k = draw(1200);
        if (draw(8) == 0) m = 1;
        if (draw(8) == 0) n = 1;
        int64_t batch = draw(3) ? 1 : draw(5);
        check_case(batch, m, n, k, (int)draw(3), (int)draw(KINDS), (int)draw(KINDS), (int)draw(KINDS + 2) - 2, levels,
                   count);
    }
}

/* Sizes at the borders of panels, blocks and plans. */
static void check_fixed(const level *levels, int count)
{
    static const int64_t sizes[][4] = {
        {1, 128, 128, 1024}, {1, 300, 352, 128},  {32, 128, 128, 32}, {4, 128, 32, 128}, {1, 1, 700, 300},
        {1, 300, 1, 900},    {1, 29, 1100, 800},  {1, 60, 600, 1000}, {1, 57, 33, 2049}, {1, 15, 16, 5000},
        {1, 1, 1, 100000},   {1, 1, 3, 70000},    {300, 2, 2, 2},     {3, 70, 520, 400}, {1, 70, 1040, 10},
        {2, 40, 4200, 1},    {1, 84, 1025, 1500}, {2, 1, 64, 64},     {2, 64, 1, 64},    {1, 100, 100, 1},
        {1, 7, 700, 300},    {1, 8, 300, 5000},   {2, 3, 9000, 40},   {1, 14, 32, 385},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int dtype = 0; dtype < 3; dtype++)
            check_case(sizes[i][0], sizes[i][1], sizes[i][2], sizes[i][3], dtype, (int)draw(2), (int)draw(2),
                       (int)draw(4) - 2, levels, count);
}

static void put_special(void *p, int64_t i, float x, int dtype)
{
    uint16_t f16 = x == 0 ? 0 : x == 1 ? 0x3c00 : isinf(x) ? 0x7c00 : 0x7e00;
    uint16_t bf16 = x == 0 ? 0 : x == 1 ? 0x3f80 : isinf(x) ? 0x7f80 : 0x7fc0;
    if (dtype == GEMM_F32)
        ((float *)p)[i] = x;
    else
        ((uint16_t *)p)[i] = dtype == GEMM_F16 ? f16 : bf16;
}

/* A NaN reaches its row alone, also by a product with zero; an infinity stays one. */
static void check_special(const level *levels, int count)
{
    enum { M = 31, N = 35, K = 41 };
    static float a[M * K], b[K * N], c[M * N];
    for (int dtype = 0; dtype < 3; dtype++) {
        for (int i = 0; i < M * K; i++) put_special(a, i, 1, dtype);
        put_special(a, 7 * K + 5, NAN, dtype), put_special(a, 11 * K + 39, INFINITY, dtype);
        for (int i = 0; i < K * N; i++) put_special(b, i, i % N == 3 ? 0 : 1, dtype);
        for (int i = 0; i < count; i++) {
            cpu_gemm g = {M, N, K, 1, 0, 0, 0, 0, a, K, 1, b, N, 1, c, N, 0, 0, 0, 1, 0, dtype, 0, 0};
            levels[i].gemm(&g, serial);
            for (int e = 0; e < M * N; e++) {
                int row = e / N, col = e % N;
                double x = value(c, e, dtype);
                bool nan = row == 7 || (row == 11 && col == 3);
                bool good = nan ? isnan(x) != 0 : row == 11 ? isinf(x) != 0 : x == (col == 3 ? 0 : K);
                if (!good) fail("special value", levels[i].name, &g);
            }
        }
    }
}

/* The value of the half `steps` ulps further from zero. */
static double neighbour(uint16_t h, int steps, int dtype)
{
    uint16_t next = (uint16_t)(h + steps);
    return value(&next, 0, dtype);
}

/* Products of two halves are exact in float32, so C must be the nearest half, and the even one of two. */
static void check_rounding(const level *levels, int count)
{
    enum { M = 61, N = 75 };
    static uint16_t a[M], b[N], c[M * N];
    for (int dtype = GEMM_F16; dtype <= GEMM_BF16; dtype++) {
        int low = dtype == GEMM_F16 ? 1 << 10 : 64 << 7, high = dtype == GEMM_F16 ? 23 << 10 : 190 << 7;
        for (int i = 0; i < M; i++) a[i] = (uint16_t)(draw(2) << 15 | (low + draw(high - low)));
        int three_halves = dtype == GEMM_F16 ? (15 << 10) + 512 : (127 << 7) + 64; /* makes ties */
        for (int j = 0; j < N; j++) b[j] = (uint16_t)(j < 20 ? three_halves + draw(9) : low + draw(high - low));
        for (int i = 0; i < count; i++) {
            cpu_gemm g = {M, N, 1, 1, 0, 0, 0, 0, a, 1, 1, b, N, 1, c, N, 0, 0, 0, 1, 0, dtype, 0, 0};
            levels[i].gemm(&g, serial);
            for (int e = 0; e < M * N; e++) {
                double want = value(&a[e / N], 0, dtype) * value(&b[e % N], 0, dtype), got = value(c, e, dtype);
                if (isinf(got) && fabs(want) >= 65520) continue;
                double error = fabs(got - want), up = fabs(neighbour(c[e], 1, dtype) - want);
                double down = c[e] & 0x7fff ? fabs(neighbour(c[e], -1, dtype) - want) : INFINITY;
                bool even = !(c[e] & 1);
                if (!(error < up || (error == up && even)) || !(error < down || (error == down && even))) {
                    fail("rounding", levels[i].name, &g);
                    break;
                }
            }
        }
    }
}

int main(void)
{
    level levels[3] = {{"base", cpu_gemm_base}};
    int count = 1;
#if defined __x86_64__
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        levels[count++] = (level){"avx2", cpu_gemm_avx2};
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
        levels[count++] = (level){"avx512", cpu_gemm_avx512};
#endif
    check_special(levels, count);
    check_rounding(levels, count);
    check_fixed(levels, count);
    check_random(400, levels, count);
    printf("%d levels, %d failures\n", count, failures);
    return failures != 0;
}
