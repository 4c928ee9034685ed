/* SPDX-License-Identifier: MIT
 *
 * One reduction over one dtype, and the chunks that it is cut into: functions of sizes only, so that a reduction at the
 * end of a group gives the bits of the op alone. */
#ifndef CPU_KERNELS_REDUCE_H
#define CPU_KERNELS_REDUCE_H

#include <stdint.h>

enum {
    REDUCE_BLOCK = 4096,
    REDUCE_CHUNK = 16 * REDUCE_BLOCK, /* elements of a long row that make a partial result */
    COLUMN_BLOCK = 512,               /* adjacent results that are formed together */
    COLUMN_CHUNK = 32 << 10,
    SHORT_ROW = 24
};

typedef struct reduction {
    /* `rows` results of n adjacent elements each, `stride` apart. */
    void (*fold_each)(void *out, const void *in, int64_t rows, int64_t stride, int64_t n);
    /* n <= REDUCE_CHUNK adjacent elements. */
    void (*fold_chunk)(void *partial, const void *in, int64_t n);
    /* Rows of `columns` <= COLUMN_BLOCK adjacent elements, `stride` apart, into one row of partial results. */
    void (*fold_rows)(void *partial, const void *in, int64_t rows, int64_t stride, int64_t columns);
    /* `count` rows of partial results, `stride` apart, into the output. */
    void (*finish)(void *out, const void *partials, int64_t count, int64_t stride, int64_t columns);
    int64_t partial_bytes;
} reduction;

/* Rows of a chunk when `columns` adjacent results are folded over rows. */
static inline int64_t reduce_column_rows(int64_t columns)
{
    int64_t rows = COLUMN_CHUNK / (columns < COLUMN_BLOCK ? columns : COLUMN_BLOCK);
    return rows < 64 ? 64 : rows;
}

#endif
