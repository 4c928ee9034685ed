/* SPDX-License-Identifier: MIT
 *
 * Profiles for people and for programs: the table, and Chrome's trace format (ts and dur in microseconds; a process a
 * device type, a thread a track).
 * https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU */
#include "core/memory.h"
#include "core/text.h"
#include "graph/profile.h"
#include <stdlib.h>
#include <string.h>

/* ---- Rows */
typedef struct turn {
    mx_profile_row row;
    int before; /* its place */
} turn;

static int by_time(const void *a, const void *b)
{
    const mx_profile_row *p = &((const turn *)a)->row, *q = &((const turn *)b)->row;
    if (p->is_range != q->is_range) return p->is_range - q->is_range;
    if (p->device != q->device) return p->device < q->device ? -1 : 1;
    if (p->ms != q->ms) return p->ms > q->ms ? -1 : 1;
    return strcmp(p->name, q->name);
}

void profile_sort(mx_profile *p)
{
    size_t n = (size_t)p->rows.count;
    turn *turns = mx_alloc(n, sizeof *turns);
    int *places = mx_alloc(n, sizeof *places);
    p->failed |= !turns || !places;
    for (size_t i = 0; !p->failed && i < n; i++) turns[i] = (turn){p->rows.at[i], (int)i};
    if (!p->failed) {
        qsort(turns, n, sizeof *turns, by_time);
        for (size_t i = 0; i < n; i++) {
            p->rows.at[i] = turns[i].row;
            places[turns[i].before] = (int)i;
        }
        for (size_t i = 0; i < p->count; i++) p->events[i].row = places[p->events[i].row];
    }
    mx_free(turns);
    mx_free(places);
}

int mx_profile_count(const mx_profile *profile)
{
    return profile ? profile->rows.count : 0;
}

const mx_profile_row *mx_profile_rows(const mx_profile *profile)
{
    return profile ? profile->rows.at : NULL;
}

/* ---- The table */
static double total_ms(const mx_profile *p, const mx_profile_row *like)
{
    double ms = 0;
    for (int i = 0; i < p->rows.count; i++) {
        const mx_profile_row *r = &p->rows.at[i];
        if (r->is_range == like->is_range && r->device == like->device) ms += r->ms;
    }
    return ms;
}

static void add_rate(text *t, double amount, double ms)
{
    if (amount > 0 && ms > 0)
        text_add(t, " %9.1f", amount / ms / 1e6);
    else
        text_add(t, " %9s", "");
}

static void add_row(text *t, const mx_profile *p, const mx_profile_row *r)
{
    double all = total_ms(p, r);
    text_add(t, "%-62s %7lld %11.3f", r->name, (long long)r->count, r->ms);
    if (r->is_range)
        text_add(t, " %6s", "");
    else
        text_add(t, " %5.1f%%", all > 0 ? 100 * r->ms / all : 0.0);
    text_add(t, " %10.1f", 1e3 * r->ms / (double)r->count);
    if (!r->is_range) {
        text_add(t, " %10.1f", r->bytes / 1e6);
        add_rate(t, r->bytes, r->ms);
        add_rate(t, r->flops, r->ms);
    }
    text_add(t, "\n");
}

char *mx_profile_table(const mx_profile *p)
{
    if (!p) return mx_fail(MX_VALUE, "[profiler] the profile is NULL.");
    text t = {0};
    for (int i = 0; i < p->rows.count; i++) {
        const mx_profile_row *r = &p->rows.at[i], *before = i ? r - 1 : NULL;
        if (!before || before->is_range != r->is_range || before->device != r->device) {
            const char *what = r->is_range ? "range" : r->device == MX_GPU ? "op (gpu)" : "op (cpu)";
            text_add(&t, "%s%-62s %7s %11s", i ? "\n" : "", what, "count", "total ms");
            text_add(&t, " %6s %10s", r->is_range ? "" : "share", "mean us");
            text_add(&t, r->is_range ? "\n" : " %10s %9s %9s\n", "MB", "GB/s", "GFLOP/s");
        }
        add_row(&t, p, r);
        const mx_profile_row *after = i + 1 < p->rows.count ? r + 1 : NULL;
        if (!r->is_range && (!after || after->is_range || after->device != r->device))
            text_add(&t, "%-62s %7s %11.3f of %.3f ms\n", "all", "", total_ms(p, r),
                     (double)(p->ended_ns - p->began_ns) / 1e6);
    }
    if (p->rows.count == 0) text_add(&t, "nothing was evaluated\n");
    if (p->dropped) text_add(&t, "the trace holds the first %zu events, the table all of them\n", p->count);
    return text_take(&t, "profiler");
}

/* ---- The trace */
static void add_json(text *t, const char *s)
{
    text_add(t, "\"");
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            text_add(t, "\\%c", c);
        else if (c < ' ')
            text_add(t, "\\u%04x", c);
        else
            text_add(t, "%c", c);
    }
    text_add(t, "\"");
}

static int process_of(const profile_track *track)
{
    return track->stream ? 2 : 1;
}

static void add_tracks(text *t, const mx_profile *p)
{
    bool gpu = false;
    text_add(t, "{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":1,\"args\":{\"name\":\"CPU\"}}");
    for (int i = 0; i < p->track_count; i++) {
        const profile_track *track = &p->tracks[i];
        if (track->stream && !gpu)
            text_add(t, ",\n{\"ph\":\"M\",\"name\":\"process_name\",\"pid\":2,\"args\":{\"name\":\"GPU\"}}");
        gpu |= track->stream != NULL;
        text_add(t, ",\n{\"ph\":\"M\",\"name\":\"thread_name\",\"pid\":%d,\"tid\":%d,\"args\":{\"name\":",
                 process_of(track), i + 1);
        if (track->stream)
            text_add(t, "\"gpu %d, stream %d\"}}", track->stream->device.index, track->stream->index);
        else
            text_add(t, "\"thread %d\"}}", i + 1);
    }
}

static void add_event(text *t, const mx_profile *p, const profile_event *e)
{
    char shape[SHAPE_TEXT];
    const mx_profile_row *row = &p->rows.at[e->row];
    text_add(t, ",\n{\"ph\":\"X\",\"name\":");
    add_json(t, row->name);
    text_add(t, ",\"cat\":\"%s\",\"pid\":%d,\"tid\":%d,\"ts\":%.3f,\"dur\":%.3f", row->is_range ? "range" : "op",
             process_of(&p->tracks[e->track]), e->track + 1, (double)(e->start_ns - p->began_ns) / 1e3,
             (double)e->ns / 1e3);
    if (!row->is_range) {
        text_add(t, ",\"args\":{\"result\":\"%s %s\",\"bytes\":%.0f", mx_dtype_name((mx_dtype)e->dtype),
                 e->ndim <= PROFILE_NDIM ? shape_text(shape, (mx_shape){e->ndim, e->shape}) : "(...)", e->bytes);
        if (e->flops > 0) text_add(t, ",\"flop\":%.0f", e->flops);
        if (e->ns > 0) text_add(t, ",\"GB/s\":%.2f", e->bytes / (double)e->ns);
        if (e->ns > 0 && e->flops > 0) text_add(t, ",\"GFLOP/s\":%.2f", e->flops / (double)e->ns);
        text_add(t, "}");
    }
    text_add(t, "}");
}

char *mx_profile_trace(const mx_profile *p)
{
    if (!p) return mx_fail(MX_VALUE, "[profiler] the profile is NULL.");
    text t = {0};
    text_add(&t, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
    add_tracks(&t, p);
    for (size_t i = 0; i < p->count; i++) add_event(&t, p, &p->events[i]);
    text_add(&t, "\n]}\n");
    return text_take(&t, "profiler");
}
