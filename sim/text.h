/* SPDX-License-Identifier: MIT
 *
 * Text that grows. */
#ifndef SIM_TEXT_H
#define SIM_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
    char *p;
    size_t size, room;
    bool failed; /* there was no memory */
};

void text_append(struct text *t, const char *p, size_t size);
void text_print(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
