/* SPDX-License-Identifier: MIT
 *
 * Compiles kernels ahead: cubins ARCHIVE FOLDER [--time].
 *
 * FOLDER holds sources that programs asked for (MICA_RECORD_KERNELS), by architecture and name.  They are compiled by
 * NVRTC, which needs no GPU, and packed into ARCHIVE; what it holds already is taken over.  Without NVRTC the archive is
 * empty.  --time says how long the sources take one by one, by all threads, and out of the archive. */
#include "core/memory.h"
#include "cuda/cubins.h"
#include "mica.h"
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { THREADS_MAX = 64 };

typedef struct ready {
    cubins_entry entry;
    char arch[16], name[96];
    char *source, *image, *packed; /* image: NULL until it is there */
    size_t bytes;
} ready;

typedef struct work {
    cuda_nvrtc nvrtc;
    ready *kernels;
    size_t count;
    _Atomic size_t next;
    _Atomic int failed;
} work;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- Sources: ARCH.ENTRY.NUMBER.cu */
static char *read_text(const char *path)
{
    FILE *f = fopen(path, "r");
    if (!f) return NULL;
    fseek(f, 0, SEEK_END);
    long n = ftell(f);
    rewind(f);
    char *text = mx_alloc((size_t)n + 1, 1);
    bool ok = text && fread(text, 1, (size_t)n, f) == (size_t)n;
    if (ok) text[n] = 0;
    fclose(f);
    return ok ? text : NULL;
}

static bool add_source(work *w, const char *folder, const char *file)
{
    ready k = {0};
    char path[4096];
    if (sscanf(file, "%15[^.].%95[^.].%*[0-9a-f].cu", k.arch, k.name) != 2) return true;
    snprintf(path, sizeof path, "%s/%s", folder, file);
    ready *more = mx_resize(w->kernels, w->count + 1, sizeof *more);
    if (!more || !(k.source = read_text(path)) || !jit_key(NULL, k.arch, k.source, k.name, &k.entry.key)) return false;
    w->kernels = more;
    w->kernels[w->count++] = k;
    return true;
}

static int by_key(const void *a, const void *b)
{
    return memcmp(&((const ready *)a)->entry.key, &((const ready *)b)->entry.key, sizeof(cache_key));
}

static bool read_folder(work *w, const char *folder)
{
    DIR *d = opendir(folder);
    bool ok = d != NULL;
    for (struct dirent *e; ok && (e = readdir(d));) ok = add_source(w, folder, e->d_name);
    if (d) closedir(d);
    if (w->count) qsort(w->kernels, w->count, sizeof *w->kernels, by_key);
    return ok;
}

/* ---- Compiling */
static void *compile(void *argument)
{
    work *w = argument;
    for (size_t i; (i = atomic_fetch_add(&w->next, 1)) < w->count;) {
        ready *k = &w->kernels[i];
        if (k->image) continue;
        k->image = jit_compile(&w->nvrtc, k->arch, k->source, k->name, NULL, &k->bytes);
        if (k->image) continue;
        fprintf(stderr, "cubins: %s for %s: %s\n", k->name, k->arch, mx_error().message);
        w->failed++;
    }
    return NULL;
}

static void compile_all(work *w, int threads)
{
    pthread_t thread[THREADS_MAX];
    int started = 0;
    w->next = 0;
    while (started < threads - 1 && started < THREADS_MAX && !pthread_create(&thread[started], NULL, compile, w))
        started++;
    compile(w);
    for (int i = 0; i < started; i++) pthread_join(thread[i], NULL);
}

static void take_old(work *w, const char *path)
{
    cuda_cubins old;
    cubins_open(&old, path, false);
    for (size_t i = 0; i < w->count; i++) {
        ready *k = &w->kernels[i];
        k->image = cubins_load(&old, &k->entry.key, &k->bytes);
    }
    cubins_close(&old);
}

static void forget_images(work *w)
{
    for (size_t i = 0; i < w->count; i++) {
        mx_free(w->kernels[i].image);
        w->kernels[i].image = NULL;
    }
}

/* ---- The archive */
static bool pack(ready *k, uint64_t *at)
{
    uLongf n = compressBound(k->bytes);
    if (!(k->packed = mx_alloc(n, 1))) return false;
    if (compress2((Bytef *)k->packed, &n, (const Bytef *)k->image, k->bytes, Z_BEST_COMPRESSION) != Z_OK) return false;
    sha256(k->image, k->bytes, k->entry.digest);
    k->entry.at = *at;
    k->entry.packed = (uint32_t)n;
    k->entry.bytes = (uint32_t)k->bytes;
    *at += n;
    return true;
}

/* Whole or not at all. */
static bool write_archive(work *w, const char *path)
{
    char part[4096];
    cubins_header h = {.magic = CUBINS_MAGIC, .count = (uint32_t)w->count};
    uint64_t at = sizeof h + w->count * sizeof(cubins_entry);
    snprintf(part, sizeof part, "%s.part", path);
    for (size_t i = 0; i < w->count; i++) {
        if (!pack(&w->kernels[i], &at)) return false;
    }
    FILE *f = fopen(part, "w");
    bool ok = f && fwrite(&h, sizeof h, 1, f) == 1;
    for (size_t i = 0; ok && i < w->count; i++) ok = fwrite(&w->kernels[i].entry, sizeof(cubins_entry), 1, f) == 1;
    for (size_t i = 0; ok && i < w->count; i++)
        ok = fwrite(w->kernels[i].packed, w->kernels[i].entry.packed, 1, f) == 1;
    if (f) ok = fclose(f) == 0 && ok;
    if (ok) printf("%s: %zu kernels, %llu bytes\n", path, w->count, (unsigned long long)at);
    return ok && rename(part, path) == 0;
}

static void say_times(work *w, const char *path, int threads)
{
    for (int turn = 0; turn < 3; turn++) {
        double started = seconds();
        forget_images(w);
        if (turn < 2) {
            compile_all(w, turn ? threads : 1);
        } else {
            take_old(w, path);
        }
        size_t there = 0;
        for (size_t i = 0; i < w->count; i++) there += w->kernels[i].image != NULL;
        static const char *const how[] = {"one by one", "by all threads", "out of the archive"};
        printf("%zu kernels %s: %.3f s (%d threads)\n", there, how[turn], seconds() - started, turn == 1 ? threads : 1);
    }
}

int main(int argc, char **argv)
{
    work w = {.count = 0};
    char reason[CUDA_REASON];
    int threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
    bool timed = argc == 4 && strcmp(argv[3], "--time") == 0;
    if (argc != 3 && !timed) return fprintf(stderr, "usage: cubins ARCHIVE FOLDER [--time]\n"), 2;
    if (!read_folder(&w, argv[2])) return fprintf(stderr, "cubins: %s cannot be read\n", argv[2]), 1;
    take_old(&w, argv[1]);
    if (!cuda_open_nvrtc(&w.nvrtc, 99000, reason)) {
        fprintf(stderr, "cubins: warning: %s; no kernel is compiled ahead\n", reason);
        w.count = 0;
    }
    if (timed) return say_times(&w, argv[1], threads), w.failed != 0;
    compile_all(&w, threads);
    if (w.failed) return 1;
    if (write_archive(&w, argv[1])) return 0;
    perror(argv[1]);
    return 1;
}
