/* SPDX-License-Identifier: MIT
 *
 * Reductions and row kernels beside what memory allows: each line is the best of several runs, in GB/s of the bytes
 * that must be read and written, and as a share of a streaming read (or of a copy) of as many.
 * Usage: bench_reduce [part of a name]. */
#include "core/compiler.h"
#include "mica.h"
#include "mica/fast.h"
#include "cpu/pool.h"
#include <stdio.h>
#include <string.h>
#include <time.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- What memory allows */
enum { PIECE = 1 << 18 };
typedef struct stream_job {
    const char *from;
    char *to; /* NULL: only read */
    int64_t bytes;
} stream_job;
static _Atomic uint64_t sink;

static void read_piece(void *ctx, int64_t i)
{
    const stream_job *j = ctx;
    int64_t at = i * PIECE, bytes = j->bytes - at < PIECE ? j->bytes - at : PIECE;
    if (j->to) {
        memcpy(j->to + at, j->from + at, (size_t)bytes);
        return;
    }
    const uint64_t *x = (const uint64_t *)(j->from + at);
    uint64_t lane[16] = {0};
    for (int64_t k = 0; k + 16 <= bytes / 8; k += 16) {
        SIMD
        for (int l = 0; l < 16; l++) lane[l] |= x[k + l];
    }
    for (int l = 1; l < 16; l++) lane[0] |= lane[l];
    sink |= lane[0];
}

static double stream_seconds(int64_t bytes, bool copies)
{
    mx_array *x = mx_random_normal(MX_SHAPE(bytes / 4), MX_FLOAT32, NULL, NULL, NULL), *y = mx_neg(x);
    mx_array *both[2] = {x, y};
    if (!mx_eval_n(both, 2)) return 0;
    stream_job j = {mx_data(x), copies ? (char *)mx_data(y) : NULL, bytes};
    double best = 1e9;
    for (int k = 0; k < 12; k++) {
        double start = now();
        cpu_parallel((bytes + PIECE - 1) / PIECE, read_piece, &j);
        double s = now() - start;
        best = s < best ? s : best;
    }
    return best;
}

/* ---- Ops */
static mx_array *weight;
static mx_array *sum_all(mx_array *x)
{
    return mx_sum(x, ALL_AXES, false);
}
static mx_array *max_all(mx_array *x)
{
    return mx_max(x, ALL_AXES, false);
}
static mx_array *sum_last(mx_array *x)
{
    return mx_sum(x, AXES(-1), false);
}
static mx_array *sum_first(mx_array *x)
{
    return mx_sum(x, AXES(0), false);
}
static mx_array *max_last(mx_array *x)
{
    return mx_max(x, AXES(-1), false);
}
static mx_array *argmax_last(mx_array *x)
{
    return mx_argmax(x, AXES(-1), false);
}
static mx_array *softmax(mx_array *x)
{
    return mx_softmax(x, AXES(-1), true);
}
static mx_array *logsumexp(mx_array *x)
{
    return mx_logsumexp(x, AXES(-1), false);
}
static mx_array *rms(mx_array *x)
{
    return mx_rms_norm(x, weight, 1e-5f);
}
static mx_array *layer(mx_array *x)
{
    return mx_layer_norm(x, weight, weight, 1e-5f);
}
static mx_array *cumsum(mx_array *x)
{
    return mx_cumsum(x, -1, false, true);
}
static bool layer_loss(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_layer_norm(in[0], in[1], in[1], 1e-5f)) != NULL;
}
static mx_array *layer_grad(mx_array *x)
{
    mx_array *in[2] = {x, weight}, *y, *din[2];
    return mx_vjp(layer_loss, NULL, in, 2, &x, 1, &y, din) ? mx_add(mx_sum(din[1], ALL_AXES, false), din[0]) : NULL;
}
static bool softmax_loss(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_softmax(in[0], AXES(-1), true)) != NULL;
}
static mx_array *softmax_grad(mx_array *x)
{
    mx_array *y, *din;
    return mx_vjp(softmax_loss, NULL, &x, 1, &x, 1, &y, &din) ? din : NULL;
}

typedef struct bench_case {
    const char *name;
    mx_array *(*op)(mx_array *x);
    int64_t rows, n;
    bool writes; /* as much as it reads */
    mx_dtype dtype;
} bench_case;

static void run(const bench_case *b)
{
    mx_scope outer = mx_scope_open();
    mx_array *x = mx_random_normal(MX_SHAPE(b->rows, b->n), MX_FLOAT32, NULL, NULL, NULL);
    x = mx_astype(x, b->dtype);
    weight = mx_ones(MX_SHAPE(b->n), b->dtype);
    mx_eval(x);
    mx_eval(weight);
    double best = 1e9, until = now() + 0.4;
    for (int k = 0; k < 5 || (now() < until && k < 2000); k++) {
        mx_scope s = mx_scope_open();
        double start = now();
        mx_array *y = mx_scope_close(s, b->op(x));
        if (!mx_eval(y)) printf("%s\n", mx_error().message);
        double seconds = now() - start;
        best = seconds < best ? seconds : best;
        mx_drop(y);
    }
    int64_t bytes = b->rows * b->n * (int64_t)mx_dtype_size(b->dtype);
    double limit = stream_seconds(bytes, b->writes);
    printf("%-16s %-9s %8lld x %-8lld %10.1f us %7.1f GB/s  %4.0f%% of a %s\n", b->name, mx_dtype_name(b->dtype),
           (long long)b->rows, (long long)b->n, best * 1e6, (double)(bytes * (b->writes ? 2 : 1)) / best * 1e-9,
           100 * limit / best, b->writes ? "copy" : "read");
    mx_scope_close(outer, NULL);
}

int main(int argc, char **argv)
{
    static const bench_case cases[] = {
        {"sum", sum_all, 1000, 1000, false, MX_FLOAT32},
        {"sum", sum_all, 1000, 30000, false, MX_FLOAT32},
        {"max", max_all, 1000, 1000, false, MX_FLOAT32},
        {"max", max_all, 1000, 30000, false, MX_FLOAT32},
        {"sum", sum_all, 1000, 1000, false, MX_BFLOAT16},
        {"max", max_all, 1000, 1000, false, MX_INT8},
        {"sum last", sum_last, 100000, 10, false, MX_FLOAT32},
        {"sum last", sum_last, 1000, 1000, false, MX_FLOAT32},
        {"max last", max_last, 10000, 128, false, MX_FLOAT32},
        {"sum first", sum_first, 1000, 1000, false, MX_FLOAT32},
        {"sum first", sum_first, 1024, 128, false, MX_FLOAT32},
        {"sum first", sum_first, 100000, 10, false, MX_FLOAT32},
        {"argmax", argmax_last, 1000, 1000, false, MX_FLOAT32},
        {"argmax", argmax_last, 1, 1000000, false, MX_FLOAT32},
        {"argmax", argmax_last, 1024, 256, false, MX_INT32},
        {"softmax", softmax, 4096, 128, true, MX_FLOAT32},
        {"softmax", softmax, 1000, 1000, true, MX_FLOAT32},
        {"softmax", softmax, 1000, 30000, true, MX_FLOAT32},
        {"softmax", softmax, 1000, 1000, true, MX_BFLOAT16},
        {"softmax grad", softmax_grad, 4096, 128, true, MX_FLOAT32},
        {"logsumexp", logsumexp, 1024, 256, false, MX_FLOAT32},
        {"rms_norm", rms, 1024, 128, true, MX_FLOAT32},
        {"rms_norm", rms, 10000, 3000, true, MX_FLOAT32},
        {"rms_norm", rms, 10000, 1000, true, MX_BFLOAT16},
        {"layer_norm", layer, 1024, 128, true, MX_FLOAT32},
        {"layer_norm", layer, 10000, 3000, true, MX_FLOAT32},
        {"layer_norm grad", layer_grad, 1024, 128, true, MX_FLOAT32},
        {"layer_norm grad", layer_grad, 1000, 4096, true, MX_FLOAT32},
        {"cumsum", cumsum, 1000, 1000, true, MX_FLOAT32},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (argc < 2 || strstr(cases[i].name, argv[1])) run(&cases[i]);
    }
    return 0;
}
