// SPDX-License-Identifier: MIT
//
// What the host tells the passes of the Hadamard transform; plain C, read by both sides.
#ifndef CUDA_KERNELS_HADAMARD_ARGS
#define CUDA_KERNELS_HADAMARD_ARGS

#include "cuda/kernels/index_args.cuh"

enum { HADAMARD_NEAR = 4096 }; // points whose butterflies one block does

// `power` points are a part of a row; results are scaled in the last pass only, where scale is not 1.
struct hadamard_args {
    u64 to, from;
    i64 total, power;
    double scale;
    i32 log2_distance, stages; // far
    u32 minus[28];             // mix: bit j of [i] says that point j counts negatively in point i
};

#endif
