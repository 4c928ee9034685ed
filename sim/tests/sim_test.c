/* SPDX-License-Identifier: MIT
 *
 * Programs without a mistake: right results under every order, schedule and mode. */
#include "sim_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PARAMS(...) ((void *[]){__VA_ARGS__})
enum { N = 1000 };

static float bf16_value(uint16_t bits)
{
    uint32_t u = (uint32_t)bits << 16;
    float f;
    memcpy(&f, &u, sizeof f);
    return f;
}

static void test_add(void)
{
    float a[N], b[N], out[N];
    uint16_t h[N], sum[N];
    for (int i = 0; i < N; i++) {
        a[i] = (float)i;
        b[i] = (float)(i % 7);
        h[i] = (uint16_t)(0x3f80 + i % 64);
    }
    int n = N;
    ptr da = upload(a, sizeof a), db = upload(b, sizeof b), dout = device(sizeof a);
    run(kernel("right.cu", "add_f32"), 4, 1, 64, 1, 0, PARAMS(&da, &db, &dout, &n));
    download(out, dout, sizeof out);
    for (int i = 0; i < N; i++)
        if (out[i] != a[i] + b[i]) wrong("add_f32");
    ptr dh = upload(h, sizeof h), dsum = device(sizeof sum);
    run(kernel("right.cu", "add_bf16"), 8, 1, 128, 1, 0, PARAMS(&dh, &dh, &dsum, &n));
    download(sum, dsum, sizeof sum);
    for (int i = 0; i < N; i++)
        if (bf16_value(sum[i]) != 2 * bf16_value(h[i])) wrong("add_bf16");
}

static void test_softmax(void)
{
    enum { ROWS = 3 };
    static float x[ROWS][N], y[ROWS][N];
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < N; i++) x[r][i] = (float)((i * 37 + r) % 101) / 10;
    int n = N;
    ptr dx = upload(x, sizeof x), dy = device(sizeof y);
    run(kernel("right.cu", "softmax_rows"), ROWS, 1, 256, 1, 0, PARAMS(&dx, &dy, &n));
    download(y, dy, sizeof y);
    for (int r = 0; r < ROWS; r++) {
        double total = 0;
        for (int i = 0; i < N; i++) total += exp(x[r][i] - 10.0);
        for (int i = 0; i < N; i++)
            if (!(fabs(y[r][i] - exp(x[r][i] - 10.0) / total) < 1e-6)) wrong("softmax_rows");
    }
}

static void test_matmul(void)
{
    enum { S = 64 };
    static float a[S * S], b[S * S], c[S * S];
    static uint16_t ha[S * S], hb[S * S];
    for (int i = 0; i < S * S; i++) {
        a[i] = (float)(i % 7 - 3);
        b[i] = (float)(i % 5 - 2);
        uint32_t u;
        memcpy(&u, &a[i], 4);
        ha[i] = (uint16_t)(u >> 16); /* exact: small integers */
        memcpy(&u, &b[i], 4);
        hb[i] = (uint16_t)(u >> 16);
    }
    int n = S;
    ptr da = upload(a, sizeof a), db = upload(b, sizeof b), dc = device(sizeof c);
    ptr dha = upload(ha, sizeof ha), dhb = upload(hb, sizeof hb);
    for (int half = 0; half < 2; half++) {
        if (half)
            run(kernel("right.cu", "mma_bf16"), S / 8, S / 16, 32, 1, 2 * (16 * 24 + 16 * 8) * 2,
                PARAMS(&dha, &dhb, &dc, &n));
        else
            run(kernel("right.cu", "matmul_f32"), S / 16, S / 16, 16, 16, 0, PARAMS(&da, &db, &dc, &n));
        download(c, dc, sizeof c);
        for (int i = 0; i < S; i++)
            for (int j = 0; j < S; j++) {
                float sum = 0;
                for (int k = 0; k < S; k++) sum += a[i * S + k] * b[k * S + j];
                if (c[i * S + j] != sum) wrong(half ? "mma_bf16" : "matmul_f32");
            }
    }
}

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void test_integers(void)
{
    enum { COUNT = 1024 };
    uint32_t x[COUNT], bins[64], sorted[COUNT], expected[64] = {0};
    for (uint32_t i = 0; i < COUNT; i++) {
        x[i] = i * 2654435761u;
        expected[x[i] & 63]++;
    }
    int n = COUNT;
    ptr dx = upload(x, sizeof x), dbins = device(sizeof bins);
    TRY(cuMemsetD8Async(dbins, 0, sizeof bins, stream));
    run(kernel("right.cu", "histogram"), 3, 1, 128, 1, 0, PARAMS(&dx, &dbins, &n));
    download(bins, dbins, sizeof bins);
    if (memcmp(bins, expected, sizeof bins)) wrong("histogram");
    run(kernel("right.cu", "sort_block"), 1, 1, 256, 1, sizeof x, PARAMS(&dx, &n));
    download(sorted, dx, sizeof x);
    qsort(x, COUNT, sizeof *x, ascending);
    if (memcmp(sorted, x, sizeof x)) wrong("sort_block");
    float ones[N], sum;
    for (int i = 0; i < N; i++) ones[i] = 1;
    n = N;
    ptr dones = upload(ones, sizeof ones), partial = device(5 * 4), out = device(4), counter = device(4);
    TRY(cuMemsetD32Async(counter, 0, 1, stream));
    for (int repeat = 0; repeat < 2; repeat++) {
        run(kernel("right.cu", "sum_grid"), 5, 1, 64, 1, 0, PARAMS(&dones, &partial, &out, &counter, &n));
        download(&sum, out, sizeof sum);
        if (sum != N) wrong("sum_grid");
    }
}

struct node_params {
    handle function;
    unsigned grid[3], block[3], shared_bytes;
    void **params, **extra;
    handle library_kernel, context;
};

/* y = 2 x on one stream, z = 2 y on the other after an event; the same as an explicit graph and as a captured one. */
static void test_streams_and_graphs(void)
{
    float x[N], z[N];
    for (int i = 0; i < N; i++) x[i] = (float)i;
    int n = N;
    handle other, event, joined, f = kernel("planted.cu", "twice");
    ptr dx = upload(x, sizeof x), dy = device(sizeof x), dz = device(sizeof x);
    void **first = PARAMS(&dx, &dy, &n), **second = PARAMS(&dy, &dz, &n);
    TRY(cuStreamCreate(&other, 1));
    TRY(cuEventCreate(&event, 2));
    TRY(cuEventCreate(&joined, 2));
    handle graph, exec, nodes[2], captured;
    struct node_params p = {.function = f, .grid = {4, 1, 1}, .block = {256, 1, 1}, .params = first};
    TRY(cuGraphCreate(&graph, 0));
    TRY(cuGraphAddKernelNode_v2(&nodes[0], graph, NULL, 0, &p));
    p.params = second;
    TRY(cuGraphAddKernelNode_v2(&nodes[1], graph, nodes, 1, &p));
    for (int way = 0; way < 4; way++) {
        float factor = way == 2 ? 2 : 4;
        TRY(cuMemsetD8Async(dz, 0, sizeof z, stream));
        if (way == 3) TRY(cuStreamBeginCapture_v2(stream, 0));
        if (way == 0 || way == 3) {
            run(f, 4, 1, 256, 1, 0, first);
            TRY(cuEventRecord(event, stream));
            TRY(cuStreamWaitEvent(other, event, 0));
            TRY(cuLaunchKernel(f, 4, 1, 1, 256, 1, 1, 0, other, second, NULL));
            TRY(cuEventRecord(joined, other));
            TRY(cuStreamWaitEvent(stream, joined, 0));
        }
        if (way == 1) TRY(cuGraphInstantiateWithFlags(&exec, graph, 0));
        if (way == 2) { /* now z = 2 x */
            p.params = PARAMS(&dx, &dz, &n);
            TRY(cuGraphExecKernelNodeSetParams_v2(exec, nodes[1], &p));
        }
        if (way == 3) {
            TRY(cuStreamEndCapture(stream, &captured));
            TRY(cuGraphInstantiateWithFlags(&exec, captured, 0));
        }
        if (way) TRY(cuGraphLaunch(exec, stream));
        download(z, dz, sizeof z);
        for (int i = 0; i < N; i++)
            if (z[i] != factor * x[i]) wrong(way ? "graph" : "streams");
    }
}

static void set_flag(void *flag)
{
    *(int *)flag = 1;
}

void test_right(void)
{
    test_add();
    test_softmax();
    test_matmul();
    test_integers();
    test_streams_and_graphs();
    test_blaslt();
    int flag = 0;
    TRY(cuLaunchHostFunc(stream, set_flag, &flag));
    TRY(cuStreamSynchronize(stream));
    if (!flag) wrong("host function");
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double time_of(const char *name, unsigned blocks, unsigned threads, void **params, int repeats)
{
    handle f = kernel("right.cu", name);
    run(f, blocks, 1, threads, 1, 0, params);
    TRY(cuStreamSynchronize(stream));
    double from = seconds();
    for (int i = 0; i < repeats; i++) run(f, blocks, 1, threads, 1, 0, params);
    TRY(cuStreamSynchronize(stream));
    return (seconds() - from) / repeats;
}

void test_speed(void)
{
    int n = 1 << 20, none = 0, count = 1000, row = 1000;
    ptr a = device((size_t)n * 4), b = device((size_t)n * 4), c = device((size_t)n * 4);
    TRY(cuMemsetD8Async(a, 0, (size_t)n * 4, stream));
    TRY(cuMemsetD8Async(b, 0, (size_t)n * 4, stream));
    printf("launch %.2f us\n", 1e6 * time_of("barriers", 1, 32, PARAMS(&none), 2000));
    printf("barrier %.1f ns a thread\n", 1e9 * time_of("barriers", 1, 256, PARAMS(&count), 20) / 256 / count);
    printf("shfl %.1f ns a lane\n", 1e9 * time_of("shuffles", 1, 32, PARAMS(&c, &count), 50) / 32 / count);
    printf("add_f32 %.0f Melem/s\n", n / time_of("add_f32", (unsigned)n / 1024, 256, PARAMS(&a, &b, &c, &n), 10) / 1e6);
    printf("add_bf16 %.0f Melem/s\n",
           n / time_of("add_bf16", (unsigned)n / 256, 256, PARAMS(&a, &b, &c, &n), 10) / 1e6);
    printf("softmax %.1f Melem/s\n", 512 * row / time_of("softmax_rows", 512, 256, PARAMS(&a, &c, &row), 5) / 1e6);
}
