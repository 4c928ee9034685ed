/* SPDX-License-Identifier: MIT
 *
 * Programs with one mistake each.  A case prints CAUGHT (by the driver's result), WRONG (by its numbers), or nothing. */
#include "sim_test.h"

#include <math.h>
#include <stdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define PARAMS(...) ((void *[]){__VA_ARGS__})
enum { N = 1000 };

static void one_block(const char *name, unsigned threads, int n)
{
    float out[64];
    ptr p = device(1024);
    run(kernel("planted.cu", name), 1, 1, threads, 1, 0, PARAMS(&p, &n));
    download(out, p, sizeof out);
    for (int i = 0; i < 32; i++)
        if (isnan(out[i]) || isnan(out[32 + i])) wrong("not a number");
}

static void past_local(void)
{
    one_block("past_local", 64, 7);
}
static void past_shared(void)
{
    one_block("past_shared", 64, 0);
}
static void misaligned(void)
{
    one_block("misaligned", 32, 0);
}
static void shift(void)
{
    one_block("shift", 64, 1);
}
static void unwritten(void)
{
    one_block("unwritten", 64, 0);
}
static void diverged(void)
{
    one_block("diverged", 32, 0);
}
static void absent_lanes(void)
{
    one_block("absent_lanes", 32, 0);
}

static void dead_frame(void)
{
    one_block("dead_frame", 64, 0);
}
static void unlike_masks(void)
{
    one_block("unlike_masks", 32, 0);
}

/* Right, but slow. */
static void bank_conflict(void)
{
    ptr out = device(1024 * 4);
    run(kernel("planted.cu", "bank_conflict"), 1, 1, 1024, 1, 0, PARAMS(&out));
    TRY(cuStreamSynchronize(stream));
}

static void sector_waste(void)
{
    ptr in = device(256 * 32 * 4), out = device(256 * 4);
    TRY(cuMemsetD8Async(in, 0, 256 * 32 * 4, stream));
    run(kernel("planted.cu", "sector_waste"), 1, 1, 256, 1, 0, PARAMS(&in, &out));
    TRY(cuStreamSynchronize(stream));
}

static void past_end(void)
{
    int n = N;
    ptr a = device(N * 4), out = device(N * 4);
    TRY(cuMemsetD8Async(a, 0, N * 4, stream));
    run(kernel("planted.cu", "past_end"), 4, 1, 256, 1, 0, PARAMS(&a, &out, &n));
    TRY(cuStreamSynchronize(stream));
}

static void loop_barrier(void)
{
    enum { S = 64 };
    static float x[S * S], y[S * S];
    int n = S;
    for (int i = 0; i < S * S; i++) x[i] = (float)(i % 11);
    ptr a = upload(x, sizeof x), out = device(sizeof x);
    run(kernel("planted.cu", "loop_barrier"), 4, 4, 16, 16, 0, PARAMS(&a, &a, &out, &n));
    download(y, out, sizeof y);
    for (int i = 0; i < S * S; i++) {
        float sum = 0;
        for (int k = 0; k < S; k++) sum += x[i / S * S + k] * x[k * S + i % S];
        if (y[i] != sum) wrong("loop_barrier");
    }
}

static void end_barrier(void)
{
    float out[256];
    ptr p = device(sizeof out);
    for (int repeat = 0; repeat < 10; repeat++) {
        run(kernel("planted.cu", "end_barrier"), 1, 1, 256, 1, 0, PARAMS(&p));
        download(out, p, sizeof out);
        for (int i = 0; i < 256; i++)
            if (out[i] != 255 * 128 + 256) wrong("end_barrier");
    }
}

/* The reader on another stream does not wait for the writer, or the memory is freed before the reader is done. */
static void two_streams(int wait, int free_early)
{
    int n = N;
    handle other, event, f = kernel("planted.cu", "twice");
    ptr x = device(N * 4), y = device(N * 4), z = device(N * 4);
    TRY(cuStreamCreate(&other, 1));
    TRY(cuEventCreate(&event, 2));
    TRY(cuMemsetD32Async(x, 0x3f800000, N, stream));
    run(f, 4, 1, 256, 1, 0, PARAMS(&x, &y, &n));
    TRY(cuEventRecord(event, stream));
    if (wait) TRY(cuStreamWaitEvent(other, event, 0));
    TRY(cuLaunchKernel(f, 4, 1, 1, 256, 1, 1, 0, other, PARAMS(&y, &z, &n), NULL));
    if (free_early) TRY(cuMemFreeAsync(y, stream));
    TRY(cuStreamSynchronize(other));
    TRY(cuStreamSynchronize(stream));
    float out[N];
    download(out, z, sizeof out);
    for (int i = 0; i < N; i++)
        if (out[i] != 4) wrong("a stream did not wait");
}

static void no_event(void)
{
    two_streams(0, 0);
}
static void early_free(void)
{
    two_streams(1, 1);
}

static void early_host_write(void)
{
    float *x;
    ptr p = device(N * 4);
    TRY(cuMemHostAlloc((void **)&x, N * 4, 0));
    memset(x, 0, N * 4);
    TRY(cuMemcpyHtoDAsync_v2(p, x, N * 4, stream));
    x[0] = 1;
    TRY(cuStreamSynchronize(stream));
}

static void early_host_read(void)
{
    float *x;
    ptr p = device(N * 4);
    TRY(cuMemHostAlloc((void **)&x, N * 4, 0));
    TRY(cuMemsetD8Async(p, 0, N * 4, stream));
    TRY(cuMemcpyDtoHAsync_v2(x, p, N * 4, stream));
    if (x[0] != 0) wrong("read before the copy ran");
}

static void on_fault(int number)
{
    (void)number;
    static const char text[] = "SIGSEGV\n";
    if (write(1, text, sizeof text - 1) < 0) _exit(2);
    _exit(1);
}

static void host_pointer(void)
{
    signal(SIGSEGV, on_fault);
    ptr p = device(N * 4);
    printf("%f\n", (double)*(volatile float *)(uintptr_t)p);
}

static void unjoined(void)
{
    handle other, event, graph;
    ptr x = device(64);
    TRY(cuStreamCreate(&other, 1));
    TRY(cuEventCreate(&event, 2));
    TRY(cuStreamBeginCapture_v2(stream, 0));
    TRY(cuMemsetD8Async(x, 0, 64, stream));
    TRY(cuEventRecord(event, stream));
    TRY(cuStreamWaitEvent(other, event, 0));
    TRY(cuMemsetD8Async(x, 0, 64, other));
    TRY(cuStreamEndCapture(stream, &graph));
}

static void third_alloc(void)
{
    for (int i = 0; i < 3; i++) device(64);
}

static void launch(void)
{
    past_shared();
}

/* After a kernel's failure every call fails. */
static void lasting(void)
{
    int n = 0, failed = 0;
    float out[64];
    ptr p = device(sizeof out);
    handle f = kernel("planted.cu", "past_shared");
    for (int i = 0; i < 3; i++)
        failed += cu.cuLaunchKernel(f, 1, 1, 1, 64, 1, 1, 0, stream, PARAMS(&p, &n), NULL) == 719;
    failed += cu.cuStreamSynchronize(stream) == 719;
    failed += cu.cuMemcpyDtoHAsync_v2(out, p, sizeof out, stream) == 719;
    printf("FAILED %d of 5\n", failed);
}

int test_planted(const char *name)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
#define CASE(name) {#name, name}
        CASE(past_end),         CASE(past_shared),     CASE(past_local),
        CASE(misaligned),       CASE(shift),           CASE(loop_barrier),
        CASE(end_barrier),      CASE(unwritten),       CASE(diverged),
        CASE(absent_lanes),     CASE(no_event),        CASE(early_free),
        CASE(early_host_write), CASE(early_host_read), CASE(host_pointer),
        CASE(unjoined),         CASE(third_alloc),     CASE(launch),
        CASE(lasting),          CASE(dead_frame),      CASE(unlike_masks),
        CASE(bank_conflict),    CASE(sector_waste),    CASE(lt_short_leading),
        CASE(lt_long_leading),  CASE(lt_freed),        CASE(lt_small_workspace),
        CASE(lt_misaligned),    CASE(lt_no_event),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].name, name)) continue;
        cases[i].run();
        return 1;
    }
    return 0;
}
