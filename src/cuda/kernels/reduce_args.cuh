// SPDX-License-Identifier: MIT
//
// What the host tells the kernels of reductions.  Plain C, read by both sides, so that they cannot disagree.  Addresses are
// numbers; sizes and strides count elements.
#ifndef CUDA_KERNELS_REDUCE_ARGS
#define CUDA_KERNELS_REDUCE_ARGS

enum {
    REDUCE_THREADS = 256,
    REDUCE_DIMS = 17,
    REDUCE_SHARED = 16384, // bytes a block folds columns in
};
enum reduce_kind { REDUCE_SUM, REDUCE_PROD, REDUCE_MIN, REDUCE_MAX, REDUCE_ARGMIN, REDUCE_ARGMAX, REDUCE_LOGSUMEXP };
enum reduce_pass { REDUCE_WHOLE, REDUCE_FIRST, REDUCE_LAST, REDUCE_PASSES }; // elements to results; to partial ones; those to results

// Columns that a thread folds at once, from one load.
#define REDUCE_COLUMNS(element_bytes, acc_bytes)                                                                       \
    (16 / (element_bytes) < REDUCE_SHARED / REDUCE_THREADS / (acc_bytes)                                               \
         ? 16 / (element_bytes)                                                                                        \
         : REDUCE_SHARED / REDUCE_THREADS / (acc_bytes))

typedef struct reduce_args {
    unsigned long long in, out;
    // Dimensions that stay, outermost first, at least one; strides of the input and of the output.
    int kept_ndim;
    long long kept_shape[REDUCE_DIMS], kept_in[REDUCE_DIMS], kept_out[REDUCE_DIMS], results;
    // What is folded: `outer` segments, over outer_ndim dimensions, of `inner` elements, `stride` apart.
    int outer_ndim;
    long long outer_shape[REDUCE_DIMS], outer_in[REDUCE_DIMS], outer, inner, stride;
    long long outer_chunk, inner_chunk, outer_chunks, inner_chunks; // inner_chunk is below 2^31
    int columns;     // else rows: lanes lie along the innermost dimension that stays, or that goes
    int lanes;       // a power of two: of a row up to 32, or all threads
    int inner_lanes; // of the threads that share a result, so many lie along a segment, the others take other segments
    int vectors;     // 16 bytes are loaded at once
    long long tiles; // columns: blocks side by side along the innermost dimension that stays
} reduce_args;

#endif
