/* SPDX-License-Identifier: MIT
 *
 * What the graph knows of a backend: one table of functions, registered when the library starts. */
#ifndef CORE_DEVICE_H
#define CORE_DEVICE_H

#include "core/op.h"
#include "mica/stream.h"

/* Nodes that run as one, in order, on one stream; a lone op is a group of one.  Bits stand for nodes. */
typedef struct mx_group {
    mx_array **nodes; /* leads; the last one is always written */
    int count;
    uint64_t written;  /* to memory; only later nodes of the group read the others */
    uint64_t kept;     /* not written, but alive after the group: what they read must be left as it is */
    bool keeps_inputs; /* nothing may be written in place: the group may have to run again */
} mx_group;
enum { GROUP_MAX = 64, GROUP_OPERANDS = 16 };

/* What a node can be in a group of several. */
typedef enum mx_role {
    ROLE_ALONE,
    ROLE_MAP,  /* elementwise: anywhere; it has the group's rows, or one element for each of them */
    ROLE_VIEW, /* shows rows of another node as they are, or one element a row n times */
    ROLE_ROWS, /* from rows, along the last axis, to rows: anywhere */
    ROLE_FOLD, /* a reduction: of rows, anywhere; of all but the last axis or of very long rows, at the end */
    ROLE_END, /* a reduction over any axes: the last of a group of maps, and of views of which one may permute its axes */
    ROLE_PRODUCT, /* a matrix product: no other node but maps and views, none of which it may read; or `ends_product` */
} mx_role;

typedef struct mx_backend {
    const char *name;
    mx_device_type type;
    int (*device_count)(void);
    /* Why there is no device, in a sentence without its full stop; NULL: there is one always. */
    const char *(*why_none)(void);
    /* Computes a group whose inputs are DONE: sets strides, buffers and offsets of what is written out (not the state).
     * False: an error is recorded; code MEMORY means that nothing was written and the call may be repeated.  A group of
     * several may also ask, without an error, to be run node by node. */
    bool (*run)(mx_stream *stream, const mx_group *group);
    /* The role that a node may have in a group of this backend; NULL: all run alone. */
    mx_role (*role)(const mx_array *node);
    int64_t longest_row; /* elements that a row of a group may have */
    /* How a node that works along rows shares them out: those of a group agree.  NULL: they always do. */
    int64_t (*team)(const mx_array *node);
    /* Where a product takes but one node with it: may that be `reader`, which reads it?  NULL: maps and views follow it. */
    bool (*ends_product)(const mx_array *product, const mx_array *reader);
    /* For the profiler, where `run` only starts the work; NULL: it does all of it.  A place in the stream's order (NULL:
     * an error is recorded); when, by the host's clock, the stream came to the first of two and how long it took to the
     * second.  mark_times waits, and takes both (either may be NULL: false). */
    void *(*mark)(mx_stream *stream);
    bool (*mark_times)(mx_stream *stream, void *first, void *second, int64_t *start_ns, int64_t *ns);
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
