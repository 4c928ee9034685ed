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
    _mm_sfence();
#else
    memcpy(to, from, bytes);
#endif
}

typedef struct copy_job {
    walk w;
    char *to;
    const char *from;
    size_t bytes;
    int64_t total;
} copy_job;

static void copy_flat(void *ctx, int64_t begin, int64_t end)
{
    const copy_job *job = ctx;
    size_t bytes = (size_t)(end - begin) * job->bytes, at = (size_t)begin * job->bytes;
    if ((size_t)job->total * job->bytes >= STREAM_BYTES) {
        KERNEL(stream_copy)(job->to + at, job->from + at, bytes);
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
    } else if (d >= 2 && llabs(job.w.stride[0][d - 2]) == 1 && llabs(job.w.stride[0][d - 1]) > 1 && n >= 8 &&
               job.w.shape[d - 2] >= 8) {
        int64_t strips = (job.w.shape[d - 2] + BLOCK - 1) / BLOCK;
        int64_t matrices = job.total / n / job.w.shape[d - 2];
        cpu_split(matrices * strips, 1 + step / (n * BLOCK), copy_transposed, &job);
    } else {
        cpu_split(job.total / n, 1 + step / n, copy_rows, &job);
    }
}
