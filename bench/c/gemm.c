/* SPDX-License-Identifier: MIT
 *
 * GFLOP/s of the matrix product at the best SIMD level, beside the peak of this CPU: a loop of fused multiply-adds
 * that touches no memory.  Usage: bench_gemm [threads] [level]; each line is the best of several runs. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cpu/gemm.h"
#if defined __x86_64__
#include <immintrin.h>
#endif

typedef bool (*gemm_fn)(const cpu_gemm *g, cpu_parallel_fn parallel);

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A pool of the simplest kind: workers spin for work, so that the product is measured and not the wake-up. */
enum { MAX_THREADS = 64 };
static struct {
    int threads;
    cpu_chunk_fn fn;
    void *ctx;
    int64_t chunks;
    _Atomic int64_t next;
    _Atomic int round, busy;
} pool = {.threads = 1};

static void drain(void)
{
    for (int64_t i; (i = atomic_fetch_add(&pool.next, 1)) < pool.chunks;) pool.fn(pool.ctx, i);
}

static void *worker(void *unused)
{
    for (int seen = 0;; seen++) {
        while (atomic_load(&pool.round) == seen) {
#if defined __x86_64__
            _mm_pause();
#endif
        }
        if (!pool.fn) return unused;
        drain();
        atomic_fetch_sub(&pool.busy, 1);
    }
}

static void parallel(int64_t chunks, cpu_chunk_fn fn, void *ctx)
{
    pool.fn = fn, pool.ctx = ctx, pool.chunks = chunks;
    atomic_store(&pool.next, 0);
    atomic_store(&pool.busy, pool.threads - 1);
    atomic_fetch_add(&pool.round, 1);
    drain();
    while (atomic_load(&pool.busy)) {}
}

#if defined __x86_64__
#define CHAINS 12
__attribute__((target("avx512f"))) static double peak_avx512(void)
{
    __m512 x[CHAINS], y = _mm512_set1_ps(0.5f);
    for (int i = 0; i < CHAINS; i++) x[i] = _mm512_set1_ps((float)i);
    double start = now();
    for (int k = 0; k < 20000000; k++)
        for (int i = 0; i < CHAINS; i++) x[i] = _mm512_fmadd_ps(x[i], y, y);
    double seconds = now() - start;
    for (int i = 1; i < CHAINS; i++) x[0] = _mm512_add_ps(x[0], x[i]);
    volatile float sink = _mm512_reduce_add_ps(x[0]);
    (void)sink;
    return 20e6 * CHAINS * 32 / seconds * 1e-9;
}

__attribute__((target("avx2,fma"))) static double peak_avx2(void)
{
    __m256 x[CHAINS], y = _mm256_set1_ps(0.5f);
    for (int i = 0; i < CHAINS; i++) x[i] = _mm256_set1_ps((float)i);
    double start = now();
    for (int k = 0; k < 20000000; k++)
        for (int i = 0; i < CHAINS; i++) x[i] = _mm256_fmadd_ps(x[i], y, y);
    double seconds = now() - start;
    for (int i = 1; i < CHAINS; i++) x[0] = _mm256_add_ps(x[0], x[i]);
    float lane[8];
    _mm256_storeu_ps(lane, x[0]);
    volatile float sink = lane[0];
    (void)sink;
    return 20e6 * CHAINS * 16 / seconds * 1e-9;
}
#endif

typedef struct {
    const char *name;
    int64_t batch, m, n, k;
    bool a_transposed, b_transposed;
} shape;

static double measure(gemm_fn gemm, const shape *s, int dtype, const void *a, const void *b, void *c)
{
    int64_t *ab = malloc((size_t)s->batch * 3 * sizeof *ab), *bb = ab + s->batch, *cb = bb + s->batch;
    for (int64_t i = 0; i < s->batch; i++) ab[i] = i * s->m * s->k, bb[i] = i * s->k * s->n, cb[i] = i * s->m * s->n;
    cpu_gemm g = {.m = s->m,
                  .n = s->n,
                  .k = s->k,
                  .batch = s->batch,
                  .a_batch = ab,
                  .b_batch = bb,
                  .c_batch = cb,
                  .a = a,
                  .a_row = s->k,
                  .a_col = 1,
                  .b = b,
                  .b_row = s->n,
                  .b_col = 1,
                  .c = c,
                  .c_row = s->n,
                  .alpha = 1,
                  .dtype = dtype};
    if (s->a_transposed) g.a_row = 1, g.a_col = s->m;
    if (s->b_transposed) g.b_row = 1, g.b_col = s->k;
    double flops = 2.0 * (double)s->batch * (double)s->m * (double)s->n * (double)s->k, best = 1e9;
    int repeats = flops > 1e6 ? 1 : (int)(1e6 / flops) + 1;
    double end = now() + 0.25;
    do {
        double start = now();
        for (int r = 0; r < repeats; r++) gemm(&g, parallel);
        double seconds = (now() - start) / repeats;
        if (seconds < best) best = seconds;
    } while (now() < end);
    free(ab);
    return best;
}

/* Ordinary numbers of each type: subnormals would measure something else. */
static void fill(float *x, size_t count, int dtype)
{
    uint16_t *h = (uint16_t *)x;
    for (size_t i = 0; i < count; i++) {
        if (dtype == GEMM_F32)
            x[i] = 0.001f * (float)(i % 1000);
        else
            h[i] = (uint16_t)(dtype == GEMM_F16 ? 0x2c00 + i % 2048 : 0x3d80 + i % 256);
    }
}

static const shape shapes[] = {
    {"square", 1, 512, 512, 512, 0, 0},
    {"square", 1, 1024, 1024, 1024, 0, 0},
    {"square", 1, 2048, 2048, 2048, 0, 0},
    {"A W", 1, 1024, 128, 128, 0, 0},
    {"A W'", 1, 1024, 128, 128, 0, 1},
    {"A W'", 1, 1024, 352, 128, 0, 1},
    {"A W'", 1, 1024, 128, 352, 0, 1},
    {"A W'", 1, 1024, 256, 128, 0, 1},
    {"gradient A' B", 1, 128, 352, 1024, 1, 0},
    {"gradient A' B", 1, 352, 128, 1024, 1, 0},
    {"scores Q K'", 32, 128, 128, 32, 0, 1},
    {"batch", 32, 128, 128, 32, 0, 0},
    {"batch", 32, 128, 32, 128, 0, 0},
    {"gradient P' D", 32, 128, 32, 128, 1, 0},
    {"row times W", 1, 1, 4096, 4096, 0, 0},
    {"row times W'", 1, 1, 4096, 4096, 0, 1},
    {"A times column", 1, 4096, 1, 4096, 0, 0},
    {"row, small", 1, 1, 128, 128, 0, 1},
    {"eight rows", 1, 8, 4096, 4096, 0, 1},
    {"sixteen rows", 1, 16, 4096, 4096, 0, 0},
    {"outer", 1, 1024, 1024, 1, 0, 0},
    {"cube 64", 1, 64, 64, 64, 0, 0},
    {"cube 128", 1, 128, 128, 128, 0, 0},
    {"cube 8", 1, 8, 8, 8, 0, 0},
    {"tiny", 1, 2, 2, 2, 0, 0},
};

int main(int argc, char **argv)
{
    pool.threads = argc > 1 ? atoi(argv[1]) : 1;
    if (pool.threads < 1 || pool.threads > MAX_THREADS) return 1;
    const char *level = argc > 2 ? argv[2] : "best";
    gemm_fn gemm = cpu_gemm_base;
    double peak = 0;
#if defined __x86_64__
    bool best = !strcmp(level, "best");
    if ((best || !strcmp(level, "avx512")) && __builtin_cpu_supports("avx512vl"))
        gemm = cpu_gemm_avx512, peak = peak_avx512();
    else if ((best || !strcmp(level, "avx2")) && __builtin_cpu_supports("fma"))
        gemm = cpu_gemm_avx2, peak = peak_avx2();
#endif
    pthread_t threads[MAX_THREADS];
    for (int i = 1; i < pool.threads; i++) pthread_create(&threads[i], NULL, worker, NULL);
    size_t count = 4096 * 4096 + 4096;
    float *a = calloc(count, sizeof *a), *b = calloc(count, sizeof *b), *c = calloc(count, sizeof *c);
    for (size_t i = 0; i < count; i++) c[i] = 1;
    printf("%d threads, level %s, multiply-add peak %.0f GFLOP/s a thread\n", pool.threads, level, peak);
    printf("%-15s %6s %5s %5s %5s %12s %9s %9s %9s\n", "GFLOP/s", "batch", "m", "n", "k", "microsec.", "float32",
           "float16", "bfloat16");
    const char *only = argc > 3 ? argv[3] : "";
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const shape *s = &shapes[i];
        if (!strstr(s->name, only)) continue;
        double flops = 2e-9 * (double)s->batch * (double)s->m * (double)s->n * (double)s->k;
        printf("%-15s %6d %5d %5d %5d", s->name, (int)s->batch, (int)s->m, (int)s->n, (int)s->k);
        for (int dtype = 0; dtype < 3; dtype++) {
            fill(a, (size_t)(s->batch * s->m * s->k), dtype);
            fill(b, (size_t)(s->batch * s->k * s->n), dtype);
            double seconds = measure(gemm, s, dtype, a, b, c);
            if (dtype == 0) printf(" %12.2f", seconds * 1e6);
            printf(" %9.1f", flops / seconds);
        }
        printf("\n");
    }
    pool.fn = NULL;
    atomic_fetch_add(&pool.round, 1);
    for (int i = 1; i < pool.threads; i++) pthread_join(threads[i], NULL);
    free(a), free(b), free(c);
    return 0;
}
