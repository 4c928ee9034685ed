/* SPDX-License-Identifier: MIT
 *
 * The inside of errors: what public headers do not show. */
#ifndef CORE_ERROR_H
#define CORE_ERROR_H

#include "core/compiler.h"
#include "mica/error.h"
#include <stdarg.h>

/* The error of failed work, shared by all arrays that depend on it. */
typedef struct mx_failure {
    _Atomic int32_t refs;
    mx_code code;
    char message[];
} mx_failure;

void *mx_fail_errno(const char *op, const char *path); /* "[op] path: what the system says", RUNTIME */
void *mx_fail_v(mx_code code, const char *format, va_list args);
/* Adds text before the pending error's message. */
void error_prefix(const char *format, ...) PRINTF_LIKE(1, 2);
void error_suffix(const char *format, ...) PRINTF_LIKE(1, 2); /* after it */

/* Takes the calling thread's error as a failure with one reference; NULL if none is pending or there is no memory for
 * it (then the error stays pending). */
mx_failure *failure_take(void);
/* One that no thread has pending; NULL: no memory for it. */
mx_failure *failure_make(mx_code code, const char *format, ...) PRINTF_LIKE(2, 3);
void failure_raise(const mx_failure *failure); /* records it as the calling thread's error */
mx_failure *failure_keep(mx_failure *failure);
void failure_drop(mx_failure *failure);

#endif
