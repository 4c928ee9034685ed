/* SPDX-License-Identifier: MIT
 *
 * The head of matrix products: operands stay where they lie if cuBLASLt can read them there (by rows or by columns, any
 * stride from matrix to matrix, broadcast ones included); an addend is read in place, becomes a bias, or is first copied to where
 * the result goes (product.c). */
#include "core/params/matmul.h"
#include "cuda/copy.h"
#include "cuda/dispatch.h"
#include "cuda/product.h"

/* Strides of x's matrices in a batch of the output's shape; x's leading axes broadcast to it. */
static void lay_out(cuda_matrix *m, const mx_array *x, const int64_t *strides, const mx_array *out)
{
    int extra = out->ndim - x->ndim;
    m->row = strides[x->ndim - 2];
    m->col = strides[x->ndim - 1];
    for (int i = 0; i < out->ndim - 2; i++)
        m->batch[i] = i < extra || x->shape[i - extra] == 1 ? 0 : strides[i - extra];
}

static bool can_stay(const mx_array *x)
{
    for (int i = 0; i < x->ndim - 2; i++) {
        if (x->strides[i] < 0) return false;
    }
    return product_can_read(x->shape[x->ndim - 2], x->shape[x->ndim - 1], x->strides[x->ndim - 2],
                            x->strides[x->ndim - 1]);
}

static bool factor(cuda_call *c, mx_array *x, cuda_matrix *m)
{
    int64_t row_major[MX_MAX_NDIM];
    if (can_stay(x)) {
        lay_out(m, x, x->strides, c->out);
        return cuda_operand(c, x, &m->at);
    }
    shape_row_major(array_shape(x), row_major);
    lay_out(m, x, row_major, c->out);
    return cuda_contiguous(c, x, &m->at);
}

static bool prepare_output(cuda_call *c, cuda_product *p)
{
    mx_array *x = p->beta != 0 ? c->in[2] : NULL, *out = c->out;
    int64_t strides[MX_MAX_NDIM];
    if (x) {
        if (!cuda_operand(c, x, &p->c.at)) return false;
        lay_out(&p->c, x, x->strides, out);
    }
    /* With one call at most there is nothing that could fail after the addend was overwritten. */
    if (!cuda_output(c, 0, x && out->ndim == 2 ? x : NULL, &p->d.at)) return false;
    shape_row_major(array_shape(out), strides);
    lay_out(&p->d, out, strides, out);
    return true;
}

static bool run(cuda_call *c)
{
    const matmul_params *params = c->params;
    const mx_array *a = c->in[0], *out = c->out;
    cuda_product p = {.in = (mx_dtype)out->dtype,
                      .out = (mx_dtype)out->dtype,
                      .m = out->shape[out->ndim - 2],
                      .n = out->shape[out->ndim - 1],
                      .k = a->shape[a->ndim - 1],
                      .ndim = out->ndim - 2,
                      .alpha = params->alpha,
                      .beta = c->nin == 3 ? params->beta : 0};
    for (int i = 0; i < p.ndim; i++) p.shape[i] = out->shape[i];
    if (!out->size) return cuda_output(c, 0, NULL, &p.d.at);
    if (p.k && (!factor(c, c->in[0], &p.a) || !factor(c, c->in[1], &p.b))) return false;
    return prepare_output(c, &p) && cuda_multiply(c, &p);
}

const cuda_op cuda_matmul = {.run = run};
