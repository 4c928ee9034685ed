/* SPDX-License-Identifier: MIT
 *
 * The ptx engine: NVIDIA's NVRTC, which needs no GPU, makes PTX of a kernel's source, PTX becomes C (ptx.h), and the host's compiler makes
 * a module of that.  So a kernel's real inline assembly runs, and what the compiler made of the rest. */
#include "cuda_api.h"
#include "nvrtc.h"
#include "ptx.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void *handle;
#define FUNCTIONS(F)                                                                                                   \
    F(nvrtcVersion, (int *, int *))                                                                                    \
    F(nvrtcCreateProgram, (handle *, const char *, const char *, int, const char *const *, const char *const *))       \
    F(nvrtcDestroyProgram, (handle *))                                                                                 \
    F(nvrtcCompileProgram, (handle, int, const char *const *))                                                         \
    F(nvrtcGetPTXSize, (handle, size_t *))                                                                             \
    F(nvrtcGetPTX, (handle, char *))                                                                                   \
    F(nvrtcGetProgramLogSize, (handle, size_t *))                                                                      \
    F(nvrtcGetProgramLog, (handle, char *))

static struct real {
    pthread_once_t once;
    bool found;
    int version;
#define FIELD(name, params) int(*name) params;
    FUNCTIONS(FIELD)
#undef FIELD
} real = {.once = PTHREAD_ONCE_INIT};

/* ---- Finding it: SIM_NVRTC and nowhere else; or MICA_CUDA_PATH, the loader, CUDA_HOME, CUDA_PATH, /usr/local/cuda */

/* This library may lie under the same name. */
static bool take_library(const char *path)
{
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library || dlsym(library, "simFailAt")) return false;
    bool all = true;
#define FIND(name, params) all = (*(void **)&real.name = dlsym(library, #name)) && all;
    FUNCTIONS(FIND)
#undef FIND
    return all;
}

static bool take_from(const char *folder, const char *below)
{
    static const char *const names[] = {"libnvrtc.so.13", "libnvrtc.so.12"};
    char path[NVRTC_PATH_BYTES];
    for (size_t i = 0; folder && i < sizeof names / sizeof *names; i++) {
        int n = snprintf(path, sizeof path, "%s%s%s%s", folder, below, *folder ? "/" : "", names[i]);
        if (n < (int)sizeof path && take_library(path)) return true;
    }
    return false;
}

static bool take_from_list(const char *list)
{
    char folder[NVRTC_PATH_BYTES];
    while (list && *list) {
        size_t n = strcspn(list, ":");
        snprintf(folder, sizeof folder, "%.*s", (int)n, list);
        if (n && take_from(folder, "")) return true;
        list += n + (list[n] == ':');
    }
    return false;
}

static void find(void)
{
    int major = 0, minor = 0;
    const char *only = getenv("SIM_NVRTC");
    real.found = only && *only ? take_from(only, "")
                               : take_from_list(getenv("MICA_CUDA_PATH")) || take_from("", "") ||
                                     take_from(getenv("CUDA_HOME"), "/lib64") ||
                                     take_from(getenv("CUDA_PATH"), "/lib64") || take_from("/usr/local/cuda", "/lib64");
    if (real.found && real.nvrtcVersion(&major, &minor) == 0) real.version = major * 1000 + minor * 10;
}

int ptx_compiler_version(void)
{
    pthread_once(&real.once, find);
    return real.version;
}

/* ---- Source to PTX */

enum { OPTIONS = 64 };

static void write_log(const char *folder, const char *text)
{
    nvrtc_write_file(folder, "log", text, strlen(text));
}

/* The same options, but for PTX and not for ptxas, and with lines. */
static int choose_options(const struct options *o, char *arch, size_t room, const char **chosen)
{
    int count = 0;
    for (int i = 0; i < o->count && count < OPTIONS - 2; i++) {
        const char *sm = strstr(o->all[i], "arch");
        if (strstr(o->all[i], "ptxas") || !strncmp(o->all[i], "-Xptxas", 7)) continue;
        if (!sm || !(sm = strchr(sm, '_'))) chosen[count++] = o->all[i];
        if (sm) snprintf(arch, room, "--gpu-architecture=compute_%s", sm + 1);
    }
    chosen[count++] = arch;
    chosen[count++] = "-lineinfo";
    return count;
}

static char *read_ptx(handle program)
{
    size_t bytes = 0;
    char *ptx = real.nvrtcGetPTXSize(program, &bytes) == 0 ? malloc(bytes + 1) : NULL;
    if (!ptx) return NULL;
    ptx[bytes] = 0;
    if (real.nvrtcGetPTX(program, ptx) == 0) return ptx;
    free(ptx);
    return NULL;
}

static void keep_log(handle program, const char *folder)
{
    size_t bytes = 0;
    char *log = real.nvrtcGetProgramLogSize(program, &bytes) == 0 ? calloc(bytes + 1, 1) : NULL;
    if (log && real.nvrtcGetProgramLog(program, log) == 0) write_log(folder, log);
    free(log);
}

static char *compile_to_ptx(const struct sim_program *p, const struct options *o, const char *folder)
{
    char arch[64] = "--gpu-architecture=compute_75";
    const char *chosen[OPTIONS];
    int count = choose_options(o, arch, sizeof arch, chosen);
    handle program = NULL;
    if (real.nvrtcCreateProgram(&program, p->source, "kernel.cu", p->header_count, (const char *const *)p->header,
                                (const char *const *)p->header_name))
        return NULL;
    int r = real.nvrtcCompileProgram(program, count, chosen);
    keep_log(program, folder);
    char *ptx = r == 0 ? read_ptx(program) : NULL;
    real.nvrtcDestroyProgram(&program);
    return ptx;
}

/* ---- PTX to C to a module */

static int write_module(const char *ptx, const char *folder)
{
    ptx_unit *u = calloc(1, sizeof *u);
    struct text c = {0};
    if (!u) return NVRTC_OUT_OF_MEMORY;
    text_print(&c, "#include \"sim_ptx.h\"\n");
    bool ok = ptx_translate(u, ptx, &c);
    if (ok && !nvrtc_write_file(folder, "module.c", c.p, c.size)) ok = false;
    if (*u->error) write_log(folder, u->error);
    free(c.p);
    free(u);
    return ok ? NVRTC_OK : NVRTC_COMPILATION;
}

int ptx_build(const struct sim_program *p, const struct options *o, const char *folder, const char *shim, bool checked)
{
    char command[NVRTC_COMMAND_BYTES];
    if (!ptx_compiler_version()) {
        write_log(folder, "SIM_ENGINE=ptx needs NVIDIA's NVRTC (libnvrtc.so.13 or .12), which was not found: "
                          "SIM_NVRTC may name its folder");
        return NVRTC_COMPILATION;
    }
    char *ptx = compile_to_ptx(p, o, folder);
    if (!ptx) return NVRTC_COMPILATION;
    nvrtc_write_file(folder, "kernel.ptx", ptx, strlen(ptx));
    int r = write_module(ptx, folder);
    free(ptx);
    if (r) return r;
    snprintf(
        command, sizeof command,
        "cd '%s' && %s %s -x c -std=gnu11 -fPIC -c -w %s -I'%s' -fno-asynchronous-unwind-tables "
        "-fno-math-errno -fno-trapping-math -fno-strict-aliasing -fwrapv -ffp-contract=off %s module.c -o module.o 2>>log",
        folder, nvrtc_compiler(), nvrtc_level(), checked ? "-g1 -DSIM_CHECKED" : "-g0", shim, nvrtc_flags_of_machine());
    return nvrtc_run_shell(command) ? NVRTC_COMPILATION : nvrtc_link(folder);
}
