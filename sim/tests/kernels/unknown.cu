// SPDX-License-Identifier: MIT
//
// An instruction that the ptx engine does not know: an error that names it and this line.
#include "cuda/kernels/dev.cuh"

extern "C" __global__ void unknown(u32 *out)
{
    asm volatile("vadd.u32.u32.u32 %0, %1, %2;" : "=r"(out[0]) : "r"(out[1]), "r"(out[2]));
}
