/* SPDX-License-Identifier: MIT
 *
 * Text that grows. */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include "core/compiler.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* Zeroed: empty.  After a failure nothing more is added. */
typedef struct text {
    char *at; /* NULL while empty */
    size_t length, capacity;
    bool failed;
} text;

void text_add(text *t, const char *format, ...) PRINTF_LIKE(2, 3);
void text_add_v(text *t, const char *format, va_list args);
/* The whole, to be freed with mx_free; NULL after freeing it if an addition failed: an error is recorded. */
char *text_take(text *t, const char *op);

#endif
