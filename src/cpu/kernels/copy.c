/* SPDX-License-Identifier: MIT
 *
 * Copies to row-major order.  Rows that are adjacent are copied as they are; a copy whose innermost stride is large but
 * has another dimension with stride 1 is a transposition and goes block by block, so that every cache line is used
 * whole. */
#include "cpu/kernels/kernel.h"
#include "cpu/kernels/walk.h"
#include <stdlib.h>
#include <string.h>
#if defined __x86_64__
#include <immintrin.h>
#endif

#define TEMPLATE "cpu/kernels/copy_tmpl.h"
#include "cpu/kernels/each_size.h"

typedef void (*gather_fn)(void *to, const void *from, int64_t stride, int64_t n);
typedef void (*transpose_fn)(void *to, const void *from, int64_t rows, int64_t columns, int64_t to_stride,
                             int64_t row_stride, int64_t column_stride);
static const gather_fn gather_by_size[] = {
    [1] = gather_row_1, [2] = gather_row_2, [4] = gather_row_4, [8] = gather_row_8};
static const transpose_fn transpose_by_size[] = {
    [1] = transpose_block_1, [2] = transpose_block_2, [4] = transpose_block_4, [8] = transpose_block_8};

enum { STREAM_BYTES = 16 << 20, BLOCK = 32 };

void KERNEL(stream_copy)(void *to, const void *from, size_t bytes)
{
#if defined __x86_64__
    char *y = to;
    const char *x = from;
    size_t head = (64 - (uintptr_t)y % 64) % 64;
    if (bytes < 256) {
        memcpy(y, x, bytes);
        return;
    }
    memcpy(y, x, head);
    size_t i = head;
    for (; i + 64 <= bytes; i += 64) {
#if defined LEVEL_AVX512
        _mm512_stream_si512((void *)(y + i), _mm512_loadu_si512(x + i));
#elif defined LEVEL_AVX2
        _mm256_stream_si256((void *)(y + i), _mm256_loadu_si256((const void *)(x + i)));
        _mm256_stream_si256((void *)(y + i + 32), _mm256_loadu_si256((const void *)(x + i + 32)));
#else
        for (int k = 0; k < 64; k += 16)
            _mm_stream_si128((void *)(y + i + k), _mm_loadu_si128((const void *)(x + i + k)));
#endif
    }
    memcpy(y + i, x + i, bytes - i);
#else
    memcpy(to, from, bytes);
#endif
}

void KERNEL(stream_end)(void)
{
#if defined __x86_64__
    _mm_sfence();
#endif
}

typedef struct copy_job {
    walk w;
    char *to;
    const char *from;
    size_t bytes;
    int64_t total;
} copy_job;

/* One dimension with a stride: a fill where that is 0. */
static void copy_line(void *ctx, int64_t begin, int64_t end)
{
    const copy_job *job = ctx;
    int64_t bytes = (int64_t)job->bytes, stride = job->w.stride[0][0];
    gather_by_size[bytes](job->to + begin * bytes, job->from + begin * stride * bytes, stride, end - begin);
}

static void copy_flat(void *ctx, int64_t begin, int64_t end)
{
    const copy_job *job = ctx;
    size_t bytes = (size_t)(end - begin) * job->bytes, at = (size_t)begin * job->bytes;
    if ((size_t)job->total * job->bytes >= STREAM_BYTES) {
        KERNEL(stream_copy)(job->to + at, job->from + at, bytes);
        KERNEL(stream_end)();
    } else {
        memcpy(job->to + at, job->from + at, bytes);
    }
}

static void copy_rows(void *ctx, int64_t begin, int64_t end)
{
    const copy_job *job = ctx;
    const walk *w = &job->w;
    int64_t n = w->shape[w->ndim - 1], stride = w->stride[0][w->ndim - 1];
    gather_fn gather = gather_by_size[job->bytes];
    for (int64_t row = begin; row < end; row++) {
        const char *from = job->from + walk_row_offset(w, 0, row) * (int64_t)job->bytes;
        gather(job->to + row * n * (int64_t)job->bytes, from, stride, n);
    }
}

/* The last two dimensions are (rows, columns) of the result, the first of them has the small stride in the source. */
static void copy_transposed(void *ctx, int64_t begin, int64_t end)
{
    const copy_job *job = ctx;
    const walk *w = &job->w;
    int d = w->ndim;
    int64_t rows = w->shape[d - 2], columns = w->shape[d - 1], bytes = (int64_t)job->bytes;
    int64_t row_stride = w->stride[0][d - 2], column_stride = w->stride[0][d - 1];
    int64_t strips = (rows + BLOCK - 1) / BLOCK;
    for (int64_t strip = begin; strip < end; strip++) {
        int64_t matrix = strip / strips, i = strip % strips * BLOCK, m = rows - i < BLOCK ? rows - i : BLOCK;
        const char *from = job->from + (walk_row_offset(w, 0, matrix * rows) + i * row_stride) * bytes;
        char *to = job->to + (matrix * rows + i) * columns * bytes;
        for (int64_t j = 0; j < columns; j += BLOCK) {
            int64_t n = columns - j < BLOCK ? columns - j : BLOCK;
            transpose_by_size[bytes](to + j * bytes, from + j * column_stride * bytes, m, n, columns, row_stride,
                                     column_stride);
        }
    }
}

void KERNEL(copy_strided)(void *to, const void *from, mx_shape shape, const int64_t *strides, size_t bytes)
{
    int64_t one[1][MX_MAX_NDIM];
    for (int i = 0; i < shape.ndim; i++) one[0][i] = strides[i];
    copy_job job = {.w = walk_merge(shape, 1, (const int64_t(*)[MX_MAX_NDIM])one),
                    .to = to,
                    .from = from,
                    .bytes = bytes,
                    .total = 1};
    for (int i = 0; i < job.w.ndim; i++) job.total *= job.w.shape[i];
    int d = job.w.ndim;
    int64_t n = job.w.shape[d - 1], step = (256 << 10) / (int64_t)bytes;
    if (job.total == 0) return;
    if (d == 1 && job.w.stride[0][0] == 1) {
        cpu_split(job.total, step, copy_flat, &job);
    } else if (d == 1) {
        cpu_split(job.total, step, copy_line, &job);
    } else if (d >= 2 && llabs(job.w.stride[0][d - 2]) == 1 && llabs(job.w.stride[0][d - 1]) > 1 && n >= 8 &&
               job.w.shape[d - 2] >= 8) {
        int64_t strips = (job.w.shape[d - 2] + BLOCK - 1) / BLOCK;
        int64_t matrices = job.total / n / job.w.shape[d - 2];
        cpu_split(matrices * strips, 1 + step / (n * BLOCK), copy_transposed, &job);
    } else {
        cpu_split(job.total / n, 1 + step / n, copy_rows, &job);
    }
}

/* ---- Between two layouts */
typedef void (*spread_fn)(void *to, const void *from, int64_t to_stride, int64_t stride, int64_t n);
static const spread_fn spread_by_size[] = {
    [1] = spread_row_1, [2] = spread_row_2, [4] = spread_row_4, [8] = spread_row_8};

static void copy_run(const copy_job *job, char *to, const char *from, int64_t to_stride, int64_t stride, int64_t n)
{
    size_t bytes = job->bytes;
    if (to_stride == 1 && stride == 1 && (size_t)n * bytes >= 4096 && (size_t)job->total * bytes >= STREAM_BYTES) {
        KERNEL(stream_copy)(to, from, (size_t)n * bytes);
        KERNEL(stream_end)();
    } else if (to_stride == 1) {
        gather_by_size[bytes](to, from, stride, n);
    } else {
        spread_by_size[bytes](to, from, to_stride, stride, n);
    }
}

/* Rows [begin, end) of all dimensions but the innermost; the offsets are carried along. */
static void between_rows(void *ctx, int64_t begin, int64_t end)
{
    const copy_job *job = ctx;
    const walk *w = &job->w;
    int64_t index[MX_MAX_NDIM + 1], bytes = (int64_t)job->bytes, rest = begin;
    int last = w->ndim - 1;
    char *to = job->to + walk_row_offset(w, 0, begin) * bytes;
    const char *from = job->from + walk_row_offset(w, 1, begin) * bytes;
    for (int i = last - 1; i >= 0; i--) {
        index[i] = rest % w->shape[i];
        rest /= w->shape[i];
    }
    for (int64_t row = begin; row < end; row++) {
        copy_run(job, to, from, w->stride[0][last], w->stride[1][last], w->shape[last]);
        for (int i = last - 1; i >= 0; i--) {
            to += w->stride[0][i] * bytes;
            from += w->stride[1][i] * bytes;
            if (++index[i] < w->shape[i]) break;
            index[i] = 0;
            to -= w->shape[i] * w->stride[0][i] * bytes;
            from -= w->shape[i] * w->stride[1][i] * bytes;
        }
    }
}

static void between_line(void *ctx, int64_t begin, int64_t end)
{
    const copy_job *job = ctx;
    int64_t bytes = (int64_t)job->bytes, to_stride = job->w.stride[0][0], stride = job->w.stride[1][0];
    copy_run(job, job->to + begin * to_stride * bytes, job->from + begin * stride * bytes, to_stride, stride,
             end - begin);
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
                    .bytes = bytes,
                    .total = 1};
    for (int i = 0; i < job.w.ndim; i++) job.total *= job.w.shape[i];
    int64_t n = job.w.shape[job.w.ndim - 1], step = (256 << 10) / (int64_t)bytes;
    if (job.total == 0) return;
    if (job.w.ndim == 1) {
        cpu_split(n, step, between_line, &job);
    } else {
        cpu_split(job.total / n, 1 + step / n, between_rows, &job);
    }
}
