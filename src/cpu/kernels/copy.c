/* SPDX-License-Identifier: MIT
 *
 * Copies between two layouts.  Rows are copied, compacted or spread one after the other.  Where another dimension than
 * the innermost lies closer in the source, the two are a matrix to be transposed, and the copy is one of panels of such
 * matrices.  Large results are put together piece by piece in the L1 cache and streamed from there. */
#include "cpu/kernels/copy.h"
#include "core/shape.h"
#include "cpu/kernels/copy_simd.h"
#include "cpu/kernels/walk.h"
#include <stdlib.h>

enum {
    CHUNK_BYTES = 256 << 10,
    PIECE = 8 << 10, /* bytes of a row that is long enough to be streamed by itself */
    STAGE = 1 << 10, /* bytes that are put together before they are streamed: few, so that reading goes on meanwhile */
    STAGES_AHEAD = 4,
    STREAM_RUN = 1024,
    AHEAD_BYTES = 8 << 10
};

void KERNEL(stream_copy)(void *to, const void *from, size_t bytes)
{
    char *y = to;
    const char *x = from;
    size_t head = (LINE - (uintptr_t)y % LINE) % LINE, i = head;
    if (bytes < 2 * LINE) {
        memcpy(y, x, bytes);
        return;
    }
    memcpy(y, x, head);
    for (; i + LINE <= bytes; i += LINE) {
        UNROLL
        for (size_t k = 0; k < LINE; k += REG) reg_stream(y + i + k, reg_load(x + i + k));
    }
    memcpy(y + i, x + i, bytes - i);
}

void KERNEL(stream_end)(void)
{
#if defined __x86_64__
    _mm_sfence();
#endif
}

/* memcpy without its call where a few registers do; the last one overlaps the one before it. */
ALWAYS_INLINE void copy_bytes(void *to, const void *from, int64_t bytes)
{
    char *y = to;
    const char *x = from;
    if (bytes < REG || bytes > 8 * REG) {
        memcpy(y, x, (size_t)bytes);
        return;
    }
    for (int64_t i = 0; i < bytes - REG; i += REG) reg_store(y + i, reg_load(x + i));
    reg_store(y + bytes - REG, reg_load(x + bytes - REG));
}

#define TEMPLATE "cpu/kernels/copy_tmpl.h"
#include "cpu/kernels/each_size.h"

typedef void (*gather_fn)(void *to, const void *from, int64_t stride, int64_t n);
typedef void (*spread_fn)(void *to, const void *from, int64_t to_stride, int64_t stride, int64_t n);
static const gather_fn gather_by_size[] = {
    [1] = gather_row_1, [2] = gather_row_2, [4] = gather_row_4, [8] = gather_row_8};
static const spread_fn spread_by_size[] = {
    [1] = spread_row_1, [2] = spread_row_2, [4] = spread_row_4, [8] = spread_row_8};

/* Operand 0 of the walk is the result, 1 the source. */
typedef struct copy_job {
    walk w;
    char *to;
    const char *from;
    int64_t bytes, total;
    bool lines;                        /* rows: whole lines, streamed in the order of the source */
    bool dense, stream;                /* the result is row-major; it is streamed */
    int64_t width, parts;              /* rows: columns of a part, parts of a row */
    int across;                        /* panels: the dimension that is adjacent in the source */
    int64_t panel, height, row_panels; /* panels: columns and rows of one, how many a matrix has */
} copy_job;

/* ---- Rows */
/* Pieces of the result that were put together but not streamed yet. */
typedef struct stage {
    char *to;
    int64_t used, room;
    ALIGNED(64) char bytes[STAGE];
} stage;

/* The first piece ends where a line of the result does, so all others begin with one. */
static void stage_begin(stage *s, char *to)
{
    s->to = to;
    s->used = 0;
    s->room = STAGE - (int64_t)((uintptr_t)to % LINE);
}

static void stage_flush(stage *s)
{
    KERNEL(stream_copy)(s->to, s->bytes, (size_t)s->used);
    stage_begin(s, s->to + s->used);
}

/* Asks for the source of later stages; elements that lie far apart the machine finds as well by itself. */
static void fetch_stages(const char *from, int64_t stride_bytes, int64_t n)
{
    int64_t span = n * stride_bytes;
    if (stride_bytes >= LINE) return;
    for (int64_t at = 0; at < span; at += LINE) PREFETCH_L2(from + STAGES_AHEAD * span + at);
}

static void stage_row(stage *s, const copy_job *job, const char *from, int64_t n)
{
    int64_t stride = job->w.stride[1][job->w.ndim - 1], bytes = job->bytes;
    for (int64_t i = 0, m; i < n; i += m) {
        int64_t rest = (s->room - s->used) / bytes;
        m = n - i < rest ? n - i : rest;
        fetch_stages(from + i * stride * bytes, stride * bytes, m);
        gather_by_size[bytes](s->bytes + s->used, from + i * stride * bytes, stride, m);
        s->used += m * bytes;
        if (s->used == s->room) stage_flush(s);
    }
}

static void copy_row(const copy_job *job, stage *s, char *to, const char *from, int64_t n)
{
    int last = job->w.ndim - 1;
    int64_t to_stride = job->w.stride[0][last], stride = job->w.stride[1][last], bytes = job->bytes;
    if (job->lines || (job->stream && stride == 1 && n * bytes >= PIECE)) {
        KERNEL(stream_copy)(to, from, (size_t)(n * bytes));
    } else if (job->stream) {
        if (!job->dense) stage_begin(s, to);
        stage_row(s, job, from, n);
        if (!job->dense) stage_flush(s);
    } else if (to_stride == 1) {
        gather_by_size[bytes](to, from, stride, n);
    } else {
        spread_by_size[bytes](to, from, to_stride, stride, n);
    }
}

/* How far behind a row of the source the one lies that is to be fetched meanwhile; 0: the machine sees by itself that
 * it will be read.  Short rows with gaps between them it does not follow. */
static int64_t ahead_bytes(const copy_job *job, int64_t n)
{
    int last = job->w.ndim - 1;
    int64_t run = n * job->bytes, rows = AHEAD_BYTES / run;
    if (last == 0 || job->lines || job->w.stride[1][last] != 1 || rows < 2) return 0;
    return rows * job->w.stride[1][last - 1] * job->bytes;
}

/* Columns [column, column + n) of the rows [begin, end); the offsets are carried along. */
static void copy_some_rows(const copy_job *job, int64_t begin, int64_t end, int64_t column, int64_t n)
{
    const walk *w = &job->w;
    stage s;
    int64_t index[MX_MAX_NDIM + 1], bytes = job->bytes, rest = begin;
    int last = w->ndim - 1;
    char *to = job->to + (walk_row_offset(w, 0, begin) + column * w->stride[0][last]) * bytes;
    const char *from = job->from + (walk_row_offset(w, 1, begin) + column * w->stride[1][last]) * bytes;
    for (int i = last - 1; i >= 0; i--) {
        index[i] = rest % w->shape[i];
        rest /= w->shape[i];
    }
    stage_begin(&s, to);
    int64_t ahead = ahead_bytes(job, n);
    for (int64_t row = begin; row < end; row++) {
        for (int64_t i = 0; ahead && i < n * bytes; i += LINE) PREFETCH(from + ahead + i);
        copy_row(job, &s, to, from, n);
        for (int i = last - 1; i >= 0; i--) {
            to += w->stride[0][i] * bytes;
            from += w->stride[1][i] * bytes;
            if (++index[i] < w->shape[i]) break;
            index[i] = 0;
            to -= w->shape[i] * w->stride[0][i] * bytes;
            from -= w->shape[i] * w->stride[1][i] * bytes;
        }
    }
    if (s.used) stage_flush(&s);
    if (job->stream) KERNEL(stream_end)();
}

static void copy_rows(void *ctx, int64_t begin, int64_t end)
{
    const copy_job *job = ctx;
    int64_t n = job->w.shape[job->w.ndim - 1];
    if (job->parts == 1) {
        copy_some_rows(job, begin, end, 0, n);
        return;
    }
    for (int64_t i = begin; i < end; i++) {
        int64_t row = i / job->parts, column = i % job->parts * job->width, rest = n - column;
        copy_some_rows(job, row, row + 1, column, rest < job->width ? rest : job->width);
    }
}

/* Rows of whole lines are streamed in the order of the source: it is what the machine fetches ahead, and such stores need
 * no order. */
static void order_by_source(copy_job *job)
{
    walk *w = &job->w;
    int last = w->ndim - 1;
    for (int i = 1; i < last; i++) {
        for (int k = i; k > 0 && llabs(w->stride[1][k - 1]) < llabs(w->stride[1][k]); k--) {
            for (int o = 0; o < 2; o++) {
                int64_t stride = w->stride[o][k];
                w->stride[o][k] = w->stride[o][k - 1];
                w->stride[o][k - 1] = stride;
            }
            int64_t n = w->shape[k];
            w->shape[k] = w->shape[k - 1];
            w->shape[k - 1] = n;
        }
    }
    job->dense = false;
}

static bool has_whole_lines(const copy_job *job)
{
    const walk *w = &job->w;
    int last = w->ndim - 1;
    bool whole = w->stride[1][last] == 1 && w->stride[0][last] == 1 && (uintptr_t)job->to % LINE == 0 &&
                 w->shape[last] * job->bytes % LINE == 0;
    for (int i = 0; i < last; i++) whole &= w->stride[0][i] * job->bytes % LINE == 0;
    return whole;
}

static void split_rows(copy_job *job)
{
    int last = job->w.ndim - 1;
    job->lines = job->stream && has_whole_lines(job);
    if (job->lines) order_by_source(job);
    int64_t n = job->w.shape[last], step = CHUNK_BYTES / job->bytes;
    job->width = n > step ? step : n;
    job->parts = (n + job->width - 1) / job->width;
    job->stream &= job->w.stride[0][last] == 1 && (job->dense || job->lines || n * job->bytes >= STREAM_RUN);
    cpu_split(job->total / n * job->parts, 1 + step / (2 * job->width), copy_rows, job);
}

/* ---- Panels: parts of matrices, the rows of the result being dimension `across` and the columns the innermost */
/* Panels (columns, other dimensions, rows), so that the next one is where the last one left the source's lines. */
static void copy_panels(void *ctx, int64_t begin, int64_t end)
{
    const copy_job *job = ctx;
    const walk *w = &job->w;
    int last = w->ndim - 1, p = job->across;
    int64_t bytes = job->bytes, n = w->shape[last], rows = w->shape[p];
    int64_t per_columns = job->total / n / rows * job->row_panels;
    for (int64_t k = begin; k < end; k++) {
        int64_t j = k / per_columns * job->panel, i = k % job->row_panels * job->height;
        int64_t rest = k % per_columns / job->row_panels;
        int64_t to = i * w->stride[0][p] + j * w->stride[0][last], from = i * w->stride[1][p] + j * w->stride[1][last];
        for (int d = last - 1; d >= 0; d--) {
            if (d == p) continue;
            to += rest % w->shape[d] * w->stride[0][d];
            from += rest % w->shape[d] * w->stride[1][d];
            rest /= w->shape[d];
        }
        copy_matrix m = {.to = job->to + to * bytes,
                         .from = job->from + from * bytes,
                         .rows = rows - i < job->height ? rows - i : job->height,
                         .columns = n - j < job->panel ? n - j : job->panel,
                         .to_stride = w->stride[0][p] * bytes,
                         .from_stride = w->stride[1][last] * bytes,
                         .row_step = w->stride[1][p] * bytes,
                         .after = rows - i < job->height ? 0 : rows - i - job->height,
                         .bytes = (int)bytes};
        m.stream = job->stream && (m.columns * bytes >= STREAM_RUN || m.to_stride == m.columns * bytes);
        if (m.row_step == -bytes) { /* from the last row to the first */
            m.to += (m.rows - 1) * m.to_stride;
            m.from -= (m.rows - 1) * bytes;
            m.to_stride = -m.to_stride;
            m.row_step = bytes;
        }
        KERNEL(copy_transposed)(&m);
    }
}

static void split_panels(copy_job *job)
{
    int64_t n = job->w.shape[job->w.ndim - 1], rows = job->w.shape[job->across], step = CHUNK_BYTES / job->bytes;
    job->panel = COPY_PANEL / job->bytes;
    int64_t columns = n < job->panel ? n : job->panel;
    int64_t height = (step / columns + LINE) / LINE * LINE;
    job->height = height < rows ? height : rows;
    job->row_panels = (rows + job->height - 1) / job->height;
    int64_t panels = (n + job->panel - 1) / job->panel * (job->total / n / rows) * job->row_panels;
    cpu_split(panels, 1 + step / (2 * columns * job->height), copy_panels, job);
}

/* The dimension that lies closest in the source, if it is not the innermost one; else -1. */
static int dimension_across(const walk *w)
{
    int last = w->ndim - 1, found = -1;
    int64_t closest = llabs(w->stride[1][last]);
    if (w->stride[0][last] != 1 || closest <= 1) return -1;
    for (int i = 0; i < last; i++) {
        int64_t stride = llabs(w->stride[1][i]);
        if (stride == 0 || stride >= closest) continue;
        closest = stride;
        found = i;
    }
    return found;
}

static bool is_dense(const walk *w)
{
    int64_t expected = 1;
    for (int i = w->ndim - 1; i >= 0; i--) {
        if (w->shape[i] > 1 && w->stride[0][i] != expected) return false;
        expected *= w->shape[i];
    }
    return true;
}

void KERNEL(copy_between)(void *to, const int64_t *to_strides, const void *from, const int64_t *from_strides,
                          mx_shape shape, size_t bytes)
{
    int64_t strides[2][MX_MAX_NDIM];
    for (int i = 0; i < shape.ndim; i++) {
        strides[0][i] = to_strides[i];
        strides[1][i] = from_strides[i];
    }
    copy_job job = {.w = walk_merge(shape, 2, (const int64_t(*)[MX_MAX_NDIM])strides),
                    .to = to,
                    .from = from,
                    .bytes = (int64_t)bytes,
                    .total = 1};
    for (int i = 0; i < job.w.ndim; i++) job.total *= job.w.shape[i];
    if (job.total == 0) return;
    if (job.total == 1) job.w.stride[0][0] = job.w.stride[1][0] = 1;
    job.dense = is_dense(&job.w);
    job.stream = cpu_beyond_caches((size_t)(job.total * job.bytes));
    job.across = dimension_across(&job.w);
    if (job.across >= 0)
        split_panels(&job);
    else
        split_rows(&job);
}

void KERNEL(copy_strided)(void *to, const void *from, mx_shape shape, const int64_t *strides, size_t bytes)
{
    int64_t row_major[MX_MAX_NDIM];
    shape_row_major(shape, row_major);
    KERNEL(copy_between)(to, row_major, from, strides, shape, bytes);
}
