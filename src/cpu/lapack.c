/* SPDX-License-Identifier: MIT
 *
 * LAPACK by its Fortran names, looked up once.  Everything is passed by address, and after the arguments the lengths of
 * those that are characters. */
#include "cpu/lapack.h"
#include "core/error.h"
#include "cpu/blas.h"
#include <pthread.h>
#include <stdio.h>

enum { KINDS = 3 }; /* s, d, c */

typedef void function(void);
#define ROUTINES(X) X(getrf) X(getri) X(trtri) X(potrf) X(getrs) X(trtrs) X(geqrf) X(orgqr) X(gesdd) X(syevd) X(geev)
#define FIELD_OF(name) function *name[KINDS];

static struct {
    pthread_once_t once;
    ROUTINES(FIELD_OF)
} lapack = {.once = PTHREAD_ONCE_INIT};

static void find_one(const char *name, int kind, function **out)
{
    static const char prefixes[] = "sdc";
    char full[32];
    snprintf(full, sizeof full, "%c%s_", prefixes[kind], name);
    blas_find(full, out);
}

static void find_all(void)
{
    for (int kind = 0; kind < KINDS; kind++) {
#define FIND(name) find_one(#name, kind, &lapack.name[kind]);
        ROUTINES(FIND)
    }
    blas_find("cheevd_", &lapack.syevd[2]);
    blas_find("cungqr_", &lapack.orgqr[2]);
}

bool lapack_is_there(const char *op)
{
    pthread_once(&lapack.once, find_all);
    bool all = true;
    for (int kind = 0; kind < KINDS; kind++) {
#define IS_THERE(name) all &= lapack.name[kind] != NULL;
        ROUTINES(IS_THERE)
    }
    return all ||
           mx_fail_false(MX_RUNTIME, "[%s] needs OpenBLAS with LAPACK (libopenblas.so.0), which was not found.", op);
}

static int kind_of(mx_dtype t)
{
    return t == MX_FLOAT32 ? 0 : t == MX_FLOAT64 ? 1 : 2;
}

int lapack_factor(mx_dtype t, int m, int n, void *a, int *pivots)
{
    typedef void fn(const int *, const int *, void *, const int *, int *, int *);
    int info = 0, lda = m > 1 ? m : 1;
    ((fn *)lapack.getrf[kind_of(t)])(&m, &n, a, &lda, pivots, &info);
    return info;
}

int lapack_invert(mx_dtype t, int n, void *a, int *pivots, void *work, int count)
{
    typedef void fn(const int *, void *, const int *, const int *, void *, const int *, int *);
    int info = 0;
    ((fn *)lapack.getri[kind_of(t)])(&n, a, &n, pivots, work, &count, &info);
    return info;
}

int lapack_invert_triangular(mx_dtype t, bool upper, int n, void *a)
{
    typedef void fn(const char *, const char *, const int *, void *, const int *, int *, size_t, size_t);
    int info = 0;
    ((fn *)lapack.trtri[kind_of(t)])(upper ? "U" : "L", "N", &n, a, &n, &info, 1, 1);
    return info;
}

int lapack_cholesky(mx_dtype t, bool upper, int n, void *a)
{
    typedef void fn(const char *, const int *, void *, const int *, int *, size_t);
    int info = 0;
    ((fn *)lapack.potrf[kind_of(t)])(upper ? "U" : "L", &n, a, &n, &info, 1);
    return info;
}

int lapack_solve(mx_dtype t, int n, int columns, const void *a, const int *pivots, void *b)
{
    typedef void fn(const char *, const int *, const int *, const void *, const int *, const int *, void *, const int *,
                    int *, size_t);
    int info = 0;
    ((fn *)lapack.getrs[kind_of(t)])("T", &n, &columns, a, &n, pivots, b, &n, &info, 1);
    return info;
}

int lapack_solve_triangular(mx_dtype t, bool upper, int n, int columns, const void *a, void *b)
{
    typedef void fn(const char *, const char *, const char *, const int *, const int *, const void *, const int *,
                    void *, const int *, int *, size_t, size_t, size_t);
    int info = 0;
    ((fn *)lapack.trtrs[kind_of(t)])(upper ? "U" : "L", "T", "N", &n, &columns, a, &n, b, &n, &info, 1, 1, 1);
    return info;
}

int lapack_qr(mx_dtype t, int m, int n, void *a, void *tau, void *work, int count)
{
    typedef void fn(const int *, const int *, void *, const int *, void *, void *, const int *, int *);
    int info = 0;
    ((fn *)lapack.geqrf[kind_of(t)])(&m, &n, a, &m, tau, work, &count, &info);
    return info;
}

int lapack_form_q(mx_dtype t, int m, int k, void *a, const void *tau, void *work, int count)
{
    typedef void fn(const int *, const int *, const int *, void *, const int *, const void *, void *, const int *,
                    int *);
    int info = 0;
    ((fn *)lapack.orgqr[kind_of(t)])(&m, &k, &k, a, &m, tau, work, &count, &info);
    return info;
}

int lapack_svd(mx_dtype t, bool vectors, int m, int n, void *a, void *s, void *u, void *vt, void *work, int count,
               void *real, int *whole)
{
    typedef void fn(const char *, const int *, const int *, void *, const int *, void *, void *, const int *, void *,
                    const int *, void *, const int *, int *, int *, size_t);
    typedef void complex_fn(const char *, const int *, const int *, void *, const int *, void *, void *, const int *,
                            void *, const int *, void *, const int *, void *, int *, int *, size_t);
    int info = 0;
    const char *job = vectors ? "A" : "N";
    if (t == MX_COMPLEX64) {
        ((complex_fn *)lapack.gesdd[2])(job, &m, &n, a, &m, s, u, &m, vt, &n, work, &count, real, whole, &info, 1);
    } else {
        ((fn *)lapack.gesdd[kind_of(t)])(job, &m, &n, a, &m, s, u, &m, vt, &n, work, &count, whole, &info, 1);
    }
    return info;
}

int lapack_eigh(mx_dtype t, bool vectors, bool upper, int n, void *a, void *w, void *work, int count, void *real,
                int real_count, int *whole, int whole_count)
{
    typedef void fn(const char *, const char *, const int *, void *, const int *, void *, void *, const int *, int *,
                    const int *, int *, size_t, size_t);
    typedef void complex_fn(const char *, const char *, const int *, void *, const int *, void *, void *, const int *,
                            void *, const int *, int *, const int *, int *, size_t, size_t);
    int info = 0;
    const char *job = vectors ? "V" : "N", *half = upper ? "U" : "L";
    if (t == MX_COMPLEX64) {
        ((complex_fn *)lapack.syevd[2])(job, half, &n, a, &n, w, work, &count, real, &real_count, whole, &whole_count,
                                        &info, 1, 1);
    } else {
        ((fn *)lapack.syevd[kind_of(t)])(job, half, &n, a, &n, w, work, &count, whole, &whole_count, &info, 1, 1);
    }
    return info;
}

int lapack_eig(mx_dtype t, bool vectors, int n, void *a, void *wr, void *wi, void *v, void *work, int count, void *real)
{
    typedef void fn(const char *, const char *, const int *, void *, const int *, void *, void *, void *, const int *,
                    void *, const int *, void *, const int *, int *, size_t, size_t);
    typedef void complex_fn(const char *, const char *, const int *, void *, const int *, void *, void *, const int *,
                            void *, const int *, void *, const int *, void *, int *, size_t, size_t);
    int info = 0;
    const char *job = vectors ? "V" : "N";
    if (t == MX_COMPLEX64) {
        ((complex_fn *)lapack.geev[2])("N", job, &n, a, &n, wr, v, &n, v, &n, work, &count, real, &info, 1, 1);
    } else {
        ((fn *)lapack.geev[kind_of(t)])("N", job, &n, a, &n, wr, wi, v, &n, v, &n, work, &count, &info, 1, 1);
    }
    return info;
}
