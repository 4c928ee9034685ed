/* SPDX-License-Identifier: MIT
 *
 * Kernels out of the archive beside the library: used without a compiler, and never one of another source, architecture
 * or version, nor a damaged one. */
#include "host.h"
#include "core/memory.h"
#include "cuda/cubins.h"
#include "cuda/elementwise.h"
#include "cuda/stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

typedef struct kernel_text {
    char source[ELEMENTWISE_SOURCE], entry[ELEMENTWISE_ENTRY];
} kernel_text;

/* What the backend asks for to compute exp of float32. */
static void text_of_exp(kernel_text *t)
{
    mx_array *x = vector(10, 0), *node = mx_exp(x);
    elementwise_program p;
    elementwise_layout l;
    elementwise_start(&p, array_shape(node));
    uint8_t from[3] = {(uint8_t)elementwise_operand(&p, x, false)};
    elementwise_add(&p, node, from, STEP_WRITTEN);
    elementwise_place(&p, &l);
    CHECK(elementwise_source(&p.key, t->source, t->entry));
}

/* An archive of one image. */
static void write_archive(const char *path, const cache_key *key, const void *image, size_t bytes, bool simulated)
{
    cubins_header h = {.magic = CUBINS_MAGIC, .simulated = simulated, .count = 1};
    uLongf n = compressBound(bytes);
    Bytef *packed = malloc(n);
    CHECK(compress(packed, &n, image, bytes) == Z_OK);
    cubins_entry e = {.key = *key, .at = sizeof h + sizeof e, .packed = (uint32_t)n, .bytes = (uint32_t)bytes};
    sha256(image, bytes, e.digest);
    FILE *f = fopen(path, "w");
    CHECK(f && fwrite(&h, sizeof h, 1, f) == 1 && fwrite(&e, sizeof e, 1, f) == 1 && fwrite(packed, n, 1, f) == 1);
    if (f) fclose(f);
    free(packed);
}

static void change_byte(const char *path, long at)
{
    FILE *f = fopen(path, "r+");
    CHECK(f && fseek(f, at, at < 0 ? SEEK_END : SEEK_SET) == 0);
    int c = f ? fgetc(f) : 0;
    CHECK(f && fseek(f, -1, SEEK_CUR) == 0 && fputc(c ^ 1, f) != EOF && fclose(f) == 0);
}

static bool holds_image(const char *path, const cache_key *key, bool simulated, const void *image, size_t bytes)
{
    cuda_cubins c;
    size_t n = 0;
    cubins_open(&c, path, simulated);
    void *found = cubins_load(&c, key, &n);
    bool same = found && n == bytes && memcmp(found, image, n) == 0;
    CHECK(same || !found);
    mx_free(found);
    cubins_close(&c);
    return same;
}

/* Everything that the image depends on is in the key. */
static void check_keys(const cache_key *key, const kernel_text *t)
{
    static kernel_text other;
    cache_key k;
    other = *t;
    CHECK(jit_key(NULL, "sm_80", t->source, t->entry, &k) && !memcmp(&k, key, sizeof k));
    CHECK(jit_key(NULL, "sm_90a", t->source, t->entry, &k) && memcmp(&k, key, sizeof k));
    strcat(other.source, " ");
    CHECK(jit_key(NULL, "sm_80", other.source, t->entry, &k) && memcmp(&k, key, sizeof k));
    cuda_nvrtc n = {.version = 13000};
    CHECK(jit_key(&n, "sm_80", t->source, t->entry, &k) && memcmp(&k, key, sizeof k)); /* the cache's on disk */
    /* Text that an include brings is not the text of the include. */
    cache_key with, without;
    CHECK(jit_key(NULL, "sm_80", "#include \"cuda/kernels/dtypes.cuh\"\n", "x", &with));
    CHECK(jit_key(NULL, "sm_80", "#include \"cuda/kernels/nowhere.cuh\"\n", "x", &without));
    CHECK(memcmp(&with, &without, sizeof with));
}

static void check_damage(const char *path, const cache_key *key, const void *image, size_t bytes)
{
    cache_key stale = *key;
    stale.at[31] ^= 1;
    for (int damage = 0; damage < 5; damage++) {
        write_archive(path, key, image, bytes, true);
        CHECK(holds_image(path, key, true, image, bytes));
        CHECK(!holds_image(path, key, false, image, bytes)); /* made for devices that there are */
        CHECK(!holds_image(path, &stale, true, image, bytes));
        if (damage == 0) change_byte(path, -5);                                 /* the image */
        if (damage == 1) change_byte(path, 7);                                  /* the version */
        if (damage == 2) change_byte(path, sizeof(cubins_header) + 33);         /* the hash */
        if (damage == 3) change_byte(path, offsetof(cubins_header, count) + 2); /* the number of entries */
        if (damage == 4) CHECK(truncate(path, (off_t)sizeof(cubins_header) + 100) == 0);
        CHECK(!holds_image(path, key, true, image, bytes));
    }
    CHECK(!holds_image("/nowhere/libmica.cubins", key, true, image, bytes));
}

/* A batch waits for its compilers only when there is nothing more to collect. */
void case_ahead(void)
{
    mx_stream *stream = gpu_stream();
    mx_use_stream(stream);
    setenv("MICA_CACHE_DIR", "/proc/no/such", 1);
    mx_array *x = vector(1000, 1);
    for (int cold = 1; cold >= 0; cold--) {
        uint64_t before = cuda_queue_of(stream)->committed;
        mx_array *y = mx_sub(chain(x, 50), chain(x, 50)); /* 201 launches */
        CHECK(holds(y, 0, 0));
        uint64_t batches = cuda_queue_of(stream)->committed - before;
        CHECK(cold ? batches == 1 : batches == 4);
    }
}

void case_cubins(void)
{
    static kernel_text t;
    char path[] = "/tmp/mica_cubins_XXXXXX", reason[CUDA_REASON] = "";
    cuda_nvrtc n;
    cache_key key;
    size_t bytes = 0;
    int file = mkstemp(path);
    CHECK(file >= 0 && close(file) == 0);
    mx_use_stream(gpu_stream());
    text_of_exp(&t);
    CHECK(cuda_open_nvrtc(&n, 13000, reason) && n.simulated);
    CHECK(jit_key(NULL, "sm_80", t.source, t.entry, &key));
    void *image = jit_compile(&n, "sm_80", t.source, t.entry, NULL, &bytes);
    CHECK(image != NULL);
    if (!image) return;
    check_keys(&key, &t);
    check_damage(path, &key, image, bytes);

    /* Without a compiler and with an empty cache: what is in the archive runs, what is not says why. */
    write_archive(path, &key, image, bytes, true);
    setenv("MICA_CUBINS", path, 1);
    setenv("MICA_CACHE_DIR", "/proc/no/such", 1);
    setenv("SIM_CXX", "no-such-compiler", 1);
    const float *data = mx_data(mx_exp(mx_mul(vector(10, 0), mx_float(0))));
    CHECK(!data);
    mx_error();
    mx_synchronize(NULL);
    mx_error();
    data = mx_data(mx_exp(vector(10, 0)));
    CHECK(data && data[0] == 1 && data[7] == 1 && data[1] > 2.7f && data[1] < 2.72f);
    mx_free(image);
    unlink(path);
}
