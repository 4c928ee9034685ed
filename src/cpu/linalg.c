/* SPDX-License-Identifier: MIT
 *
 * Linear algebra over a batch of matrices, shared out among threads; LAPACK itself runs on one.
 *
 * Ours are row-major, LAPACK's column-major: it sees the transpose.  That is as good for inverses, Cholesky factors (the
 * other half), solutions (of the transposed system) and singular vectors (which change places); else matrices are
 * transposed on the way. */
#include "cpu/linalg.h"
#include "core/complex.h"
#include "core/params/linalg.h"
#include "core/text.h"
#include "cpu/lapack.h"
#include <limits.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

typedef struct batch batch;
struct batch {
    cpu_call *c;
    const linalg_params *p;
    mx_dtype t;
    int m, n, k; /* of the first input; the smaller of both */
    int64_t bytes, count, step;
    const char *in[2];
    char *out[3];
    int64_t in_bytes[2], out_bytes[3]; /* of one matrix */
    char *scratch;
    int64_t scratch_bytes;
    int work_count; /* of LAPACK's work */
    int (*one)(const batch *b, char *const *in, char *const *out, char *scratch);
    const char *failure;
    _Atomic int info;
};

static int64_t aligned(int64_t bytes)
{
    return (bytes + 63) & ~(int64_t)63;
}

static char *take(char **scratch, int64_t bytes)
{
    char *at = *scratch;
    *scratch += aligned(bytes);
    return at;
}

/* to (n, m) = from (m, n), both row-major */
static void transpose(char *to, const char *from, int64_t m, int64_t n, int64_t bytes)
{
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) memcpy(to + (j * m + i) * bytes, from + (i * n + j) * bytes, (size_t)bytes);
    }
}

static void clear_half(char *a, int64_t n, int64_t bytes, bool upper)
{
    for (int64_t i = 0; i < n; i++) {
        if (upper)
            memset(a + (i * n + i + 1) * bytes, 0, (size_t)((n - i - 1) * bytes));
        else
            memset(a + i * n * bytes, 0, (size_t)(i * bytes));
    }
}

static bool is_finite(mx_dtype t, const char *a, int64_t count)
{
    double zeros = 0; /* x - x is 0 or NaN */
    if (t == MX_FLOAT64) {
        for (int64_t i = 0; i < count; i++) zeros += ((const double *)a)[i] - ((const double *)a)[i];
    } else {
        for (int64_t i = 0; i < (t == MX_COMPLEX64 ? 2 : 1) * count; i++)
            zeros += (double)(((const float *)a)[i] - ((const float *)a)[i]);
    }
    return zeros == 0;
}

/* ---- Running */
static void run_range(void *ctx, int64_t begin, int64_t end)
{
    batch *b = ctx;
    for (int64_t i = begin; i < end; i++) {
        char *in[2], *out[3];
        for (int k = 0; k < b->c->nin; k++) in[k] = (char *)b->in[k] + i * b->in_bytes[k];
        for (int k = 0; k < b->c->nout; k++) out[k] = b->out[k] + i * b->out_bytes[k];
        int info = b->one(b, in, out, b->scratch + begin / b->step * b->scratch_bytes);
        if (info) atomic_store(&b->info, info);
    }
}

static int64_t matrix_bytes(const mx_array *x, int batch_ndim)
{
    int64_t size = (int64_t)mx_dtype_size((mx_dtype)x->dtype);
    for (int i = batch_ndim; i < x->ndim; i++) size *= x->shape[i];
    return size;
}

/* Inputs, outputs and sizes; false: an error is recorded. */
static bool begin(batch *b, cpu_call *c)
{
    const mx_array *a = c->in[0];
    int batch_ndim = a->ndim - 2;
    int64_t m = a->shape[batch_ndim], n = a->shape[batch_ndim + 1];
    *b = (batch){.c = c, .p = c->params, .t = (mx_dtype)a->dtype, .count = 1};
    if (!lapack_is_there(c->op->name)) return false;
    if (m > INT_MAX / 8 || n > INT_MAX / 8 || (n > 0 && m > INT_MAX / n))
        return mx_fail_false(MX_VALUE, "[%s] a matrix of %lld by %lld is too large for LAPACK.", c->op->name,
                             (long long)m, (long long)n);
    b->m = (int)m;
    b->n = (int)n;
    b->k = (int)(m < n ? m : n);
    b->bytes = (int64_t)mx_dtype_size(b->t);
    for (int i = 0; i < batch_ndim; i++) b->count *= a->shape[i];
    for (int i = 0; i < c->nin; i++) {
        mx_array *x = cpu_contiguous(c, i);
        if (!x) return false;
        b->in[i] = array_data(x);
        b->in_bytes[i] = matrix_bytes(x, batch_ndim);
    }
    for (int i = 0; i < c->nout; i++) {
        if (!cpu_output(c, i)) return false;
        b->out[i] = array_data(c->out + i);
        b->out_bytes[i] = matrix_bytes(c->out + i, batch_ndim);
    }
    return true;
}

static bool run(batch *b, int64_t scratch_bytes)
{
    enum { CHUNKS = 32 };
    if (b->count == 0 || (b->m == 0 && b->n == 0)) return true;
    double cost = (double)b->m * b->n * b->k;
    int64_t few = cost > 1e5 ? 1 : (int64_t)(1e5 / (cost + 1)), most = (b->count + CHUNKS - 1) / CHUNKS;
    b->step = few > most ? few : most;
    b->scratch_bytes = scratch_bytes;
    mx_array *scratch = cpu_scratch(b->c, SHAPE((b->count + b->step - 1) / b->step * scratch_bytes), MX_UINT8);
    if (!scratch) return false;
    b->scratch = array_data(scratch);
    cpu_split(b->count, b->step, run_range, b);
    int info = atomic_load(&b->info);
    return info == 0 || mx_fail_false(MX_RUNTIME, "[%s] %s (LAPACK's info is %d).", b->c->op->name, b->failure, info);
}

/* ---- Inverses and solutions */
static int one_inverse(const batch *b, char *const *in, char *const *out, char *scratch)
{
    memcpy(out[0], in[0], (size_t)b->out_bytes[0]);
    if (b->p->triangular) {
        clear_half(out[0], b->n, b->bytes, !b->p->upper);
        return lapack_invert_triangular(b->t, !b->p->upper, b->n, out[0]);
    }
    int *pivots = (int *)take(&scratch, b->n * 4);
    int info = lapack_factor(b->t, b->n, b->n, out[0], pivots);
    return info ? info : lapack_invert(b->t, b->n, out[0], pivots, scratch, b->work_count);
}

bool linalg_inverse(cpu_call *c)
{
    batch b;
    if (!begin(&b, c)) return false;
    b.one = one_inverse;
    b.failure = "the matrix is singular";
    b.work_count = 64 * b.n;
    return run(&b, aligned(b.n * 4) + aligned(b.work_count * b.bytes));
}

static int one_solve(const batch *b, char *const *in, char *const *out, char *scratch)
{
    int columns = (int)(b->in_bytes[1] / b->bytes / b->n);
    char *x = take(&scratch, b->in_bytes[1]), *a = take(&scratch, b->in_bytes[0]);
    int *pivots = (int *)scratch, info;
    transpose(x, in[1], b->n, columns, b->bytes);
    if (b->p->triangular) {
        info = lapack_solve_triangular(b->t, !b->p->upper, b->n, columns, in[0], x);
    } else {
        memcpy(a, in[0], (size_t)b->in_bytes[0]);
        info = lapack_factor(b->t, b->n, b->n, a, pivots);
        if (!info) info = lapack_solve(b->t, b->n, columns, a, pivots, x);
    }
    if (!info) transpose(out[0], x, columns, b->n, b->bytes);
    return info;
}

bool linalg_solve(cpu_call *c)
{
    batch b;
    if (!begin(&b, c)) return false;
    if (c->out->size == 0) return true;
    b.one = one_solve;
    b.failure = "the matrix is singular";
    return run(&b, aligned(b.in_bytes[0]) + aligned(b.in_bytes[1]) + aligned(b.n * 4));
}

/* ---- Factors */
/* What is not positive definite is no failure, as in MLX: the factor ends where it ends. */
static int one_cholesky(const batch *b, char *const *in, char *const *out, char *scratch)
{
    (void)scratch;
    memcpy(out[0], in[0], (size_t)b->out_bytes[0]);
    lapack_cholesky(b->t, !b->p->upper, b->n, out[0]);
    clear_half(out[0], b->n, b->bytes, !b->p->upper);
    return 0;
}

bool linalg_cholesky(cpu_call *c)
{
    batch b;
    if (!begin(&b, c)) return false;
    b.one = one_cholesky;
    return run(&b, 64);
}

/* A singular matrix has factors too. */
static int one_lu(const batch *b, char *const *in, char *const *out, char *scratch)
{
    uint32_t *pivots = (uint32_t *)out[1], *rows = (uint32_t *)out[2];
    int *from_one = (int *)take(&scratch, b->k * 4);
    transpose(scratch, in[0], b->m, b->n, b->bytes);
    lapack_factor(b->t, b->m, b->n, scratch, from_one);
    transpose(out[0], scratch, b->n, b->m, b->bytes);
    for (int i = 0; i < b->m; i++) rows[i] = (uint32_t)i;
    for (int i = 0; i < b->k; i++) {
        pivots[i] = (uint32_t)from_one[i] - 1;
        uint32_t row = rows[i];
        rows[i] = rows[pivots[i]];
        rows[pivots[i]] = row;
    }
    return 0;
}

bool linalg_lu(cpu_call *c)
{
    batch b;
    if (!begin(&b, c)) return false;
    b.one = one_lu;
    return run(&b, aligned(b.k * 4) + aligned(b.in_bytes[0]));
}

static int one_qr(const batch *b, char *const *in, char *const *out, char *scratch)
{
    int64_t m = b->m, n = b->n, k = b->k, bytes = b->bytes;
    if (k == 0) return 0;
    char *a = take(&scratch, m * n * bytes), *tau = take(&scratch, k * bytes);
    transpose(a, in[0], m, n, bytes);
    int info = lapack_qr(b->t, b->m, b->n, a, tau, scratch, b->work_count);
    for (int64_t i = 0; i < k; i++) {
        for (int64_t j = 0; j < n; j++) {
            char *r = out[1] + (i * n + j) * bytes;
            if (j < i)
                memset(r, 0, (size_t)bytes);
            else
                memcpy(r, a + (j * m + i) * bytes, (size_t)bytes);
        }
    }
    if (!info) info = lapack_form_q(b->t, b->m, b->k, a, tau, scratch, b->work_count);
    transpose(out[0], a, k, m, bytes);
    return info;
}

bool linalg_qr(cpu_call *c)
{
    batch b;
    if (!begin(&b, c)) return false;
    b.one = one_qr;
    b.failure = "no factors were found";
    b.work_count = 64 * (b.n > 0 ? b.n : 1);
    return run(&b, aligned(b.in_bytes[0]) + aligned(b.k * b.bytes) + aligned(b.work_count * b.bytes));
}

/* ---- Singular values */
static int real_count_of_svd(const batch *b)
{
    int64_t k = b->k, more = b->m > b->n ? b->m : b->n, full = 5 * k * k + 7 * k, other = 2 * more * k + 2 * k * k + k;
    return (int)(full > other ? full : other) + 1;
}

/* The transpose of A = U S V' is V S U': LAPACK's left vectors are our right ones. */
static int one_svd(const batch *b, char *const *in, char *const *out, char *scratch)
{
    int64_t real_bytes = b->t == MX_FLOAT64 ? 8 : 4;
    char *a = take(&scratch, b->in_bytes[0]), *real = take(&scratch, real_count_of_svd(b) * real_bytes);
    int *whole = (int *)take(&scratch, 8 * (int64_t)b->k * 4 + 4);
    bool vectors = b->p->vectors;
    char *s = out[vectors ? 1 : 0];
    if (b->k == 0) { /* the vectors of nothing */
        for (int side = 0; vectors && side < 3; side += 2) {
            int64_t n = side ? b->n : b->m;
            memset(out[side], 0, (size_t)b->out_bytes[side]);
            for (int64_t i = 0; i < n; i++) {
                if (b->t == MX_FLOAT64)
                    ((double *)out[side])[i * n + i] = 1;
                else
                    ((float *)out[side])[(i * n + i) * (b->bytes / 4)] = 1;
            }
        }
        return 0;
    }
    memcpy(a, in[0], (size_t)b->in_bytes[0]);
    return lapack_svd(b->t, vectors, b->n, b->m, a, s, vectors ? out[2] : a, vectors ? out[0] : a, scratch,
                      b->work_count, real, whole);
}

static int best_count(mx_dtype t, const void *work)
{
    return 1 + (int)(t == MX_FLOAT64 ? *(const double *)work : (double)*(const float *)work);
}

bool linalg_svd(cpu_call *c)
{
    batch b;
    char best[16] = {0}, none[64];
    int whole[64];
    if (!begin(&b, c)) return false;
    b.one = one_svd;
    b.failure = "no singular values were found: is there a NaN?";
    if (b.k > 0) {
        lapack_svd(b.t, b.p->vectors, b.n, b.m, none, none, none, none, best, -1, none, whole);
        b.work_count = best_count(b.t, best);
    }
    return run(&b, aligned(b.in_bytes[0]) + aligned(real_count_of_svd(&b) * (int64_t)8) +
                       aligned(8 * (int64_t)b.k * 4 + 4) + aligned(b.work_count * b.bytes));
}

/* ---- Eigenvalues */
typedef struct eigh_counts {
    int work, real, whole;
} eigh_counts;

static eigh_counts counts_of_eigh(const batch *b)
{
    int n = b->n;
    if (!b->p->vectors) return (eigh_counts){b->t == MX_COMPLEX64 ? n + 1 : 2 * n + 1, n + 1, 1};
    if (b->t == MX_COMPLEX64) return (eigh_counts){2 * n + n * n, 1 + 5 * n + 2 * n * n, 3 + 5 * n};
    return (eigh_counts){1 + 6 * n + 2 * n * n, 1, 3 + 5 * n};
}

/* In the columns of the result, which are rows to us; of a complex matrix we gave the conjugate. */
static int one_eigh(const batch *b, char *const *in, char *const *out, char *scratch)
{
    eigh_counts counts = counts_of_eigh(b);
    int64_t n = b->n;
    char *a = take(&scratch, b->in_bytes[0]), *work = take(&scratch, counts.work * b->bytes),
         *real = take(&scratch, counts.real * (int64_t)4);
    if (!is_finite(b->t, in[0], n * n)) return -4;
    memcpy(a, in[0], (size_t)b->in_bytes[0]);
    int info = lapack_eigh(b->t, b->p->vectors, !b->p->upper, b->n, a, out[0], work, counts.work, real, counts.real,
                           (int *)scratch, counts.whole);
    if (info || !b->p->vectors) return info;
    transpose(out[1], a, n, n, b->bytes);
    for (int64_t i = 0; b->t == MX_COMPLEX64 && i < n * n; i++) ((c64_t *)out[1])[i].im = -((c64_t *)out[1])[i].im;
    return 0;
}

bool linalg_eigh(cpu_call *c)
{
    batch b;
    if (!begin(&b, c)) return false;
    eigh_counts counts = counts_of_eigh(&b);
    b.one = one_eigh;
    b.failure = "no eigenvalues were found: is there a NaN or an infinity?";
    return run(&b, aligned(b.in_bytes[0]) + aligned(counts.work * b.bytes) + aligned(counts.real * (int64_t)4) +
                       aligned(counts.whole * (int64_t)4));
}

static c64_t complex_at(mx_dtype t, const char *re, const char *im, int64_t i)
{
    if (t == MX_FLOAT64) return (c64_t){(float)((const double *)re)[i], im ? (float)((const double *)im)[i] : 0};
    return (c64_t){((const float *)re)[i], im ? ((const float *)im)[i] : 0};
}

/* Real matrices: a pair of conjugate values has its vector in two columns, real and imaginary parts. */
static void put_vectors(const batch *b, c64_t *out, const char *v, const c64_t *w)
{
    int64_t n = b->n;
    for (int64_t j = 0; j < n; j++) {
        const char *re = v + j * n * b->bytes, *im = re + n * b->bytes;
        for (int64_t i = 0; i < n; i++) {
            if (b->t == MX_COMPLEX64) {
                out[i * n + j] = ((const c64_t *)v)[j * n + i];
            } else if (w[j].im == 0) {
                out[i * n + j] = complex_at(b->t, re, NULL, i);
            } else {
                out[i * n + j] = complex_at(b->t, re, im, i);
                out[i * n + j + 1] = (c64_t){out[i * n + j].re, -out[i * n + j].im};
            }
        }
        if (b->t != MX_COMPLEX64 && w[j].im != 0) j++;
    }
}

static int one_eig(const batch *b, char *const *in, char *const *out, char *scratch)
{
    int64_t n = b->n;
    char *a = take(&scratch, b->in_bytes[0]), *v = take(&scratch, b->in_bytes[0]), *wr = take(&scratch, n * b->bytes),
         *wi = take(&scratch, n * b->bytes), *real = take(&scratch, 2 * n * 4);
    c64_t *w = (c64_t *)out[0];
    if (!is_finite(b->t, in[0], n * n)) return -4;
    transpose(a, in[0], n, n, b->bytes);
    int info = lapack_eig(b->t, b->p->vectors, b->n, a, wr, wi, v, scratch, b->work_count, real);
    for (int64_t i = 0; i < n; i++) w[i] = b->t == MX_COMPLEX64 ? ((const c64_t *)wr)[i] : complex_at(b->t, wr, wi, i);
    if (b->p->vectors) put_vectors(b, (c64_t *)out[1], v, w);
    return info;
}

bool linalg_eig(cpu_call *c)
{
    batch b;
    char best[16] = {0}, none[64];
    if (!begin(&b, c)) return false;
    b.one = one_eig;
    b.failure = "no eigenvalues were found: is there a NaN or an infinity?";
    if (b.n > 0) {
        lapack_eig(b.t, b.p->vectors, b.n, none, none, none, none, best, -1, none);
        b.work_count = best_count(b.t, best);
    }
    return run(&b, 2 * aligned(b.in_bytes[0]) + 2 * aligned(b.n * b.bytes) + aligned(2 * b.n * (int64_t)4) +
                       aligned(b.work_count * b.bytes));
}
