/* SPDX-License-Identifier: MIT
 *
 * What the files of copies share: the transposition of a matrix. */
#ifndef CPU_KERNELS_COPY_H
#define CPU_KERNELS_COPY_H

#include "cpu/kernels/kernel.h"

/* Bytes of a row of the result that one transposition makes: they come from as many rows of the source as elements.  An odd
 * number of lines, for rows of a power of two would all fall into the same sets of the cache. */
enum { COPY_PANEL = 17 * 64 };

/* A matrix whose columns are copied to rows: element (i, j) of the result is at to + i * to_stride + j * bytes and comes
 * from from + j * from_stride + i * row_step; all in bytes.  rows and columns may be any; columns * bytes <= COPY_PANEL. */
typedef struct copy_matrix {
    char *to;
    const char *from;
    int64_t rows, columns, to_stride, from_stride, row_step;
    int64_t after; /* rows of the result that come next */
    int bytes;
    bool stream;
} copy_matrix;
void KERNEL(copy_transposed)(const copy_matrix *m);

#endif
