/* SPDX-License-Identifier: MIT
 *
 * The head of matrix products: operands stay where they lie if cuBLASLt can read them there (by rows or by columns, any
 * stride from matrix to matrix, broadcast ones included); an addend is read in place, becomes a bias, or is first copied to where
 * the result goes (product.c).  A sum behind the product (a residual, a bias that the op does not have itself) is its addend,
 * rounded once; nothing else is left to the library, which documents neither what its ReLU makes of NaN nor its GELU. */
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

/* `x`: what is added to the product, or NULL. */
static bool prepare_output(cuda_call *c, cuda_product *p, mx_array *x)
{
    mx_array *out = c->out;
    int64_t strides[MX_MAX_NDIM];
    if (x) {
        if (!cuda_operand(c, x, &p->c.at)) return false;
        bool is_row = x->size == x->shape[x->ndim - 1] && x->size != out->size;
        if (is_row) {
            p->c.col = x->strides[x->ndim - 1]; /* whatever its other axes are */
        } else {
            lay_out(&p->c, x, x->strides, out);
        }
    }
    /* With one call at most there is nothing that could fail after the addend was overwritten. */
    if (!cuda_output(c, 0, x && out->ndim == 2 ? x : NULL, &p->d.at)) return false;
    shape_row_major(array_shape(out), strides);
    lay_out(&p->d, out, strides, out);
    return true;
}

/* Is x one row of adjacent elements, shown again and again? */
static bool shows_one_row(const mx_array *x)
{
    bool one = x->shape[x->ndim - 1] == 1 || x->strides[x->ndim - 1] == 1;
    for (int i = 0; i < x->ndim - 1; i++) one &= x->shape[i] == 1 || x->strides[i] == 0;
    return one;
}

/* An addend of the op itself must be a bias then; false without an error: it is none. */
static bool run_added(cuda_call *c, mx_array *addend)
{
    const matmul_params *params = c->params;
    const mx_array *a = c->in[0], *out = c->out;
    mx_array *own = c->nin == 3 && params->beta != 0 ? c->in[2] : NULL;
    cuda_product p = {.in = (mx_dtype)out->dtype,
                      .out = (mx_dtype)out->dtype,
                      .m = out->shape[out->ndim - 2],
                      .n = out->shape[out->ndim - 1],
                      .k = a->shape[a->ndim - 1],
                      .ndim = out->ndim - 2,
                      .alpha = params->alpha,
                      .beta = addend ? 1
                              : own  ? params->beta
                                     : 0};
    for (int i = 0; i < p.ndim; i++) p.shape[i] = out->shape[i];
    if (addend && own && !shows_one_row(own)) return false;
    if (!out->size) return cuda_output(c, 0, NULL, &p.d.at);
    if (p.k && (!factor(c, c->in[0], &p.a) || !factor(c, c->in[1], &p.b))) return false;
    if (addend && own && !cuda_operand(c, own, &p.bias)) return false;
    return prepare_output(c, &p, addend ? addend : own) && cuda_multiply(c, &p);
}

static bool run(cuda_call *c)
{
    return run_added(c, NULL);
}

/* ---- What follows */
/* One row, of a type that cuBLASLt's epilogue adds.  The op's own addend is a view of the product's shape. */
static bool is_bias(const mx_array *x, const mx_array *product)
{
    bool is_full = shape_equal(array_shape(x), array_shape(product)), is_new = array_state(x) == STATE_CLAIMED;
    if (product->dtype == MX_FLOAT64 || product->dtype == MX_COMPLEX64 || x->ndim == 0) return false;
    if (is_full && is_new && x->op && x->op->id == OP_broadcast) x = x->in[0];
    if (array_state(x) == STATE_DONE && is_full) return shows_one_row(x);
    return x->ndim && x->size == x->shape[x->ndim - 1] && x->size == product->shape[product->ndim - 1];
}

bool cuda_ends_product(const mx_array *product, const mx_array *reader)
{
    const matmul_params *params = array_params(product);
    if (reader->op->id != OP_add) return false;
    const mx_array *addend = reader->in[reader->in[0] == product];
    bool residual = shape_equal(array_shape(addend), array_shape(product));
    if (addend == product || addend->dtype != product->dtype || reader->dtype != product->dtype) return false;
    if (product->nin == 3) return residual && params->beta == 1 && is_bias(product->in[2], product);
    return residual || is_bias(addend, product);
}

const cuda_op cuda_matmul = {.run = run, .add_to = run_added};
