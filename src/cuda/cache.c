/* SPDX-License-Identifier: MIT
 *
 * Compiled kernels on disk: MICA_CACHE_DIR, else $XDG_CACHE_HOME/mica, else ~/.cache/mica; one file a kernel, named by
 * its key.  A file is written under a name of its own and renamed, so processes that share the folder see whole files
 * only; it carries its key and a hash of its contents, so a damaged one is a miss and is written anew.  When the folder
 * grows past its bound (MICA_CACHE_BYTES, 256 MB) what was used longest ago goes. */
#include "cuda/jit.h"
#include "core/memory.h"
#include "core/runtime.h"
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, HEX_BYTES = 65, OLD_SECONDS = 3600, TOUCH_SECONDS = 86400 };

typedef struct file_header {
    char magic[8];
    cache_key key;
    uint8_t digest[32]; /* of what follows */
    uint64_t bytes;
} file_header;
static const char magic[8] = "MICAGPU1";

/* ---- SHA-256 (FIPS 180-4) */
static uint32_t rotate(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

static void hash_block(uint32_t h[8], const uint8_t *p)
{
    static const uint32_t k[64] = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] =
            w[i - 16] + w[i - 7] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
    memcpy(v, h, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t a = v[0], e = v[4];
        uint32_t t1 = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + k[i] + w[i];
        uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++) h[i] += v[i];
}

void sha256(const void *data, size_t bytes, uint8_t digest[32])
{
    uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    const uint8_t *p = data;
    size_t whole = bytes / 64 * 64, rest = bytes - whole;
    for (size_t i = 0; i < whole; i += 64) hash_block(h, p + i);
    uint8_t last[128] = {0};
    if (rest) memcpy(last, p + whole, rest);
    last[rest] = 0x80;
    size_t end = rest < 56 ? 64 : 128;
    for (int i = 0; i < 8; i++) last[end - 1 - (size_t)i] = (uint8_t)((uint64_t)bytes * 8 >> 8 * i);
    for (size_t i = 0; i < end; i += 64) hash_block(h, last + i);
    for (int i = 0; i < 32; i++) digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

/* ---- Paths */
static bool make_folders(char *path)
{
    for (char *p = path + 1; *p; p++) {
        if (*p != '/') continue;
        *p = 0;
        mkdir(path, 0700);
        *p = '/';
    }
    struct stat s;
    mkdir(path, 0700);
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

static bool cache_folder(char path[PATH_BYTES])
{
    const char *own = getenv("MICA_CACHE_DIR"), *shared = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    int n = own && *own         ? snprintf(path, PATH_BYTES, "%s", own)
            : shared && *shared ? snprintf(path, PATH_BYTES, "%s/mica", shared)
            : home && *home     ? snprintf(path, PATH_BYTES, "%s/.cache/mica", home)
                                : PATH_BYTES;
    return n < PATH_BYTES - 128 && make_folders(path);
}

static void file_name(const char *folder, const cache_key *key, char path[PATH_BYTES])
{
    size_t n = (size_t)snprintf(path, PATH_BYTES, "%s/", folder);
    for (int i = 0; i < 32 && n + 3 < PATH_BYTES; i++) n += (size_t)snprintf(path + n, 3, "%02x", key->at[i]);
    if (n + 7 < PATH_BYTES) memcpy(path + n, ".cubin", 7);
}

/* ---- Reading */
static bool read_all(int file, void *data, size_t bytes)
{
    for (char *p = data; bytes;) {
        ssize_t n = read(file, p, bytes);
        if (n <= 0) return false;
        p += n;
        bytes -= (size_t)n;
    }
    return true;
}

static void *read_image(int file, const cache_key *key, size_t *bytes)
{
    file_header h;
    struct stat s;
    uint8_t digest[32];
    if (fstat(file, &s) || !read_all(file, &h, sizeof h) || memcmp(h.magic, magic, sizeof magic)) return NULL;
    if (memcmp(&h.key, key, sizeof *key) || s.st_size < 0 || h.bytes != (uint64_t)s.st_size - sizeof h) return NULL;
    void *image = memory_try(h.bytes ? h.bytes : 1);
    if (!image || !read_all(file, image, h.bytes)) return mx_free(image), NULL;
    sha256(image, h.bytes, digest);
    if (memcmp(digest, h.digest, sizeof digest)) return mx_free(image), NULL;
    /* Used today: eviction goes by the time of the file. */
    if (time(NULL) - s.st_mtime > TOUCH_SECONDS) futimens(file, NULL);
    *bytes = h.bytes;
    return image;
}

void *cache_load(const cache_key *key, size_t *bytes)
{
    char folder[PATH_BYTES], path[PATH_BYTES];
    if (!cache_folder(folder)) return NULL;
    file_name(folder, key, path);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return NULL;
    void *image = read_image(file, key, bytes);
    close(file);
    if (!image) unlink(path); /* damaged */
    return image;
}

/* ---- The bound */
typedef struct cached_file {
    char name[HEX_BYTES + 16];
    int64_t bytes, time;
} cached_file;

static int by_age(const void *a, const void *b)
{
    int64_t x = ((const cached_file *)a)->time, y = ((const cached_file *)b)->time;
    return (x > y) - (x < y);
}

static int64_t bound(void)
{
    const char *wish = getenv("MICA_CACHE_BYTES");
    long long n = wish && *wish ? atoll(wish) : 0;
    return n > 0 ? n : (int64_t)256 << 20;
}

/* The files of the folder with their total; what a crashed process left half-written is removed on the way. */
static cached_file *list_files(const char *folder, int *count, int64_t *total)
{
    char path[PATH_BYTES];
    struct stat s;
    cached_file *files = NULL;
    DIR *d = opendir(folder);
    for (struct dirent *e; d && (e = readdir(d));) {
        const char *dot = strrchr(e->d_name, '.');
        bool half = dot && strcmp(dot, ".part") == 0, whole = dot && strcmp(dot, ".cubin") == 0;
        if ((!half && !whole) || strlen(e->d_name) >= sizeof files->name) continue;
        if (snprintf(path, sizeof path, "%s/%s", folder, e->d_name) >= PATH_BYTES || stat(path, &s)) continue;
        if (half && time(NULL) - s.st_mtime > OLD_SECONDS) unlink(path);
        if (half) continue;
        if (*count % 256 == 0) {
            cached_file *more = memory_try(((size_t)*count + 256) * sizeof *more);
            if (!more) break;
            if (*count) memcpy(more, files, (size_t)*count * sizeof *more);
            mx_free(files);
            files = more;
        }
        cached_file *f = &files[(*count)++];
        snprintf(f->name, sizeof f->name, "%s", e->d_name);
        f->bytes = s.st_size;
        f->time = s.st_mtime;
        *total += s.st_size;
    }
    if (d) closedir(d);
    return files;
}

static void evict(const char *folder)
{
    char path[PATH_BYTES];
    int count = 0;
    int64_t total = 0, most = bound();
    cached_file *files = list_files(folder, &count, &total);
    bool full = total > most;
    if (full) qsort(files, (size_t)count, sizeof *files, by_age);
    /* The newest stays: it was just made.  A quarter is cleared at once, so that this is rare. */
    for (int i = 0; full && i < count - 1 && total > most / 4 * 3; i++) {
        if (snprintf(path, sizeof path, "%s/%s", folder, files[i].name) < PATH_BYTES && unlink(path) == 0)
            total -= files[i].bytes;
    }
    mx_free(files);
}

/* ---- Writing */
static bool write_all(int file, const void *data, size_t bytes)
{
    for (const char *p = data; bytes;) {
        ssize_t n = write(file, p, bytes);
        if (n <= 0) return false;
        p += n;
        bytes -= (size_t)n;
    }
    return true;
}

void cache_store(const cache_key *key, const void *image, size_t bytes)
{
    char folder[PATH_BYTES], path[PATH_BYTES], part[PATH_BYTES];
    if (!cache_folder(folder)) return;
    file_name(folder, key, path);
    if (snprintf(part, sizeof part, "%s/%d-%llx.part", folder, (int)getpid(), (unsigned long long)clock_ns()) >=
        PATH_BYTES)
        return;
    int file = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) return;
    file_header h = {.key = *key, .bytes = bytes};
    memcpy(h.magic, magic, sizeof magic);
    sha256(image, bytes, h.digest);
    bool ok = write_all(file, &h, sizeof h) && write_all(file, image, bytes);
    ok = close(file) == 0 && ok; /* a full disk may say so only here */
    if (!ok || rename(part, path)) unlink(part);
    if (ok) evict(folder);
}
