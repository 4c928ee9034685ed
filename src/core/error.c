/* SPDX-License-Identifier: MIT
 *
 * The calling thread's error.  The message lives on the heap; when even that fails, a fixed text stands in. */
#include "core/error.h"
#include "core/memory.h"
#include "core/thread.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static void set_message(mx_thread *self, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    mx_free(self->message);
    self->message = n < 0 ? NULL : memory_try((size_t)n + 1);
    self->fixed_message = self->message ? self->message : "[memory] out of memory.";
    if (self->message) vsnprintf(self->message, (size_t)n + 1, format, args);
}

void *mx_fail_v(mx_code code, const char *format, va_list args)
{
    mx_thread *self = thread_self();
    if (self->code == MX_OK) {
        set_message(self, format, args);
        self->code = code;
    }
    return NULL;
}

void *mx_fail(mx_code code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    mx_fail_v(code, format, args);
    va_end(args);
    return NULL;
}

void *mx_fail_errno(const char *op, const char *path)
{
    return mx_fail(MX_RUNTIME, "[%s] %s: %s.", op, path, strerror(errno));
}

/* The message with text before or after it; without memory it stays as it is. */
static void extend_message(bool before, const char *format, va_list args)
{
    mx_thread *self = thread_self();
    if (self->code == MX_OK || !self->message) return;
    char more[1024];
    vsnprintf(more, sizeof more, format, args);
    size_t bytes = strlen(more) + strlen(self->message) + 1;
    char *text = memory_try(bytes);
    if (!text) return;
    snprintf(text, bytes, "%s%s", before ? more : self->message, before ? self->message : more);
    mx_free(self->message);
    self->fixed_message = self->message = text;
}

void error_prefix(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    extend_message(true, format, args);
    va_end(args);
}

void error_suffix(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    extend_message(false, format, args);
    va_end(args);
}

bool mx_failed(void)
{
    return thread_self()->code != MX_OK;
}

mx_error_info mx_error(void)
{
    mx_thread *self = thread_self();
    mx_error_info info = {self->code, self->code == MX_OK ? "" : self->fixed_message};
    self->code = MX_OK;
    return info;
}

mx_mark mx_error_mark(void)
{
    return (mx_mark){mx_failed()};
}

void mx_error_reset(mx_mark mark)
{
    if (!mark.pending) thread_self()->code = MX_OK;
}

mx_failure *failure_take(void)
{
    mx_thread *self = thread_self();
    if (self->code == MX_OK) return NULL;
    size_t n = strlen(self->fixed_message) + 1;
    mx_failure *failure = memory_try(sizeof *failure + n);
    if (!failure) return NULL;
    atomic_init(&failure->refs, 1);
    failure->code = self->code;
    memcpy(failure->message, self->fixed_message, n);
    self->code = MX_OK;
    return failure;
}

mx_failure *failure_make(mx_code code, const char *format, ...)
{
    enum { LONGEST = 512 };
    mx_failure *failure = memory_try(sizeof *failure + LONGEST);
    if (!failure) return NULL;
    atomic_init(&failure->refs, 1);
    failure->code = code;
    va_list args;
    va_start(args, format);
    vsnprintf(failure->message, LONGEST, format, args);
    va_end(args);
    return failure;
}

void failure_raise(const mx_failure *failure)
{
    mx_fail(failure->code, "%s", failure->message);
}

mx_failure *failure_keep(mx_failure *failure)
{
    if (failure) atomic_fetch_add_explicit(&failure->refs, 1, memory_order_relaxed);
    return failure;
}

void failure_drop(mx_failure *failure)
{
    if (failure && atomic_fetch_sub_explicit(&failure->refs, 1, memory_order_acq_rel) == 1) mx_free(failure);
}
