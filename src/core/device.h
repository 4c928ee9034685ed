/* SPDX-License-Identifier: MIT
 *
 * What the graph knows of a backend: one table of functions, registered when the library starts. */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include "core/op.h"
#include "mica/stream.h"

/* Nodes that run as one, in order; each but the last is an elementwise node that only later ones of the group read,
 * unless its bit in `written` is set: then it is written out too.  A lone op is a group of one. */
typedef struct mx_group {
    mx_array **nodes; /* leads */
    int count;
    uint64_t written;
} mx_group;
enum { GROUP_MAX = 64 };

typedef struct mx_backend {
    const char *name;
    mx_device_type type;
    int (*device_count)(void);
    /* Why there is no device, in a sentence without its full stop; NULL: there is one always. */
    const char *(*why_none)(void);
    /* Computes a group whose inputs are DONE: sets strides, buffers and offsets of what is written out (not the state).
     * False: an error is recorded; code MEMORY means that nothing was written and the call may be repeated. */
    bool (*run)(mx_stream *stream, const mx_group *group);
    /* Starts what `run` has collected and not started yet. */
    bool (*flush)(mx_stream *stream);
    /* Waits until what `run` started on the stream is finished. */
    bool (*wait)(mx_stream *stream);
    /* Gives free memory back to the device's driver. */
    void (*clear_cache)(void);
    bool (*info)(int device, int index, mx_device_fact *fact);
} mx_backend;

extern const mx_backend cpu_backend, cuda_backend;
/* The backend of a device type, or NULL. */
const mx_backend *backend_of(mx_device_type type);

#endif
