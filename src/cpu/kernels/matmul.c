/* SPDX-License-Identifier: MIT
 *
 * Matrix products: the batch laid out as offsets, then our own GEMM for float32 and the halves, OpenBLAS for float64
 * and complex64. */
#include "core/params/matmul.h"
#include "cpu/blas.h"
#include "cpu/gemm.h"
#include "cpu/kernels/kernel.h"
#include <string.h>

/* One operand of a batch of products. */
typedef struct matrix {
    const char *data;
    int64_t row, col; /* strides in elements */
    int64_t *batch;   /* offset of each product, NULL: all 0 */
} matrix;

static int64_t batch_count(const mx_array *out)
{
    int64_t n = 1;
    for (int i = 0; i < out->ndim - 2; i++) n *= out->shape[i];
    return n;
}

/* Offsets of x's matrices for each product; x's leading axes broadcast to the output's. */
static bool lay_out(matrix *m, const mx_array *x, const mx_array *out)
{
    int64_t strides[MX_MAX_NDIM], n = batch_count(out);
    int lead = out->ndim - 2, extra = out->ndim - x->ndim;
    bool moves = false;
    *m = (matrix){.data = array_data(x), .row = x->strides[x->ndim - 2], .col = x->strides[x->ndim - 1]};
    for (int i = 0; i < lead; i++) {
        strides[i] = i < extra || x->shape[i - extra] == 1 ? 0 : x->strides[i - extra];
        moves |= strides[i] != 0 && out->shape[i] > 1;
    }
    if (!moves || n <= 1) return true;
    if (!(m->batch = mx_alloc((size_t)n, sizeof *m->batch))) return false;
    for (int64_t b = 0; b < n; b++) {
        int64_t rest = b;
        for (int i = lead - 1; i >= 0; i--) {
            m->batch[b] += rest % out->shape[i] * strides[i];
            rest /= out->shape[i];
        }
    }
    return true;
}

typedef struct products {
    matrix a, b, c, d;
    int64_t m, n, k, count;
    float alpha, beta;
    bool has_addend;
    void (*epilogue)(void *ctx, const cpu_area *area);
    void *epilogue_ctx;
} products;

static bool run_gemm(const products *p, mx_dtype dtype)
{
    cpu_gemm g = {.m = p->m,
                  .n = p->n,
                  .k = p->k,
                  .batch = p->count,
                  .a_batch = p->a.batch,
                  .b_batch = p->b.batch,
                  .c_batch = p->c.batch,
                  .d_batch = p->d.batch,
                  .a = p->a.data,
                  .a_row = p->a.row,
                  .a_col = p->a.col,
                  .b = p->b.data,
                  .b_row = p->b.row,
                  .b_col = p->b.col,
                  .c = (void *)p->c.data,
                  .c_row = p->n,
                  .alpha = p->alpha,
                  .beta = p->has_addend ? p->beta : 0,
                  .epilogue = p->epilogue,
                  .epilogue_ctx = p->epilogue_ctx,
                  .dtype = dtype == MX_FLOAT32   ? GEMM_F32
                           : dtype == MX_FLOAT16 ? GEMM_F16
                                                 : GEMM_BF16};
    if (p->has_addend) {
        g.d = p->d.data;
        g.d_row = p->d.row;
        g.d_col = p->d.col;
    }
    return KERNEL(gemm)(&g, cpu_parallel);
}

/* Rows of one product that a thread computes; K is never split. */
enum { BLAS_ROWS = 64 };
typedef struct blas_job {
    const products *p;
    blas_product one;
    int64_t bytes;
    int64_t strips; /* of each product */
    _Atomic bool failed;
} blas_job;

static void run_strip(void *ctx, int64_t chunk)
{
    blas_job *job = ctx;
    const products *p = job->p;
    int64_t product = chunk / job->strips, row = chunk % job->strips * BLAS_ROWS;
    blas_product one = job->one;
    one.m = p->m - row < BLAS_ROWS ? p->m - row : BLAS_ROWS;
    one.a = p->a.data + ((p->a.batch ? p->a.batch[product] : 0) + row * p->a.row) * job->bytes;
    one.b = p->b.data + (p->b.batch ? p->b.batch[product] : 0) * job->bytes;
    one.c = (char *)p->c.data + (product * p->m + row) * p->n * job->bytes;
    if (!blas_gemm(&one)) atomic_store(&job->failed, true);
    if (p->epilogue) p->epilogue(p->epilogue_ctx, &(cpu_area){product, row, one.m, 0, p->n});
}

static bool run_blas(const products *p, mx_dtype dtype)
{
    blas_job job = {.p = p, .bytes = (int64_t)mx_dtype_size(dtype), .strips = (p->m + BLAS_ROWS - 1) / BLAS_ROWS};
    job.one = (blas_product){.complex64 = dtype == MX_COMPLEX64,
                             .n = p->n,
                             .k = p->k,
                             .ldc = p->n,
                             .a_transposed = p->a.col != 1 && p->k > 1,
                             .b_transposed = p->b.col != 1 && p->n > 1,
                             .alpha = p->alpha,
                             .beta = p->has_addend ? p->beta : 0};
    job.one.lda = job.one.a_transposed ? p->a.col : p->a.row;
    job.one.ldb = job.one.b_transposed ? p->b.col : p->b.row;
    int64_t least_a = job.one.a_transposed ? p->m : p->k, least_b = job.one.b_transposed ? p->k : p->n;
    if (job.one.lda < least_a) job.one.lda = least_a; /* one row or column: the stride means nothing */
    if (job.one.ldb < least_b) job.one.ldb = least_b;
    if (job.one.lda < 1) job.one.lda = 1;
    if (job.one.ldb < 1) job.one.ldb = 1;
    cpu_parallel(p->count * job.strips, run_strip, &job);
    return !atomic_load(&job.failed) || mx_failed() || mx_fail_false(MX_RUNTIME, "[matmul] the BLAS product failed.");
}

/* Can BLAS read this matrix where it lies: one of the strides is 1 and the other long enough? */
static bool blas_can_read(const mx_array *x)
{
    int64_t rows = x->shape[x->ndim - 2], columns = x->shape[x->ndim - 1];
    int64_t row = x->strides[x->ndim - 2], col = x->strides[x->ndim - 1];
    return (col == 1 && (row >= columns || rows == 1)) ||
           (row == 1 && (col >= rows || columns == 1) && rows > 1 && columns > 1);
}

/* The addend is put into C, which BLAS then adds to. */
static void copy_addend(const mx_array *d, mx_array *out)
{
    int64_t strides[MX_MAX_NDIM];
    int extra = out->ndim - d->ndim;
    for (int i = 0; i < out->ndim; i++) {
        strides[i] = i < extra || d->shape[i - extra] == 1 ? 0 : d->strides[i - extra];
    }
    cpu_copy_strided(array_data(out), array_data(d), array_shape(out), strides, mx_dtype_size((mx_dtype)out->dtype));
}

static bool multiply(cpu_call *c, products *p, mx_dtype dtype)
{
    mx_array *a = c->in[0], *b = c->in[1];
    bool by_blas = dtype == MX_FLOAT64 || dtype == MX_COMPLEX64;
    if (by_blas && !blas_can_read(a) && !(a = cpu_contiguous(c, 0))) return false;
    if (by_blas && !blas_can_read(b) && !(b = cpu_contiguous(c, 1))) return false;
    if (!c->out->buffer && !cpu_output(c, 0)) return false;
    if (c->out->size == 0) return true;
    if (!lay_out(&p->a, a, c->out) || !lay_out(&p->b, b, c->out) || !lay_out(&p->c, c->out, c->out)) return false;
    if (p->has_addend && !lay_out(&p->d, c->in[2], c->out)) return false;
    if (!by_blas) return run_gemm(p, dtype);
    if (p->has_addend) {
        copy_addend(c->in[2], c->out);
    } else if (p->k == 0) {
        memset(array_data(c->out), 0, mx_nbytes(c->out));
    }
    return run_blas(p, dtype);
}

static bool run_product(cpu_call *c, void (*epilogue)(void *ctx, const cpu_area *area), void *ctx)
{
    const matmul_params *params = c->params;
    const mx_array *a = c->in[0], *out = c->out;
    products p = {.m = out->shape[out->ndim - 2],
                  .n = out->shape[out->ndim - 1],
                  .k = a->shape[a->ndim - 1],
                  .count = batch_count(out),
                  .alpha = params->alpha,
                  .beta = params->beta,
                  .has_addend = c->nin == 3,
                  .epilogue = epilogue,
                  .epilogue_ctx = ctx};
    bool ok = multiply(c, &p, (mx_dtype)out->dtype);
    mx_free(p.a.batch);
    mx_free(p.b.batch);
    mx_free(p.c.batch);
    mx_free(p.d.batch);
    return ok;
}

static bool run(cpu_call *c)
{
    return run_product(c, NULL, NULL);
}

const cpu_op KERNEL(matmul) = {.run = run, .product = run_product};
