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
    int n = 64;
    ptr a = device(64 * 64 * 4), out = device(64 * 64 * 4);
    TRY(cuMemsetD8Async(a, 0, 64 * 64 * 4, stream));
    run(kernel("planted.cu", "loop_barrier"), 4, 4, 16, 16, 0, PARAMS(&a, &a, &out, &n));
    TRY(cuStreamSynchronize(stream));
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
    TRY(cuMemsetD8Async(x, 0, N * 4, stream));
    run(f, 4, 1, 256, 1, 0, PARAMS(&x, &y, &n));
    TRY(cuEventRecord(event, stream));
    if (wait) TRY(cuStreamWaitEvent(other, event, 0));
    TRY(cuLaunchKernel(f, 4, 1, 1, 256, 1, 1, 0, other, PARAMS(&y, &z, &n), NULL));
    if (free_early) TRY(cuMemFreeAsync(y, stream));
    TRY(cuStreamSynchronize(other));
    TRY(cuStreamSynchronize(stream));
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

int test_planted(const char *name)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } cases[] = {
#define CASE(name) {#name, name}
        CASE(past_end),           CASE(past_shared),     CASE(past_local),
        CASE(misaligned),         CASE(shift),           CASE(loop_barrier),
        CASE(end_barrier),        CASE(unwritten),       CASE(diverged),
        CASE(absent_lanes),       CASE(no_event),        CASE(early_free),
        CASE(early_host_write),   CASE(early_host_read), CASE(host_pointer),
        CASE(unjoined),           CASE(third_alloc),     CASE(launch),
        CASE(lt_short_leading),   CASE(lt_long_leading), CASE(lt_freed),
        CASE(lt_small_workspace), CASE(lt_misaligned),   CASE(lt_no_event),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].name, name)) continue;
        cases[i].run();
        return 1;
    }
    return 0;
}
