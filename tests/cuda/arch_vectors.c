/* SPDX-License-Identifier: MIT
 *
 * Golden vectors of the wrappers of kernels/dev_arch.cuh (arch_vectors.cu): recorded once on a real GPU, compared on the
 * simulated one, for an emulation and a kernel may share a misreading of an instruction.
 *
 *     arch_vectors SOURCE record FILE        arch_vectors SOURCE compare FILE */
#include "cuda/jit.h"
#include "core/memory.h"
#include "mica.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 2048, NAME = 64 };

typedef struct vector {
    const char *kernel;
    unsigned blocks, shared_bytes, count; /* words of the answer */
} vector;
static const vector vectors[] = {
    {"bf16_bits_to_f32_vector", 1, 0, 544},     {"f16_bits_to_f32_vector", 1, 0, 544},
    {"f32_to_bf16_bits_vector", 1, 0, 544},     {"f32_to_f16_bits_vector", 1, 0, 544},
    {"f32x2_to_bf16x2_bits_vector", 1, 0, 544}, {"f32x2_to_f16x2_bits_vector", 1, 0, 544},
    {"exp2_approx_rounded", 1, 0, 512},         {"f32_to_tf32_bits_vector", 1, 0, 544},
    {"ldmatrix_x4_vector", 1, 0, 128},          {"ldmatrix_x4_trans_vector", 1, 0, 128},
    {"ldmatrix_x2_vector", 1, 0, 64},           {"ldmatrix_x2_trans_vector", 1, 0, 64},
    {"mma_bf16_16816_vector", 1, 0, 128},       {"mma_f16_16816_vector", 1, 0, 128},
    {"mma_tf32_1688_vector", 1, 0, 128},        {"mma_bf16_16816_rounded", 1, 0, 128},
    {"mma_f16_16816_rounded", 1, 0, 128},       {"mma_tf32_1688_rounded", 1, 0, 128},
    {"cp_async16_vector", 1, 0, 256},           {"last_block_arrive_vector", 7, 0, 33},
    {"block_again_vector", 7, 0, 224},          {"dynamic_shared_vector", 1, 4096, 1024},
};

/* ---- The device */
typedef struct machine {
    cuda_device *device;
    const cuda_driver *cu;
    cu_stream stream;
    cu_ptr at;
    cu_module module;
} machine;

static bool stop(const char *what)
{
    printf("%s: %s\n", what, mx_error().message);
    return false;
}

static bool is_ok(cu_result r, const char *what)
{
    if (r != CU_OK) printf("%s: error %d\n", what, r);
    return r == CU_OK;
}

/* All kernels are one program. */
static bool load(machine *m, const char *source)
{
    size_t bytes;
    void *image = jit_image(m->device, source, "arch_vectors", &bytes);
    if (!image) return stop("compiling");
    bool ok = is_ok(m->cu->cuModuleLoadData(&m->module, image), "cuModuleLoadData");
    mx_free(image);
    return ok;
}

static bool start(machine *m, const char *source)
{
    cuda_gpu *gpu = cuda_gpu_now();
    if (!gpu || !gpu->device_count) return printf("no GPU: %s\n", gpu ? gpu->reason : "no memory"), false;
    m->device = &gpu->devices[0];
    m->cu = &gpu->driver;
    return (cuda_enter(m->device) || stop("starting")) && load(m, source) &&
           is_ok(m->cu->cuStreamCreate(&m->stream, CU_STREAM_APART), "cuStreamCreate") &&
           is_ok(m->cu->cuMemAlloc_v2(&m->at, WORDS * sizeof(uint32_t)), "cuMemAlloc");
}

static bool run(const machine *m, const vector *v, uint32_t out[WORDS])
{
    size_t bytes = WORDS * sizeof *out;
    cu_function f;
    cu_ptr at = m->at;
    void *params[] = {&at};
    memset(out, 0, bytes);
    return is_ok(m->cu->cuModuleGetFunction(&f, m->module, v->kernel), v->kernel) &&
           is_ok(m->cu->cuMemcpyHtoDAsync_v2(at, out, bytes, m->stream), "cuMemcpyHtoD") &&
           is_ok(m->cu->cuLaunchKernel(f, v->blocks, 1, 1, 32, 1, 1, v->shared_bytes, m->stream, params, NULL),
                 v->kernel) &&
           is_ok(m->cu->cuMemcpyDtoHAsync_v2(out, at, bytes, m->stream), "cuMemcpyDtoH") &&
           is_ok(m->cu->cuStreamSynchronize(m->stream), v->kernel);
}

/* ---- The file: a name and its count, then the words */
static bool record(FILE *f, const vector *v, const uint32_t *out)
{
    fprintf(f, "%s %u", v->kernel, v->count);
    for (unsigned i = 0; i < v->count; i++) fprintf(f, "%s%08" PRIx32, i % 16 ? " " : "\n", out[i]);
    return fprintf(f, "\n") > 0;
}

static bool is_near(uint32_t got, uint32_t want)
{
    float a, b;
    memcpy(&a, &got, sizeof a);
    memcpy(&b, &want, sizeof b);
    /* Sums of 16 products below 1, which the hardware may truncate; exponentials to a few units in the last place. */
    return a == b || fabsf(a - b) <= 0x1p-18f * 16 || fabsf(a - b) <= 0x1p-21f * fabsf(b);
}

static bool compare(FILE *f, const vector *v, const uint32_t *out)
{
    char name[NAME];
    unsigned count, wrong = 0;
    if (fscanf(f, "%63s %u", name, &count) != 2 || strcmp(name, v->kernel) != 0 || count != v->count)
        return printf("%s: the file has other vectors\n", v->kernel), false;
    for (unsigned i = 0; i < count; i++) {
        uint32_t want;
        if (fscanf(f, "%8" SCNx32, &want) != 1) return printf("%s: the file ends early\n", v->kernel), false;
        bool same = strstr(name, "_rounded") ? is_near(out[i], want) : out[i] == want;
        if (!same && ++wrong <= 4) printf("%s: word %u is %08" PRIx32 ", not %08" PRIx32 "\n", name, i, out[i], want);
    }
    if (wrong) printf("%s: %u of %u words differ\n", name, wrong, count);
    return !wrong;
}

static char *read_text(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) return perror(path), NULL;
    char *text = calloc(1, 1 << 16);
    size_t n = fread(text, 1, (1 << 16) - 1, f);
    fclose(f);
    return n ? text : NULL;
}

int main(int argc, char **argv)
{
    bool records = argc == 4 && !strcmp(argv[2], "record"), compares = argc == 4 && !strcmp(argv[2], "compare");
    if (!records && !compares) return printf("usage: %s SOURCE (record | compare) FILE\n", argv[0]), 2;
    machine m = {0};
    char *source = read_text(argv[1]);
    FILE *f = source && start(&m, source) ? fopen(argv[3], records ? "w" : "r") : NULL;
    if (!f) return 1;
    char line[256];
    int failed = 0, count = (int)(sizeof vectors / sizeof *vectors);
    if (records) fprintf(f, "# %s, sm_%d\n", m.device->name, m.device->arch);
    if (compares && fgets(line, sizeof line, f)) printf("recorded on %s", line + 2);
    for (int i = 0; i < count; i++) {
        uint32_t out[WORDS];
        if (!run(&m, &vectors[i], out) || !(records ? record : compare)(f, &vectors[i], out)) failed++;
    }
    printf("%d vectors, %d failed\n", count, failed);
    free(source);
    return fclose(f) || failed;
}
