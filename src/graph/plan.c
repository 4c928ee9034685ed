/* SPDX-License-Identifier: MIT
 *
 * Growing groups, in one pass over a tape from its end.  When a node is reached, all its readers have been: it joins
 * their group if each of them is in that one or comes after the group's last node, where the group runs.  So no group
 * waits for what runs behind it.  What the group need not write is dropped with its last reader.
 *
 * Who else may hold a node?  References can only be taken by who has one, or the reader of a node, and the tape's nodes
 * are claimed: under the graph lock, what its readers on the tape and one scope do not account for is held from outside.
 * A holder that lets go later costs a write that was not needed; none can come. */
#include "graph/plan.h"
#include "graph/space.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <stdio.h>

#define NOWHERE UINT32_MAX

/* Bytes that groups may hold at one time beyond what the nodes one by one would: a group reads its operands at its end,
 * where many things may have been made that are all to wait for it. */
enum { MOST_HELD = 128 << 20 };

/* A group in the making. */
typedef struct growth {
    uint32_t first, count;
    group_space space;
    int operand_count;
    const mx_array *operands[GROUP_OPERANDS];
} growth;

typedef struct planner {
    tape *t;
    plan_seat *seats;
    growth *groups;
    size_t group_count, capacity;
    uint64_t traces, held; /* held: over all groups, at any time */
    bool may_leave;
} planner;

static mx_role role_of(const planner *p, const mx_array *node)
{
    const mx_backend *backend = node->stream->backend;
    if (!backend->role || (node->trace & p->traces) || node->made_flags & ARRAY_UNFUSED) return ROLE_ALONE;
    return backend->role(node);
}

/* Has tape position `reader` in group `home` read position x?  Readers come with falling positions. */
static void note_reader(planner *p, uint32_t x, uint32_t reader, uint32_t home)
{
    plan_seat *s = &p->seats[x];
    bool is_first = s->edges++ == 0;
    if (is_first) s->latest = reader;
    if (is_first || s->home == home) {
        s->home = home;
        s->inside = reader;
    } else if (s->home != NOWHERE && reader > s->home) {
        s->outside = reader;
    } else if (s->home != NOWHERE) {
        uint32_t others = s->inside < s->outside ? s->inside : s->outside;
        s->home = others > home ? home : NOWHERE;
        s->inside = reader;
        s->outside = others;
    }
}

static void note_inputs(planner *p, uint32_t i)
{
    const mx_array *node = p->t->nodes[i];
    const plan_seat *seat = &p->seats[i];
    bool grouped = seat->flags & SEAT_GROUPED;
    uint32_t home = grouped ? seat->home : i;
    mx_role role = role_of(p, node);
    for (int k = 0; k < node->nin; k++) {
        mx_array *in = array_lead(node->in[k]);
        if (atomic_load_explicit(&in->state, memory_order_relaxed) != STATE_CLAIMED) continue;
        uint32_t x = (uint32_t)in->offset;
        note_reader(p, x, i, home);
        /* What is read by a node that stays LAZY stays so too. */
        if (grouped && (seat->flags & SEAT_KEPT)) p->seats[x].flags |= SEAT_KEPT;
        if (role == ROLE_ALONE) continue;
        /* What a written view shows must be there. */
        if (role == ROLE_VIEW && grouped && (seat->flags & SEAT_WRITTEN)) p->seats[x].flags |= SEAT_ROOT;
        static const uint8_t demands[] = {
            [EDGE_APART] = SEAT_APART, [EDGE_FLAT] = SEAT_FLAT, [EDGE_COLUMNS] = SEAT_COLUMNS};
        p->seats[x].flags |= in == node->in[k] ? demands[space_edge(role, node, k)] : SEAT_APART;
    }
}

/* ---- Joining */
static bool has_operand(const growth *g, const mx_array *x)
{
    for (int i = 0; i < g->operand_count; i++) {
        if (g->operands[i] == x) return true;
    }
    return false;
}

/* Replaces `node` among what the group reads by its inputs; false: too many. */
static bool replace_operand(growth *g, const mx_array *node)
{
    growth before = *g;
    for (int i = 0; i < g->operand_count; i++) {
        if (g->operands[i] == node) g->operands[i--] = g->operands[--g->operand_count];
    }
    for (int i = 0; i < node->nin; i++) {
        if (has_operand(g, node->in[i])) continue;
        if (g->operand_count == GROUP_OPERANDS) return *g = before, false;
        g->operands[g->operand_count++] = node->in[i];
    }
    return true;
}

/* The bytes that go when a node does: 0 where others hold it. */
static uint64_t bytes_of(const planner *p, const mx_array *x)
{
    uint64_t bytes = UINT64_MAX;
    for (;; x = x->in[0]) {
        const mx_array *lead = array_lead(x);
        uint64_t own = mx_nbytes(x);
        bytes = own < bytes ? own : bytes;
        if (atomic_load_explicit(&((mx_array *)lead)->state, memory_order_relaxed) != STATE_CLAIMED ||
            p->seats[lead->offset].flags & SEAT_ROOT)
            return 0;
        if (!(lead->op->flags & OP_VIEW) || lead->nin != 1) return bytes;
    }
}

/* How many bytes more are there while the group at `home` waits, if node i runs there?  What only i reads then waits
 * too, but not what i makes. */
static uint64_t would_hold(const planner *p, const growth *g, uint32_t i, uint32_t home)
{
    const mx_array *node = p->t->nodes[i];
    uint64_t bytes = 0, made = bytes_of(p, node);
    if (home - i == g->count) return 0; /* nothing runs between them */
    for (int k = 0; k < node->nin; k++) {
        const mx_array *in = node->in[k];
        bool again = has_operand(g, in);
        for (int j = 0; j < k; j++) again |= node->in[j] == in;
        uint64_t own = again ? 0 : bytes_of(p, in);
        if (!own) continue;
        const plan_seat *s = &p->seats[array_lead(in)->offset];
        if (s->edges == 0 || s->latest < home) bytes += own;
    }
    return bytes > made ? bytes - made : 0;
}

/* The group that stands at position `last`, made if that node was alone.  NULL: an error is recorded. */
static growth *group_at(planner *p, uint32_t last)
{
    plan_seat *seat = &p->seats[last];
    if (seat->flags & SEAT_GROUPED) return &p->groups[seat->group];
    if (p->group_count == p->capacity) {
        size_t capacity = p->capacity ? 2 * p->capacity : 16;
        growth *groups = mx_resize(p->groups, capacity, sizeof *groups);
        if (!groups) return NULL;
        p->groups = groups;
        p->capacity = capacity;
    }
    growth *g = &p->groups[p->group_count];
    *g = (growth){.first = last, .count = 1};
    if (!replace_operand(g, p->t->nodes[last])) g->count = GROUP_MAX; /* as good as full */
    seat->group = (uint32_t)p->group_count++;
    seat->flags |= SEAT_GROUPED | SEAT_LAST | SEAT_WRITTEN;
    seat->home = last;
    return g;
}

/* Why a node cannot join the group of its readers; NULL: it can, and this is what the group is then. */
static const char *refuses(const planner *p, uint32_t i, const plan_seat *s, group_space *joined)
{
    mx_array *node = p->t->nodes[i];
    if (s->edges == 0) return "nothing here reads it";
    if (s->home == NOWHERE) return "its readers run at different times";
    const mx_array *last = p->t->nodes[s->home];
    if (last->stream != node->stream) return "its reader is on another stream";
    if (s->flags & SEAT_APART) return "its reader needs it whole";
    group_space *space = &(group_space){0};
    if (p->seats[s->home].flags & SEAT_GROUPED) {
        space = &p->groups[p->seats[s->home].group].space;
    } else {
        const char *why = space_begin(space, role_of(p, last), last, last->stream->backend->longest_row);
        if (why) return why;
    }
    const mx_backend *backend = node->stream->backend;
    bool is_end = role_of(p, node) == ROLE_PRODUCT && backend->ends_product;
    if (is_end && ((p->seats[s->home].flags & SEAT_GROUPED) || s->edges > 1 || (s->flags & SEAT_ROOT) ||
                   !backend->ends_product(node, last)))
        return "its reader is no end of a product";
    edge_kind edge = s->flags & SEAT_COLUMNS ? EDGE_COLUMNS : s->flags & SEAT_FLAT ? EDGE_FLAT : EDGE_ANY;
    *joined = *space;
    const char *why = space_join(joined, role_of(p, node), node, edge, backend->longest_row);
    joined->closed |= is_end;
    return why;
}

static void decide_written(planner *p, uint32_t i)
{
    plan_seat *s = &p->seats[i];
    const mx_array *node = p->t->nodes[i];
    /* In this order: who leaves a scope takes the mark away before the reference. */
    uint32_t refs = (uint32_t)atomic_load_explicit(&((mx_array *)node)->refs, memory_order_acquire);
    uint32_t temporary = atomic_load_explicit(&((mx_array *)node)->temporary, memory_order_relaxed);
    uint32_t known = s->edges + (p->may_leave ? temporary : 0);
    if ((s->flags & SEAT_ROOT) || s->outside != NOWHERE || refs != known) {
        s->flags = (uint8_t)((s->flags & ~SEAT_KEPT) | SEAT_WRITTEN);
    } else if (temporary && p->may_leave) {
        s->flags |= SEAT_KEPT;
    }
}

static void explain(const mx_array *node, const char *why)
{
    char shape[SHAPE_TEXT];
    fprintf(stderr, "[fuse] %s %s is not in a group: %s\n", node->op->name, shape_text(shape, array_shape(node)), why);
}

/* False: an error is recorded. */
static bool join(planner *p, uint32_t i)
{
    plan_seat *s = &p->seats[i];
    const mx_array *node = p->t->nodes[i];
    if (role_of(p, node) == ROLE_ALONE) return true;
    group_space joined;
    const char *why = refuses(p, i, s, &joined);
    if (!why) {
        growth *g = group_at(p, s->home);
        if (!g) return false;
        uint64_t held = p->held + would_hold(p, g, i, s->home);
        bool too_much = held - p->seats[s->home].held > MOST_HELD && held > p->held;
        if (!too_much && g->count < GROUP_MAX && replace_operand(g, node)) {
            p->held = held;
            s->flags |= SEAT_GROUPED;
            s->next = g->first;
            s->group = p->seats[s->home].group;
            g->first = i;
            g->space = joined;
            g->count++;
            decide_written(p, i);
            return true;
        }
        why = too_much               ? "what it reads would have to be kept for its readers' group"
              : g->count < GROUP_MAX ? "its readers' group has enough operands"
                                     : "its readers' group is full";
    }
    if (UNLIKELY(runtime.trace_fuse) && s->edges) explain(node, why);
    return true;
}

/* ---- The pass */
static void print_group(const tape *t, uint32_t last)
{
    char shape[SHAPE_TEXT];
    fprintf(stderr, "[fuse] group %s %s:", mx_dtype_name((mx_dtype)t->nodes[last]->dtype),
            shape_text(shape, array_shape(t->nodes[last])));
    for (uint32_t i = t->seats[last].next;; i = t->seats[i].next) {
        fprintf(stderr, " %s%s", t->nodes[i]->op->name, t->seats[i].flags & SEAT_WRITTEN ? "*" : "");
        if (i == last) break;
    }
    fprintf(stderr, "\n");
}

/* Views and values of one element a row run by themselves after all, where nothing in the group makes what they show or
 * works along rows. */
static void put_out(planner *p, uint32_t last)
{
    growth *g = &p->groups[p->seats[last].group];
    uint32_t *link = &g->first;
    for (uint32_t i = g->first; i != last; i = *link) {
        plan_seat *s = &p->seats[i];
        const mx_array *node = p->t->nodes[i], *in = node->nin ? array_lead(node->in[0]) : NULL;
        bool out = !g->space.has_rows && space_is_row_value(&g->space, node);
        if (role_of(p, node) == ROLE_VIEW) {
            const plan_seat *source = &p->seats[in->offset];
            bool claimed = atomic_load_explicit(&in->state, memory_order_relaxed) == STATE_CLAIMED;
            out |= !claimed || !(source->flags & SEAT_GROUPED) || source->group != s->group;
        }
        if (out) {
            s->flags &= (uint8_t) ~(SEAT_GROUPED | SEAT_KEPT);
            *link = s->next;
        } else {
            link = &s->next;
        }
    }
}

/* A group of one is none. */
static void settle_groups(planner *p)
{
    for (uint32_t i = 0; i < p->t->count; i++) {
        plan_seat *s = &p->seats[i];
        if (!(s->flags & SEAT_LAST)) continue;
        put_out(p, i);
        s->next = p->groups[s->group].first;
        if (s->next == i) {
            s->flags &= (uint8_t) ~(SEAT_LAST | SEAT_GROUPED);
        } else if (UNLIKELY(runtime.trace_fuse)) {
            print_group(p->t, i);
        }
    }
}

bool plan_build(tape *t, mx_array *const *roots, int count, bool may_leave)
{
    if (!runtime.fuse || t->count < 2 || t->count >= NOWHERE) return true;
    planner p = {.t = t, .may_leave = may_leave, .traces = atomic_load_explicit(&runtime.traces, memory_order_relaxed)};
    if (!(p.seats = t->seats = mx_alloc(t->count, sizeof *t->seats))) return false;
    for (size_t i = 0; i < t->count; i++) {
        p.seats[i].outside = NOWHERE;
        t->nodes[i]->offset = (int64_t)i; /* not published before DONE, so it is ours until then */
    }
    for (int i = 0; i < count; i++) {
        mx_array *lead = array_lead(roots[i]);
        if (atomic_load_explicit(&lead->state, memory_order_relaxed) == STATE_CLAIMED)
            p.seats[lead->offset].flags |= SEAT_ROOT;
    }
    bool ok = true;
    for (size_t i = t->count; ok && i-- > 0;) {
        ok = join(&p, (uint32_t)i);
        p.seats[i].held = p.held;
        note_inputs(&p, (uint32_t)i);
    }
    if (ok) settle_groups(&p);
    mx_free(p.groups);
    return ok;
}

mx_group plan_group(const tape *t, size_t last, mx_array **nodes)
{
    mx_group g = {.nodes = nodes};
    for (uint32_t i = t->seats[last].next;; i = t->seats[i].next) {
        uint64_t bit = (uint64_t)1 << g.count;
        nodes[g.count++] = t->nodes[i];
        if (t->seats[i].flags & SEAT_WRITTEN) g.written |= bit;
        if (t->seats[i].flags & SEAT_KEPT) g.kept |= bit;
        if (i == last) return g;
    }
}
