/* SPDX-License-Identifier: MIT
 *
 * What every case needs: opening the library, compiling, copying. */
#include "sim_test.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct calls cu;
handle stream;

void try_call(int result, const char *call)
{
    const char *text = NULL;
    if (!result) return;
    cu.cuGetErrorString(result, &text);
    printf("CAUGHT %d: %s in %s\n", result, text ? text : "", call);
    fflush(stdout);
    _Exit(1);
}

void wrong(const char *what)
{
    printf("WRONG: %s\n", what);
    fflush(stdout);
    _Exit(1);
}

static char *read_text(const char *folder, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    char *text = calloc(1, 1 << 16);
    if (!f || !text || !fread(text, 1, (1 << 16) - 1, f)) wrong(path);
    fclose(f);
    return text;
}

/* SWAP=from:to changes the headers: a planted mistake in an instruction's assembly. */
static char *plant(char *text)
{
    char from[128], to[128];
    const char *swap = getenv("SWAP");
    if (!swap || sscanf(swap, "%127[^:]:%127[^:]", from, to) != 2 || strlen(from) != strlen(to)) return text;
    char *at = strstr(text, from);
    if (at) memcpy(at, to, strlen(to));
    return text;
}

static handle compile(const char *file)
{
    char *source = read_text(KERNEL_FOLDER, file);
    const char *names[] = {"cuda/kernels/dev.cuh", "cuda/kernels/dtypes.cuh", "cuda/kernels/dev_arch.cuh"};
    enum { HEADERS = sizeof names / sizeof *names };
    const char *headers[HEADERS];
    for (int i = 0; i < HEADERS; i++) headers[i] = plant(read_text(SOURCE_FOLDER, names[i]));
    const char *options[] = {"--gpu-architecture=sm_80", "--std=c++17", "--fmad=false"};
    handle program, module;
    TRY(nvrtcCreateProgram(&program, source, file, HEADERS, headers, names));
    size_t bytes;
    if (cu.nvrtcCompileProgram(program, 3, options)) {
        cu.nvrtcGetProgramLogSize(program, &bytes);
        char *log = malloc(bytes);
        cu.nvrtcGetProgramLog(program, log);
        wrong(log);
    }
    TRY(nvrtcGetCUBINSize(program, &bytes));
    char *image = malloc(bytes);
    TRY(nvrtcGetCUBIN(program, image));
    TRY(cuModuleLoadData(&module, image));
    return module;
}

handle kernel(const char *file, const char *name)
{
    static handle right, planted, other;
    handle *module = !strcmp(file, "right.cu") ? &right : !strcmp(file, "planted.cu") ? &planted : &other, f;
    if (!*module) *module = compile(file);
    TRY(cuModuleGetFunction(&f, *module, name));
    return f;
}

ptr device(size_t bytes)
{
    ptr p;
    TRY(cuMemAlloc_v2(&p, bytes));
    return p;
}

ptr upload(const void *from, size_t bytes)
{
    ptr p = device(bytes);
    TRY(cuMemcpyHtoDAsync_v2(p, from, bytes, stream));
    return p;
}

void download(void *to, ptr from, size_t bytes)
{
    TRY(cuMemcpyDtoHAsync_v2(to, from, bytes, stream));
    TRY(cuStreamSynchronize(stream));
}

void run(handle f, unsigned gx, unsigned gy, unsigned bx, unsigned by, unsigned shared_bytes, void **params)
{
    TRY(cuLaunchKernel(f, gx, gy, 1, bx, by, 1, shared_bytes, stream, params, NULL));
}

int main(int count, char **words)
{
    void *library = dlopen(SIM_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) wrong(dlerror());
#define FIND(name, params) *(void **)&cu.name = dlsym(library, #name);
    CALLS(FIND)
    TRY(cuInit(0));
    TRY(cuStreamCreate(&stream, 1));
    const char *name = count > 1 ? words[1] : "right";
    if (!strcmp(name, "right"))
        test_right();
    else if (!strcmp(name, "speed"))
        test_speed();
    else if (!strcmp(name, "ptx"))
        test_ptx();
    else if (!strcmp(name, "unknown"))
        test_unknown();
    else if (!test_planted(name))
        wrong("no such case");
    return 0;
}
