// SPDX-License-Identifier: MIT
//
// What the host tells the kernels of scans and searches.  Plain C, read by both sides.
#ifndef CUDA_KERNELS_SCAN_ARGS
#define CUDA_KERNELS_SCAN_ARGS

enum { SCAN_THREADS = 256 };
// A row in one go; or the totals of its chunks, then what comes before each, then the chunks.
enum scan_pass { SCAN_WHOLE, SCAN_TOTALS, SCAN_BEFORE, SCAN_CHUNKS };

typedef struct scan_args {
    unsigned long long x, out, totals;
    long long rows, n, chunk, chunks;
    int pass, lanes; // threads of a row or chunk: a power of two up to 32, or all of a block
    int reverse, inclusive, vectors;
} scan_args;

typedef struct search_args {
    unsigned long long sorted, values, out;
    long long n, count, total; // of each row: sorted elements, values; values of all rows
} search_args;

#endif
