/* SPDX-License-Identifier: MIT
 *
 * Laws across processes: each SIMD level agrees with base, any number of threads gives the same bits.
 *
 * Level and threads are chosen by the environment when the program starts, so the program runs itself again and each
 * run records its outputs in a file.  Both files list the same cases in the same order. */
#include "laws.h"
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Recording */
typedef struct record_head {
    char name[TEXT]; /* the case; empty: the last record */
    double eps, magnitude;
    int32_t dtype, ndim;
    int64_t shape[MX_MAX_NDIM];
} record_head;

static bool write_numbers(FILE *f, const char *name, const law_case *c, const numbers *a)
{
    record_head h = {
        .eps = c->sample->eps, .magnitude = case_magnitude(c), .dtype = (int32_t)a->dtype, .ndim = a->ndim};
    snprintf(h.name, sizeof h.name, "%s", name);
    memcpy(h.shape, a->shape, sizeof h.shape);
    size_t n = (size_t)a->size;
    return fwrite(&h, sizeof h, 1, f) == 1 && fwrite(a->re, sizeof *a->re, n, f) == n &&
           fwrite(a->im, sizeof *a->im, n, f) == n && fwrite(a->whole, sizeof *a->whole, n, f) == n;
}

static void record_case(law_case *c, void *file)
{
    char name[TEXT];
    numbers out = {0};
    c->law = "recording";
    snprintf(name, sizeof name, "%s/%s/%s", c->name, c->sample->what, mx_dtype_name(c->dtype));
    if (!case_run(c, c->in, &out)) {
        law_fail(c, "it fails");
    } else if (!write_numbers(file, name, c, &out)) {
        law_fail(c, "it cannot be written");
    }
    numbers_free(&out);
}

bool record_outputs(const char *path)
{
    FILE *f = fopen(path, "wb");
    if (!f) return perror(path), false;
    record_head h = {.name = ""};
    snprintf(h.name, sizeof h.name, "%s", mx_cpu_level());
    bool ok = fwrite(&h, sizeof h, 1, f) == 1;
    each_case(false, record_case, f);
    return fclose(f) == 0 && ok;
}

static bool read_numbers(FILE *f, record_head *h, numbers *a)
{
    if (fread(h, sizeof *h, 1, f) != 1) return false;
    *a = numbers_new(h->ndim, h->shape, (mx_dtype)h->dtype);
    size_t n = (size_t)a->size;
    return fread(a->re, sizeof *a->re, n, f) == n && fread(a->im, sizeof *a->im, n, f) == n &&
           fread(a->whole, sizeof *a->whole, n, f) == n;
}

/* ---- Comparing */
/* Results with a tolerance may differ by twice of it, for each run keeps it on its own. */
static void compare_record(const char *what, const record_head *h, numbers *a, numbers *b, bool bits)
{
    char text[TEXT] = "";
    numbers_scale(a, h->magnitude);
    bool ok = bits || h->eps == 0 ? numbers_same(b, a, text) : numbers_near(b, a, 2 * h->eps, text);
    if (!ok) printf("FAIL %s, law of %s: %s\n", h->name, what, text);
    count_result(ok);
}

static void compare_files(const char *what, FILE *a, FILE *b, bool bits)
{
    record_head ha, hb;
    numbers na = {0}, nb = {0};
    for (;;) {
        bool has_a = read_numbers(a, &ha, &na), has_b = read_numbers(b, &hb, &nb);
        if (!has_a && !has_b) break;
        bool same = has_a && has_b && strcmp(ha.name, hb.name) == 0;
        if (!same) {
            printf("FAIL %s: one run has recorded less than the other, after %s\n", what, has_a ? ha.name : hb.name);
            count_result(false);
            break;
        }
        compare_record(what, &ha, &na, &nb, bits);
        numbers_free(&na);
        numbers_free(&nb);
    }
    numbers_free(&na);
    numbers_free(&nb);
}

/* Runs this program with one more variable; its record, open to be read, or NULL.  The arguments are handed on but for
 * the mode. */
static FILE *run_again(int argc, char **argv, const char *variable, const char *value)
{
    char path[] = "/tmp/mica_record_XXXXXX";
    int file = mkstemp(path), status = -1;
    if (file < 0) return perror(path), NULL;
    pid_t child = fork();
    if (child == 0) {
        char **arguments = calloc((size_t)argc + 3, sizeof *arguments);
        int n = 0;
        arguments[n++] = argv[0];
        arguments[n++] = "--record";
        arguments[n++] = path;
        for (int i = 1; i < argc; i++) {
            if (strcmp(argv[i], "--levels") && strcmp(argv[i], "--threads")) arguments[n++] = argv[i];
        }
        setenv(variable, value, 1);
        execv("/proc/self/exe", arguments);
        _exit(127);
    }
    if (child > 0) waitpid(child, &status, 0);
    FILE *f = status == 0 ? fdopen(file, "rb") : NULL;
    if (!f) {
        printf("FAIL %s=%s: the run ends with status %d\n", variable, value, status);
        count_result(false);
        close(file);
    }
    unlink(path);
    return f;
}

static int compare_runs(int argc, char **argv, const char *variable, const char *const *values, bool bits)
{
    FILE *first = run_again(argc, argv, variable, values[0]);
    for (int i = 1; values[i] && first; i++) {
        FILE *other = run_again(argc, argv, variable, values[i]);
        record_head h = {.name = ""}, h0;
        char what[TEXT];
        bool ok = other && fread(&h, sizeof h, 1, other) == 1;
        rewind(first);
        ok = ok && fread(&h0, sizeof h0, 1, first) == 1;
        snprintf(what, sizeof what, "%s=%s against %s", variable, values[i], values[0]);
        if (ok && !bits && strcmp(h.name, values[i]) != 0) {
            printf("%s: this machine runs %s, nothing to compare\n", what, h.name);
        } else if (ok) {
            compare_files(what, first, other, bits);
        }
        if (other) fclose(other);
    }
    if (first) fclose(first);
    return 0;
}

int compare_levels(int argc, char **argv)
{
    static const char *const levels[] = {"base", "avx2", "avx512", NULL};
    return compare_runs(argc, argv, "MICA_CPU_LEVEL", levels, false);
}

int compare_threads(int argc, char **argv)
{
    static const char *const threads[] = {"1", "2", "3", NULL};
    return compare_runs(argc, argv, "MICA_NUM_THREADS", threads, true);
}
