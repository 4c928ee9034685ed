// SPDX-License-Identifier: MIT
//
// What the host tells the kernel of random bits; plain C, read by both sides.
#ifndef CUDA_KERNELS_RANDOM_ARGS
#define CUDA_KERNELS_RANDOM_ARGS

#include "cuda/kernels/index_args.cuh"

// A key (two words) has `bytes` of output; its words are made in `pairs`, of which an odd number's last is half a pair.
struct random_bits_args {
    u64 to, keys;
    i64 total, bytes, half, odd;
    struct index_divider pairs;
};

#endif
