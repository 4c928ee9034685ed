/* SPDX-License-Identifier: MIT
 *
 * Usage: bench_elementwise [small | halves].  GB/s of elementwise ops (bytes read and written, best of several runs) beside a copy of the same size with nontemporal stores
 * on as many threads, and the nanoseconds of `c = a + b; eval` on ten elements. */
#include <mica.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined __SSE2__
#include <immintrin.h>
#endif

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

typedef mx_array *(*function)(mx_array *x, mx_array *y);
static mx_array *add(mx_array *x, mx_array *y)
{
    return mx_add(x, y);
}
static mx_array *add_row(mx_array *x, mx_array *y)
{
    int64_t n = mx_size(x) / 1000;
    (void)y;
    mx_array *row = mx_reshape(mx_slice(x, (int64_t[]){0}, (int64_t[]){1000}, (int64_t[]){1}), SHAPE(1, 1000));
    return mx_add(mx_reshape(x, SHAPE(n, 1000)), row);
}
static mx_array *add_one(mx_array *x, mx_array *y)
{
    (void)y;
    return mx_add(x, mx_float(1));
}
static mx_array *exp_of(mx_array *x, mx_array *y)
{
    (void)y;
    return mx_exp(x);
}
static mx_array *tanh_of(mx_array *x, mx_array *y)
{
    (void)y;
    return mx_tanh(x);
}
static mx_array *erf_of(mx_array *x, mx_array *y)
{
    (void)y;
    return mx_erf(x);
}
static mx_array *sin_of(mx_array *x, mx_array *y)
{
    (void)y;
    return mx_sin(x);
}
static mx_array *to_bfloat16(mx_array *x, mx_array *y)
{
    (void)y;
    return mx_astype(x, MX_BFLOAT16);
}
static mx_array *to_float64(mx_array *x, mx_array *y)
{
    (void)y;
    return mx_astype(x, MX_FLOAT64);
}
static mx_array *less(mx_array *x, mx_array *y)
{
    return mx_less(x, y);
}

static double best_of(function f, mx_array *x, mx_array *y, int runs)
{
    double best = 1e9;
    for (int i = 0; i < runs; i++) {
        mx_scope s = mx_scope_open();
        double start = now();
        if (!mx_eval(f(x, y))) fprintf(stderr, "%s\n", mx_error().message);
        double seconds = now() - start;
        if (seconds < best) best = seconds;
        mx_scope_close(s, NULL);
    }
    return best;
}

/* ---- The copy to compare with: each of two threads streams a half */
typedef struct half {
    float *to;
    const float *from;
    size_t count;
} half;

static void *copy_half(void *ctx)
{
    half *h = ctx;
#if defined __SSE2__
    for (size_t i = 0; i + 4 <= h->count; i += 4) _mm_stream_ps(h->to + i, _mm_loadu_ps(h->from + i));
    _mm_sfence();
#else
    memcpy(h->to, h->from, h->count * sizeof(float));
#endif
    return NULL;
}

static void measure_copy(size_t count, int runs)
{
    float *from = aligned_alloc(64, count * sizeof *from), *to = aligned_alloc(64, count * sizeof *to);
    double best = 1e9;
    if (!from || !to) exit(1);
    memset(from, 1, count * sizeof *from);
    memset(to, 0, count * sizeof *to);
    for (int i = 0; i < runs; i++) {
        size_t middle = count / 2 & ~(size_t)15;
        half halves[2] = {{to, from, middle}, {to + middle, from + middle, count - middle}};
        pthread_t thread;
        double start = now();
        pthread_create(&thread, NULL, copy_half, halves);
        copy_half(halves + 1);
        pthread_join(thread, NULL);
        double seconds = now() - start;
        if (seconds < best) best = seconds;
    }
    printf("float32   %9zu  %-12s %8.3f ms %7.1f GB/s\n", count, "stream copy", best * 1e3,
           8.0 * (double)count / best * 1e-9);
    free(from);
    free(to);
}

static void measure(int64_t n, mx_dtype dtype)
{
    static const struct {
        const char *name;
        function f;
        double bytes; /* an element, in sizes of the input */
    } rows[] = {{"add", add, 3},
                {"add scalar", add_one, 2},
                {"add row", add_row, 2},
                {"exp", exp_of, 2},
                {"tanh", tanh_of, 2},
                {"erf", erf_of, 2},
                {"sin", sin_of, 2},
                {"less", less, 2.25},
                {"to bfloat16", to_bfloat16, 1.5},
                {"to float64", to_float64, 3}};
    int runs = n > 5000000 ? 25 : 200;
    measure_copy((size_t)n, runs);
    mx_scope s = mx_scope_open();
    mx_array *x = mx_astype(mx_mul(mx_arange(0, (double)n, 1, MX_FLOAT32), mx_float(1e-8)), dtype);
    mx_array *y = mx_add(x, mx_like(x, 0.5));
    mx_eval_n((mx_array *[]){x, y}, 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double seconds = best_of(rows[i].f, x, y, runs);
        double bytes = rows[i].bytes * (double)mx_nbytes(x);
        printf("%-9s %9lld  %-12s %8.3f ms %7.1f GB/s\n", mx_dtype_name(dtype), (long long)n, rows[i].name,
               seconds * 1e3, bytes / seconds * 1e-9);
    }
    mx_scope_close(s, NULL);
}

static void measure_small(void)
{
    enum { ROUNDS = 20000, BATCHES = 20 };
    static const float ten[10];
    mx_scope s = mx_scope_open();
    mx_array *a = mx_from_data(ten, SHAPE(10), MX_FLOAT32), *b = mx_from_data(ten, SHAPE(10), MX_FLOAT32);
    double best = 1e9;
    for (int k = 0; k < BATCHES; k++) {
        double start = now();
        for (int i = 0; i < ROUNDS; i++) {
            mx_scope inner = mx_scope_open();
            mx_eval(mx_add(a, b));
            mx_scope_close(inner, NULL);
        }
        double seconds = (now() - start) / ROUNDS;
        if (seconds < best) best = seconds;
    }
    printf("add and eval of 10 elements: %.0f ns\n", best * 1e9);
    mx_scope_close(s, NULL);
}

int main(int argc, char **argv)
{
    measure_small();
    if (argc > 1 && strcmp(argv[1], "small") == 0) return 0;
    measure(1000000, MX_FLOAT32);
    measure(30000000, MX_FLOAT32);
    if (argc > 1 && strcmp(argv[1], "halves") == 0) measure(30000000, MX_BFLOAT16);
    return 0;
}
