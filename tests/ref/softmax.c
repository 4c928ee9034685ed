/* SPDX-License-Identifier: MIT
 *
 * References of softmax over rows. */
#include "ref.h"
#include "reduce.h"

void ref_softmax(const ref_call *c);
void ref_softmax_vjp(const ref_call *c);
void ref_softmax_axes(const ref_call *c);
void ref_cross_entropy(const ref_call *c);
void ref_cross_entropy_vjp(const ref_call *c);

/* Largest of the places that `folded` axes map to each result, then the sum of exp(x - largest). */
static double peak_of(const double *x, int64_t n)
{
    double peak = -INFINITY;
    for (int64_t i = 0; i < n; i++) peak = x[i] > peak || isnan(x[i]) ? x[i] : peak;
    return peak;
}

static double sum_below(const double *x, int64_t n, double peak)
{
    double total = 0;
    for (int64_t i = 0; i < n; i++) total += exp(x[i] - peak);
    return total;
}

void ref_softmax(const ref_call *c)
{
    int64_t n = c->in->shape[c->in->ndim - 1];
    for (int64_t at = 0; at < c->in->size; at += n) {
        const double *x = c->in->re + at;
        double peak = peak_of(x, n), total = sum_below(x, n, peak);
        for (int64_t i = 0; i < n; i++) c->out->re[at + i] = exp(x[i] - peak) / total;
    }
}

/* The Jacobian diag(y) - y y' by v, entry by entry. */
void ref_softmax_vjp(const ref_call *c)
{
    int64_t n = c->in->shape[c->in->ndim - 1];
    for (int64_t at = 0; at < c->in->size; at += n) {
        const double *y = c->in[0].re + at, *v = c->in[1].re + at;
        for (int64_t i = 0; i < n; i++) {
            for (int64_t k = 0; k < n; k++) {
                double entry = (i == k ? y[i] : 0) - y[i] * y[k];
                c->out->re[at + i] += entry * v[k];
                c->out->scale[at + i] += fabs(entry * v[k]);
            }
        }
    }
}

/* The public function over any axes; c->params: the axes that are folded. */
void ref_softmax_axes(const ref_call *c)
{
    const ref_axes *axes = c->params;
    const ref_array *x = c->in;
    bool folded[MX_MAX_NDIM] = {false};
    for (int k = 0; k < axes->count; k++) folded[axes->at[k]] = true;
    for (int64_t i = 0; i < x->size; i++) {
        int64_t at[MX_MAX_NDIM], other[MX_MAX_NDIM];
        double complex total = 0, z = complex_of(x->re[i], x->im[i]);
        index_unravel(x, i, at);
        for (int64_t k = 0; k < x->size; k++) {
            bool same = true;
            index_unravel(x, k, other);
            for (int d = 0; d < x->ndim; d++) same &= folded[d] || at[d] == other[d];
            if (same) total += cexp(complex_of(x->re[k], x->im[k]) - z);
        }
        c->out->re[i] = creal(1 / total);
        c->out->im[i] = cimag(1 / total);
    }
}

/* ---- Cross entropy */
static int64_t class_at(const ref_array *classes, int64_t row, int64_t n)
{
    int64_t at = classes->whole[row] < 0 ? classes->whole[row] + n : classes->whole[row];
    return at < 0 ? 0 : at >= n ? n - 1 : at;
}

/* -log of the share that the class has of all. */
void ref_cross_entropy(const ref_call *c)
{
    int64_t n = c->in->shape[c->in->ndim - 1];
    for (int64_t row = 0; row < c->out->size; row++) {
        const double *x = c->in->re + row * n, own = x[class_at(&c->in[1], row, n)], peak = peak_of(x, n);
        double far = isinf(peak) ? 0 : peak;
        c->out->re[row] = log(sum_below(x, n, far)) + (far - own);
        c->out->scale[row] = fabs(own) + fabs(far) + log((double)n);
    }
}

void ref_cross_entropy_vjp(const ref_call *c)
{
    int64_t n = c->in->shape[c->in->ndim - 1];
    for (int64_t row = 0; row < c->in[1].size; row++) {
        const double *x = c->in->re + row * n, dy = c->in[2].re[row], peak = peak_of(x, n);
        double total = sum_below(x, n, peak);
        for (int64_t i = 0; i < n; i++) {
            double share = exp(x[i] - peak) / total;
            c->out->re[row * n + i] = (i == class_at(&c->in[1], row, n) ? share - 1 : share) * dy;
            c->out->scale[row * n + i] = fabs(dy);
        }
    }
}
