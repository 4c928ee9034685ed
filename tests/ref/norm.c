/* SPDX-License-Identifier: MIT
 *
 * References of RMS norm and layer norm, forward and backward: the formulas as they stand in textbooks. */
#include "core/params/norm.h"
#include "ref.h"

void ref_rms_norm(const ref_call *c);
void ref_layer_norm(const ref_call *c);
void ref_rms_norm_vjp(const ref_call *c);
void ref_layer_norm_vjp(const ref_call *c);

static double mean_of(const double *x, int64_t n, bool centred)
{
    double sum = 0;
    for (int64_t i = 0; i < n && centred; i++) sum += x[i];
    return sum / (double)n;
}

/* What the rounding errors of that mean grow from. */
static double mean_size(const double *x, int64_t n, bool centred)
{
    double sum = 0;
    for (int64_t i = 0; i < n && centred; i++) sum += fabs(x[i]);
    return sum / (double)n;
}

/* 1 / the standard deviation (the root of the mean square). */
static double inverse_of(const ref_call *c, const double *x, int64_t n, double mean)
{
    const norm_params *p = c->params;
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    return 1 / sqrt(sum / (double)n + (double)p->eps);
}

static void forward(const ref_call *c, bool centred)
{
    int64_t n = c->in->shape[c->in->ndim - 1];
    for (int64_t at = 0; at < c->in->size; at += n) {
        const double *x = c->in->re + at;
        double mean = mean_of(x, n, centred), inverse = inverse_of(c, x, n, mean), terms = mean_size(x, n, centred);
        for (int64_t i = 0; i < n; i++) {
            double bias = centred ? c->in[2].re[i] : 0, scaled = (x[i] - mean) * inverse * c->in[1].re[i];
            c->out->re[at + i] = scaled + bias;
            c->out->scale[at + i] = (fabs(x[i]) + terms) * inverse * fabs(c->in[1].re[i]) + fabs(bias);
        }
    }
}

static void backward(const ref_call *c, bool centred)
{
    const double *w = c->in[1].re;
    int64_t n = c->in->shape[c->in->ndim - 1];
    for (int64_t at = 0; at < c->in->size; at += n) {
        const double *x = c->in->re + at, *dy = c->in[2].re + at;
        double mean = mean_of(x, n, centred), inverse = inverse_of(c, x, n, mean), along = 0, total = 0, size = 0;
        double terms = mean_size(x, n, centred);
        for (int64_t i = 0; i < n; i++) {
            along += dy[i] * w[i] * (x[i] - mean) * inverse / (double)n;
            total += centred ? dy[i] * w[i] / (double)n : 0;
            size += fabs(dy[i] * w[i]) * (1 + fabs(x[i] - mean) * inverse) / (double)n;
        }
        for (int64_t i = 0; i < n; i++) {
            double unit = (x[i] - mean) * inverse;
            c->out[0].re[at + i] = inverse * (dy[i] * w[i] - total - unit * along);
            c->out[0].scale[at + i] = inverse * (fabs(dy[i] * w[i]) + (1 + fabs(unit)) * size);
            c->out[1].re[i] += dy[i] * unit;
            c->out[1].scale[i] += fabs(dy[i]) * (fabs(unit) + terms * inverse);
            if (centred) c->out[2].re[i] += dy[i];
            if (centred) c->out[2].scale[i] += fabs(dy[i]);
        }
    }
}

void ref_rms_norm(const ref_call *c)
{
    forward(c, false);
}
void ref_layer_norm(const ref_call *c)
{
    forward(c, true);
}
void ref_rms_norm_vjp(const ref_call *c)
{
    backward(c, false);
}
void ref_layer_norm_vjp(const ref_call *c)
{
    backward(c, true);
}
