/* SPDX-License-Identifier: MIT
 *
 * Transposition.  Square tiles of a register's width are transposed in registers: interleaving log2 times transposes
 * the squares within lanes, exchanging lanes the rest.  Tiles go down a strip of the source, whose lines no prefetcher
 * finds, for they lie a row apart: they are asked for ahead, into the L2 cache, while the strip before is written.  A
 * result that is to be streamed is put together in the L2 cache first: its rows begin anywhere, and only whole lines
 * may be streamed.
 */
#include "cpu/kernels/copy.h"
#include "cpu/kernels/copy_simd.h"

#define TEMPLATE "cpu/kernels/copy_block_tmpl.h"
#include "cpu/kernels/each_size.h"

enum { STRIP = 128 }; /* rows of the result */

typedef void (*tile_copy_fn)(char *to, int64_t to_stride, const char *from, int64_t from_stride);
typedef void (*block_copy_fn)(const copy_matrix *m);

ALWAYS_INLINE void transpose_tile(char *to, int64_t to_stride, const char *from, int64_t from_stride, const int bytes)
{
    const int n = LANE / bytes; /* a square within a lane */
    reg part[REG];
    UNROLL
    for (int g = 0; g < LANES; g++) {
        reg x[LANE], y[LANE];
        UNROLL
        for (int i = 0; i < n; i++) x[i] = reg_load(from + (g * n + i) * from_stride);
        UNROLL
        for (int stage = 0; stage < 4; stage++) {
            if (n >> stage <= 1) break;
            UNROLL
            for (int i = 0; i < n / 2; i++) {
                y[2 * i] = reg_low(x[i], x[i + n / 2], bytes);
                y[2 * i + 1] = reg_high(x[i], x[i + n / 2], bytes);
            }
            UNROLL
            for (int i = 0; i < n; i++) x[i] = y[i];
        }
        UNROLL
        for (int k = 0; k < n; k++) part[k * LANES + g] = x[k];
    }
    UNROLL
    for (int k = 0; k < n; k++) {
        reg_lanes(part + k * LANES);
        UNROLL
        for (int l = 0; l < LANES; l++) reg_store(to + (l * n + k) * to_stride, part[k * LANES + l]);
    }
}

static void tile_1(char *to, int64_t to_stride, const char *from, int64_t from_stride)
{
    transpose_tile(to, to_stride, from, from_stride, 1);
}
static void tile_2(char *to, int64_t to_stride, const char *from, int64_t from_stride)
{
    transpose_tile(to, to_stride, from, from_stride, 2);
}
static void tile_4(char *to, int64_t to_stride, const char *from, int64_t from_stride)
{
    transpose_tile(to, to_stride, from, from_stride, 4);
}
static void tile_8(char *to, int64_t to_stride, const char *from, int64_t from_stride)
{
    transpose_tile(to, to_stride, from, from_stride, 8);
}

static const tile_copy_fn tile_by_size[] = {[1] = tile_1, [2] = tile_2, [4] = tile_4, [8] = tile_8};
static const block_copy_fn block_by_size[] = {
    [1] = copy_block_1, [2] = copy_block_2, [4] = copy_block_4, [8] = copy_block_8};

/* A tile with fewer rows or columns goes through one that is whole. */
static void part_tile(tile_copy_fn tile, char *to, int64_t to_stride, const char *from, int64_t from_stride,
                      int64_t row_bytes, int64_t columns, int bytes)
{
    ALIGNED(64) char in[REG * REG], out[REG * REG];
    int64_t rows = row_bytes / bytes;
    for (int64_t j = 0; j < columns; j++) memcpy(in + j * REG, from + j * from_stride, (size_t)row_bytes);
    tile(out, REG, in, REG);
    for (int64_t i = 0; i < rows; i++) memcpy(to + i * to_stride, out + i * REG, (size_t)(columns * bytes));
}

/* Asks for the lines of source row j from row `first` of the result on. */
static void prefetch_row(const copy_matrix *m, int64_t j, int64_t first, int64_t rows)
{
    const char *from = m->from + j * m->from_stride + first * m->bytes;
    for (int64_t at = 0; at < rows * m->bytes; at += LINE) PREFETCH_L2(from + at);
}

/* Tiles of a strip from top to bottom of the source; `to` is where its first row of the result goes.  Asks for the
 * `next` rows after it. */
static void strip_tiles(const copy_matrix *m, char *to, int64_t to_stride, int64_t first, int64_t rows, int64_t next)
{
    tile_copy_fn tile = tile_by_size[m->bytes];
    int64_t n = REG / m->bytes;
    for (int64_t j = 0; j < m->columns; j += n) {
        int64_t columns = m->columns - j < n ? m->columns - j : n;
        const char *from = m->from + j * m->from_stride + first * m->bytes;
        for (int64_t k = j; k < j + columns && next; k++) prefetch_row(m, k, first + rows, next);
        for (int64_t i = 0; i < rows; i += n) {
            int64_t part = rows - i < n ? rows - i : n;
            char *at = to + i * to_stride + j * m->bytes;
            if (part == n && columns == n)
                tile(at, to_stride, from + i * m->bytes, m->from_stride);
            else
                part_tile(tile, at, to_stride, from + i * m->bytes, m->from_stride, part * m->bytes, columns, m->bytes);
        }
    }
}

static void one_strip(const copy_matrix *m, char *to, int64_t to_stride, int64_t first, int64_t rows, int64_t next)
{
    if (m->row_step == m->bytes && rows >= 4 && m->columns >= 4) {
        strip_tiles(m, to, to_stride, first, rows, next);
    } else {
        copy_matrix block = *m;
        block.to = to;
        block.to_stride = to_stride;
        block.from += first * m->row_step;
        block.rows = rows;
        block_by_size[m->bytes](&block);
    }
}

/* Streams the rows of a strip and asks for the source of the next one meanwhile. */
static void stream_strip(const copy_matrix *m, char *to, const char *stage, int64_t first, int64_t rows, int64_t next)
{
    int64_t run = m->columns * m->bytes;
    for (int64_t k = 0; k < rows; k++) {
        for (int64_t j = k * m->columns / rows; j < (k + 1) * m->columns / rows && next; j++) {
            prefetch_row(m, j, first + rows, next);
        }
        KERNEL(stream_copy)(to + k * m->to_stride, stage + k * run, (size_t)run);
    }
}

void KERNEL(copy_transposed)(const copy_matrix *m)
{
    ALIGNED(64) char stage[STRIP * COPY_PANEL];
    for (int64_t i = 0; i < m->rows; i += STRIP) {
        int64_t rows = m->rows - i < STRIP ? m->rows - i : STRIP, after = m->rows - i - rows + m->after;
        int64_t next = m->row_step != m->bytes ? 0 : after < STRIP ? after : STRIP;
        char *to = m->to + i * m->to_stride;
        if (m->stream) {
            one_strip(m, stage, m->columns * m->bytes, i, rows, 0);
            stream_strip(m, to, stage, i, rows, next);
        } else {
            one_strip(m, to, m->to_stride, i, rows, next);
        }
    }
    if (m->stream) KERNEL(stream_end)();
}
