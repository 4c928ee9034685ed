/* SPDX-License-Identifier: MIT
 *
 * From a batch of products to cuBLASLt's calls: rows of a product fold in a batch that shares its second factor, the largest
 * dimension of what is left becomes the library's batch, and each index of the others is a call.  A few rows go to kernels/skinny.cuh; what the library has no answer for (nothing
 * to sum, strides that it cannot read, sizes over 31 bits, no library) is one launch of the own kernel, kernels/matmul.cuh. */
#include "cuda/product.h"
#include "cuda/blaslt.h"
#include "cuda/copy.h"
#include "cuda/variant.h"
#include <string.h>

enum { BATCH_MOST = 65535, CALLS_MOST = 64, TILE = 64, THREADS = 256, BLOCKS_PER_SM = 8 };

/* ---- The own kernel */
/* As in kernels/matmul.cuh. */
typedef struct matmul_args {
    int64_t m, n, k, tiles_m, tiles_n, tiles;
    cu_ptr a, b, c, d, bias;
    int64_t row[4], col[4];
    double alpha, beta;
    int64_t ndim, shape[MX_MAX_NDIM], batch[4][MX_MAX_NDIM];
} matmul_args;
_Static_assert(MX_MAX_NDIM == 16, "kernels/matmul.cuh says 16");

static bool multiply_by_own(cuda_call *call, const cuda_product *p)
{
    const cuda_matrix *x[4] = {&p->a, &p->b, &p->c, &p->d};
    matmul_args a = {.m = p->m,
                     .n = p->n,
                     .k = p->k,
                     .tiles_m = (p->m + TILE - 1) / TILE,
                     .tiles_n = (p->n + TILE - 1) / TILE,
                     .a = p->a.at,
                     .b = p->b.at,
                     .c = p->c.at,
                     .d = p->d.at,
                     .bias = p->bias,
                     .alpha = (double)p->alpha,
                     .beta = (double)p->beta,
                     .ndim = p->ndim};
    a.tiles = a.tiles_m * a.tiles_n;
    for (int i = 0; i < p->ndim; i++) a.tiles *= a.shape[i] = p->shape[i];
    for (int k = 0; k < 4; k++) {
        a.row[k] = x[k]->row, a.col[k] = x[k]->col;
        memcpy(a.batch[k], x[k]->batch, sizeof a.batch[k]);
    }
    int64_t most = (int64_t)call->queue->device->sm_count * BLOCKS_PER_SM;
    cuda_variant v = {.id = VARIANT_matmul, .t = (uint8_t)p->in, .option = p->in != p->out};
    return variant_run(call, v, a.tiles < most ? a.tiles : most, THREADS, &a, sizeof a);
}

/* ---- Layouts */
static bool by_rows(int64_t rows, int64_t columns, int64_t row, int64_t col)
{
    return (columns == 1 || col == 1) && (rows == 1 || row >= columns);
}

bool product_can_read(int64_t rows, int64_t columns, int64_t row, int64_t col)
{
    return by_rows(rows, columns, row, col) || by_rows(columns, rows, col, row);
}

/* The addend is one row, the same for the whole batch, and the library takes it as such. */
static bool is_bias(const cuda_product *p)
{
    bool one = !p->bias && p->beta == 1 && p->c.row == 0 && (p->c.col == 1 || p->n == 1) && p->in != MX_FLOAT64 &&
               p->in != MX_COMPLEX64;
    for (int i = 0; i < p->ndim; i++) one &= p->c.batch[i] == 0;
    return one && p->m > 1;
}

static bool can_add(const cuda_product *p)
{
    bool forward = true;
    for (int i = 0; i < p->ndim; i++) forward &= p->c.batch[i] >= 0;
    return is_bias(p) || (forward && by_rows(p->m, p->n, p->c.row, p->c.col));
}

/* An (r, c) matrix that lies by rows is the library's (c, r) by columns.  A vector whose elements are adjacent is one
 * column: its leading dimension is then as aligned as can be. */
static blaslt_operand operand_of(const cuda_matrix *x, int64_t rows, int64_t columns)
{
    bool vector = columns == 1 && x->row == 1, row_major = by_rows(rows, columns, x->row, x->col) && !vector;
    int64_t leading = row_major ? (rows == 1 ? columns : x->row) : (columns == 1 ? rows : x->col);
    return (blaslt_operand){.at = x->at, .leading = leading, .transposed = !row_major};
}

static bool library_can_read(const cuda_product *p)
{
    bool can = p->k > 0 && product_can_read(p->m, p->k, p->a.row, p->a.col) &&
               product_can_read(p->k, p->n, p->b.row, p->b.col);
    for (int i = 0; i < p->ndim; i++) can &= p->a.batch[i] >= 0 && p->b.batch[i] >= 0 && p->d.batch[i] >= 0;
    return can;
}

/* ---- The batch */
/* Dimensions that all four lay out alike become one. */
static void merge_batch(cuda_product *p)
{
    cuda_matrix *x[4] = {&p->a, &p->b, &p->c, &p->d};
    int last = -1;
    for (int i = 0; i < p->ndim; i++) {
        int64_t n = p->shape[i];
        if (n == 1) continue;
        bool merges = last >= 0;
        for (int k = 0; k < 4 && merges; k++) merges = x[k]->batch[last] == x[k]->batch[i] * n;
        if (!merges) p->shape[++last] = 1;
        p->shape[last] *= n;
        for (int k = 0; k < 4; k++) x[k]->batch[last] = x[k]->batch[i];
    }
    p->ndim = last + 1;
}

/* Would the matrices of the last dimension, one below the other, be one matrix? */
static bool stacks(const cuda_product *p, const cuda_matrix *x)
{
    int64_t step = x->batch[p->ndim - 1];
    return p->m == 1 ? step > 0 : step == p->m * x->row;
}

static void fold_rows(cuda_product *p)
{
    while (p->ndim > 0 && p->b.batch[p->ndim - 1] == 0 && stacks(p, &p->a) && stacks(p, &p->d) &&
           (p->beta == 0 || stacks(p, &p->c) || is_bias(p))) {
        int last = --p->ndim;
        if (p->m == 1) {
            p->a.row = p->a.batch[last];
            p->d.row = p->d.batch[last];
            p->c.row = p->c.batch[last];
        }
        p->m *= p->shape[last];
    }
}

/* One column is one row of the transposed product: (a b)' = b' a'. */
static void lay_down(cuda_product *p)
{
    if (p->n != 1 || p->m == 1 || p->d.row != 1 || p->bias) return;
    cuda_matrix a = p->a;
    p->a = p->b, p->b = a;
    cuda_matrix *x[4] = {&p->a, &p->b, &p->c, &p->d};
    for (int i = 0; i < 4; i++) {
        int64_t row = x[i]->row;
        x[i]->row = x[i]->col, x[i]->col = row;
    }
    p->d.row = p->n = p->m;
    p->m = 1;
}

static void advance(cuda_product *p, int dimension, int64_t by)
{
    cuda_matrix *x[4] = {&p->a, &p->b, &p->c, &p->d};
    for (int i = 0; i < 4; i++) {
        size_t bytes = mx_dtype_size(i < 2 ? p->in : p->out);
        x[i]->at += (cu_ptr)(x[i]->batch[dimension] * by * (int64_t)bytes);
    }
}

/* ---- Calls */
/* One call: by rows (m, n) is by columns (n, m), so the factors change places. */
static blaslt_answer call_library(cuda_call *call, const cuda_product *p, int dimension, int64_t count)
{
    blaslt_product q = {.in = p->in,
                        .out = p->out,
                        .m = p->n,
                        .n = p->m,
                        .k = p->k,
                        .batch = count,
                        .a = operand_of(&p->b, p->k, p->n),
                        .b = operand_of(&p->a, p->m, p->k),
                        .d = operand_of(&p->d, p->m, p->n),
                        .bias = p->bias,
                        .alpha = p->alpha,
                        .beta = p->beta};
    q.d.leading = p->m == 1 ? p->n : p->d.row;
    q.c = q.d;
    bool bias = p->beta != 0 && is_bias(p);
    if (bias) {
        q.bias = p->c.at;
        q.beta = 0;
    } else if (p->beta != 0) {
        q.c.at = p->c.at;
        q.c.leading = p->m == 1 ? p->n : p->c.row;
    }
    if (dimension >= 0) {
        q.a.stride = p->b.batch[dimension], q.b.stride = p->a.batch[dimension];
        q.d.stride = p->d.batch[dimension];
        q.c.stride = p->beta == 0 || bias ? q.d.stride : p->c.batch[dimension];
    }
    return blaslt_collect(call, &q);
}

/* p without what is outside its dimension `inner`. */
static bool multiply_one_by_own(cuda_call *call, cuda_product p, int inner, int64_t count)
{
    cuda_matrix *x[4] = {&p.a, &p.b, &p.c, &p.d};
    for (int i = 0; i < 4 && inner >= 0; i++) x[i]->batch[0] = x[i]->batch[inner];
    p.ndim = inner >= 0;
    p.shape[0] = count;
    return multiply_by_own(call, &p);
}

/* NONE, ABSENT: nothing was collected. */
static blaslt_answer multiply_by_library(cuda_call *call, const cuda_product *p)
{
    int inner = -1;
    int64_t calls = 1;
    for (int i = 0; i < p->ndim; i++) {
        if (inner < 0 || p->shape[i] > p->shape[inner]) inner = i;
    }
    int64_t count = inner < 0 ? 1 : p->shape[inner], parts = (count + BATCH_MOST - 1) / BATCH_MOST;
    for (int i = 0; i < p->ndim; i++) calls *= i == inner ? parts : p->shape[i];
    if (calls > CALLS_MOST) return BLASLT_NONE;
    for (int64_t i = 0; i < calls; i++) {
        cuda_product one = *p;
        int64_t rest = i / parts, part = i % parts * BATCH_MOST, left = count - part;
        if (left > BATCH_MOST) left = BATCH_MOST;
        if (part) advance(&one, inner, part);
        for (int k = p->ndim - 1; k >= 0; k--) {
            if (k == inner) continue;
            if (rest % p->shape[k]) advance(&one, k, rest % p->shape[k]);
            rest /= p->shape[k];
        }
        blaslt_answer answer = call_library(call, &one, inner, left);
        if (answer == BLASLT_FAILED || (answer != BLASLT_COLLECTED && i == 0)) return answer;
        if (answer != BLASLT_COLLECTED && !multiply_one_by_own(call, one, inner, left)) return BLASLT_FAILED;
    }
    return BLASLT_COLLECTED;
}

/* The addend is copied to where the result goes. */
static bool copy_addend(cuda_call *call, cuda_product *p)
{
    int64_t to[MX_MAX_NDIM], from[MX_MAX_NDIM], shape[MX_MAX_NDIM];
    int n = p->ndim;
    for (int i = 0; i < n; i++) to[i] = p->d.batch[i], from[i] = p->c.batch[i], shape[i] = p->shape[i];
    to[n] = p->d.row, from[n] = p->c.row, shape[n] = p->m;
    to[n + 1] = p->d.col, from[n + 1] = p->c.col, shape[n + 1] = p->n;
    bool ok = cuda_copy_between(call, p->d.at, to, p->c.at, from, (mx_shape){n + 2, shape}, mx_dtype_size(p->out));
    p->c = p->d;
    return ok;
}

static blaslt_answer try_library(cuda_call *call, const cuda_product *p)
{
    if (!library_can_read(p) || (p->beta != 0 && !can_add(p))) return BLASLT_NONE;
    return multiply_by_library(call, p);
}

bool cuda_multiply(cuda_call *call, const cuda_product *product)
{
    cuda_product p = *product;
    for (int i = 0; i < p.ndim; i++) {
        if (p.shape[i] == 0) return true;
    }
    if (!p.m || !p.n) return true;
    if (p.beta == 0) p.c = p.d;
    merge_batch(&p);
    fold_rows(&p);
    lay_down(&p);
    if (product_is_skinny(&p)) return product_skinny(call, &p);
    blaslt_answer answer = try_library(call, &p);
    if (answer == BLASLT_NONE && p.c.at != p.d.at && library_can_read(&p)) {
        if (!copy_addend(call, &p)) return false;
        fold_rows(&p);
        answer = try_library(call, &p);
    }
    if (answer == BLASLT_NONE || answer == BLASLT_ABSENT) return multiply_by_own(call, &p);
    return answer == BLASLT_COLLECTED;
}
