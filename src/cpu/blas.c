/* SPDX-License-Identifier: MIT
 *
 * OpenBLAS is opened once, with one thread of its own (the pool is ours) and with its core chosen by our cpuid: an old
 * release does not know a new CPU and would fall back to its slowest kernels. */
#include "cpu/blas.h"
#include "core/runtime.h"
#include <dlfcn.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { ROW_MAJOR = 101, NO_TRANS = 111, TRANS = 112 };
typedef void (*dgemm_fn)(int, int, int, int, int, int, double, const double *, int, const double *, int, double,
                         double *, int);
typedef void (*cgemm_fn)(int, int, int, int, int, int, const void *, const void *, int, const void *, int, const void *,
                         void *, int);

static struct {
    pthread_once_t once;
    dgemm_fn dgemm;
    cgemm_fn cgemm;
    const char *core;
    void *library;
} blas = {.once = PTHREAD_ONCE_INIT};

static const char *best_core(void)
{
#if defined __x86_64__
    if (CPU_HAS("avx512dq") && CPU_HAS("avx512vl")) return "SkylakeX";
    if (CPU_HAS("avx2") && CPU_HAS("fma")) return "Haswell";
#endif
    return NULL;
}

/* A symbol as a function pointer, without a cast that ISO C forbids. */
static void find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
}

/* OpenBLAS reads its settings when it is opened, and starts its threads then.  What we set is taken back: NumPy's OpenBLAS
 * in the same process reads the same names. */
static bool set_missing(const char *name, const char *value)
{
    return value && !getenv(name) && setenv(name, value, 0) == 0;
}

static void open_blas(void)
{
    static const char *const names[] = {"libopenblas.so.0", "libopenblas.so"};
    void *library = NULL;
    blas.core = "no OpenBLAS";
    bool core_set = set_missing("OPENBLAS_CORETYPE", best_core()),
         threads_set = set_missing("OPENBLAS_NUM_THREADS", "1");
    for (int i = 0; i < 2 && !library; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (core_set) unsetenv("OPENBLAS_CORETYPE");
    if (threads_set) unsetenv("OPENBLAS_NUM_THREADS");
    if (!library) return;
    blas.library = library;
    void (*set_threads)(int) = NULL;
    const char *(*core)(void) = NULL;
    find(library, "cblas_dgemm", &blas.dgemm);
    find(library, "cblas_cgemm", &blas.cgemm);
    find(library, "openblas_set_num_threads", &set_threads);
    find(library, "openblas_get_corename", &core);
    if (set_threads) set_threads(1);
    blas.core = core ? core() : "unknown";
}

void blas_find(const char *name, void *function)
{
    pthread_once(&blas.once, open_blas);
    if (blas.library) find(blas.library, name, function);
}

const char *blas_core(void)
{
    pthread_once(&blas.once, open_blas);
    return blas.core;
}

bool blas_gemm(const blas_product *p)
{
    pthread_once(&blas.once, open_blas);
    if (!blas.dgemm || !blas.cgemm) {
        return mx_fail_false(
            MX_RUNTIME,
            "[matmul] float64 and complex64 products need OpenBLAS (libopenblas.so.0), which was not found.");
    }
    if (p->m > INT_MAX || p->n > INT_MAX || p->k > INT_MAX || p->lda > INT_MAX || p->ldb > INT_MAX ||
        p->ldc > INT_MAX) {
        return mx_fail_false(MX_VALUE, "[matmul] a float64 or complex64 operand has a dimension over 2^31 - 1.");
    }
    int ta = p->a_transposed ? TRANS : NO_TRANS, tb = p->b_transposed ? TRANS : NO_TRANS;
    int m = (int)p->m, n = (int)p->n, k = (int)p->k, lda = (int)p->lda, ldb = (int)p->ldb, ldc = (int)p->ldc;
    if (p->complex64) {
        float alpha[2] = {(float)p->alpha, 0}, beta[2] = {(float)p->beta, 0};
        blas.cgemm(ROW_MAJOR, ta, tb, m, n, k, alpha, p->a, lda, p->b, ldb, beta, p->c, ldc);
    } else {
        blas.dgemm(ROW_MAJOR, ta, tb, m, n, k, p->alpha, p->a, lda, p->b, ldb, p->beta, p->c, ldc);
    }
    return true;
}
