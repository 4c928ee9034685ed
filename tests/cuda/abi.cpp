// SPDX-License-Identifier: MIT
//
// Our declarations of NVIDIA's interfaces against the toolkit's headers: the number of parameters of each function and the
// size and kind of each, values of constants, sizes and alignments of structs, and that the libraries export the names
// (arguments: libraries or stubs, each of which is asked; a name must be in one).  C++, because it can look into a
// function's type.
#include "../../sim/tests/same_abi.h"
#include "cuda/driver.h"
#include <cstdio>
#include <cublasLt.h>
#include <cuda.h>
#include <cufft.h>
#include <dlfcn.h>
#include <nvrtc.h>

#define CHECK_TYPE(table, function)                                                                                    \
    static_assert(same_abi<decltype(&::function), decltype(table::function)>::value, #function " differs");
#define DRIVER(function, since, params) CHECK_TYPE(cuda_driver, function)
#define NVRTC(function, since, params) CHECK_TYPE(cuda_nvrtc, function)
#define NVRTC_TEXT(function, since, params) CHECK_TYPE(cuda_nvrtc, function)
#define BLASLT(function, since, params) CHECK_TYPE(cuda_blaslt, function)
#define BLASLT_TEXT(function, since, params) CHECK_TYPE(cuda_blaslt, function)
#define BLASLT_SIZE(function, since, params) CHECK_TYPE(cuda_blaslt, function)
#define CUFFT(function, since, params) CHECK_TYPE(cuda_cufft, function)
#define CONSTANT(ours, value, theirs) static_assert((int)ours == (int)theirs, #ours " is not " #theirs);
#define STRUCT(ours, theirs)                                                                                           \
    static_assert(sizeof(ours) == sizeof(theirs) && alignof(ours) == alignof(theirs), #ours " is not " #theirs);
#include "cuda/driver.def"

static_assert(offsetof(cu_kernel_node, params) == offsetof(CUDA_KERNEL_NODE_PARAMS_v2, kernelParams), "kernel node");
static_assert(offsetof(cu_kernel_node, context) == offsetof(CUDA_KERNEL_NODE_PARAMS_v2, ctx), "kernel node");
static_assert(offsetof(lt_heuristic, waves) == offsetof(cublasLtMatmulHeuristicResult_t, wavesCount), "heuristic");

// Every attribute that we set, with the size that we give: the library itself refuses a wrong one.
static int refused_attributes(void *library)
{
    cuda_blaslt lt;
#define BLASLT(function, since, params) lt.function = (decltype(lt.function))dlsym(library, #function);
#include "cuda/driver.def"
    lt_desc desc;
    lt_layout layout;
    lt_preference preference;
    int number = 1, epilogue = LT_EPILOGUE_BIAS, refused = 0;
    int64_t stride = 64;
    uint64_t bytes = 1024;
    uint32_t reductions = LT_REDUCE_COMPUTED, alignment = 16;
    refused += lt.cublasLtMatmulDescCreate(&desc, LT_COMPUTE_TF32, LT_F32) != LT_OK;
    refused += lt.cublasLtMatrixLayoutCreate(&layout, LT_C64, 4, 5, 6) != LT_OK;
    refused += lt.cublasLtMatmulPreferenceCreate(&preference) != LT_OK;
    if (refused) return refused;
#define SET(kind, object, attribute, value)                                                                            \
    refused += lt.cublasLt##kind##SetAttribute(object, attribute, &value, sizeof value) != LT_OK
    SET(MatmulDesc, desc, LT_DESC_TRANS_A, number);
    SET(MatmulDesc, desc, LT_DESC_TRANS_B, number);
    SET(MatmulDesc, desc, LT_DESC_EPILOGUE, epilogue);
    SET(MatmulDesc, desc, LT_DESC_BIAS, bytes);
    SET(MatrixLayout, layout, LT_LAYOUT_BATCH_COUNT, number);
    SET(MatrixLayout, layout, LT_LAYOUT_BATCH_STRIDE, stride);
    SET(MatmulPreference, preference, LT_PREFERENCE_WORKSPACE, bytes);
    SET(MatmulPreference, preference, LT_PREFERENCE_REDUCTIONS, reductions);
    for (int i = 0; i < 4; i++) SET(MatmulPreference, preference, LT_PREFERENCE_ALIGNMENT + i, alignment);
    lt.cublasLtMatmulDescDestroy(desc);
    lt.cublasLtMatrixLayoutDestroy(layout);
    lt.cublasLtMatmulPreferenceDestroy(preference);
    return refused;
}

int main(int argc, char **argv)
{
    static const char *const names[] = {
#define DRIVER(function, since, params) #function,
#define NVRTC(function, since, params) #function,
#define NVRTC_TEXT(function, since, params) #function,
#define BLASLT(function, since, params) #function,
#define BLASLT_TEXT(function, since, params) #function,
#define BLASLT_SIZE(function, since, params) #function,
#define CUFFT(function, since, params) #function,
#include "cuda/driver.def"
    };
    int missing = 0, count = 0;
    for (const char *name : names) {
        bool found = false;
        for (int i = 1; i < argc && !found; i++) {
            void *library = dlopen(argv[i], RTLD_LAZY | RTLD_LOCAL);
            if (!library) {
                std::printf("cannot open %s: %s\n", argv[i], dlerror());
                return 1;
            }
            found = dlsym(library, name) != nullptr;
        }
        if (!found) std::printf("no library exports %s\n", name);
        missing += !found;
        count++;
    }
    int refused = 0;
    for (int i = 1; i < argc; i++) {
        void *library = dlopen(argv[i], RTLD_LAZY | RTLD_LOCAL);
        if (dlsym(library, "cublasLtMatmul")) refused += refused_attributes(library);
    }
    std::printf("%d functions, %d missing; %d attributes refused\n", count, missing, refused);
    return missing != 0 || refused != 0;
}
