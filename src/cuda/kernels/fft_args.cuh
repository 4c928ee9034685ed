// SPDX-License-Identifier: MIT
//
// What the host tells the scaling of Fourier transforms; plain C, read by both sides.
#ifndef CUDA_KERNELS_FFT_ARGS
#define CUDA_KERNELS_FFT_ARGS

#include "cuda/kernels/index_args.cuh"

struct fft_scale_args {
    u64 at;
    i64 total; // of floats
    double scale;
};

#endif
