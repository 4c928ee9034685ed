// SPDX-License-Identifier: MIT
//
// The simulator's functions, constants and structs against the toolkit's headers: that it compiles is the test.
#include "../blaslt.h"
#include "same_abi.h"
#include <cublasLt.h>
#include <cstddef>
#include <cuda.h>
#include <cufft.h>
#include <nvrtc.h>

#define CHECK(name, value, theirs) static_assert((int)(theirs) == (value), #theirs);
SIM_VALUES(CHECK)
LT_VALUES(CHECK)
static_assert(sizeof(sim_kernel_node_params) == sizeof(CUDA_KERNEL_NODE_PARAMS_v2), "a kernel node");
static_assert(offsetof(sim_kernel_node_params, params) == offsetof(CUDA_KERNEL_NODE_PARAMS_v2, kernelParams), "a kernel node");

static_assert(sizeof(sim_update_result) == sizeof(CUgraphExecUpdateResultInfo), "the result of an update");
static_assert(sizeof(sim_algo) == sizeof(cublasLtMatmulAlgo_t), "an algorithm");
static_assert(sizeof(sim_heuristic) == sizeof(cublasLtMatmulHeuristicResult_t), "a heuristic");
static_assert(offsetof(sim_heuristic, waves) == offsetof(cublasLtMatmulHeuristicResult_t, wavesCount), "a heuristic");

#define FUNCTION(result, name, params)                                                                                 \
    static_assert(same_abi<decltype(&::name), result(*) params>::value, #name " differs");
#include "../functions.def"

int main()
{
    return 0;
}
