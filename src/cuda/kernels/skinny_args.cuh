// SPDX-License-Identifier: MIT
//
// What the host tells the kernels of products with a few rows.  Plain C, read by both sides.  Sizes and strides count elements.
#ifndef CUDA_KERNELS_SKINNY_ARGS
#define CUDA_KERNELS_SKINNY_ARGS

enum {
    SKINNY_THREADS = 256,
    SKINNY_ROWS = 8,     // of the first factor, at most
    SKINNY_LANES = 8,    // across: threads side by side, with 16 bytes each
    SKINNY_DIMS = 16,    // of the batch
};
#define SKINNY_SIZES 4 // kernels are made for 1, 2, 4 and 8 rows
// Columns that a team has at once, along: so often is what it reads of the first factor used.
#define SKINNY_COLUMNS(rows) ((rows) <= 2 ? 2 : 4)

// d (m, n) = alpha a b + beta c + bias.  a, b, c, d: 0 to 3 in what there is of each.
typedef struct skinny_args {
    unsigned long long at[4], bias, partial; // partial: sums of chunks go there, in float32
    long long n, k, row[4], col[4];
    long long ndim, shape[SKINNY_DIMS], batch[4][SKINNY_DIMS];
    long long tiles, chunk, chunks, units; // of columns; of k; products of these and the batch
    int m, lanes;
    float alpha, beta;
} skinny_args;

#endif
