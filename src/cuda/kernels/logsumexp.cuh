// SPDX-License-Identifier: MIT
//
// logsumexp is a reduction that only floats have.
#define KIND REDUCE_LOGSUMEXP
#include "cuda/kernels/reduce.cuh"
