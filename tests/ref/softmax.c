/* SPDX-License-Identifier: MIT
 *
 * Reference of softmax over rows: y = exp(x - max x) / sum exp(x - max x). */
#include "ref.h"

void ref_softmax(const ref_call *c);

void ref_softmax(const ref_call *c)
{
    const ref_array *x = c->in;
    int64_t n = x->ndim ? x->shape[x->ndim - 1] : 1;
    for (int64_t row = 0; n && row < x->size / n; row++) {
        const double *in = x->re + row * n;
        double most = -INFINITY, sum = 0, *out = c->out->re + row * n;
        for (int64_t k = 0; k < n; k++) most = isnan(in[k]) || in[k] > most ? in[k] : most;
        for (int64_t k = 0; k < n; k++) sum += out[k] = exp(in[k] - most);
        for (int64_t k = 0; k < n; k++) out[k] /= sum;
    }
}
