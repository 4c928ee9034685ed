/* SPDX-License-Identifier: MIT
 *
 * References of matrix products. */
#include "core/params/matmul.h"
#include "ref.h"

void ref_matmul(const ref_call *c);
void ref_matmul_vectors(const ref_call *c);

/* The matrix that element (row, column) of the output is made from: batch axes broadcast. */
static int64_t matrix_of(const ref_array *out, const int64_t *index, const ref_array *a)
{
    int64_t at = 0;
    for (int d = 0; d < a->ndim - 2; d++) {
        int64_t i = index[d + out->ndim - a->ndim];
        at = at * a->shape[d] + (a->shape[d] == 1 ? 0 : i);
    }
    return at * a->shape[a->ndim - 2] * a->shape[a->ndim - 1];
}

static void one_product(const ref_call *c, int64_t i, double complex *sum, double *scale)
{
    const ref_array *a = &c->in[0], *b = &c->in[1], *out = c->out;
    int64_t index[MX_MAX_NDIM], inner = a->shape[a->ndim - 1], columns = b->shape[b->ndim - 1];
    index_unravel(out, i, index);
    int64_t row = matrix_of(out, index, a) + index[out->ndim - 2] * inner;
    int64_t column = matrix_of(out, index, b) + index[out->ndim - 1];
    for (int64_t k = 0; k < inner; k++) {
        int64_t p = row + k, q = column + k * columns;
        double complex x = complex_of(a->re[p], a->im[p]), y = complex_of(b->re[q], b->im[q]);
        *sum += x * y;
        *scale += cabs(x) * cabs(y);
    }
}

void ref_matmul(const ref_call *c)
{
    const matmul_params *p = c->params;
    for (int64_t i = 0; i < c->out->size; i++) {
        double complex sum = 0, more = 0;
        double scale = 0;
        one_product(c, i, &sum, &scale);
        if (c->nin == 3) {
            int64_t from = index_broadcast(c->out, i, &c->in[2]);
            more = (double)p->beta * complex_of(c->in[2].re[from], c->in[2].im[from]);
        }
        sum = (double)p->alpha * sum + more;
        c->out->re[i] = creal(sum);
        c->out->im[i] = cimag(sum);
        c->out->scale[i] = fabs((double)p->alpha) * scale + cabs(more);
    }
}

/* The public function on vectors: a row before, a column after, and neither is left in the result. */
void ref_matmul_vectors(const ref_call *c)
{
    ref_array in[] = {c->in[0], c->in[1]}, out = *c->out;
    bool is_row = in[0].ndim == 1, is_column = in[1].ndim == 1;
    if (is_row) in[0].shape[1] = in[0].shape[0], in[0].shape[0] = 1, in[0].ndim = 2;
    if (is_column) in[1].shape[1] = 1, in[1].ndim = 2;
    if (is_row) {
        if (!is_column) out.shape[out.ndim] = out.shape[out.ndim - 1];
        out.shape[out.ndim - !is_column] = 1;
        out.ndim++;
    }
    if (is_column) out.shape[out.ndim++] = 1;
    ref_matmul(&(ref_call){.params = &(matmul_params){1, 0}, .in = in, .out = &out, .nin = 2, .nout = 1});
}
