/* SPDX-License-Identifier: MIT
 *
 * Kernels that were compiled when the library was built: libmica.cubins beside it (MICA_CUBINS names another file, or
 * `off`), read whole when the first kernel is asked for.  An entry is found by the hash of all that its image depends on,
 * so an archive of another version has entries that nobody asks for, and never a wrong one; images are packed by zlib
 * and carry a hash, so a damaged one is a miss. */
#include "cuda/cubins.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { PATH_BYTES = 4096, MOST_BYTES = 1 << 28, MOST_IMAGE_BYTES = 1 << 24 };

/* ---- Reading */
static char *read_file(const char *path, size_t *bytes)
{
    struct stat s;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return NULL;
    bool ok = fstat(file, &s) == 0 && S_ISREG(s.st_mode) && s.st_size > 0 && s.st_size <= MOST_BYTES;
    char *data = ok ? memory_try((size_t)s.st_size) : NULL;
    for (size_t at = 0; data && at < (size_t)s.st_size;) {
        ssize_t n = read(file, data + at, (size_t)s.st_size - at);
        if (n <= 0) return mx_free(data), close(file), NULL;
        at += (size_t)n;
    }
    close(file);
    if (data) *bytes = (size_t)s.st_size;
    return data;
}

void cubins_open(cuda_cubins *c, const char *path, bool simulated)
{
    *c = (cuda_cubins){0};
    char *data = read_file(path, &c->bytes);
    cubins_header h;
    if (data && c->bytes >= sizeof h) {
        memcpy(&h, data, sizeof h);
        bool ours = memcmp(h.magic, CUBINS_MAGIC, sizeof h.magic) == 0 && h.simulated == simulated;
        if (ours && h.count <= (c->bytes - sizeof h) / sizeof(cubins_entry)) c->count = h.count;
    }
    if (c->count) {
        c->data = data;
        c->entries = (const cubins_entry *)(const void *)(data + sizeof h);
    } else {
        mx_free(data);
    }
}

void cubins_close(cuda_cubins *c)
{
    mx_free(c->data);
    *c = (cuda_cubins){0};
}

static const cubins_entry *find(const cuda_cubins *c, const cache_key *key)
{
    uint32_t first = 0, end = c->count;
    while (first < end) {
        uint32_t middle = first + (end - first) / 2;
        int order = memcmp(&c->entries[middle].key, key, sizeof *key);
        if (!order) return &c->entries[middle];
        if (order < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return NULL;
}

void *cubins_load(const cuda_cubins *c, const cache_key *key, size_t *bytes)
{
    const cubins_entry *e = find(c, key);
    uint8_t digest[32];
    if (!e || e->at > c->bytes || e->packed > c->bytes - e->at || !e->bytes || e->bytes > MOST_IMAGE_BYTES) return NULL;
    char *image = memory_try(e->bytes);
    uLongf n = e->bytes;
    bool ok =
        image && uncompress((Bytef *)image, &n, (const Bytef *)c->data + e->at, e->packed) == Z_OK && n == e->bytes;
    if (ok) sha256(image, n, digest);
    if (!ok || memcmp(digest, e->digest, sizeof digest)) return mx_free(image), NULL;
    *bytes = n;
    return image;
}

/* ---- The library's own */
const cuda_cubins *cubins_of(cuda_gpu *gpu)
{
    char path[PATH_BYTES], folder[PATH_BYTES];
    pthread_mutex_lock(&runtime.gpu_lock);
    if (!gpu->cubins_asked) {
        const char *wish = getenv("MICA_CUBINS");
        bool named = wish && *wish, off = named && strcmp(wish, "off") == 0;
        int n = named                                 ? snprintf(path, sizeof path, "%s", wish)
                : cuda_own_folder(folder, PATH_BYTES) ? snprintf(path, sizeof path, "%s/libmica.cubins", folder)
                                                      : PATH_BYTES;
        if (!off && n < PATH_BYTES) cubins_open(&gpu->cubins, path, gpu->driver.simulated);
        gpu->cubins_asked = true;
    }
    pthread_mutex_unlock(&runtime.gpu_lock);
    return &gpu->cubins;
}
