/* SPDX-License-Identifier: MIT */
#ifndef CORE_PARAMS_LOAD_H
#define CORE_PARAMS_LOAD_H

#include "core/op.h"

/* load: an array that lies in a source from `offset` on, row-major; `swap` says that its bytes are in the other order. */
typedef struct load_params {
    param_object *source; /* a load_source */
    int64_t offset;
    param_shape shape;
    mx_dtype dtype;
    bool swap;
} load_params;

/* A file, kept open as long as an array may be read from it.  `read` gives the array's bytes as they are in memory;
 * false: an error is recorded. */
typedef struct load_source {
    param_object object;
    bool (*read)(struct load_source *source, const load_params *params, void *to, size_t bytes);
} load_source;

#endif
