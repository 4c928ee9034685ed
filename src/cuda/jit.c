/* SPDX-License-Identifier: MIT
 *
 * Compiling kernels: NVRTC, one entry point a program, behind the cache on disk. */
#include "cuda/cubins.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 96 };

/* a * b + c is never contracted: results equal the CPU's.  A wanted fused multiply-add is written. */
static const char *const options[] = {"--std=c++17", "--fmad=false", "--ptxas-options=-v"};
enum { OPTIONS = sizeof options / sizeof *options };

/* ---- Compiling */
static bool compiler_says(const cuda_nvrtc *n, nvrtc_result r, const char *entry, const char *log)
{
    if (r == NVRTC_OK) return true;
    return mx_fail_false(MX_RUNTIME, "[%s] GPU: the kernel does not compile: %s.\n%.2000s", entry,
                         n->nvrtcGetErrorString(r), log ? log : "");
}

static char *read_log(const cuda_nvrtc *n, nvrtc_program program)
{
    size_t bytes = 0;
    if (n->nvrtcGetProgramLogSize(program, &bytes) != NVRTC_OK || !bytes) return NULL;
    char *log = memory_try(bytes + 1);
    if (log && n->nvrtcGetProgramLog(program, log) != NVRTC_OK) log[0] = 0;
    if (log) log[bytes] = 0;
    return log;
}

static void *read_image(const cuda_nvrtc *n, nvrtc_program program, const char *entry, size_t *bytes)
{
    void *image = NULL;
    nvrtc_result r = n->nvrtcGetCUBINSize(program, bytes);
    if (r == NVRTC_OK && (image = mx_alloc(*bytes, 1))) r = n->nvrtcGetCUBIN(program, image);
    if (r == NVRTC_OK) return image;
    mx_free(image);
    compiler_says(n, r, entry, NULL);
    return NULL;
}

void *jit_compile(const cuda_nvrtc *n, const char *arch, const char *source, const char *entry, char **log_out,
                  size_t *bytes)
{
    const char *texts[FILES_MAX], *names[FILES_MAX], *arguments[OPTIONS + 1];
    char architecture[48];
    int files = 0;
    for (; files < FILES_MAX && cuda_files[files].name; files++) {
        texts[files] = cuda_files[files].text;
        names[files] = cuda_files[files].name;
    }
    snprintf(architecture, sizeof architecture, "--gpu-architecture=%s", arch);
    for (int i = 0; i < OPTIONS; i++) arguments[i] = options[i];
    arguments[OPTIONS] = architecture;

    nvrtc_program program = NULL;
    char name[80];
    snprintf(name, sizeof name, "%.70s.cu", entry);
    if (!compiler_says(n, n->nvrtcCreateProgram(&program, source, name, files, texts, names), entry, NULL)) return NULL;
    nvrtc_result r = n->nvrtcCompileProgram(program, OPTIONS + 1, arguments);
    char *log = read_log(n, program);
    void *image = compiler_says(n, r, entry, log) ? read_image(n, program, entry, bytes) : NULL;
    n->nvrtcDestroyProgram(&program);
    if (log_out) {
        *log_out = log;
    } else {
        mx_free(log);
    }
    return image;
}

/* ---- The key on disk: everything that the image depends on */
static bool add_text(char **text, size_t *bytes, const char *more)
{
    size_t n = strlen(more) + 1;
    char *longer = mx_resize(*text, *bytes + n, 1);
    if (!longer) return false;
    memcpy(longer + *bytes, more, n);
    *text = longer;
    *bytes += n;
    return true;
}

static bool includes(const char *text, const char *file)
{
    char wanted[128];
    snprintf(wanted, sizeof wanted, "#include \"%s\"", file);
    return strstr(text, wanted) != NULL;
}

/* Marks the files that the text includes, and those that they do. */
static void mark_files(const char *text, bool used[FILES_MAX])
{
    for (int i = 0; i < FILES_MAX && cuda_files[i].name; i++) {
        if (used[i] || !includes(text, cuda_files[i].name)) continue;
        used[i] = true;
        mark_files(cuda_files[i].text, used);
    }
}

bool jit_key(const cuda_nvrtc *n, const char *arch, const char *source, const char *entry, cache_key *key)
{
    char *text = NULL, version[48];
    size_t bytes = 0;
    bool used[FILES_MAX] = {false};
    mark_files(source, used);
    snprintf(version, sizeof version, "nvrtc %d", n ? n->version : 0);
    bool ok = add_text(&text, &bytes, version) && add_text(&text, &bytes, arch) && add_text(&text, &bytes, entry) &&
              add_text(&text, &bytes, source);
    for (int i = 0; ok && i < OPTIONS; i++) ok = add_text(&text, &bytes, options[i]);
    for (int i = 0; ok && i < FILES_MAX && cuda_files[i].name; i++)
        ok = !used[i] || (add_text(&text, &bytes, cuda_files[i].name) && add_text(&text, &bytes, cuda_files[i].text));
    if (ok) sha256(text, bytes, key->at);
    mx_free(text);
    return ok;
}

/* ---- NVRTC itself takes a tenth of a second to load: when the first kernel is asked for */
static const cuda_nvrtc *nvrtc_of(cuda_gpu *gpu)
{
    pthread_mutex_lock(&runtime.gpu_lock);
    if (!gpu->nvrtc_asked) {
        gpu->nvrtc_asked = true;
        bool ok = cuda_open_nvrtc(&gpu->nvrtc, gpu->driver.version, gpu->nvrtc_reason);
        if (ok) gpu->nvrtc_reason[0] = 0;
        if (ok && gpu->nvrtc.simulated != gpu->driver.simulated)
            snprintf(gpu->nvrtc_reason, CUDA_REASON,
                     "libnvrtc is %s but libcuda is %s; MICA_CUDA=sim takes both from the simulator",
                     gpu->nvrtc.simulated ? "simulated" : "NVIDIA's", gpu->driver.simulated ? "simulated" : "NVIDIA's");
    }
    pthread_mutex_unlock(&runtime.gpu_lock);
    jit_stop_at_exit(gpu, false);
    return gpu->nvrtc_reason[0] ? mx_fail(MX_RUNTIME, "[eval] GPU: kernels cannot be compiled: %s.", gpu->nvrtc_reason)
                                : &gpu->nvrtc;
}

/* MICA_RECORD_KERNELS names a folder: what is asked for, to be compiled ahead (tools/cubins.c). */
static void record(const char *folder, const char *arch, const char *source, const char *entry, const cache_key *key)
{
    char path[4096];
    uint64_t number;
    memcpy(&number, key->at, sizeof number);
    int n = snprintf(path, sizeof path, "%s/%s.%s.%016llx.cu", folder, arch, entry, (unsigned long long)number);
    FILE *f = n < (int)sizeof path ? fopen(path, "w") : NULL;
    if (!f || fputs(source, f) < 0) fprintf(stderr, "[jit] %s cannot be recorded in %s\n", entry, folder);
    if (f) fclose(f);
}

void *jit_image(cuda_device *d, const char *source, const char *entry, size_t *bytes)
{
    char arch[16];
    cache_key key;
    /* Some instructions exist only in the variant of an architecture that names no successor. */
    snprintf(arch, sizeof arch, "sm_%d%s", d->arch, d->arch == 90 || d->arch == 100 ? "a" : "");
    const cuda_cubins *ready = cubins_of(d->gpu);
    const char *folder = getenv("MICA_RECORD_KERNELS");
    void *image = NULL;
    if (ready->count || folder) {
        if (!jit_key(NULL, arch, source, entry, &key)) return NULL;
        if (folder) record(folder, arch, source, entry, &key);
        if ((image = cubins_load(ready, &key, bytes))) return image;
    }
    const cuda_nvrtc *n = nvrtc_of(d->gpu);
    if (!n || !jit_key(n, arch, source, entry, &key)) return NULL;
    if ((image = cache_load(&key, bytes))) return image;
    int64_t started = clock_ns();
    image = jit_compile(n, arch, source, entry, NULL, bytes);
    jit_stop_at_exit(d->gpu, true);
    if (image && environment_lists("MICA_TRACE", "jit"))
        fprintf(stderr, "[jit] %-40s %-8s %8.1f ms %zu bytes\n", entry, arch, (double)(clock_ns() - started) / 1e6,
                *bytes);
    if (image) cache_store(&key, image, *bytes);
    return image;
}
