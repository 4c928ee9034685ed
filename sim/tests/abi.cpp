// SPDX-License-Identifier: MIT
//
// The simulator's constants and structures against the toolkit's headers: that it compiles is the test.
#include "../blaslt.h"
#include <cublasLt.h>
#include <cstddef>
#include <cuda.h>
#include <nvrtc.h>

#define CHECK(name, value, theirs) static_assert((int)(theirs) == (value), #theirs);
SIM_VALUES(CHECK)
LT_VALUES(CHECK)
static_assert(sizeof(sim_kernel_node_params) == sizeof(CUDA_KERNEL_NODE_PARAMS_v2), "a kernel node");
static_assert(offsetof(sim_kernel_node_params, params) == offsetof(CUDA_KERNEL_NODE_PARAMS_v2, kernelParams), "a kernel node");

int main()
{
    return 0;
}
