/* SPDX-License-Identifier: MIT
 *
 * References of RMS norm and layer norm over the last axis, and of their pull-backs. */
#include "core/params/norm.h"
#include "ref.h"

void ref_rms_norm(const ref_call *c);
void ref_layer_norm(const ref_call *c);
void ref_rms_norm_vjp(const ref_call *c);
void ref_layer_norm_vjp(const ref_call *c);

/* What a row is shifted and scaled by. */
static void row_moments(const double *x, int64_t n, double eps, bool centred, double *mean, double *scale)
{
    double sum = 0, square = 0;
    for (int64_t k = 0; k < n && centred; k++) sum += x[k];
    *mean = sum / (double)n;
    for (int64_t k = 0; k < n; k++) square += (x[k] - *mean) * (x[k] - *mean);
    *scale = 1 / sqrt(square / (double)n + eps);
}

static void forward(const ref_call *c, bool centred)
{
    const norm_params *p = c->params;
    const ref_array *x = &c->in[0];
    int64_t n = x->shape[x->ndim - 1];
    for (int64_t i = 0; i < x->size; i++) {
        double mean, scale, w = c->in[1].re[i % n], bias = c->nin == 3 ? c->in[2].re[i % n] : 0;
        row_moments(x->re + i / n * n, n, (double)p->eps, centred, &mean, &scale);
        c->out->re[i] = (x->re[i] - mean) * scale * w + bias;
        c->out->scale[i] = (fabs(x->re[i]) + fabs(mean)) * scale * fabs(w) + fabs(bias);
    }
}

/* dx = r (g - mean(g) - u mean(g u)), dw = sum dy u, db = sum dy, for u = (x - mean) r and g = dy w; without the mean
 * of g if the rows are not centred. */
static void backward(const ref_call *c, bool centred)
{
    const norm_params *p = c->params;
    const double *x = c->in[0].re, *w = c->in[1].re, *dy = c->in[2].re;
    int64_t n = c->in[0].shape[c->in[0].ndim - 1];
    for (int64_t row = 0; n && row < c->in[0].size / n; row++) {
        double mean, r, g_mean = 0, gu_mean = 0, size = 0;
        row_moments(x + row * n, n, (double)p->eps, centred, &mean, &r);
        for (int64_t k = 0; k < n; k++) {
            double g = dy[row * n + k] * w[k], u = (x[row * n + k] - mean) * r;
            g_mean += centred ? g / (double)n : 0;
            gu_mean += g * u / (double)n;
            size = fmax(size, fabs(g) * (1 + fabs(u)));
        }
        for (int64_t k = 0; k < n; k++) {
            int64_t i = row * n + k;
            double u = (x[i] - mean) * r;
            c->out[0].re[i] = r * (dy[i] * w[k] - g_mean - u * gu_mean);
            c->out[0].scale[i] = r * size * (1 + fabs(u));
            c->out[1].re[k] += dy[i] * u;
            c->out[1].scale[k] += fabs(dy[i]) * (fabs(x[i]) + fabs(mean)) * r;
            if (c->nout == 3) c->out[2].re[k] += dy[i];
            if (c->nout == 3) c->out[2].scale[k] += fabs(dy[i]);
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
