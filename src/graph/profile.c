/* SPDX-License-Identifier: MIT
 *
 * Recording.  All threads write to one profile under one lock, which nobody else takes; the ops themselves run outside
 * of it.  What runs on a GPU stands between two marks of its stream, whose times are asked for when there are many, or
 * at the end.  The trace keeps a bounded number of events, the totals all of them. */
#include "graph/profile.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <stdio.h>
#include <string.h>

enum { MARKS_WAITING = 2048 };

/* ---- Rows */
static size_t hash_name(const char *name, bool is_range, mx_device_type device)
{
    size_t h = 1469598103934665603u + (size_t)is_range * 31 + (size_t)device;
    for (; *name; name++) h = (h ^ (unsigned char)*name) * 1099511628211u;
    return h ^ h >> 29;
}

static int *slot_of(const profile_rows *rows, const char *name, bool is_range, mx_device_type device)
{
    size_t mask = 2 * (size_t)rows->capacity - 1, i = hash_name(name, is_range, device) & mask;
    for (; rows->slots[i]; i = (i + 1) & mask) {
        const mx_profile_row *r = &rows->at[rows->slots[i] - 1];
        if (r->is_range == is_range && r->device == device && strcmp(r->name, name) == 0) break;
    }
    return &rows->slots[i];
}

static bool rows_grow(profile_rows *rows)
{
    if (rows->count < rows->capacity) return true;
    int capacity = rows->capacity ? 2 * rows->capacity : 64;
    mx_profile_row *at = mx_resize(rows->at, (size_t)capacity, sizeof *at);
    if (!at) return false;
    rows->at = at;
    int *slots = mx_alloc(2 * (size_t)capacity, sizeof *slots);
    if (!slots) return false;
    mx_free(rows->slots);
    rows->slots = slots;
    rows->capacity = capacity;
    for (int i = 0; i < rows->count; i++) *slot_of(rows, at[i].name, at[i].is_range, at[i].device) = i + 1;
    return true;
}

/* The row of a name, made if it is new; -1: no memory. */
static int row_of(profile_rows *rows, const char *name, bool is_range, mx_device_type device)
{
    if (!rows_grow(rows)) return -1;
    int *slot = slot_of(rows, name, is_range, device);
    if (*slot) return *slot - 1;
    size_t bytes = strlen(name) + 1;
    char *copy = mx_alloc(bytes, 1);
    if (!copy) return -1;
    memcpy(copy, name, bytes);
    rows->at[rows->count] = (mx_profile_row){.name = copy, .is_range = is_range, .device = device};
    *slot = ++rows->count;
    return rows->count - 1;
}

/* ---- Events */
static int track_of(mx_profile *p, const mx_stream *stream)
{
    pthread_t self = pthread_self();
    for (int i = 0; i < p->track_count; i++) {
        const profile_track *t = &p->tracks[i];
        if (t->stream == stream && (stream || pthread_equal(t->thread, self))) return i;
    }
    if (p->track_count == p->track_capacity) {
        int capacity = p->track_capacity ? 2 * p->track_capacity : 8;
        profile_track *tracks = mx_resize(p->tracks, (size_t)capacity, sizeof *tracks);
        if (!tracks) return -1;
        p->tracks = tracks;
        p->track_capacity = capacity;
    }
    p->tracks[p->track_count] = (profile_track){self, stream};
    return p->track_count++;
}

static bool events_grow(mx_profile *p)
{
    if (p->count < p->capacity) return true;
    size_t capacity = p->capacity ? 2 * p->capacity : 1024;
    profile_event *events = mx_resize(p->events, capacity, sizeof *events);
    if (!events) return false;
    p->events = events;
    p->capacity = capacity;
    return true;
}

static void add_times(mx_profile *p, profile_event *e)
{
    mx_profile_row *row = &p->rows.at[e->row];
    row->count++;
    row->ms += (double)e->ns / 1e6;
    row->bytes += e->bytes;
    row->flops += e->flops;
}

/* Asks a GPU for the time of what stands between two marks. */
static void resolve(mx_profile *p, profile_event *e)
{
    if (!e->stream->backend->mark_times(e->stream, e->marks[0], e->marks[1], &e->start_ns, &e->ns)) e->ns = 0;
    e->stream = NULL;
    add_times(p, e);
}

static void resolve_all(mx_profile *p)
{
    size_t from = p->resolved;
    for (size_t i = from; i < p->count; i++) {
        if (p->events[i].stream) resolve(p, &p->events[i]);
    }
    p->resolved = p->count;
}

/* Keeps an event, or only its times when the trace is full; takes its marks.  The caller holds the lock. */
static bool keep_event(mx_profile *p, profile_event *e)
{
    if (p->count >= PROFILE_EVENTS || !events_grow(p)) {
        p->dropped++;
        if (e->stream)
            resolve(p, e);
        else
            add_times(p, e);
        return p->count >= PROFILE_EVENTS;
    }
    if (!e->stream) add_times(p, e);
    p->events[p->count++] = *e;
    if (p->count - p->resolved >= MARKS_WAITING) resolve_all(p);
    return true;
}

static void drop_marks(const profile_event *e)
{
    int64_t start, ns;
    if (e->stream) e->stream->backend->mark_times(e->stream, e->marks[0], e->marks[1], &start, &ns);
}

/* Adds an event to the profile that is being recorded, if it has begun before the event.  Errors of recording are not
 * those of the program: they are told at the end. */
static void record(profile_event *e, const char *name, bool is_range, mx_device_type device)
{
    mx_mark mark = mx_error_mark();
    pthread_mutex_lock(&runtime.profile_lock);
    mx_profile *p = atomic_load_explicit(&runtime.profile, memory_order_relaxed);
    bool kept = p && e->start_ns >= p->began_ns;
    if (kept) {
        e->row = row_of(&p->rows, name, is_range, device);
        e->track = track_of(p, e->stream);
        kept = e->row >= 0 && e->track >= 0;
        p->failed |= !kept || !keep_event(p, e);
    }
    pthread_mutex_unlock(&runtime.profile_lock);
    if (!kept) drop_marks(e);
    mx_error_reset(mark);
}

/* ---- What a group does */
static bool is_member(const mx_group *g, const mx_array *x)
{
    for (int i = 0; i < g->count; i++) {
        if (g->nodes[i] == array_lead(x)) return true;
    }
    return false;
}

/* A broadcast axis (stride 0) is read once. */
static double bytes_of(const mx_array *x)
{
    double bytes = (double)mx_dtype_size((mx_dtype)x->dtype);
    for (int i = 0; i < x->ndim; i++) bytes *= x->strides[i] == 0 && x->shape[i] > 1 ? 1 : (double)x->shape[i];
    return bytes;
}

static bool read_before(const mx_group *g, int node, int input)
{
    for (int n = 0; n <= node; n++) {
        for (int i = 0; i < (n == node ? input : g->nodes[n]->nin); i++) {
            if (g->nodes[n]->in[i] == g->nodes[node]->in[input]) return true;
        }
    }
    return false;
}

static void measure_group(const mx_group *g, profile_event *e)
{
    for (int n = 0; n < g->count; n++) {
        mx_array *node = g->nodes[n];
        for (int i = 0; i < node->nin; i++) {
            if (!is_member(g, node->in[i]) && !read_before(g, n, i)) e->bytes += bytes_of(node->in[i]);
        }
        bool written = n + 1 == g->count || (g->written >> n & 1);
        for (int i = 0; written && i < node->nout; i++)
            e->bytes += (double)node[i].size * (double)mx_dtype_size((mx_dtype)node[i].dtype);
        if (!node->op->flops) continue;
        mx_call c = {
            .op = node->op, .params = array_params(node), .in = node->in, .nin = node->nin, .nout = node->nout};
        c.out = &node;
        e->flops += node->op->flops(&c);
    }
    const mx_array *last = g->nodes[g->count - 1];
    e->dtype = last->dtype;
    e->ndim = last->ndim;
    if (last->ndim <= PROFILE_NDIM) memcpy(e->shape, last->shape, last->ndim * sizeof *last->shape);
}

const char *group_name(const mx_group *g, char name[PROFILE_NAME])
{
    enum { FIRST = 4, LAST = 2 };
    if (g->count == 1) return g->nodes[0]->op->name;
    size_t n = 0;
    for (int i = 0; i < g->count && n < PROFILE_NAME; i++) {
        bool skipped = g->count > FIRST + LAST && i >= FIRST && i < g->count - LAST;
        if (skipped && i > FIRST) continue;
        n +=
            (size_t)snprintf(name + n, PROFILE_NAME - n, "%s%s", i ? "+" : "", skipped ? "..." : g->nodes[i]->op->name);
    }
    if (n < PROFILE_NAME) snprintf(name + n, PROFILE_NAME - n, " (%d ops)", g->count);
    return name;
}

bool profile_run(mx_stream *stream, const mx_group *group)
{
    char name[PROFILE_NAME];
    const mx_backend *backend = stream->backend;
    profile_event e = {.start_ns = clock_ns()};
    void *first = backend->mark ? backend->mark(stream) : NULL;
    if (backend->mark && !first) return false;
    bool ok = backend->run(stream, group);
    e.ns = clock_ns() - e.start_ns;
    if (first) {
        mx_mark mark = mx_error_mark();
        e.marks[0] = first;
        e.marks[1] = ok ? backend->mark(stream) : NULL;
        e.stream = stream;
        mx_error_reset(mark);
        if (!e.marks[1]) {
            drop_marks(&e);
            return ok;
        }
    }
    if (!ok) return false;
    measure_group(group, &e);
    record(&e, group_name(group, name), false, stream->device.type);
    return true;
}

/* ---- Begin, end, ranges */
bool mx_profile_begin(void)
{
    mx_profile *p = mx_alloc(1, sizeof *p);
    if (!p) return false;
    p->began_ns = clock_ns();
    pthread_mutex_lock(&runtime.profile_lock);
    bool ok = !atomic_load(&runtime.profile);
    if (ok) atomic_store(&runtime.profile, p);
    pthread_mutex_unlock(&runtime.profile_lock);
    if (ok) return true;
    mx_free(p);
    return mx_fail_false(MX_RUNTIME, "[profiler] a profile is being recorded already: end that one first.");
}

mx_profile *mx_profile_end(void)
{
    pthread_mutex_lock(&runtime.profile_lock);
    mx_profile *p = atomic_exchange(&runtime.profile, NULL);
    pthread_mutex_unlock(&runtime.profile_lock);
    if (!p) return mx_fail(MX_RUNTIME, "[profiler] no profile is being recorded.");
    p->ended_ns = clock_ns();
    resolve_all(p);
    profile_sort(p);
    if (!p->failed) return p;
    mx_profile_free(&p);
    return mx_fail(MX_MEMORY, "[profiler] there was no memory for all that ran.");
}

void mx_profile_free(mx_profile **profile)
{
    mx_profile *p = profile ? *profile : NULL;
    if (!p) return;
    for (int i = 0; i < p->rows.count; i++) mx_free((char *)p->rows.at[i].name);
    mx_free(p->rows.at);
    mx_free(p->rows.slots);
    mx_free(p->events);
    mx_free(p->tracks);
    mx_free(p);
    *profile = NULL;
}

mx_range mx_range_begin(void)
{
    return (mx_range){atomic_load_explicit(&runtime.profile, memory_order_relaxed) ? clock_ns() : 0};
}

void mx_range_end(mx_range range, const char *name)
{
    if (!range.started_ns || !name || !atomic_load_explicit(&runtime.profile, memory_order_relaxed)) return;
    profile_event e = {.start_ns = range.started_ns, .ns = clock_ns() - range.started_ns};
    record(&e, name, true, MX_CPU);
}
