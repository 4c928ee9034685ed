/* SPDX-License-Identifier: MIT
 *
 * The state of a thread and its scopes.  The scope stack is one array of references; a scope is a height in it. */
#include "core/thread.h"
#include "core/array.h"
#include "core/memory.h"
#include "core/runtime.h"
#include "core/stream.h"
#include <pthread.h>

enum { INTERRUPT_EVERY_NS = 10000000 };

THREAD_LOCAL mx_thread mx_this_thread;

void memory_thread_exit(mx_thread *self);

static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

static void thread_exit(void *state)
{
    mx_thread *self = state;
    streams_give_back(self->defaults);
    mx_drop(self->random_key);
    self->random_key = NULL;
    mx_scope_close((mx_scope){0}, NULL);
    mx_free(self->scope);
    self->scope = NULL;
    self->scope_capacity = 0;
    mx_free(self->message);
    self->message = NULL;
    memory_thread_exit(self);
    self->started = false;
}

static void make_exit_key(void)
{
    pthread_key_create(&exit_key, thread_exit);
}

void thread_start(mx_thread *self)
{
    self->started = true;
    pthread_once(&exit_once, make_exit_key);
    pthread_setspecific(exit_key, self);
}

bool thread_interrupted(void)
{
    mx_thread *self = thread_self();
    if (LIKELY(!self->interrupt)) return false;
    int64_t now = clock_ns();
    if (now < self->interrupt_at) return false;
    self->interrupt_at = now + INTERRUPT_EVERY_NS;
    self->interrupted = self->interrupt();
    return self->interrupted;
}

void mx_set_interrupt(bool (*check)(void))
{
    thread_self()->interrupt = check;
    thread_self()->interrupt_at = 0;
}

bool scope_push(mx_array *x)
{
    mx_thread *self = thread_self();
    if (UNLIKELY(self->scope_count == self->scope_capacity)) {
        size_t capacity = self->scope_capacity ? 2 * self->scope_capacity : 64;
        mx_array **scope = mx_resize(self->scope, capacity, sizeof *scope);
        if (!scope) return mx_drop(x), false;
        self->scope = scope;
        self->scope_capacity = capacity;
    }
    self->scope[self->scope_count++] = x;
    atomic_store_explicit(&x->temporary, 1, memory_order_relaxed);
    return true;
}

mx_scope mx_scope_open(void)
{
    return (mx_scope){thread_self()->scope_count};
}

mx_array *mx_temporary(mx_array *x)
{
    return x && scope_push(x) ? x : NULL;
}

/* The newest temporary leaves its scope; the reference is the caller's.  A node that stands in several scopes loses its
 * mark with the first: it then counts as held by somebody, which is on the safe side. */
static mx_array *pop(mx_thread *self)
{
    mx_array *x = self->scope[--self->scope_count];
    atomic_store_explicit(&x->temporary, 0, memory_order_relaxed);
    return x;
}

void mx_scope_close_n(mx_scope s, mx_array *const *results, int count)
{
    mx_thread *self = thread_self();
    for (int i = 0; i < count; i++) mx_keep(results[i]);
    while (self->scope_count > s.mark) mx_drop(pop(self));
}

mx_array *mx_scope_close(mx_scope s, mx_array *result)
{
    mx_thread *self = thread_self();
    /* The usual case, without touching the count: the result is the newest temporary. */
    if (self->scope_count > s.mark && self->scope[self->scope_count - 1] == result) {
        pop(self);
        while (self->scope_count > s.mark) mx_drop(pop(self));
        return result;
    }
    mx_scope_close_n(s, &result, 1);
    return result;
}
