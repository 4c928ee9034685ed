// SPDX-License-Identifier: MIT
//
// The scan that integers do not have.
#define KIND LOGADDEXP
#include "cuda/kernels/scan.cuh"
