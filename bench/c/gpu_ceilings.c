/* SPDX-License-Identifier: MIT
 *
 * What the GPU can do at most: the bandwidth of a plain copy, the best of cuBLASLt's algorithms for a product.  Timed from
 * launch to the end of the stream over enough repeats that the launches do not count.  JSON on standard output.
 *
 *     gpu_ceilings copy BYTES SECONDS        gpu_ceilings gemm DTYPE M N K SECONDS */
#include "cuda/jit.h"
#include "core/memory.h"
#include "core/runtime.h"
#include "mica.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 5, MOST_ALGORITHMS = 32, WORKSPACE_BYTES = 64 << 20 };

static struct {
    cuda_gpu *gpu;
    const cuda_driver *cu;
    cu_stream stream;
    double seconds; /* of a sample */
} machine;

static bool is_ok(int result, const char *what)
{
    if (result) fprintf(stderr, "%s: error %d\n", what, result);
    return !result;
}

static bool start(void)
{
    machine.gpu = cuda_gpu_now();
    if (!machine.gpu || !machine.gpu->device_count) {
        fprintf(stderr, "no GPU: %s\n", machine.gpu ? machine.gpu->reason : "no memory");
        return false;
    }
    machine.cu = &machine.gpu->driver;
    return cuda_enter(&machine.gpu->devices[0]) &&
           is_ok(machine.cu->cuStreamCreate(&machine.stream, CU_STREAM_APART), "cuStreamCreate");
}

/* Seconds of one call, the least of several samples; a negative number: it fails. */
static double time_of(bool (*call)(void *of), void *of)
{
    double best = -1;
    long repeats = 1;
    for (int sample = 0; sample < SAMPLES;) {
        int64_t began = clock_ns();
        for (long i = 0; i < repeats; i++) {
            if (!call(of)) return -1;
        }
        if (!is_ok(machine.cu->cuStreamSynchronize(machine.stream), "cuStreamSynchronize")) return -1;
        double taken = (double)(clock_ns() - began) / 1e9;
        if (taken < machine.seconds / 2) {
            repeats *= 2;
            continue;
        }
        if (sample++ && (best < 0 || taken / (double)repeats < best)) best = taken / (double)repeats;
    }
    return best;
}

/* ---- Copy: 16 bytes a thread and step, one step or four at once */
static const char copy_source[] =
    "#include \"cuda/kernels/dev.cuh\"\n"
    "struct copy_args { vec<u32, 4> *to; const vec<u32, 4> *from; u64 count; };\n"
    "extern \"C\" __global__ void copy(const copy_args a)\n"
    "{\n"
    "    u64 step = (u64)gridDim.x * blockDim.x, i = (u64)blockIdx.x * blockDim.x + threadIdx.x;\n"
    "    for (; i + 3 * step < a.count; i += 4 * step) {\n"
    "        vec<u32, 4> p = a.from[i], q = a.from[i + step], r = a.from[i + 2 * step], s = a.from[i + 3 * step];\n"
    "        a.to[i] = p;\n"
    "        a.to[i + step] = q;\n"
    "        a.to[i + 2 * step] = r;\n"
    "        a.to[i + 3 * step] = s;\n"
    "    }\n"
    "    for (; i < a.count; i += step) a.to[i] = a.from[i];\n"
    "}\n";

typedef struct copy_run {
    cu_function function;
    unsigned blocks;
    struct {
        cu_ptr to, from;
        uint64_t count;
    } args;
} copy_run;

static bool launch_copy(void *of)
{
    copy_run *r = of;
    void *params[] = {&r->args};
    return is_ok(machine.cu->cuLaunchKernel(r->function, r->blocks, 1, 1, 256, 1, 1, 0, machine.stream, params, NULL),
                 "copy");
}

static bool measure_copy(size_t bytes)
{
    const cuda_driver *cu = machine.cu;
    cuda_device *d = &machine.gpu->devices[0];
    copy_run r = {.args = {.count = bytes / 16}};
    cu_module module;
    size_t image_bytes;
    void *image = jit_image(d, copy_source, "copy", &image_bytes);
    if (!image) return fprintf(stderr, "%s\n", mx_error().message), false;
    if (!is_ok(cu->cuModuleLoadData(&module, image), "cuModuleLoadData") ||
        !is_ok(cu->cuModuleGetFunction(&r.function, module, "copy"), "cuModuleGetFunction") ||
        !is_ok(cu->cuMemAlloc_v2(&r.args.to, bytes), "cuMemAlloc") ||
        !is_ok(cu->cuMemAlloc_v2(&r.args.from, bytes), "cuMemAlloc"))
        return false;
    double best = -1;
    unsigned best_blocks = 0;
    for (unsigned waves = 2; waves <= 64; waves *= 2) {
        r.blocks = (unsigned)d->sm_count * waves;
        double taken = time_of(launch_copy, &r);
        if (taken > 0 && (best < 0 || taken < best)) best = taken, best_blocks = r.blocks;
    }
    mx_free(image);
    printf("{\"bytes\": %zu, \"seconds\": %.9g, \"bytes_per_second\": %.6g, \"blocks\": %u}\n", bytes, best,
           2 * (double)bytes / best, best_blocks);
    return best > 0;
}

/* ---- GEMM: row-major C = A B, which is column-major C' = B' A' */
typedef struct gemm {
    cuda_blaslt lib;
    lt_handle handle;
    lt_desc desc;
    lt_layout a, b, c;
    lt_preference preference;
    lt_heuristic found[MOST_ALGORITHMS];
    int count;
    const lt_algo *algo;
    cu_ptr at_a, at_b, at_c, workspace;
} gemm;

static bool launch_gemm(void *of)
{
    gemm *g = of;
    float one = 1, zero = 0;
    return is_ok(g->lib.cublasLtMatmul(g->handle, g->desc, &one, (void *)(uintptr_t)g->at_b, g->b,
                                       (void *)(uintptr_t)g->at_a, g->a, &zero, (void *)(uintptr_t)g->at_c, g->c,
                                       (void *)(uintptr_t)g->at_c, g->c, g->algo, (void *)(uintptr_t)g->workspace,
                                       WORKSPACE_BYTES, machine.stream),
                 "cublasLtMatmul");
}

static const struct {
    const char *name;
    int stored, compute;
    size_t bytes;
} types[] = {{"float32", LT_F32, LT_COMPUTE_F32, 4},
             {"tf32", LT_F32, LT_COMPUTE_TF32, 4},
             {"bfloat16", LT_BF16, LT_COMPUTE_F32, 2},
             {"float16", LT_F16, LT_COMPUTE_F32, 2}};

static bool describe_gemm(gemm *g, int type, uint64_t m, uint64_t n, uint64_t k)
{
    uint64_t workspace = WORKSPACE_BYTES;
    int stored = types[type].stored;
    return is_ok(g->lib.cublasLtCreate(&g->handle), "cublasLtCreate") &&
           is_ok(g->lib.cublasLtMatmulDescCreate(&g->desc, types[type].compute, LT_F32), "descriptor") &&
           is_ok(g->lib.cublasLtMatrixLayoutCreate(&g->a, stored, k, m, (int64_t)k), "layout") &&
           is_ok(g->lib.cublasLtMatrixLayoutCreate(&g->b, stored, n, k, (int64_t)n), "layout") &&
           is_ok(g->lib.cublasLtMatrixLayoutCreate(&g->c, stored, n, m, (int64_t)n), "layout") &&
           is_ok(g->lib.cublasLtMatmulPreferenceCreate(&g->preference), "preference") &&
           is_ok(g->lib.cublasLtMatmulPreferenceSetAttribute(g->preference, LT_PREFERENCE_WORKSPACE, &workspace,
                                                             sizeof workspace),
                 "preference") &&
           is_ok(g->lib.cublasLtMatmulAlgoGetHeuristic(g->handle, g->desc, g->b, g->a, g->c, g->c, g->preference,
                                                       MOST_ALGORITHMS, g->found, &g->count),
                 "heuristic");
}

/* Random bits of small numbers: products of zeros draw less power and run faster. */
static bool fill(cu_ptr *at, size_t bytes, int type)
{
    uint16_t *data = malloc(bytes);
    uint32_t state = 1;
    for (size_t i = 0; data && i < bytes / 2; i++) {
        state = state * 1664525u + 1013904223u;
        uint32_t top = types[type].stored == LT_F16 ? 0x3800 : 0x3f00;
        data[i] = (uint16_t)(top | (state >> 16 & 0x80ff)); /* a sign and some of the fraction */
    }
    bool ok = data && is_ok(machine.cu->cuMemAlloc_v2(at, bytes), "cuMemAlloc") &&
              is_ok(machine.cu->cuMemcpyHtoDAsync_v2(*at, data, bytes, machine.stream), "cuMemcpyHtoD") &&
              is_ok(machine.cu->cuStreamSynchronize(machine.stream), "cuMemcpyHtoD");
    free(data);
    return ok;
}

static bool measure_gemm(const char *name, uint64_t m, uint64_t n, uint64_t k)
{
    gemm g = {.count = 0};
    char reason[CUDA_REASON];
    int type = 0;
    while (type < 4 && strcmp(types[type].name, name) != 0) type++;
    if (type == 4) return fprintf(stderr, "no such type: %s\n", name), false;
    size_t width = types[type].bytes;
    if (!cuda_open_blaslt(&g.lib, machine.cu->version, reason)) return fprintf(stderr, "%s\n", reason), false;
    if (!describe_gemm(&g, type, m, n, k) || !fill(&g.at_a, m * k * width, type) ||
        !fill(&g.at_b, k * n * width, type) ||
        !is_ok(machine.cu->cuMemAlloc_v2(&g.at_c, m * n * width), "cuMemAlloc") ||
        !is_ok(machine.cu->cuMemAlloc_v2(&g.workspace, WORKSPACE_BYTES), "cuMemAlloc"))
        return false;
    double first = -1, best = -1;
    for (int i = 0; i < g.count; i++) {
        g.algo = &g.found[i].algo;
        double taken = g.found[i].state == LT_OK ? time_of(launch_gemm, &g) : -1;
        if (i == 0) first = taken;
        if (taken > 0 && (best < 0 || taken < best)) best = taken;
    }
    printf("{\"dtype\": \"%s\", \"m\": %llu, \"n\": %llu, \"k\": %llu, \"algorithms\": %d, \"first_seconds\": %.9g, "
           "\"best_seconds\": %.9g, \"flops_per_second\": %.6g}\n",
           name, (unsigned long long)m, (unsigned long long)n, (unsigned long long)k, g.count, first, best,
           2.0 * (double)m * (double)n * (double)k / best);
    return best > 0;
}

int main(int argc, char **argv)
{
    bool copies = argc == 4 && !strcmp(argv[1], "copy"), multiplies = argc == 7 && !strcmp(argv[1], "gemm");
    if (!copies && !multiplies)
        return fprintf(stderr, "usage: %s copy BYTES SECONDS | gemm DTYPE M N K SECONDS\n", argv[0]), 2;
    machine.seconds = atof(argv[argc - 1]);
    if (!start()) return 1;
    if (copies) return !measure_copy(strtoull(argv[2], NULL, 10));
    return !measure_gemm(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10),
                         strtoull(argv[5], NULL, 10));
}
