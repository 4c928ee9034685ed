/* SPDX-License-Identifier: MIT
 *
 * Text that grows: a failure is kept and looked at once, at the end. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void text_append(struct text *t, const char *p, size_t size)
{
    if (t->size + size + 1 > t->room) {
        size_t room = (t->size + size + 1) * 2;
        char *grown = realloc(t->p, room);
        if (!grown) {
            t->failed = true;
            return;
        }
        t->p = grown;
        t->room = room;
    }
    memcpy(t->p + t->size, p, size);
    t->p[t->size += size] = 0;
}

void text_print(struct text *t, const char *format, ...)
{
    char line[1024];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (n < 0 || n >= (int)sizeof line)
        t->failed = true;
    else
        text_append(t, line, (size_t)n);
}
