/* SPDX-License-Identifier: MIT
 *
 * Building and running a tape.
 *
 * It is built depth first under the graph lock: a LAZY node is claimed, so no other evaluation will touch it or its
 * inputs.  Nodes that others have claimed are not on the tape; the node that reads one waits for it.  The tape gets its
 * stream's baton or its place in the queues under the same lock, so whoever built first never waits for whoever built
 * later, and there is no deadlock; the lock is free again before the first kernel runs. */
#include "graph/eval.h"
#include "core/memory.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "core/where.h"
#include "graph/check.h"
#include "graph/plan.h"
#include "graph/profile.h"
#include <stdio.h>
#include <string.h>

/* ---- Building */
typedef struct frame {
    mx_array *lead;
    int next;
} frame;

typedef struct walk_stack {
    frame *frames;
    size_t depth, capacity;
    frame first[32];
} walk_stack;

static bool grow(void **items, size_t *capacity, size_t size, void *first)
{
    size_t wanted = *capacity ? 2 * *capacity : 64;
    void *bigger = mx_resize(first && *items == first ? NULL : *items, wanted, size);
    if (!bigger) return false;
    if (first && *items == first) memcpy(bigger, first, *capacity * size);
    *items = bigger;
    *capacity = wanted;
    return true;
}

/* Claims a node and puts it on the stack. */
static bool enter(walk_stack *s, mx_array *lead)
{
    if (lead->op->flags & OP_PLACEHOLDER) {
        return mx_fail_false(MX_VALUE,
                             "[eval] Attempting to eval an array during function transformations like vmap or compile "
                             "is not allowed: it has no data, only a shape.");
    }
    if (s->depth == s->capacity && !grow((void **)&s->frames, &s->capacity, sizeof *s->frames, s->first)) return false;
    atomic_store_explicit(&lead->state, STATE_CLAIMED, memory_order_relaxed);
    s->frames[s->depth++] = (frame){lead, 0};
    return true;
}

static bool append(tape *t, mx_array *lead)
{
    if (t->count == t->capacity && !grow((void **)&t->nodes, &t->capacity, sizeof *t->nodes, NULL)) return false;
    t->nodes[t->count++] = lead;
    return true;
}

static bool claim_below(tape *t, walk_stack *s)
{
    while (s->depth) {
        frame *top = &s->frames[s->depth - 1];
        if (top->next == top->lead->nin) {
            if (!append(t, top->lead)) return false;
            s->depth--;
            continue;
        }
        mx_array *in = array_lead(top->lead->in[top->next++]);
        if (atomic_load_explicit(&in->state, memory_order_acquire) == STATE_LAZY && !enter(s, in)) return false;
    }
    return true;
}

static void tell_waiters(void)
{
    /* The new state before the count: else a waiter that has just counted itself sees the old state and sleeps on. */
    atomic_thread_fence(memory_order_seq_cst);
    if (LIKELY(atomic_load(&runtime.waiters) == 0)) return;
    pthread_mutex_lock(&runtime.done_lock);
    pthread_cond_broadcast(&runtime.done);
    pthread_mutex_unlock(&runtime.done_lock);
}

static void unclaim(mx_array *lead)
{
    atomic_store_explicit(&lead->state, STATE_LAZY, memory_order_release);
}

void tape_unclaim(tape *t)
{
    while (t->count) unclaim(t->nodes[--t->count]);
    tell_waiters();
}

bool tape_build(tape *t, mx_array *const *arrays, int count)
{
    walk_stack s;
    s.frames = s.first;
    s.depth = 0;
    s.capacity = sizeof s.first / sizeof *s.first;
    bool ok = true;
    for (int i = 0; i < count && ok; i++) {
        mx_array *lead = array_lead(arrays[i]);
        if (atomic_load_explicit(&lead->state, memory_order_acquire) == STATE_LAZY)
            ok = enter(&s, lead) && claim_below(t, &s);
    }
    while (!ok && s.depth) unclaim(s.frames[--s.depth].lead);
    if (!ok) tape_unclaim(t);
    if (s.frames != s.first) mx_free(s.frames);
    return ok;
}

void tape_free(tape *t)
{
    mx_free(t->nodes);
    mx_free(t->streams);
    mx_free(t->seats);
    *t = (tape){0};
}

/* ---- Running */
/* Waits while somebody computes x; what it is then: final, or LAZY again. */
static mx_state wait_for(mx_array *x)
{
    mx_state state = array_state(x);
    if (LIKELY(state != STATE_CLAIMED && state != STATE_QUEUED)) return state;
    atomic_fetch_add(&runtime.waiters, 1);
    pthread_mutex_lock(&runtime.done_lock);
    while ((state = array_state(x)) == STATE_CLAIMED || state == STATE_QUEUED)
        pthread_cond_wait(&runtime.done, &runtime.done_lock);
    pthread_mutex_unlock(&runtime.done_lock);
    atomic_fetch_sub(&runtime.waiters, 1);
    return state;
}

bool array_settle(mx_array *x)
{
    for (;;) {
        mx_state state = wait_for(x);
        if (LIKELY(state == STATE_DONE || state == STATE_FAILED)) return true;
        if (!mx_eval(x)) return array_state(x) == STATE_FAILED;
    }
}

static bool is_traced(const mx_array *lead)
{
    return lead->trace && (lead->trace & atomic_load_explicit(&runtime.traces, memory_order_relaxed));
}

static void publish(mx_array *lead)
{
    if (!is_traced(lead)) array_detach(lead);
    for (int i = 0; i < lead->nout && lead->nout > 1; i++) {
        if (atomic_load(&lead[i].refs) == 0 && !lead->op) {
            buffer_drop(lead[i].buffer);
            lead[i].buffer = NULL;
        }
    }
    atomic_store_explicit(&lead->state, STATE_DONE, memory_order_release);
    tell_waiters();
}

static void fail_node(mx_array *lead, mx_failure *failure)
{
    array_detach(lead);
    array_set_failed(lead, failure);
    tell_waiters();
}

/* The failure of an input, or NULL. */
static mx_failure *failed_input(const mx_array *lead)
{
    for (int i = 0; i < lead->nin; i++) {
        if (array_state(lead->in[i]) == STATE_FAILED) return lead->in[i]->failure;
    }
    return NULL;
}

/* Shares the first input's buffer where the op only lays the data out anew. */
static bool run_view(mx_array *lead)
{
    mx_call c = {
        .op = lead->op, .params = array_params(lead), .in = lead->in, .nin = lead->nin, .out = &lead, .nout = 1};
    mx_array *in = lead->in[0];
    lead->offset = in->offset;
    if (!lead->op->view(&c, lead)) return false;
    array_set_buffer_take(lead, buffer_keep(in->buffer), lead->offset);
    array_set_contiguity(lead);
    return true;
}

static void print_node(const mx_array *lead, int64_t started)
{
    char shape[SHAPE_TEXT], params[256];
    params_print(lead->op, array_params(lead), params, sizeof params);
    fprintf(stderr, "[eval] %-18s %-9s %-18s %8.1f us  %s\n", lead->op->name, mx_dtype_name((mx_dtype)lead->dtype),
            shape_text(shape, array_shape(lead)), (double)(clock_ns() - started) / 1e3, params);
}

/* A group is one line with the type of its last result. */
static void print_group(const mx_group *g, int64_t started)
{
    char shape[SHAPE_TEXT], name[PROFILE_NAME];
    const mx_array *last = g->nodes[g->count - 1];
    fprintf(stderr, "[eval] %-18s %-9s %-18s %8.1f us\n", group_name(g, name), mx_dtype_name((mx_dtype)last->dtype),
            shape_text(shape, array_shape(last)), (double)(clock_ns() - started) / 1e3);
}

static bool run_on_backend(const mx_group *g)
{
    mx_stream *stream = g->nodes[g->count - 1]->stream;
    if (UNLIKELY(atomic_load_explicit(&runtime.profile, memory_order_relaxed))) return profile_run(stream, g);
    return stream->backend->run(stream, g);
}

/* With MICA_CHECK_NAN the inputs are looked at after, so they must still be there. */
static bool run_alone(mx_array *lead)
{
    mx_group g = {.nodes = &lead, .count = 1, .written = 1, .keeps_inputs = runtime.check_nan};
    return run_on_backend(&g);
}

static bool run_node(mx_array *lead)
{
    int64_t started = UNLIKELY(runtime.trace_eval) ? clock_ns() : 0;
    bool ok = (lead->op->view && run_view(lead)) || (lead->op->evaluate ? lead->op->evaluate(lead) : run_alone(lead));
    if (UNLIKELY(runtime.check_nan) && ok) ok = check_nan(lead);
    if (UNLIKELY(runtime.trace_eval)) print_node(lead, started);
    return ok;
}

static bool interrupted(void)
{
    return thread_interrupted() && !mx_fail_false(MX_RUNTIME, "[eval] interrupted.");
}

/* Did the op stop because of the interrupt, in an evaluation of its own? */
static bool was_interrupted(void)
{
    return thread_self()->interrupted && thread_self()->code == MX_RUNTIME;
}

/* Computes one node.  False: the tape must stop and the node is LAZY again; an error is pending, unless the reason
 * is an input that another evaluation gave up.  Evaluating that here would need the baton of its stream, which may be
 * ours; whoever wants the result asks again. */
static bool run_or_fail(mx_array *lead, bool repeatable, bool *all_well)
{
    mx_failure *failure = NULL;
    for (int i = 0; i < lead->nin; i++) {
        if (LIKELY(array_state(lead->in[i]) == STATE_DONE)) continue;
        if (wait_for(lead->in[i]) == STATE_LAZY) return unclaim(lead), false;
        failure = failed_input(lead);
    }
    failure_keep(failure);
    if (LIKELY(!failure)) {
        if (LIKELY(run_node(lead))) return publish(lead), true;
        where_tell(lead);
        if (repeatable && (thread_self()->code == MX_MEMORY || was_interrupted())) return unclaim(lead), false;
        failure = failure_take();
        if (!failure) return unclaim(lead), false;
        stream_note_failure(lead->stream, failure);
    }
    fail_node(lead, failure);
    failure_drop(failure);
    *all_well = false;
    return true;
}

/* ---- Running groups */
static bool in_group(const mx_group *g, int k, const mx_array *x)
{
    while (k-- > 0) {
        if (g->nodes[k] == x) return true;
    }
    return false;
}

/* Waits for what the group reads: DONE, FAILED if anything of it has failed, LAZY if another evaluation gave it up. */
static mx_state wait_for_inputs(const mx_group *g)
{
    mx_state all = STATE_DONE;
    for (int k = 0; k < g->count; k++) {
        for (int i = 0; i < g->nodes[k]->nin; i++) {
            mx_array *in = g->nodes[k]->in[i];
            mx_state state = array_state(in);
            if (LIKELY(state == STATE_DONE) || in_group(g, k, in)) continue;
            state = wait_for(in);
            if (state == STATE_LAZY) return state;
            if (state == STATE_FAILED) all = state;
        }
    }
    return all;
}

/* What was not written is LAZY again: its last reader takes it along, unless somebody came to hold it. */
static void publish_group(const mx_group *g)
{
    for (int k = 0; k < g->count; k++) {
        mx_array *node = g->nodes[k];
        if (k + 1 == g->count || (g->written >> k & 1)) {
            publish(node);
        } else {
            unclaim(node);
        }
    }
    tell_waiters();
}

static bool makes_nan(const mx_group *g)
{
    for (int k = 0; k < g->count; k++) {
        bool written = k + 1 == g->count || (g->written >> k & 1);
        if (written && has_nan(g->nodes[k])) return true;
    }
    return false;
}

static void forget_outputs(const mx_group *g)
{
    for (int k = 0; k < g->count; k++) {
        buffer_drop(g->nodes[k]->buffer);
        g->nodes[k]->buffer = NULL;
    }
}

/* Runs a group; false: nothing was written.  No error is recorded if it is only to be run node by node. */
static bool run_together(const mx_group *g)
{
    int64_t started = UNLIKELY(runtime.trace_eval) ? clock_ns() : 0;
    if (!run_on_backend(g)) {
        const char *last = g->nodes[g->count - 1]->op->name;
        if (UNLIKELY(runtime.trace_fuse)) fprintf(stderr, "[fuse] the group of %s runs node by node\n", last);
        return false;
    }
    if (UNLIKELY(runtime.check_nan) && makes_nan(g)) return forget_outputs(g), false;
    if (UNLIKELY(runtime.trace_eval)) print_group(g, started);
    return true;
}

/* As run_or_fail, for the group at a position.  Whatever goes wrong with the group goes wrong with its nodes one by one, so each
 * of them is left as it would have been alone. */
static bool run_group_or_fail(const tape *t, size_t at, bool repeatable, bool *all_well)
{
    mx_array *nodes[GROUP_MAX];
    mx_group g = plan_group(t, at, nodes);
    mx_state inputs = wait_for_inputs(&g);
    mx_mark mark = mx_error_mark();
    g.keeps_inputs = runtime.check_nan;
    int k = 0;
    if (LIKELY(inputs == STATE_DONE)) {
        if (LIKELY(run_together(&g))) return publish_group(&g), true;
        if (!repeatable || (thread_self()->code != MX_MEMORY && !was_interrupted())) {
            mx_error_reset(mark);
            inputs = STATE_FAILED;
        }
    }
    if (inputs == STATE_FAILED) {
        while (k < g.count && run_or_fail(nodes[k], repeatable, all_well)) k++;
        if (k++ == g.count) return true;
    }
    while (k < g.count) unclaim(nodes[k++]);
    return false;
}

static void unclaim_group(const tape *t, size_t at)
{
    mx_array *nodes[GROUP_MAX];
    mx_group g = plan_group(t, at, nodes);
    for (int k = 0; k < g.count; k++) unclaim(nodes[k]);
}

bool tape_run(const tape *t, const mx_stream *only, bool repeatable)
{
    bool all_well = true, runs = true;
    for (size_t i = 0; i < t->count; i++) {
        if ((only && t->streams[i] != only) || !plan_runs_at(t, i)) continue;
        bool grouped = t->seats && (t->seats[i].flags & SEAT_LAST);
        runs = runs && (!repeatable || !interrupted());
        if (LIKELY(runs)) {
            runs = grouped ? run_group_or_fail(t, i, repeatable, &all_well)
                           : run_or_fail(t->nodes[i], repeatable, &all_well);
        } else if (grouped) {
            unclaim_group(t, i);
        } else {
            unclaim(t->nodes[i]);
        }
    }
    if (!runs) tell_waiters();
    return runs && all_well;
}
