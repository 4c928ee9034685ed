/* SPDX-License-Identifier: MIT
 *
 * The disk cache of compiled kernels, by itself. */
#include "check.h"
#include "cuda/jit.h"
#include "core/memory.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static cache_key key_of(int i)
{
    cache_key k;
    sha256(&i, sizeof i, k.at);
    return k;
}

static bool has(int i, const void *expected, size_t expected_bytes)
{
    cache_key k = key_of(i);
    size_t bytes = 0;
    void *image = cache_load(&k, &bytes);
    bool same = image && bytes == expected_bytes && memcmp(image, expected, bytes) == 0;
    mx_free(image);
    return same;
}

static void path_of(const char *folder, int i, char path[256])
{
    cache_key k = key_of(i);
    int n = snprintf(path, 256, "%s/", folder);
    for (int j = 0; j < 32; j++) n += snprintf(path + n, 256 - (size_t)n, "%02x", k.at[j]);
    snprintf(path + n, 256 - (size_t)n, ".cubin");
}

static void remove_folder(const char *folder)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    CHECK(system(command) == 0);
}

TEST(cuda_cache_hashes_as_the_standard_says)
{
    static const uint8_t of_abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
                                     0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
                                     0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    static const uint8_t of_56[] = {0x24, 0x8d, 0x6a, 0x61}; /* FIPS 180-2, B.2 */
    uint8_t digest[32];
    sha256("abc", 3, digest);
    CHECK(memcmp(digest, of_abc, 32) == 0);
    sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, digest);
    CHECK(memcmp(digest, of_56, 4) == 0);
}

TEST(cuda_cache_keeps_mends_and_evicts)
{
    char folder[] = "/tmp/mica_cache_XXXXXX", deeper[64], path[256];
    CHECK(mkdtemp(folder) != NULL);
    snprintf(deeper, sizeof deeper, "%s/a/b", folder); /* is made */
    setenv("MICA_CACHE_DIR", deeper, 1);
    static char image[10000];
    for (size_t i = 0; i < sizeof image; i++) image[i] = (char)i;
    cache_key one = key_of(1);
    CHECK(!has(1, image, sizeof image));
    cache_store(&one, image, sizeof image);
    CHECK(has(1, image, sizeof image) && !has(2, image, sizeof image));

    /* One byte changed, one missing: a miss, and gone. */
    path_of(deeper, 1, path);
    int f = open(path, O_WRONLY);
    CHECK(f >= 0 && pwrite(f, "!", 1, 5000) == 1);
    close(f);
    CHECK(!has(1, image, sizeof image) && access(path, F_OK) != 0);
    cache_store(&one, image, sizeof image);
    CHECK(truncate(path, 9000) == 0);
    CHECK(!has(1, image, sizeof image) && access(path, F_OK) != 0);

    /* The bound: the oldest goes, the newest stays. */
    setenv("MICA_CACHE_BYTES", "35000", 1);
    for (int i = 1; i <= 4; i++) {
        cache_key k = key_of(i);
        cache_store(&k, image, sizeof image);
        path_of(deeper, i, path);
        struct timespec when[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        if (i < 4) utimensat(AT_FDCWD, path, when, 0);
    }
    CHECK(!has(1, image, sizeof image) && has(4, image, sizeof image) && has(3, image, sizeof image));
    unsetenv("MICA_CACHE_BYTES");

    /* A folder that cannot be made: nothing is kept, nothing is said. */
    setenv("MICA_CACHE_DIR", "/proc/no/such", 1);
    cache_store(&one, image, sizeof image);
    CHECK(!has(1, image, sizeof image) && !mx_failed());
    unsetenv("MICA_CACHE_DIR");
    remove_folder(folder);
}

/* Writing stops in the middle, as on a full disk: nothing is kept, nothing is left, nothing is said. */
TEST(cuda_cache_on_a_full_disk)
{
    char folder[] = "/tmp/mica_cache_XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    setenv("MICA_CACHE_DIR", folder, 1);
    static char image[10000];
    cache_key one = key_of(1);
    struct rlimit before, small;
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0);
    small = before;
    small.rlim_cur = 5000;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    CHECK(setrlimit(RLIMIT_FSIZE, &small) == 0);
    cache_store(&one, image, sizeof image);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    signal(SIGXFSZ, handler);
    CHECK(!has(1, image, sizeof image) && !mx_failed());
    CHECK(rmdir(folder) == 0); /* it is empty */
    unsetenv("MICA_CACHE_DIR");
}
