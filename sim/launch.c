/* SPDX-License-Identifier: MIT
 *
 * Modules (shared objects made by nvrtc.c) and launches. */
#include "sim.h"
#include "image.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Every module under a name of its own: dlopen gives the old library to a name that it knows. */
static void *open_image(const char *bytes, size_t size)
{
    const char *folder = getenv("TMPDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/mica_sim_XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(path);
    if (fd < 0) return NULL;
    bool written = write(fd, bytes, size) == (ssize_t)size;
    close(fd);
    void *library = written ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library) sim_report("a module does not load: %s", written ? dlerror() : "the disk is full");
    unlink(path);
    return library;
}

/* One kernel by name, which does nothing. */
static sim_result load_name(struct sim_loaded **handle, const char *name, size_t bytes)
{
    struct sim_loaded *m = calloc(1, sizeof *m);
    struct sim_kernel *kernel = calloc(1, sizeof *kernel);
    if (!m || !kernel || !(m->functions = calloc(1, sizeof *m->functions)) || !(kernel->name = strndup(name, bytes)))
        return SIM_OUT_OF_MEMORY;
    m->functions[0] = (struct sim_function){m, kernel, 48 << 10};
    m->count = 1;
    *handle = m;
    return SIM_OK;
}

static sim_result load(struct sim_loaded **handle, const struct sim_image *image)
{
    if (memcmp(image->magic, SIM_IMAGE_MAGIC, sizeof image->magic)) return SIM_INVALID_IMAGE;
    const char *bytes = (const char *)(image + 1);
    if (sim_hash(bytes, image->bytes, 0) != image->hash) return SIM_INVALID_IMAGE;
    const size_t mark = sizeof SIM_IMAGE_NONE - 1;
    if (image->bytes > mark && !memcmp(bytes, SIM_IMAGE_NONE, mark))
        return load_name(handle, bytes + mark, image->bytes - mark);
    struct sim_loaded *m = calloc(1, sizeof *m);
    if (!m) return SIM_OUT_OF_MEMORY;
    m->library = open_image(bytes, image->bytes);
    m->desc = m->library ? dlsym(m->library, "sim_module_desc") : NULL;
    if (!m->desc || m->desc->magic != SIM_MODULE_MAGIC) {
        free(m);
        return SIM_INVALID_IMAGE;
    }
    while (m->desc->kernels[m->count].name) m->count++;
    m->functions = calloc((size_t)m->count + 1, sizeof *m->functions);
    if (!m->functions) return SIM_OUT_OF_MEMORY;
    for (int i = 0; i < m->count; i++) m->functions[i] = (struct sim_function){m, &m->desc->kernels[i], 48 << 10};
    if (sim.checked && (m->image = malloc(image->bytes))) {
        memcpy(m->image, bytes, image->bytes);
        m->image_bytes = image->bytes;
    }
    *handle = m;
    return SIM_OK;
}

void sim_source_line(const struct sim_loaded *m, const void *code, char *text, size_t room)
{
    Dl_info library = {0};
    if (!code || !dladdr(code, &library)) library.dli_fbase = NULL;
    unsigned long long offset = (uintptr_t)code - (uintptr_t)library.dli_fbase;
    snprintf(text, room, "code +0x%llx", offset);
    const char *folder = getenv("TMPDIR");
    char path[512], command[700], line[300] = "";
    snprintf(path, sizeof path, "%s/mica_sim_XXXXXX", folder ? folder : "/tmp");
    int fd = m && m->image && library.dli_fbase ? mkstemp(path) : -1;
    if (fd < 0) return;
    bool written = write(fd, m->image, m->image_bytes) == (ssize_t)m->image_bytes;
    close(fd);
    /* The address is the one after the call. */
    snprintf(command, sizeof command, "addr2line -s -e '%s' 0x%llx 2>/dev/null", path, offset - 1);
    FILE *f = written ? popen(command, "r") : NULL;
    if (f && fgets(line, sizeof line, f) && line[0] != '?')
        snprintf(text, room, "%.*s", (int)strcspn(line, " \n"), line);
    if (f) pclose(f);
    unlink(path);
}

API sim_result cuModuleLoadData(struct sim_loaded **module, const void *image)
{
    ENTER(cuModuleLoadData);
    return sim_leave(load(module, image));
}

API sim_result cuModuleLoadDataEx(struct sim_loaded **module, const void *image, unsigned count, int *options,
                                  void **values)
{
    (void)count, (void)options, (void)values;
    return cuModuleLoadData(module, image);
}

/* The library stays: reports may name its kernels. */
API sim_result cuModuleUnload(struct sim_loaded *module)
{
    ENTER(cuModuleUnload);
    return sim_leave(module ? sim_drain_all() : SIM_INVALID_HANDLE);
}

API sim_result cuModuleGetFunction(struct sim_function **function, struct sim_loaded *module, const char *name)
{
    ENTER(cuModuleGetFunction);
    for (int i = 0; i < module->count; i++) {
        if (strcmp(module->functions[i].kernel->name, name)) continue;
        *function = &module->functions[i];
        return sim_leave(SIM_OK);
    }
    return sim_leave(SIM_NOT_FOUND);
}

API sim_result cuFuncSetAttribute(struct sim_function *f, int attribute, int value)
{
    ENTER(cuFuncSetAttribute);
    if (attribute != SIM_FUNCTION_MAX_DYNAMIC) return sim_leave(SIM_OK);
    if (value < 0 || value > RT_MAX_SHARED) return sim_leave(SIM_INVALID_VALUE);
    f->max_dynamic = (unsigned)value;
    return sim_leave(SIM_OK);
}

static sim_result refuse(const struct sim_function *f, const unsigned g[3], const unsigned b[3], unsigned shared_bytes)
{
    uint64_t threads = (uint64_t)b[0] * b[1] * b[2];
    if (!g[0] || !g[1] || !g[2] || !threads || g[1] > 65535 || g[2] > 65535 || g[0] > 0x7fffffff || b[2] > 64 ||
        threads > RT_MAX_THREADS || shared_bytes > f->max_dynamic || (uint64_t)g[0] * g[1] * g[2] > 0x7fffffff) {
        sim_report(
            "kernel %s: a launch of %ux%ux%u blocks of %ux%ux%u threads with %u bytes of shared memory (at most %u) is invalid",
            f->kernel->name, g[0], g[1], g[2], b[0], b[1], b[2], shared_bytes, f->max_dynamic);
        return SIM_INVALID_VALUE;
    }
    if (f->kernel->max_threads && threads > (uint64_t)f->kernel->max_threads) {
        sim_report("kernel %s: a block of %u threads exceeds __launch_bounds__(%d)", f->kernel->name, (unsigned)threads,
                   f->kernel->max_threads);
        return SIM_LAUNCH_OUT_OF_RESOURCES;
    }
    return SIM_OK;
}

sim_result sim_fill_launch(sim_command *c, struct sim_function *f, const unsigned grid[3], const unsigned block[3],
                           unsigned shared_bytes, void **params)
{
    if (!f) return SIM_INVALID_HANDLE;
    sim_result r = refuse(f, grid, block, shared_bytes);
    if (r) return r;
    size_t count = (size_t)f->kernel->param_count, bytes = (count + 1) / 2 * 2 * sizeof(void *);
    if (count && !params) return SIM_INVALID_VALUE;
    for (size_t i = 0; i < count; i++) bytes += (f->kernel->param_bytes[i] + 15u) / 16 * 16;
    char *block_of_params = aligned_alloc(16, (bytes + 31) / 16 * 16);
    if (!block_of_params) return SIM_OUT_OF_MEMORY;
    c->params = (void **)(void *)block_of_params;
    char *value = block_of_params + (count + 1) / 2 * 2 * sizeof(void *);
    for (size_t i = 0; i < count; i++) {
        c->params[i] = memcpy(value, params[i], f->kernel->param_bytes[i]);
        value += (f->kernel->param_bytes[i] + 15u) / 16 * 16;
    }
    c->function = f;
    c->shared_bytes = shared_bytes;
    memcpy(c->grid, grid, sizeof c->grid);
    memcpy(c->block, block, sizeof c->block);
    return SIM_OK;
}

API sim_result cuLaunchKernel(struct sim_function *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by,
                              unsigned bz, unsigned shared_bytes, sim_stream *handle, void **params, void **extra)
{
    ENTER(cuLaunchKernel);
    if (extra) return sim_leave(SIM_NOT_SUPPORTED);
    sim_command *c = sim_command_new(sim_stream_of(handle), KERNEL);
    sim_result r = sim_fill_launch(c, f, (unsigned[]){gx, gy, gz}, (unsigned[]){bx, by, bz}, shared_bytes, params);
    if (r) sim_command_free(c);
    return sim_leave(r ? r : sim_push(c));
}
