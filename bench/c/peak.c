/* SPDX-License-Identifier: MIT
 *
 * What the machine can do, measured beside the libraries: reads a request a line, answers a number a line.
 *
 *     copy BYTES   seconds that a streaming copy takes to move that many bytes, read and written together
 *     pass READ WRITTEN   seconds that a pass takes which reads so many bytes and writes that many (none, or a whole part)
 *     fma FLOPS    seconds that many float32 operations take in fused multiply-adds that never leave registers
 *
 * Each is cut into equal parts for argv[1] threads, which wait in place between requests, and is repeated until 20 ms
 * have passed; the answer is the mean.  A copy is done with plain and with streaming stores, and the faster one counts:
 * below the size of the caches plain stores win, above it the others do. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { MAX_THREADS = 256, HUGE = 2 << 20 };

#if defined(__AVX512F__)
enum { LANES = 16, CHAINS = 24 };
#elif defined(__AVX2__)
enum { LANES = 8, CHAINS = 12 };
#else
enum { LANES = 4, CHAINS = 12 };
#endif
typedef float lanes __attribute__((vector_size(LANES * sizeof(float))));

enum job { JOB_COPY, JOB_STREAM, JOB_PASS, JOB_STREAMED_PASS, JOB_READ, JOB_FMA, JOB_QUIT };

struct work {
    enum job job;
    int threads;
    size_t bytes; /* of one side of the copy, of what a pass writes (reads, if it writes nothing) */
    size_t ratio; /* vectors that a pass reads for one that it writes */
    double flops;
    char *from, *to;
    pthread_barrier_t start, finish;
};

struct thread {
    struct work *work;
    int index;
    float sink;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void store_streaming(lanes *out, lanes x)
{
#if defined(__clang__)
    __builtin_nontemporal_store(x, out);
#elif defined(__AVX512F__)
    __builtin_ia32_movntps512((float *)out, x);
#elif defined(__AVX2__)
    __builtin_ia32_movntps256((float *)out, x);
#else
    *out = x;
#endif
}

static void stream(char *to, const char *from, size_t bytes)
{
    lanes *out = (lanes *)to;
    const lanes *in = (const lanes *)from;
    for (size_t i = 0; i < bytes / sizeof(lanes); i++) store_streaming(&out[i], in[i]);
}

/* Each vector written is the sum of `ratio` vectors read from as many places. */
static void pass(char *to, const char *from, size_t bytes, size_t ratio, int streaming)
{
    lanes *out = (lanes *)to;
    const lanes *in = (const lanes *)from;
    size_t n = bytes / sizeof(lanes);
    for (size_t i = 0; i < n; i++) {
        lanes x = in[i];
        for (size_t k = 1; k < ratio; k++) x += in[i + k * n];
        if (streaming)
            store_streaming(&out[i], x);
        else
            out[i] = x;
    }
}

static float read_all(const char *from, size_t bytes)
{
    const lanes *in = (const lanes *)from;
    lanes sum[8] = {{0}};
    for (size_t i = 0; i + 8 <= bytes / sizeof(lanes); i += 8) {
#pragma GCC unroll 8
        for (size_t k = 0; k < 8; k++) sum[k] += in[i + k];
    }
    for (int k = 1; k < 8; k++) sum[0] += sum[k];
    return sum[0][0];
}

static float multiply_add(double flops)
{
    lanes x[CHAINS], a = {0}, b = {0};
    for (int l = 0; l < LANES; l++) a[l] = 0.999f, b[l] = 0.001f;
    for (int c = 0; c < CHAINS; c++) x[c] = b * (float)c;
    for (int64_t i = (int64_t)(flops / (2.0 * LANES * CHAINS)); i > 0; i--) {
#pragma GCC unroll 24
        for (int c = 0; c < CHAINS; c++) x[c] = x[c] * a + b;
    }
    float sum = 0;
    for (int c = 0; c < CHAINS; c++) sum += x[c][0];
    return sum;
}

static void do_part(struct thread *t)
{
    struct work *w = t->work;
    size_t part = (w->bytes / (size_t)w->threads) & ~(size_t)63, at = part * (size_t)t->index;
    switch (w->job) {
    case JOB_COPY: memcpy(w->to + at, w->from + at, part); break;
    case JOB_STREAM: stream(w->to + at, w->from + at, part); break;
    case JOB_PASS: pass(w->to + at, w->from + at * w->ratio, part, w->ratio, 0); break;
    case JOB_STREAMED_PASS: pass(w->to + at, w->from + at * w->ratio, part, w->ratio, 1); break;
    case JOB_READ: t->sink += read_all(w->from + at, part); break;
    case JOB_FMA: t->sink += multiply_add(w->flops / w->threads); break;
    case JOB_QUIT: break;
    }
}

static void *serve(void *argument)
{
    struct thread *t = argument;
    do {
        pthread_barrier_wait(&t->work->start);
        do_part(t);
        pthread_barrier_wait(&t->work->finish);
    } while (t->work->job != JOB_QUIT);
    return NULL;
}

static double measure(struct work *w, struct thread *self, enum job job)
{
    double start = 0, seconds = 0;
    int rounds = -1; /* the first one touches the pages and is not counted */
    w->job = job;
    do {
        if (rounds == 0) start = now();
        pthread_barrier_wait(&w->start);
        do_part(self);
        pthread_barrier_wait(&w->finish);
        rounds++;
        seconds = rounds > 0 ? now() - start : 0;
    } while (seconds < 0.02 && job != JOB_QUIT);
    return seconds / rounds;
}

static char *pages(size_t bytes)
{
    char *p = aligned_alloc(HUGE, (bytes + HUGE - 1) / HUGE * HUGE);
    if (!p) { fprintf(stderr, "peak: no memory for %zu bytes\n", bytes), exit(1); }
    madvise(p, bytes, MADV_HUGEPAGE);
    memset(p, 1, bytes);
    return p;
}

static double copy_seconds(struct work *w, struct thread *self, size_t moved)
{
    w->bytes = moved / 2;
    w->from = pages(w->bytes);
    w->to = pages(w->bytes);
    double plain = measure(w, self, JOB_COPY), streaming = measure(w, self, JOB_STREAM);
    free(w->from);
    free(w->to);
    return plain < streaming ? plain : streaming;
}

static double pass_seconds(struct work *w, struct thread *self, size_t read, size_t written)
{
    double seconds;
    w->bytes = written ? written : read;
    w->ratio = written ? read / written : 1;
    w->from = pages(read);
    w->to = pages(w->bytes);
    if (written) {
        double plain = measure(w, self, JOB_PASS), streaming = measure(w, self, JOB_STREAMED_PASS);
        seconds = plain < streaming ? plain : streaming;
    } else {
        seconds = measure(w, self, JOB_READ);
    }
    free(w->from);
    free(w->to);
    return seconds;
}

int main(int argc, char **argv)
{
    static struct thread threads[MAX_THREADS];
    static struct work work;
    pthread_t ids[MAX_THREADS];
    char line[256];
    double amount, written;
    work.threads = argc > 1 ? atoi(argv[1]) : 1;
    if (work.threads < 1 || work.threads > MAX_THREADS) return fprintf(stderr, "usage: peak THREADS\n"), 2;
    pthread_barrier_init(&work.start, NULL, (unsigned)work.threads);
    pthread_barrier_init(&work.finish, NULL, (unsigned)work.threads);
    for (int i = 0; i < work.threads; i++) {
        threads[i] = (struct thread){.work = &work, .index = i};
        if (i > 0 && pthread_create(&ids[i], NULL, serve, &threads[i]) != 0) return 1;
    }
    while (fgets(line, sizeof line, stdin)) {
        double seconds = -1;
        if (sscanf(line, "copy %lf", &amount) == 1) seconds = copy_seconds(&work, &threads[0], (size_t)amount);
        if (sscanf(line, "pass %lf %lf", &amount, &written) == 2)
            seconds = pass_seconds(&work, &threads[0], (size_t)amount, (size_t)written);
        if (sscanf(line, "fma %lf", &amount) == 1) {
            work.flops = amount;
            seconds = measure(&work, &threads[0], JOB_FMA);
        }
        printf("%.9g\n", seconds);
        fflush(stdout);
    }
    measure(&work, &threads[0], JOB_QUIT);
    for (int i = 1; i < work.threads; i++) pthread_join(ids[i], NULL);
    return threads[0].sink == 12345.0f;
}
