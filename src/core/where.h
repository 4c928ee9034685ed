/* SPDX-License-Identifier: MIT
 *
 * MICA_TRACE=where: which line of the program made a node.  The lines stand in a table beside the nodes, so that nodes
 * stay as small as they are; with the switch off all it costs is a test. */
#ifndef CORE_WHERE_H
#define CORE_WHERE_H

#include "core/array.h"
#include "core/runtime.h"

struct where_table {
    struct where_entry **chains;
    size_t count, chain_count; /* a power of two */
};

void where_note_slow(const mx_array *lead);
void where_forget_slow(const mx_array *lead);
void where_copy_slow(const mx_array *to, const mx_array *from, bool again);
void where_tell_slow(const mx_array *lead);

/* Notes where a new node comes from. */
ALWAYS_INLINE void where_note(const mx_array *lead)
{
    if (UNLIKELY(runtime.trace_where)) where_note_slow(lead);
}
/* `to` is made again after `from`, of a captured function: it comes from where that does, and from here. */
ALWAYS_INLINE void where_copy(const mx_array *to, const mx_array *from)
{
    if (UNLIKELY(runtime.trace_where)) where_copy_slow(to, from, true);
}
/* A prototype of `from`. */
ALWAYS_INLINE void where_prototype(const mx_array *to, const mx_array *from)
{
    if (UNLIKELY(runtime.trace_where)) where_copy_slow(to, from, false);
}
/* The node is freed. */
ALWAYS_INLINE void where_forget(const mx_array *lead)
{
    if (UNLIKELY(runtime.trace_where)) where_forget_slow(lead);
}
/* Adds the line to the pending error. */
ALWAYS_INLINE void where_tell(const mx_array *lead)
{
    if (UNLIKELY(runtime.trace_where)) where_tell_slow(lead);
}

#endif
