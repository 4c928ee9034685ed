// SPDX-License-Identifier: MIT
//
// What the host tells the kernels that work on rows of adjacent elements.  Plain C, read by both sides.
#ifndef CUDA_KERNELS_ROW_ARGS
#define CUDA_KERNELS_ROW_ARGS

enum {
    ROW_BLOCK = 256,   // threads of a block that has several rows
    ROW_LONGEST = 512, // threads of a block that has one
};
// Elements of a row that a thread keeps: a row of up to ROW_LONGEST times as many is read once.
#define ROW_VALUES(element_bytes) ((element_bytes) == 8 ? 4 : 16)

typedef struct row_args {
    unsigned long long x, y, weight, bias, out, parts;
    long long rows, n;
    int lanes;   // threads of a row: a power of two up to 32, or all of a block
    int vectors; // 16 bytes are loaded at once
    int wide;    // indices are of 64 bits
    float eps;
} row_args;

#endif
