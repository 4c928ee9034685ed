/* SPDX-License-Identifier: MIT
 *
 * NVRTC's calls over the system's C++ compiler.  The source is preprocessed with the shim in front, its kernels are found by the
 * word that __global__ became, a table of them is added, and a shared object is made: the "cubin". */
#include "cuda_api.h"
#include "image.h"
#include "nvrtc.h"
#include "text.h"

#include <ctype.h>
#include <dlfcn.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
uint64_t sim_hash(const void *p, size_t bytes, uint64_t h);

enum { PATH_BYTES = NVRTC_PATH_BYTES, COMMAND_BYTES = NVRTC_COMMAND_BYTES };

static void append_text(struct text *t, const char *p)
{
    text_append(t, p, strlen(p));
}

char *nvrtc_read_file(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    struct text t = {0};
    char chunk[16384];
    size_t got;
    text_append(&t, "", 0);
    while ((got = fread(chunk, 1, sizeof chunk, f)) > 0) text_append(&t, chunk, got);
    fclose(f);
    if (bytes) *bytes = t.size;
    return t.p;
}

bool nvrtc_write_file(const char *folder, const char *name, const char *p, size_t bytes)
{
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f) return false;
    bool ok = fwrite(p, 1, bytes, f) == bytes;
    return fclose(f) == 0 && ok;
}

/* The shim lies beside the library, or in SIM_DIR. */
static bool shim_folder(char *path)
{
    const char *set = getenv("SIM_DIR");
    Dl_info self;
    if (set) {
        snprintf(path, PATH_BYTES, "%s", set);
    } else {
        if (!dladdr((void *)(uintptr_t)shim_folder, &self) || !self.dli_fname) return false;
        char *real = realpath(self.dli_fname, NULL);
        if (!real) return false;
        *strrchr(real, '/') = 0;
        snprintf(path, PATH_BYTES, "%s/mica_sim_shim", real);
        free(real);
    }
    return access(path, R_OK) == 0;
}

/* The compiler must not run under a sanitizer that was preloaded for this process. */
int nvrtc_run_shell(const char *command)
{
    size_t count = 0, kept = 0;
    while (environ[count]) count++;
    char **clean = calloc(count + 1, sizeof *clean);
    if (!clean) return -1;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], "LD_PRELOAD=", 11)) clean[kept++] = environ[i];
    pid_t child;
    char *const args[] = {(char *)"sh", (char *)"-c", (char *)(uintptr_t)command, NULL};
    int status = -1;
    if (!posix_spawn(&child, "/bin/sh", NULL, NULL, args, clean))
        while (waitpid(child, &status, 0) < 0) {}
    free(clean);
    return status;
}

/* ---- Kernels in preprocessed text */

static const char *skip_space(const char *p)
{
    for (;;) {
        while (isspace((unsigned char)*p)) p++;
        if (*p != '#') return p;
        while (*p && *p != '\n') p++; /* a line marker */
    }
}

static const char *skip_brackets(const char *p)
{
    int depth = 0;
    do {
        depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
        p++;
    } while (depth && *p);
    return p;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

static const char bounds_word[] = "__sim_bounds__", global_word[] = "__sim_global__";

/* Reads `void __sim_bounds__(n) name (` behind the word. */
static bool find_kernel(const char *p, char *name, size_t room, long *bound)
{
    *bound = 0;
    for (;;) {
        p = skip_space(p);
        if (!strncmp(p, bounds_word, sizeof bounds_word - 1)) {
            const char *open = strchr(p, '(');
            if (!open) return false;
            *bound = strtol(open + 1, NULL, 0);
            p = skip_brackets(open);
            continue;
        }
        const char *end = p;
        while (is_word(*end)) end++;
        if (end == p) return false;
        snprintf(name, room, "%.*s", (int)(end - p), p);
        p = skip_space(end);
        if (*p == '(') return true;
    }
}

static bool at_word(const char *start, const char *p, const char *word, size_t size)
{
    return !strncmp(p, word, size) && !is_word(p[size]) && (p == start || !is_word(p[-1]));
}

static struct text add_registration(const char *source, bool checked)
{
    struct text out = {0}, rows = {0};
    append_text(&rows, "");
    const char *from = source, *p = source;
    char name[256], row[1400];
    long bound;
    while ((p = strstr(p, "__sim_"))) {
        bool global = at_word(source, p, global_word, sizeof global_word - 1);
        bool bounds = !global && at_word(source, p, bounds_word, sizeof bounds_word - 1);
        if (!global && !bounds) {
            p += 6;
            continue;
        }
        text_append(&out, from, (size_t)(p - from));
        from = p + (global ? sizeof global_word : sizeof bounds_word) - 1;
        if (bounds) from = skip_brackets(skip_space(from));
        if (global && find_kernel(from, name, sizeof name, &bound)) {
            snprintf(row, sizeof row, "{\"%s\",sim_entry<&%s>::entry,sim_entry<&%s>::count,sim_entry<&%s>::bytes,%ld},",
                     name, name, name, name, bound);
            if (!strstr(rows.p, row)) append_text(&rows, row); /* a declaration before the definition */
        }
        p = from;
    }
    append_text(&out, from);
    append_text(
        &out,
        "\n__attribute__((used,section(\"simshared\"))) static char sim_guard_behind[64];extern \"C\"{struct sim_regs sim_regs;const struct sim_table*sim_table;"
        "extern char __start_simshared[] __attribute__((weak,visibility(\"hidden\"))),"
        "__stop_simshared[] __attribute__((weak,visibility(\"hidden\")));}\nstatic const struct sim_kernel sim_kernels[]={");
    append_text(&out, rows.p);
    snprintf(
        row, sizeof row,
        "{}};\nextern \"C\" __attribute__((visibility(\"default\"))) struct sim_module sim_module_desc;\n"
        "struct sim_module sim_module_desc={%d,%d,&sim_regs,&sim_table,sim_kernels,__start_simshared,__stop_simshared};\n",
        0x51d0c0da, checked);
    append_text(&out, row);
    free(rows.p);
    return out;
}

/* ---- Compiling */

static const char *engine(void)
{
    const char *s = getenv("SIM_ENGINE");
    return s && *s ? s : "shim";
}

static bool is_ptx(void)
{
    return !strcmp(engine(), "ptx");
}

static const char *sanitizer(void)
{
    const char *s = getenv("SIM_SAN");
    return s ? s : "";
}

static const char *flags_of_mode(void)
{
    bool clang = getenv("SIM_CXX") && strstr(getenv("SIM_CXX"), "clang");
    if (!strcmp(sanitizer(), "check"))
        return clang ? "-g1 -fsanitize=thread -mllvm -tsan-instrument-func-entry-exit=0"
                     : "-g1 -fsanitize=thread --param tsan-instrument-func-entry-exit=0";
    if (!strcmp(sanitizer(), "address"))
        return clang ? "-g1 -fsanitize=address"
                     : "-g1 -fsanitize=address -fsanitize-sections=simshared "
                       "-fsanitize=alignment,shift,bounds,integer-divide-by-zero -fno-sanitize-recover=all";
    return "-g0";
}

const char *nvrtc_flags_of_machine(void)
{
#if defined(__x86_64__)
    /* Every machine with AVX2 has F16C, which older compilers cannot ask for. */
    if (__builtin_cpu_supports("fma") && __builtin_cpu_supports("avx2")) return "-mfma -mf16c";
#endif
    return "";
}

/* A header's name may hold folders. */
static void make_folders(const char *folder, const char *name)
{
    char path[2 * PATH_BYTES];
    for (const char *slash = strchr(name, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(path, sizeof path, "%s/%.*s", folder, (int)(slash - name), name);
        mkdir(path, 0700);
    }
}

static bool write_sources(const struct sim_program *p, const char *folder)
{
    bool ok = nvrtc_write_file(folder, "kernel.cu", p->source, strlen(p->source));
    for (int i = 0; ok && i < p->header_count; i++) {
        const char *name = p->header_name[i], *base = strrchr(name, '/');
        bool arch = !strcmp(base ? base + 1 : name, "dev_arch.cuh");
        make_folders(folder, name);
        ok = arch ? nvrtc_write_file(folder, name, "#include <dev_arch.cuh>\n", 24) /* the shim has its own */
                  : nvrtc_write_file(folder, name, p->header[i], strlen(p->header[i]));
    }
    return ok;
}

const char *nvrtc_compiler(void)
{
    return getenv("SIM_CXX") ? getenv("SIM_CXX") : "c++";
}

const char *nvrtc_level(void)
{
    return getenv("SIM_OPT") ? getenv("SIM_OPT") : "-O1";
}

int nvrtc_link(const char *folder)
{
    char command[COMMAND_BYTES];
    snprintf(
        command, sizeof command,
        "cd '%s' && { ld -shared -z defs --as-needed module.o -o module.so -l:libm.so.6 -l:libc.so.6 -l:libgcc_s.so.1 "
        "2>/dev/null || %s -shared module.o -o module.so -lm 2>>log; }", /* the linker alone takes half as long */
        folder, nvrtc_compiler());
    return nvrtc_run_shell(command) ? NVRTC_COMPILATION : NVRTC_OK;
}

static int shim_build(const struct sim_program *p, const struct options *o, const char *folder, const char *shim,
                      bool checked)
{
    const char *mode = checked ? "-DSIM_CHECKED" : *sanitizer() ? "-DSIM_UNDEFINED" : "";
    char command[COMMAND_BYTES], path[PATH_BYTES + 16];
    if (!write_sources(p, folder)) return NVRTC_OUT_OF_MEMORY;
    snprintf(
        command, sizeof command,
        "cd '%s' && %s -E -x c++ -std=c++17 %s -D__CUDA_ARCH__=%d %s -I'%s' -I. -include sim_dev.h kernel.cu -o kernel.ii 2>log",
        folder, nvrtc_compiler(), mode, o->arch * 10, o->defines, shim);
    if (nvrtc_run_shell(command)) return NVRTC_COMPILATION;
    snprintf(path, sizeof path, "%s/kernel.ii", folder);
    char *expanded = nvrtc_read_file(path, NULL);
    if (!expanded) return NVRTC_OUT_OF_MEMORY;
    struct text out = add_registration(expanded, checked);
    free(expanded);
    bool written = !out.failed && nvrtc_write_file(folder, "module.ii", out.p, out.size);
    free(out.p);
    if (!written) return NVRTC_OUT_OF_MEMORY;
    snprintf(
        command, sizeof command,
        "cd '%s' && %s %s -std=c++17 -x c++-cpp-output -fPIC -c -w -fno-exceptions -fno-rtti -fno-asynchronous-unwind-tables "
        "-fno-math-errno -fno-trapping-math -fno-strict-aliasing -fwrapv -ffp-contract=off %s %s module.ii -o module.o 2>>log",
        folder, nvrtc_compiler(), nvrtc_level(), nvrtc_flags_of_machine(), flags_of_mode());
    return nvrtc_run_shell(command) ? NVRTC_COMPILATION : nvrtc_link(folder);
}

static int take_image(struct sim_program *p, const char *folder)
{
    char path[PATH_BYTES + 16];
    size_t bytes = 0;
    snprintf(path, sizeof path, "%s/module.so", folder);
    char *module = nvrtc_read_file(path, &bytes);
    p->image = module ? malloc(sizeof(struct sim_image) + bytes) : NULL;
    if (p->image) {
        struct sim_image head = {.magic = SIM_IMAGE_MAGIC, .bytes = bytes, .hash = sim_hash(module, bytes, 0)};
        memcpy(p->image, &head, sizeof head);
        memcpy(p->image + sizeof head, module, bytes);
        p->image_bytes = sizeof head + bytes;
    }
    free(module);
    return p->image ? NVRTC_OK : NVRTC_OUT_OF_MEMORY;
}

static void set_log(struct sim_program *p, const char *text)
{
    free(p->log);
    p->log = strdup(text ? text : "");
}

static void remove_folder(const char *folder)
{
    char command[PATH_BYTES + 16];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (!getenv("SIM_KEEP")) nvrtc_run_shell(command);
}

/* Is there a way to run what the environment asks for? */
static int check_mode(struct sim_program *p)
{
    if (!strcmp(sanitizer(), "address") && !dlsym(RTLD_DEFAULT, "__asan_init")) {
        set_log(p, "SIM_SAN=address needs a process that runs under AddressSanitizer: preload libasan");
        return NVRTC_COMPILATION;
    }
    if (!is_ptx() && strcmp(engine(), "shim") && strcmp(engine(), "none")) {
        set_log(p, "SIM_ENGINE is shim, ptx or none");
        return NVRTC_INVALID_OPTION;
    }
    if (is_ptx() && !strcmp(sanitizer(), "address")) {
        set_log(p, "SIM_SAN=address reads the source as C++: it works with SIM_ENGINE=shim, not with ptx");
        return NVRTC_COMPILATION;
    }
    return NVRTC_OK;
}

/* Nothing is compiled: the name of the program's kernel is all that is left of it. */
static int name_image(struct sim_program *p)
{
    static const char word[] = "#define ENTRY ", mark[] = SIM_IMAGE_NONE;
    const char *name = strstr(p->source, word);
    if (!name) {
        set_log(p, "SIM_ENGINE=none needs `#define ENTRY name`");
        return NVRTC_COMPILATION;
    }
    name += sizeof word - 1;
    size_t bytes = strcspn(name, " \r\n");
    struct sim_image head = {.magic = SIM_IMAGE_MAGIC, .bytes = sizeof mark - 1 + bytes};
    p->image_bytes = sizeof head + head.bytes;
    if (!(p->image = malloc(p->image_bytes))) return NVRTC_OUT_OF_MEMORY;
    memcpy(p->image + sizeof head, mark, sizeof mark - 1);
    memcpy(p->image + sizeof head + sizeof mark - 1, name, bytes);
    head.hash = sim_hash(p->image + sizeof head, head.bytes, 0);
    memcpy(p->image, &head, sizeof head);
    return NVRTC_OK;
}

static int compile(struct sim_program *p, const struct options *o)
{
    char shim[PATH_BYTES], folder[PATH_BYTES], path[PATH_BYTES + 8];
    if (!shim_folder(shim)) {
        set_log(p, "the shim of the simulated device was not found beside libmica_sim.so; SIM_DIR may name its folder");
        return NVRTC_COMPILATION;
    }
    snprintf(folder, sizeof folder, "%s/mica_sim_XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(folder)) {
        set_log(p, "no temporary folder could be made");
        return NVRTC_OUT_OF_MEMORY;
    }
    bool checked = !strcmp(sanitizer(), "check");
    int r = is_ptx() ? ptx_build(p, o, folder, shim, checked) : shim_build(p, o, folder, shim, checked);
    snprintf(path, sizeof path, "%s/log", folder);
    char *log = nvrtc_read_file(path, NULL);
    set_log(p, log);
    free(log);
    if (!r) r = take_image(p, folder);
    remove_folder(folder);
    return r;
}

/* ---- Cache: SIM_CACHE names a folder */

static uint64_t hash_text(const char *text, uint64_t h)
{
    return sim_hash(text, strlen(text) + 1, h);
}

/* The translator of PTX is this library: any change of it counts. */
static uint64_t hash_of_library(void)
{
    Dl_info self;
    size_t bytes = 0;
    if (!dladdr((void *)(uintptr_t)hash_of_library, &self) || !self.dli_fname) return 0;
    char *library = nvrtc_read_file(self.dli_fname, &bytes);
    uint64_t h = library ? sim_hash(library, bytes, (uint64_t)ptx_compiler_version()) : 0;
    free(library);
    return h;
}

/* What this compiler is: its mode, command, level and shim.  0: the shim is not to be found. */
static uint64_t identity(void)
{
    const char *cxx = getenv("SIM_CXX"), *level = getenv("SIM_OPT");
    char shim[PATH_BYTES], name[PATH_BYTES + 32];
    static const char *const parts[] = {"sim_dev.h",    "sim_math.h", "sim_checked.h", "sim_threads.h",
                                        "dev_arch.cuh", "abi.h",      "sim_ptx.h"};
    if (!shim_folder(shim)) return 0;
    uint64_t h = hash_text(cxx ? cxx : "", hash_text(level ? level : "", hash_text(flags_of_mode(), 2)));
    if (strcmp(engine(), "shim")) h = hash_text(engine(), h ^ hash_of_library());
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        snprintf(name, sizeof name, "%s/%s", shim, parts[i]);
        char *text = nvrtc_read_file(name, NULL);
        if (!text) return 0;
        h = hash_text(text, h);
        free(text);
    }
    return h | 1;
}

static bool cache_path(const struct sim_program *p, const struct options *o, char *path)
{
    const char *folder = getenv("SIM_CACHE");
    uint64_t h = identity();
    if (!folder || !*folder || !h) return false;
    h = hash_text(p->source, h);
    for (int i = 0; i < p->header_count; i++) h = hash_text(p->header[i], hash_text(p->header_name[i], h));
    h = hash_text(o->defines, h + (uint64_t)o->arch);
    for (int i = 0; is_ptx() && i < o->count; i++) h = hash_text(o->all[i], h);
    snprintf(path, PATH_BYTES, "%s/%016llx.sim", folder, (unsigned long long)h);
    return true;
}

static void store(const struct sim_program *p, const char *path)
{
    char folder[PATH_BYTES], name[64];
    snprintf(folder, sizeof folder, "%s", path);
    *strrchr(folder, '/') = 0;
    mkdir(folder, 0700);
    snprintf(name, sizeof name, "part.%ld.%p", (long)getpid(), (const void *)p);
    char part[2 * PATH_BYTES];
    snprintf(part, sizeof part, "%s/%s", folder, name);
    if (!nvrtc_write_file(folder, name, p->image, p->image_bytes) || rename(part, path)) unlink(part);
}

static bool take_cached(struct sim_program *p, const char *path)
{
    p->image = nvrtc_read_file(path, &p->image_bytes);
    if (!p->image) return false;
    const struct sim_image *head = (const void *)p->image;
    if (p->image_bytes > sizeof *head && head->bytes == p->image_bytes - sizeof *head &&
        sim_hash(p->image + sizeof *head, head->bytes, 0) == head->hash)
        return true;
    free(p->image);
    p->image = NULL;
    return false;
}

/* ---- The interface */

static bool starts(const char *option, const char *with, const char **rest)
{
    size_t n = strlen(with);
    *rest = option + n;
    return !strncmp(option, with, n);
}

/* NVRTC's options that make no difference here */
static bool is_ignored(const char *option)
{
    static const char *const known[] = {"--std=",
                                        "-std=",
                                        "--fmad=",
                                        "-fmad=",
                                        "--minimal",
                                        "-minimal",
                                        "--use_fast_math",
                                        "-default-device",
                                        "--device-as-default-execution-space",
                                        "-w",
                                        "--disable-warnings",
                                        "-lineinfo",
                                        "--generate-line-info",
                                        "--ptxas-options",
                                        "-Xptxas",
                                        "--restrict",
                                        "--extra-device-vectorization",
                                        "-Ofast-compile=",
                                        "--Ofast-compile=",
                                        "--maxrregcount",
                                        "--no-source-include",
                                        "--split-compile",
                                        "-v",
                                        "--dopt"};
    const char *rest;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (starts(option, known[i], &rest)) return true;
    return false;
}

static bool read_option(struct options *o, const char *option)
{
    const char *rest, *sm;
    if (starts(option, "--gpu-architecture=", &rest) || starts(option, "-arch=", &rest)) {
        sm = strchr(rest, '_');
        o->arch = sm ? atoi(sm + 1) : 0;
        return o->arch >= 70;
    }
    if (!starts(option, "-D", &rest) && !starts(option, "--define-macro=", &rest)) return is_ignored(option);
    size_t used = strlen(o->defines);
    if (strchr(rest, '\'')) return false;
    return (size_t)snprintf(o->defines + used, sizeof o->defines - used, " '-D%s'", rest) < sizeof o->defines - used;
}

/* The minor version tells one compiler from another: a program may keep images by version. */
API int nvrtcVersion(int *major, int *minor)
{
    *major = 13;
    *minor = (int)(identity() % 10000000);
    return NVRTC_OK;
}

API const char *nvrtcGetErrorString(int r)
{
    return r == NVRTC_OK                ? "NVRTC_SUCCESS"
           : r == NVRTC_OUT_OF_MEMORY   ? "NVRTC_ERROR_OUT_OF_MEMORY"
           : r == NVRTC_INVALID_INPUT   ? "NVRTC_ERROR_INVALID_INPUT"
           : r == NVRTC_INVALID_PROGRAM ? "NVRTC_ERROR_INVALID_PROGRAM"
           : r == NVRTC_INVALID_OPTION  ? "NVRTC_ERROR_INVALID_OPTION"
           : r == NVRTC_COMPILATION     ? "NVRTC_ERROR_COMPILATION"
                                        : "NVRTC_ERROR unknown";
}

API int nvrtcDestroyProgram(struct sim_program **handle)
{
    struct sim_program *p = *handle;
    if (!p) return NVRTC_INVALID_PROGRAM;
    for (int i = 0; i < p->header_count; i++) {
        free(p->header[i]);
        free(p->header_name[i]);
    }
    free(p->header);
    free(p->header_name);
    free(p->source);
    free(p->name);
    free(p->log);
    free(p->image);
    free(p);
    *handle = NULL;
    return NVRTC_OK;
}

API int nvrtcCreateProgram(struct sim_program **handle, const char *source, const char *name, int header_count,
                           const char *const *headers, const char *const *names)
{
    struct sim_program *p = calloc(1, sizeof *p);
    if (!p) return NVRTC_OUT_OF_MEMORY;
    p->source = strdup(source);
    p->name = strdup(name ? name : "default_program");
    p->log = strdup("");
    p->header = calloc((size_t)header_count + 1, sizeof *p->header);
    p->header_name = calloc((size_t)header_count + 1, sizeof *p->header_name);
    p->header_count = header_count;
    for (int i = 0; i < header_count; i++) {
        p->header[i] = strdup(headers[i]);
        p->header_name[i] = strdup(names[i]);
    }
    *handle = p;
    return NVRTC_OK;
}

API int nvrtcCompileProgram(struct sim_program *p, int count, const char *const *options)
{
    struct options o = {.arch = 75, .count = count, .all = options};
    for (int i = 0; i < count; i++) {
        if (read_option(&o, options[i])) continue;
        char text[512];
        snprintf(text, sizeof text, "unknown or invalid option: %.400s", options[i]);
        set_log(p, text);
        return NVRTC_INVALID_OPTION;
    }
    char path[PATH_BYTES];
    int wrong = check_mode(p);
    if (wrong) return wrong;
    if (!strcmp(engine(), "none")) return name_image(p);
    bool cached = cache_path(p, &o, path);
    if (cached && take_cached(p, path)) return NVRTC_OK;
    int r = compile(p, &o);
    if (!r && cached) store(p, path);
    return r;
}

API int nvrtcGetCUBINSize(const struct sim_program *p, size_t *bytes)
{
    *bytes = p->image_bytes;
    return p->image ? NVRTC_OK : NVRTC_INVALID_PROGRAM;
}

API int nvrtcGetCUBIN(const struct sim_program *p, char *image)
{
    if (!p->image) return NVRTC_INVALID_PROGRAM;
    memcpy(image, p->image, p->image_bytes);
    return NVRTC_OK;
}

API int nvrtcGetProgramLogSize(const struct sim_program *p, size_t *bytes)
{
    *bytes = strlen(p->log) + 1;
    return NVRTC_OK;
}

API int nvrtcGetProgramLog(const struct sim_program *p, char *log)
{
    memcpy(log, p->log, strlen(p->log) + 1);
    return NVRTC_OK;
}
