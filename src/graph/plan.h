/* SPDX-License-Identifier: MIT
 *
 * Which nodes of a tape run together. */
#ifndef GRAPH_PLAN_H
#define GRAPH_PLAN_H

#include "graph/eval.h"

enum {
    SEAT_WRITTEN = 1,
    SEAT_KEPT = 2,
    SEAT_GROUPED = 4,
    SEAT_LAST = 8,
    SEAT_ROOT = 16,
    SEAT_APART = 32,   /* a reader needs it whole */
    SEAT_FLAT = 64,    /* a reader needs its rows as they are */
    SEAT_COLUMNS = 128 /* a reader folds the rows that it shows */
};

/* One position of a tape.  A group stands at the position of its last node. */
typedef struct plan_seat {
    uint32_t next;            /* grouped, not last: the member after this one.  Last: the first member */
    uint32_t edges;           /* inputs of nodes on the tape that read it */
    uint32_t home;            /* the group that it could join: the position of its last node */
    uint32_t inside, outside; /* the first reader in that group, and elsewhere */
    uint32_t group;           /* number of the group in the making */
    uint32_t latest;          /* the last of its readers */
    uint64_t held;            /* what all groups were found to hold when the pass had come to here */
    uint8_t flags;
} plan_seat;

/* Grows groups over a tape that has just been built; the caller holds the graph lock.  `may_leave`: temporaries that
 * only scopes hold need not be written.  False: an error is recorded. */
bool plan_build(tape *t, mx_array *const *roots, int count, bool may_leave);
/* Does something stand at this position, a group or a lone node? */
ALWAYS_INLINE bool plan_runs_at(const tape *t, size_t i)
{
    return !t->seats || !(t->seats[i].flags & SEAT_GROUPED) || (t->seats[i].flags & SEAT_LAST);
}
/* The group at a position, in `nodes`, which has room for GROUP_MAX. */
mx_group plan_group(const tape *t, size_t last, mx_array **nodes);

#endif
