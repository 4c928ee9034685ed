/* SPDX-License-Identifier: MIT
 *
 * Finding and opening NVIDIA's libraries.
 *
 * MICA_CUDA=sim takes every function from libmica_sim.so, beside libmica or in MICA_SIM_DIR.  Else libcuda comes from
 * the system's loader (it belongs to the installed driver) and the toolkit's libraries from the first place that has
 * them: MICA_CUDA_PATH, the loader, CUDA_HOME, CUDA_PATH, /usr/local/cuda, and the nvidia-* wheels beside our own
 * package.  A library once opened stays open. */
#include "cuda/driver.h"
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 1024, OLDEST_DRIVER = 12000 };

typedef struct symbol {
    const char *name;
    size_t offset; /* of its pointer in the table */
    int since;
} symbol;

#define ROW(type, function, since)                                                                                     \
    {                                                                                                                  \
#function, offsetof(type, function), since                                                                     \
    }
static const symbol driver_symbols[] = {
#define DRIVER(function, since, params) ROW(cuda_driver, function, since),
#include "cuda/driver.def"
    {0}};
static const symbol nvrtc_symbols[] = {
#define NVRTC(function, since, params) ROW(cuda_nvrtc, function, since),
#define NVRTC_TEXT(function, since, params) ROW(cuda_nvrtc, function, since),
#include "cuda/driver.def"
    {0}};
static const symbol blaslt_symbols[] = {
#define BLASLT(function, since, params) ROW(cuda_blaslt, function, since),
#define BLASLT_TEXT(function, since, params) ROW(cuda_blaslt, function, since),
#define BLASLT_SIZE(function, since, params) ROW(cuda_blaslt, function, since),
#include "cuda/driver.def"
    {0}};

static const symbol cufft_symbols[] = {
#define CUFFT(function, since, params) ROW(cuda_cufft, function, since),
#include "cuda/driver.def"
    {0}};

static bool switch_is(const char *value)
{
    const char *now = getenv("MICA_CUDA");
    return now && strcmp(now, value) == 0;
}

bool cuda_is_off(void)
{
    return switch_is("off") || switch_is("0");
}

bool cuda_is_simulated(void)
{
    return switch_is("sim");
}

/* ---- Places */
bool cuda_own_folder(char *folder, size_t room)
{
    Dl_info found;
    if (!dladdr((const void *)driver_symbols, &found) || !found.dli_fname) return false;
    const char *slash = strrchr(found.dli_fname, '/');
    int n = slash ? (int)(slash - found.dli_fname) : 1;
    return snprintf(folder, room, "%.*s", n, slash ? found.dli_fname : ".") < (int)room;
}

static void *open_in(const char *folder, const char *name)
{
    char path[PATH_BYTES];
    if (!folder || !*folder) return NULL;
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= PATH_BYTES) return NULL;
    return dlopen(path, RTLD_NOW | RTLD_LOCAL);
}

/* Folders separated by colons. */
static void *open_in_list(const char *list, const char *name)
{
    char folder[PATH_BYTES];
    void *library = NULL;
    while (list && *list && !library) {
        size_t n = strcspn(list, ":");
        if (snprintf(folder, sizeof folder, "%.*s", (int)n, list) < PATH_BYTES) library = open_in(folder, name);
        list += n + (list[n] == ':');
    }
    return library;
}

static void *open_below(const char *variable, const char *name)
{
    char folder[PATH_BYTES];
    const char *root = getenv(variable);
    if (!root || !*root || snprintf(folder, sizeof folder, "%s/lib64", root) >= PATH_BYTES) return NULL;
    return open_in(folder, name);
}

/* A wheel holds us as site-packages/mlx/lib/libmica.so, and NVIDIA's as site-packages/nvidia/<part>/lib. */
static void *open_in_wheels(const char *name)
{
    char own[PATH_BYTES], root[PATH_BYTES], folder[PATH_BYTES];
    void *library = NULL;
    if (!cuda_own_folder(own, PATH_BYTES) || snprintf(root, sizeof root, "%s/../../nvidia", own) >= PATH_BYTES)
        return NULL;
    DIR *parts = opendir(root);
    for (struct dirent *part; parts && !library && (part = readdir(parts));) {
        if (part->d_name[0] == '.') continue;
        if (snprintf(folder, sizeof folder, "%s/%s/lib", root, part->d_name) < PATH_BYTES)
            library = open_in(folder, name);
    }
    if (parts) closedir(parts);
    return library;
}

static void *open_toolkit(const char *name)
{
    void *library = open_in_list(getenv("MICA_CUDA_PATH"), name);
    if (!library) library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) library = open_below("CUDA_HOME", name);
    if (!library) library = open_below("CUDA_PATH", name);
    if (!library) library = open_in("/usr/local/cuda/lib64", name);
    return library ? library : open_in_wheels(name);
}

static void *open_simulator(char reason[CUDA_REASON])
{
    static const char name[] = "libmica_sim.so";
    char own[PATH_BYTES];
    const char *wish = getenv("MICA_SIM_DIR");
    void *library = wish && *wish ? open_in(wish, name) : NULL;
    if (!library && cuda_own_folder(own, PATH_BYTES)) library = open_in(own, name);
    if (!library) {
        const char *why = dlerror();
        snprintf(reason, CUDA_REASON, "MICA_CUDA=sim, but the simulated device cannot be opened: %.300s",
                 why ? why : name);
    }
    return library;
}

/* ---- Tables */
static bool fill(void *table, void *library, const symbol *symbols, const char *name, char reason[CUDA_REASON])
{
    for (const symbol *s = symbols; s->name; s++) {
        void *function = dlsym(library, s->name);
        if (!function) {
            snprintf(reason, CUDA_REASON, "%s has no function %s, which came with CUDA %d.%d: it is too old", name,
                     s->name, s->since / 1000, s->since % 1000 / 10);
            return false;
        }
        memcpy((char *)table + s->offset, &function, sizeof function);
    }
    return true;
}

/* By a function that only the simulator has: its libraries may also be found by NVIDIA's names. */
static bool is_simulator(void *library)
{
    return dlsym(library, "simFailAt") != NULL;
}

bool cuda_open_driver(cuda_driver *d, char reason[CUDA_REASON])
{
    bool simulated = cuda_is_simulated();
    const char *name = simulated ? "libmica_sim.so" : "libcuda.so.1";
    void *library = simulated ? open_simulator(reason) : dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library && !simulated) {
        const char *why = dlerror();
        bool absent = !why || strstr(why, "No such file");
        snprintf(reason, CUDA_REASON, absent ? "no NVIDIA driver is installed (%s was not found)" : "%s: %.300s",
                 absent ? name : "the NVIDIA driver cannot be opened", why ? why : "");
    }
    if (!library) return false;
    int (*get_version)(int *) = (int (*)(int *))dlsym(library, "cuDriverGetVersion");
    if (!get_version || get_version(&d->version) != CU_OK) {
        snprintf(reason, CUDA_REASON, "%s does not tell its version: it is broken", name);
        return false;
    }
    if (d->version < OLDEST_DRIVER) {
        snprintf(reason, CUDA_REASON, "the NVIDIA driver is too old: it supports CUDA %d.%d, Mica needs %d.%d",
                 d->version / 1000, d->version % 1000 / 10, OLDEST_DRIVER / 1000, OLDEST_DRIVER % 1000 / 10);
        return false;
    }
    d->simulated = is_simulator(library);
    return fill(d, library, driver_symbols, name, reason);
}

/* The library of the newest toolkit that is not newer than the driver; its own number is `behind` CUDA's. */
static void *open_newest(const char *stem, int driver_version, int behind, char reason[CUDA_REASON])
{
    char name[64];
    if (cuda_is_simulated()) return open_simulator(reason);
    for (int major = driver_version / 1000; major >= OLDEST_DRIVER / 1000; major--) {
        snprintf(name, sizeof name, "%s.so.%d", stem, major - behind);
        void *library = open_toolkit(name);
        if (library) return library;
    }
    snprintf(reason, CUDA_REASON,
             "%s of CUDA %d (or older, from %d on) was not found; install the toolkit or the nvidia-* wheels, or name "
             "the folder in MICA_CUDA_PATH",
             stem, driver_version / 1000, OLDEST_DRIVER / 1000);
    return NULL;
}

bool cuda_open_nvrtc(cuda_nvrtc *n, int driver_version, char reason[CUDA_REASON])
{
    int major = 0, minor = 0;
    void *library = open_newest("libnvrtc", driver_version, 0, reason);
    if (!library || !fill(n, library, nvrtc_symbols, "libnvrtc", reason)) return false;
    if (n->nvrtcVersion(&major, &minor) != NVRTC_OK) {
        snprintf(reason, CUDA_REASON, "libnvrtc does not tell its version: it is broken");
        return false;
    }
    n->version = 1000 * major + 10 * minor;
    n->simulated = is_simulator(library);
    return true;
}

bool cuda_open_blaslt(cuda_blaslt *b, int driver_version, char reason[CUDA_REASON])
{
    void *library = open_newest("libcublasLt", driver_version, 0, reason);
    if (!library || !fill(b, library, blaslt_symbols, "libcublasLt", reason)) return false;
    size_t version = b->cublasLtGetVersion();
    if (version / 10000 >= OLDEST_DRIVER / 1000) return true;
    snprintf(reason, CUDA_REASON, "libcublasLt is too old: version %zu, Mica needs %d", version, OLDEST_DRIVER * 10);
    return false;
}

bool cuda_open_cufft(cuda_cufft *f, int driver_version, char reason[CUDA_REASON])
{
    void *library = open_newest("libcufft", driver_version, 1, reason);
    int version = 0;
    if (!library || !fill(f, library, cufft_symbols, "libcufft", reason)) return false;
    if (f->cufftGetVersion(&version) == FFT_OK) return true;
    snprintf(reason, CUDA_REASON, "libcufft does not tell its version: it is broken");
    return false;
}
