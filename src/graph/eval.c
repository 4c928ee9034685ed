/* SPDX-License-Identifier: MIT
 *
 * Evaluation.  A tape whose stream is idle runs on the calling thread: no hop, no queue.  Else, and for async_eval, it
 * goes to the queues of its streams, one job each; jobs wait for each other's arrays by their states. */
#include "graph/eval.h"
#include "core/memory.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "graph/plan.h"
#include <string.h>

/* One tape, shared by the jobs of its streams. */
typedef struct shared_tape {
    tape t;
    _Atomic int refs;
    mx_array **roots; /* kept until the last job has run */
    int root_count;
} shared_tape;

typedef struct tape_job {
    mx_job job;
    shared_tape *shared;
    mx_stream *stream;
} tape_job;

static void shared_drop(shared_tape *s)
{
    if (atomic_fetch_sub(&s->refs, 1) != 1) return;
    for (int i = 0; i < s->root_count; i++) mx_drop(s->roots[i]);
    mx_free(s->roots);
    tape_free(&s->t);
    mx_free(s);
}

static void run_job(mx_job *job)
{
    tape_job *j = (tape_job *)job;
    tape_run(&j->shared->t, j->stream, false);
    j->stream->backend->flush(j->stream);
    mx_error_reset((mx_mark){false}); /* what failed is kept in the arrays */
    shared_drop(j->shared);
    mx_free(j);
}

static void unclaim_stream(const tape *t, const mx_stream *stream)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->streams[i] == stream) atomic_store(&t->nodes[i]->state, STATE_LAZY);
    }
}

static bool seen_before(const tape *t, size_t i)
{
    for (size_t k = i; k-- > 0;) {
        if (t->streams[k] == t->streams[i]) return true;
    }
    return false;
}

static shared_tape *share(tape *t, mx_array *const *roots, int count)
{
    shared_tape *s = mx_alloc(1, sizeof *s);
    if (!s) return NULL;
    s->roots = mx_alloc((size_t)count, sizeof *s->roots);
    t->streams = mx_alloc(t->count, sizeof *t->streams);
    if (!s->roots || !t->streams) {
        mx_free(s->roots);
        mx_free(s);
        return NULL;
    }
    for (size_t i = 0; i < t->count; i++) t->streams[i] = t->nodes[i]->stream;
    atomic_init(&s->refs, 1);
    s->t = *t;
    s->root_count = count;
    for (int i = 0; i < count; i++) s->roots[i] = mx_keep(roots[i]);
    return s;
}

/* Hands a tape to the queues of its streams; takes the tape.  False: an error is pending; what was not queued is LAZY
 * again. */
static bool enqueue_take(tape *t, mx_array *const *roots, int count)
{
    shared_tape *s = share(t, roots, count);
    bool ok = s != NULL;
    if (!s) {
        for (size_t i = 0; i < t->count; i++) atomic_store(&t->nodes[i]->state, STATE_LAZY);
        tape_free(t);
        return false;
    }
    for (size_t i = 0; i < s->t.count; i++) {
        if (seen_before(&s->t, i)) continue;
        mx_stream *stream = s->t.streams[i];
        tape_job *j = mx_alloc(1, sizeof *j);
        if (j) {
            *j = (tape_job){.job = {.run = run_job}, .shared = s, .stream = stream};
            atomic_fetch_add(&s->refs, 1);
            if (stream_enqueue(stream, &j->job)) continue;
            atomic_fetch_sub(&s->refs, 1);
            mx_free(j);
        }
        unclaim_stream(&s->t, stream);
        ok = false;
    }
    shared_drop(s);
    return ok;
}

static bool raise_failures(mx_array *const *arrays, int count)
{
    bool ok = true;
    for (int i = 0; i < count; i++) {
        if (array_state(arrays[i]) != STATE_FAILED) continue;
        failure_raise(arrays[i]->failure);
        ok = false;
    }
    return ok;
}

static mx_stream *only_stream(const tape *t)
{
    mx_stream *s = t->count ? t->nodes[0]->stream : NULL;
    for (size_t i = 1; i < t->count; i++) {
        if (t->nodes[i]->stream != s) return NULL;
    }
    return s;
}

/* Claims what is needed and gives the tape its place: the baton of its stream, if that is idle, or one in the queues.
 * Both under one lock, so tapes run in the order in which they were built.  False: an error is pending. */
static bool place_tape(tape *t, mx_array *const *arrays, int count, bool may_run_here, mx_stream **baton)
{
    pthread_mutex_lock(&runtime.graph_lock);
    bool ok = tape_build(t, arrays, count);
    mx_stream *stream = ok && may_run_here ? only_stream(t) : NULL;
    *baton = stream && stream_try_run(stream) ? stream : NULL;
    /* A temporary that is left LAZY may be asked for by a tape that is queued meanwhile, which would then have to be built
     * again: only tapes that run at once leave any. */
    if (ok && !plan_build(t, arrays, count, *baton != NULL)) {
        if (*baton) stream_end_run(*baton);
        *baton = NULL;
        tape_unclaim(t);
        ok = false;
    }
    for (size_t i = 0; i < t->count; i++)
        atomic_store_explicit(&t->nodes[i]->state, STATE_QUEUED, memory_order_relaxed);
    if (ok && t->count && !*baton) {
        ok = enqueue_take(t, arrays, count);
        *t = (tape){0};
    }
    pthread_mutex_unlock(&runtime.graph_lock);
    return ok;
}

/* False: an error is pending, of this run and not from before. */
static bool run_here(tape *t, mx_stream *baton)
{
    mx_mark mark = mx_error_mark();
    thread_self()->interrupted = false;
    tape_run(t, NULL, true);
    stream_end_run(baton);
    return mark.pending || !mx_failed();
}

static bool all_final(mx_array *const *arrays, int count)
{
    for (int i = 0; i < count; i++) {
        if (array_state(arrays[i]) != STATE_DONE) return false;
    }
    return true;
}

bool mx_eval_n(mx_array *const *arrays, int count)
{
    if (!op_has_all("eval", arrays, count)) return false;
    if (!all_final(arrays, count)) {
        tape t = {0};
        mx_stream *baton;
        bool ok = place_tape(&t, arrays, count, true, &baton) && (!baton || run_here(&t, baton));
        tape_free(&t);
        for (int i = 0; i < count && ok; i++) ok = array_settle(arrays[i]);
        if (!ok || !raise_failures(arrays, count)) return false;
    }
    for (int i = 0; i < count; i++) {
        if (!buffer_wait(arrays[i]->buffer)) return false;
    }
    mx_release_foreign();
    return true;
}

bool eval_within(mx_array *const *arrays, int count)
{
    tape t = {0};
    mx_mark mark = mx_error_mark();
    pthread_mutex_lock(&runtime.graph_lock);
    bool ok = tape_build(&t, arrays, count);
    if (ok && !plan_build(&t, arrays, count, true)) {
        tape_unclaim(&t);
        ok = false;
    }
    for (size_t i = 0; i < t.count; i++) atomic_store_explicit(&t.nodes[i]->state, STATE_QUEUED, memory_order_relaxed);
    pthread_mutex_unlock(&runtime.graph_lock);
    if (ok) tape_run(&t, NULL, true);
    tape_free(&t);
    return ok && (mark.pending || !mx_failed()) && raise_failures(arrays, count);
}

bool mx_eval(mx_array *x)
{
    return mx_eval_n(&x, 1);
}

bool mx_async_eval_n(mx_array *const *arrays, int count)
{
    tape t = {0};
    mx_stream *baton;
    if (!op_has_all("async_eval", arrays, count)) return false;
    bool ok = place_tape(&t, arrays, count, false, &baton);
    tape_free(&t);
    return ok;
}

bool mx_is_available(const mx_array *x)
{
    return x && array_state(x) == STATE_DONE;
}

bool array_ready(mx_array *x)
{
    if (UNLIKELY(!x || array_state(x) != STATE_DONE) && !mx_eval(x)) return false;
    return buffer_to_host(x->buffer);
}
