/* SPDX-License-Identifier: MIT
 *
 * The host side of the CUDA backend on the simulated device.  Argument: a case; the environment says what is wrong with
 * the device.  Each case ends by computing on the GPU, where it can still be used, and on the CPU, and by looking for
 * what was left behind. */
#include "host.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int failures;

void check_at(bool ok, const char *what, int line)
{
    if (ok) return;
    mx_error_info e = mx_error();
    printf("line %d: %s (error: %s)\n", line, what, e.message);
    failures++;
}

void expect_error_at(bool failed, mx_code code, const char *words, int line)
{
    mx_error_info e = mx_error();
    if (failed && e.code == code && strstr(e.message, words)) return;
    printf("line %d: expected error %d with \"%s\", got %d: %s\n", line, (int)code, words, (int)e.code, e.message);
    failures++;
}

mx_stream *gpu_stream(void)
{
    mx_stream *s = mx_default_stream((mx_device){MX_GPU, 0});
    CHECK(s != NULL);
    return s;
}

/* value, value + 1, ... value + 6, value, ... */
mx_array *vector(int64_t n, float value)
{
    float *data = malloc((size_t)n * sizeof *data);
    for (int64_t i = 0; i < n; i++) data[i] = value + (float)(i % 7);
    mx_array *x = mx_from_data(data, (mx_shape){1, &n}, MX_FLOAT32);
    free(data);
    return x;
}

bool holds(mx_array *x, float value, float step)
{
    const float *data = x ? mx_data(x) : NULL;
    bool ok = data != NULL;
    for (int64_t i = 0; ok && i < mx_size(x); i++) ok = data[i] == value + step * (float)(i % 7);
    return ok;
}

/* 2 x + 1, then the same again, `times` times; on the current stream. */
mx_array *chain(mx_array *x, int times)
{
    for (int i = 0; i < times; i++) x = mx_add(mx_mul(x, mx_float(2)), mx_float(1));
    return x;
}

/* After 3 rounds: 8 x + 7. */
bool gpu_works(void)
{
    mx_scope s = mx_scope_open();
    mx_stream *before = mx_use_stream(gpu_stream());
    mx_array *y = chain(vector(1000, 3), 3);
    bool ok = holds(y, 31, 8);
    mx_use_stream(before);
    mx_scope_close(s, NULL);
    return ok;
}

bool cpu_works(void)
{
    mx_scope s = mx_scope_open();
    mx_stream *before = mx_use_stream(mx_default_stream((mx_device){MX_CPU, 0}));
    bool ok = holds(chain(vector(1000, 3), 3), 31, 8);
    mx_use_stream(before);
    mx_scope_close(s, NULL);
    return ok;
}

/* The workers of streams let go of what they computed. */
void drain(void)
{
    mx_mark mark = mx_error_mark();
    for (int i = 0; mx_stream_by_index(i); i++) mx_synchronize(mx_stream_by_index(i));
    mx_error_reset(mark);
}

/* ---- Work */
static void case_right(void)
{
    CHECK(mx_device_count(MX_GPU) == 1 && mx_device_available((mx_device){MX_GPU, 0}));
    CHECK(!mx_device_available((mx_device){MX_GPU, 1}));
    for (int i = 0; i < 5; i++) CHECK(gpu_works()); /* the same batch again: a graph, then its update */
    mx_use_stream(gpu_stream());
    mx_scope s = mx_scope_open();
    mx_array *x = vector(1000, 0), *long_chain = mx_keep(chain(x, 100)); /* more than one batch */
    CHECK(mx_eval(long_chain));
    mx_array *again = chain(vector(1000, 0), 100);
    CHECK(mx_value(mx_all(mx_equal(long_chain, again), ALL_AXES, false)) == 1);
    mx_drop(long_chain);
    mx_scope_close(s, NULL);
}

/* ---- Both devices, many threads */
enum { THREADS = 4, ROUNDS = 20, LENGTH = 5000 };
typedef struct shared_work {
    mx_array *x; /* evaluated, on one side only */
    mx_stream *stream;
    bool ok;
} shared_work;

static void *use_both(void *work)
{
    shared_work *w = work;
    mx_stream *cpu = mx_default_stream((mx_device){MX_CPU, 0});
    for (int i = 0; i < ROUNDS; i++) {
        mx_scope s = mx_scope_open();
        mx_use_stream(i % 2 ? w->stream : gpu_stream());
        mx_array *a = chain(w->x, 2); /* 4 x + 3 */
        mx_use_stream(cpu);
        mx_array *b = chain(w->x, 1), *both = mx_add(a, b); /* 6 x + 4 */
        mx_use_stream(i % 3 ? w->stream : cpu);
        w->ok &= holds(mx_sub(both, w->x), 5 * 5 + 4, 5);
        mx_use_stream(NULL);
        mx_scope_close(s, NULL);
    }
    return NULL;
}

static void case_both_devices(void)
{
    mx_stream *gpu = gpu_stream();
    for (int on_gpu = 0; on_gpu < 2; on_gpu++) {
        shared_work work[THREADS];
        pthread_t threads[THREADS];
        mx_scope s = mx_scope_open();
        mx_use_stream(on_gpu ? gpu : NULL);
        mx_array *x = on_gpu ? mx_add(vector(LENGTH, 4), mx_float(1)) : vector(LENGTH, 5);
        CHECK(mx_eval(x));
        mx_use_stream(NULL);
        for (int i = 0; i < THREADS; i++) {
            work[i] = (shared_work){x, gpu, true};
            CHECK(pthread_create(&threads[i], NULL, use_both, &work[i]) == 0);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(threads[i], NULL);
            CHECK(work[i].ok);
        }
        mx_scope_close(s, NULL);
    }
}

/* A chain that hops from stream to stream at every step. */
static void case_streams(void)
{
    enum { STREAMS = 7 };
    mx_stream *streams[STREAMS];
    for (int i = 0; i < STREAMS; i++) streams[i] = mx_new_stream((mx_device){i % 3 == 2 ? MX_CPU : MX_GPU, 0});
    for (int round = 0; round < 10; round++) {
        mx_scope s = mx_scope_open();
        mx_array *x = vector(LENGTH, 0), *y = x;
        for (int i = 0; i < 3 * STREAMS; i++) {
            mx_use_stream(streams[(i + round) % STREAMS]);
            y = mx_add(y, x);
        }
        mx_use_stream(NULL);
        CHECK(holds(y, 0, 3 * STREAMS + 1));
        mx_scope_close(s, NULL);
    }
    for (int i = 0; i < STREAMS; i++) CHECK(mx_synchronize(streams[i]));
}

/* ---- Memory that others may write to */
static void case_exported(void)
{
    mx_use_stream(gpu_stream());
    for (int from_gpu = 0; from_gpu < 2; from_gpu++) {
        mx_array *x = mx_keep(vector(100, 1));
        if (from_gpu) {
            mx_drop(x);
            x = mx_keep(mx_add(vector(100, 0), mx_float(1)));
        }
        CHECK(mx_value(mx_sum(mx_add(x, mx_float(1)), ALL_AXES, false)) == 495); /* a copy is on the device */
        float *view = mx_export(x, NULL);
        CHECK(view && view[99] == 2);
        for (int i = 0; i < 100; i++) view[i] = 10;
        CHECK(holds(mx_add(x, mx_float(1)), 11, 0));
        for (int i = 0; i < 100; i++) view[i] = 20;
        CHECK(holds(mx_add(x, mx_float(1)), 21, 0));
        mx_unexport(x);
        CHECK(holds(mx_mul(x, mx_float(2)), 40, 0)); /* nobody writes any more: what was written stays */
        mx_drop(x);
    }
}

static void count_release(void *context)
{
    ++*(int *)context;
}

static void case_foreign(void)
{
    static float data[1000];
    int released = 0;
    int64_t n = 1000;
    mx_use_stream(gpu_stream());
    for (int i = 0; i < n; i++) data[i] = 1;
    mx_array *x = mx_keep(mx_from_foreign(data, (mx_shape){1, &n}, MX_FLOAT32, count_release, &released));
    mx_array *y = mx_keep(mx_add(x, mx_float(1)));
    CHECK(holds(y, 2, 0));
    for (int i = 0; i < n; i++) data[i] = 5;
    CHECK(holds(mx_add(x, mx_float(1)), 6, 0) && holds(y, 2, 0));
    CHECK(released == 0);
    mx_drop(x);
    mx_drop(y);
    mx_scope_close((mx_scope){0}, NULL);
    mx_release_foreign();
    CHECK(released == 1);
}

static const struct {
    const char *name;
    void (*run)(void);
    bool gpu_after; /* does the GPU still work? */
} cases[] = {
#define CASE(name)                                                                                                     \
    {                                                                                                                  \
#name, case_##name, true                                                                                       \
    }
#define LAST_CASE(name)                                                                                                \
    {                                                                                                                  \
#name, case_##name, false                                                                                      \
    }
    CASE(right),
    CASE(both_devices),
    CASE(streams),
    CASE(exported),
    CASE(foreign),
    CASE(memory),
    CASE(no_memory),
    CASE(limits),
    CASE(two_memories),
    CASE(one_memory),
    CASE(launch_fails),
    CASE(merged_fails),
    CASE(many_failures),
    LAST_CASE(device_lost),
    CASE(busy),
    CASE(sweep),
    LAST_CASE(one_program),
    CASE(sweep_start),
    CASE(bad_kernel),
    CASE(ahead),
    LAST_CASE(cubins),
    LAST_CASE(ends_compiling),
    CASE(groups),
    CASE(bad_group),
    CASE(late_group),
    LAST_CASE(no_host_compiler),
    LAST_CASE(no_nvrtc),
    CASE(shared_cache),
    CASE(fork),
    CASE(fork_first),
    LAST_CASE(launch_fails_without_memory),
};

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "right";
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (strcmp(cases[i].name, name)) continue;
        cases[i].run();
        mx_scope_close((mx_scope){0}, NULL);
        mx_use_stream(NULL);
        CHECK(!mx_failed());
        drain();
        CHECK(!cases[i].gpu_after || gpu_works());
        CHECK(cpu_works());
        mx_clear_cache();
        CHECK(mx_get_active_memory() == 0);
        if (!failures) printf("%s: well\n", name);
        return failures != 0;
    }
    printf("no such case: %s\n", name);
    return 2;
}
