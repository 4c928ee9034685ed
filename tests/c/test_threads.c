/* SPDX-License-Identifier: MIT
 *
 * Threads: arrays and streams may be used from any of them, and by the child of a fork. */
#include "check.h"
#include "core/op.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 8 };

typedef struct crew {
    bool (*work)(struct crew *crew, int me);
    pthread_barrier_t start;
    mx_array *shared[THREADS];
    _Atomic int failures;
    mx_stream *stream;
} crew;

typedef struct member {
    crew *crew;
    int me;
} member;

static void *run_member(void *argument)
{
    member *m = argument;
    pthread_barrier_wait(&m->crew->start);
    mx_scope s = mx_scope_open();
    if (!m->crew->work(m->crew, m->me) || mx_failed()) atomic_fetch_add(&m->crew->failures, 1);
    mx_scope_close(s, NULL);
    return NULL;
}

/* All start at once; the number of those whose work returned false or left an error. */
static int run_crew(crew *c)
{
    pthread_t threads[THREADS];
    member members[THREADS];
    atomic_init(&c->failures, 0);
    pthread_barrier_init(&c->start, NULL, THREADS);
    for (int i = 0; i < THREADS; i++) {
        members[i] = (member){c, i};
        pthread_create(&threads[i], NULL, run_member, &members[i]);
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    pthread_barrier_destroy(&c->start);
    return atomic_load(&c->failures);
}

static bool all_are(mx_array *x, float want)
{
    float *data = malloc(mx_nbytes(x) + 1);
    bool ok = data && mx_read(x, data, mx_nbytes(x));
    for (int64_t i = 0; ok && i < mx_size(x); i++) ok = data[i] == want;
    free(data);
    return ok;
}

static mx_array *filled(float value, int count)
{
    float data[1024];
    for (int i = 0; i < count; i++) data[i] = value;
    return mx_from_data(data, SHAPE(count), MX_FLOAT32);
}

/* ---- Each its own graph over one array */
static bool use_shared(crew *c, int me)
{
    bool ok = true;
    for (int round = 0; round < 200 && ok; round++) {
        mx_scope s = mx_scope_open();
        mx_array *y = c->shared[0];
        for (int i = 0; i <= me; i++) y = mx_add(y, c->shared[0]);
        ok = all_are(y, 3.0f * (float)(me + 2));
        mx_scope_close(s, NULL);
    }
    return ok;
}

TEST(threads_share_an_array)
{
    crew c = {.work = use_shared, .shared = {filled(3, 100)}};
    CHECK(run_crew(&c) == 0);
}

/* ---- All evaluate the same lazy node, and its reader */
static bool evaluate_shared(crew *c, int me)
{
    return me % 2 ? all_are(c->shared[0], 128) : all_are(c->shared[1], 256);
}

TEST(threads_race_for_one_evaluation)
{
    for (int round = 0; round < 50; round++) {
        mx_scope s = mx_scope_open();
        mx_array *y = filled(1, 1000);
        for (int i = 0; i < 7; i++) y = mx_add(y, y);
        crew c = {.work = evaluate_shared, .shared = {y, mx_add(y, y)}};
        CHECK(run_crew(&c) == 0);
        mx_scope_close(s, NULL);
    }
}

/* ---- Long chains that begin alike */
static bool evaluate_own(crew *c, int me)
{
    return all_are(c->shared[me], 2.0f + (float)me + 1);
}

TEST(threads_race_on_overlapping_graphs)
{
    for (int round = 0; round < 50; round++) {
        mx_scope s = mx_scope_open();
        crew c = {.work = evaluate_own};
        mx_array *one = filled(1, 64), *common = mx_add(one, one);
        for (int i = 0; i < THREADS; i++) c.shared[i] = common = mx_add(common, one);
        CHECK(run_crew(&c) == 0);
        mx_scope_close(s, NULL);
    }
}

/* ---- The last reference goes away anywhere */
static bool drop_own(crew *c, int me)
{
    mx_array *y = mx_add(c->shared[me], c->shared[me]);
    bool ok = mx_eval(y);
    mx_drop(c->shared[me]);
    return ok;
}

TEST(arrays_may_be_dropped_by_another_thread)
{
    crew c = {.work = drop_own};
    mx_scope s = mx_scope_open();
    for (int i = 0; i < THREADS; i++) c.shared[i] = mx_add(filled(1, 500), filled((float)i, 500));
    mx_scope_close_n(s, c.shared, THREADS);
    CHECK(run_crew(&c) == 0);
}

/* ---- Errors, scopes and streams belong to a thread */
static bool make_errors(crew *c, int me)
{
    bool ok = true;
    for (int round = 0; round < 100 && ok; round++) {
        char want[64], got[64];
        mx_fail(MX_VALUE, "[thread] %d, round %d", me, round);
        snprintf(want, sizeof want, "[thread] %d, round %d", me, round);
        mx_add(NULL, c->shared[0]);
        snprintf(got, sizeof got, "%s", mx_error().message);
        ok = strcmp(want, got) == 0;
    }
    return ok;
}

TEST(errors_belong_to_a_thread)
{
    crew c = {.work = make_errors, .shared = {filled(1, 1)}};
    CHECK(run_crew(&c) == 0);
    CHECK(!mx_failed());
}

static bool leave_temporaries(crew *c, int me)
{
    (void)c;
    for (int i = 0; i < 300; i++) mx_eval(mx_add(filled(1, 10 + me), filled(2, 10 + me)));
    return true;
}

static void *root_scope_only(void *unused)
{
    (void)unused;
    mx_eval(mx_add(filled(1, 1000), filled(2, 1000)));
    return NULL;
}

TEST(a_thread_that_ends_drops_its_root_scope)
{
    check_synchronize();
    size_t before = mx_get_active_memory();
    pthread_t thread;
    pthread_create(&thread, NULL, root_scope_only, NULL);
    pthread_join(thread, NULL);
    CHECK(mx_get_active_memory() == before);
    crew c = {.work = leave_temporaries};
    CHECK(run_crew(&c) == 0);
    check_synchronize();
    CHECK(mx_get_active_memory() == before);
}

static bool differentiate(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    out[0] = mx_sum(mx_add(mx_add(in[0], in[0]), in[0]), ALL_AXES, false);
    return out[0] != NULL;
}

static bool use_gradients(crew *c, int me)
{
    (void)me;
    bool ok = true;
    for (int round = 0; round < 100 && ok; round++) {
        mx_scope s = mx_scope_open();
        mx_array *value, *grad;
        ok = mx_value_and_grad(differentiate, NULL, &c->shared[0], 1, &value, &grad) && all_are(grad, 3);
        mx_scope_close(s, NULL);
    }
    return ok;
}

TEST(threads_differentiate_at_once)
{
    crew c = {.work = use_gradients, .shared = {filled(1, 100)}};
    CHECK(run_crew(&c) == 0);
}

/* ---- Streams */
static bool use_one_stream(crew *c, int me)
{
    bool ok = true;
    mx_stream *before = mx_use_stream(c->stream);
    for (int round = 0; round < 50 && ok; round++) {
        mx_scope s = mx_scope_open();
        mx_array *y = mx_add(c->shared[0], filled((float)me, 100));
        for (int i = 0; i < 10; i++) y = mx_add(y, c->shared[0]);
        ok = round % 3 == 0 ? mx_async_eval_n(&y, 1) : true;
        ok = ok && all_are(y, 11 + (float)me) && mx_stream_of(y) == c->stream;
        mx_scope_close(s, NULL);
    }
    mx_use_stream(before);
    return ok;
}

TEST(threads_share_a_stream)
{
    crew c = {.work = use_one_stream, .shared = {filled(1, 100)}, .stream = mx_new_stream(mx_default_device())};
    CHECK(run_crew(&c) == 0);
    CHECK(mx_synchronize(c.stream));
}

TEST(async_work_on_two_streams_is_in_order)
{
    mx_stream *a = mx_new_stream(mx_default_device()), *b = mx_new_stream(mx_default_device());
    for (int round = 0; round < 20; round++) {
        mx_scope s = mx_scope_open();
        mx_array *x = filled(1, 1000);
        for (int i = 0; i < 12; i++) {
            mx_stream *before = mx_use_stream(i % 2 ? a : b);
            x = mx_add(x, x);
            if (i % 3 == 0) CHECK(mx_async_eval_n(&x, 1));
            mx_use_stream(before);
        }
        CHECK(mx_async_eval_n(&x, 1));
        CHECK(all_are(x, 4096));
        CHECK(mx_synchronize(a) && mx_synchronize(b));
        mx_scope_close(s, NULL);
    }
}

TEST(async_work_survives_its_scope)
{
    for (int round = 0; round < 50; round++) {
        mx_scope s = mx_scope_open();
        mx_array *y = filled(1, 1000);
        for (int i = 0; i < 20; i++) y = mx_add(y, filled(1, 1000));
        CHECK(mx_async_eval_n(&y, 1));
        mx_scope_close(s, NULL); /* nobody waits for it */
    }
    CHECK(mx_synchronize(NULL));
}

/* ---- Fork */
static bool child_works(mx_array *lazy, mx_array *done)
{
    if (!all_are(lazy, 4) || !all_are(mx_add(done, done), 2)) return false;
    mx_array *y = mx_add(done, done);
    if (!mx_async_eval_n(&y, 1) || !all_are(y, 2) || !mx_synchronize(NULL)) return false;
    crew c = {.work = use_shared, .shared = {filled(3, 100)}};
    mx_array *large = check_random(SHAPE(500, 1000), MX_FLOAT32, 1, 1.5, 1); /* shared out among threads */
    return run_crew(&c) == 0 && mx_eval(mx_exp(large));
}

#ifndef __SANITIZE_THREAD__ /* it cannot follow a child that starts threads */
TEST(the_child_of_a_fork_may_use_everything_on_the_cpu)
{
    mx_device before = mx_default_device();
    CHECK(mx_set_default_device((mx_device){MX_CPU, 0})); /* a GPU stays the parent's: below */
    mx_array *done = filled(1, 1000), *busy = filled(1, 1000), *lazy = mx_add(mx_add(done, done), mx_add(done, done));
    CHECK(mx_eval(mx_exp(check_random(SHAPE(500, 1000), MX_FLOAT32, 1, 2, 1)))); /* the pool has started */
    for (int i = 0; i < 50; i++) busy = mx_add(busy, done);
    CHECK(mx_async_eval_n(&busy, 1)); /* a worker has too */
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        _exit(child_works(lazy, done) ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    check_that(status == 0, __FILE__, __LINE__, "the child ends with status %d", status);
    CHECK(all_are(busy, 51) && all_are(lazy, 4));
    CHECK(mx_synchronize(NULL) && mx_set_default_device(before));
}

/* What is only on the GPU, and work for it, is an error there; the CPU and what it has go on. */
static bool child_is_told(mx_array *on_both, mx_array *on_gpu)
{
    float data[1000];
    if (mx_read(on_gpu, data, sizeof data) || mx_error().code != MX_RUNTIME) return false;
    if (mx_eval(mx_add(on_both, on_both)) || mx_error().code != MX_RUNTIME) return false;
    return mx_set_default_device((mx_device){MX_CPU, 0}) && all_are(on_both, 2) && all_are(mx_add(on_both, on_both), 4);
}

TEST(the_child_of_a_fork_is_told_that_the_gpu_is_its_parents)
{
    if (mx_default_device().type != MX_GPU) return; /* --device gpu */
    mx_array *one = filled(1, 1000), *on_both = mx_add(one, one), *on_gpu = mx_add(one, one);
    CHECK(all_are(on_both, 2) && mx_eval(on_gpu));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        alarm(60);
        _exit(child_is_told(on_both, on_gpu) ? 0 : 1);
    }
    int status = -1;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    check_that(status == 0, __FILE__, __LINE__, "the child ends with status %d", status);
    CHECK(all_are(on_gpu, 2) && all_are(mx_add(on_gpu, one), 3));
}
#endif

/* ---- Loops and rules: what a worker lets go of last is released by whoever asks, once */
static _Atomic int released;

static void count_release(void *ctx)
{
    (void)ctx;
    atomic_fetch_add(&released, 1);
}

static bool double_and_add(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_add(mx_add(in[0], in[0]), in[1])) != NULL;
}

static bool twice_with_a_rule(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    mx_array *carry, *xs = mx_ones(SHAPE(4), MX_FLOAT32);
    if (!mx_scan(double_and_add, ctx, in, 1, &xs, 1, -1, false, &carry, NULL, 0)) return false;
    return mx_checkpoint(double_and_add, NULL, count_release, (mx_array *[]){carry, carry}, 2, out, 1);
}

/* The derivative of 3 (16 x + 15), by the shared x, in the queue and at once. */
static bool differentiate_loops(crew *c, int me)
{
    for (int i = 0; i < 20; i++) {
        mx_array *x = c->shared[0], *value, *grad;
        if (!mx_value_and_grad(twice_with_a_rule, NULL, &x, 1, &value, &grad)) return false;
        if ((me + i) % 2 && !mx_async_eval_n(&grad, 1)) return false;
        if (mx_value(grad) != 48 || mx_value(value) != 93) return false;
    }
    return true;
}

TEST(threads_differentiate_loops_and_checkpoints)
{
    crew c = {.work = differentiate_loops};
    mx_array *y = mx_scalar(0.5f, MX_FLOAT32);
    c.shared[0] = mx_add(y, y); /* lazy: all ask for it */
    released = 0;
    CHECK(run_crew(&c) == 0);
    check_synchronize();
    mx_release_foreign();
    CHECK(atomic_load(&released) == THREADS * 20);
}
