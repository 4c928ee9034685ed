// SPDX-License-Identifier: MIT
//
// What the host tells the kernel of rotary positions; plain C, read by both sides.
#ifndef CUDA_KERNELS_ROPE_ARGS
#define CUDA_KERNELS_ROPE_ARGS

#include "cuda/kernels/index_args.cuh"

// x is (offsets, heads, positions, n); a thread has one slot (a few features) of one position in `share` heads.
struct rope_args {
    u64 to, from, offsets, freqs; // freqs: 0 if there is a base
    i64 total, n, half, heads, share;
    i64 offset_stride, freqs_stride, position_stride;
    struct index_divider slots, positions, shares;
    struct index_walk rows; // (offsets, heads) in x
    double log2_base;
    float scale;
    i32 pairs, backward;
};

#endif
