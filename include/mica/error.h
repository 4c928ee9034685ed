/* SPDX-License-Identifier: MIT
 *
 * Errors are sticky and per thread.  A call that fails returns NULL or false and records a code and a message, unless
 * one is recorded already: the first error wins.  NULL passes quietly through every op, so one check at the end of a
 * long expression is enough. */
#ifndef MICA_ERROR_H
#define MICA_ERROR_H

#include "mica/types.h"

MX_BEGIN_DECLS

/* One code for each class of exception that Python raises. */
typedef enum mx_code { MX_OK, MX_VALUE, MX_INDEX, MX_TYPE, MX_OVERFLOW, MX_RUNTIME, MX_MEMORY, MX_CODE_COUNT } mx_code;

typedef struct mx_error_info {
    mx_code code;
    const char *message; /* never NULL; valid until this thread's next error */
} mx_error_info;

/* Returns this thread's error and clears it; code MX_OK and "" if there is none. */
MX_API mx_error_info mx_error(void);
/* Is an error pending?  Clears nothing. */
MX_API bool mx_failed(void);

/* Records an error, unless one is pending, and returns NULL, so that `return mx_fail(...)` serves pointers;
 * mx_fail_false is the same for functions that return bool. */
MX_API void *mx_fail(mx_code code, const char *format, ...);
#define mx_fail_false(...) (mx_fail(__VA_ARGS__), false)

/* Code that tries something and falls back brackets it: errors recorded after the mark are taken back. */
typedef struct mx_mark {
    bool pending;
} mx_mark;
MX_API mx_mark mx_error_mark(void);
MX_API void mx_error_reset(mx_mark mark);

/* With MICA_TRACE=where in the environment an error of an evaluation says where its node was made: `locate` is asked
 * whenever a thread of the program makes a node, and writes a place of the program as text; false if it knows none.
 * Bindings set it; NULL switches it off. */
typedef bool (*mx_locate_fn)(char *text, size_t size);
MX_API void mx_set_locator(mx_locate_fn locate);

MX_END_DECLS
#endif
