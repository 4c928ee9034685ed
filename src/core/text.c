/* SPDX-License-Identifier: MIT
 *
 * Text that grows: every piece is measured, then written. */
#include "core/text.h"
#include "core/error.h"
#include "core/memory.h"
#include <stdio.h>

void text_add_v(text *t, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, again);
    va_end(again);
    t->failed |= n < 0;
    if (t->failed) return;
    if (t->length + (size_t)n + 1 > t->capacity) {
        size_t capacity = 2 * (t->length + (size_t)n + 1);
        char *at = mx_resize(t->at, capacity, 1);
        t->failed = !at;
        if (!at) return;
        t->at = at;
        t->capacity = capacity;
    }
    vsnprintf(t->at + t->length, (size_t)n + 1, format, args);
    t->length += (size_t)n;
}

void text_add(text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_add_v(t, format, args);
    va_end(args);
}

char *text_take(text *t, const char *op)
{
    text_add(t, "%s", "");
    char *at = t->at;
    bool failed = t->failed;
    *t = (text){0};
    if (!failed) return at;
    mx_free(at);
    return mx_fail(MX_RUNTIME, "[%s] the text does not fit.", op);
}
