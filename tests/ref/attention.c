/* SPDX-License-Identifier: MIT
 *
 * References of attention, row by row. */
#include "core/params/attention.h"
#include "ref.h"
#include <stdlib.h>

static int64_t at(const ref_array *a, int64_t b, int64_t h, int64_t i, int64_t d)
{
    return ((b * a->shape[1] + h) * a->shape[2] + i) * a->shape[3] + d;
}

/* The inputs from `extra` on are the mask and the sinks. */
static double mask_at(const ref_call *c, int extra, int64_t row, int64_t j, double score, bool *hidden)
{
    const attention_params *params = c->params;
    const ref_array *q = &c->in[0], *k = &c->in[1];
    int64_t keys = k->shape[2], i = row % q->shape[2];
    *hidden = params->causal && j > i + keys - q->shape[2];
    if (params->masked && c->in[extra].dtype == MX_BOOL) *hidden |= !c->in[extra].whole[row * keys + j];
    if (params->masked && c->in[extra].dtype != MX_BOOL) score += c->in[extra].re[row * keys + j];
    return *hidden ? -2e38 : score;
}

/* Probabilities of a row of scores, one for each key, and then that of the sink; returns the logsumexp. */
static double probabilities(const ref_call *c, int extra, int64_t row, double *p)
{
    const attention_params *params = c->params;
    const ref_array *q = &c->in[0], *k = &c->in[1];
    int64_t h = row / q->shape[2] % q->shape[1], b = row / q->shape[2] / q->shape[1], i = row % q->shape[2];
    int64_t key_head = h / (q->shape[1] / k->shape[1]), keys = k->shape[2];
    double peak = -INFINITY, total = 0;
    bool hidden;
    p[keys] = params->sinks ? c->in[extra + params->masked].re[row] : -INFINITY;
    for (int64_t j = 0; j <= keys; j++) {
        if (j < keys) {
            p[j] = 0;
            for (int64_t d = 0; d < q->shape[3]; d++)
                p[j] += q->re[at(q, b, h, i, d)] * k->re[at(k, b, key_head, j, d)];
            p[j] = mask_at(c, extra, row, j, p[j] * (double)params->scale, &hidden);
        }
        peak = fmax(peak, p[j]);
    }
    for (int64_t j = 0; j <= keys; j++) total += p[j] = exp(p[j] - peak);
    for (int64_t j = 0; j <= keys; j++) p[j] /= total;
    return peak + log(total);
}

void ref_attention(const ref_call *c)
{
    const ref_array *q = &c->in[0], *v = &c->in[2];
    int64_t group = q->shape[1] / v->shape[1], keys = v->shape[2], length = q->shape[2];
    double *p = calloc((size_t)keys + 1, sizeof *p);
    for (int64_t row = 0; row < q->shape[0] * q->shape[1] * length; row++) {
        int64_t h = row / length % q->shape[1], b = row / length / q->shape[1];
        c->out[1].re[row] = probabilities(c, 3, row, p);
        c->out[1].scale[row] = 16;
        for (int64_t d = 0; d < v->shape[3]; d++) {
            double sum = 0, scale = 0;
            for (int64_t j = 0; j < keys; j++) {
                double term = p[j] * v->re[at(v, b, h / group, j, d)];
                sum += term;
                scale += fabs(term);
            }
            c->out[0].re[row * v->shape[3] + d] = sum;
            c->out[0].scale[row * v->shape[3] + d] = scale;
        }
    }
    free(p);
}

/* `size`: of the terms that cancel in value. */
static void add(ref_array *out, int64_t i, double value, double size)
{
    out->re[i] += value;
    out->scale[i] += fabs(size);
}

void ref_attention_vjp(const ref_call *c)
{
    const attention_params *params = c->params;
    const ref_array *q = &c->in[0], *k = &c->in[1], *v = &c->in[2], *dy = &c->in[5];
    int64_t group = q->shape[1] / v->shape[1], keys = v->shape[2], length = q->shape[2];
    /* The sinks' gradient is float32, of a result that was rounded to q's dtype. */
    double coarse = q->dtype == MX_FLOAT16 ? 0x1p13 : q->dtype == MX_BFLOAT16 ? 0x1p16 : 1;
    double *p = calloc((size_t)keys + 1, sizeof *p), *dp = calloc((size_t)keys, sizeof *dp);
    for (int64_t row = 0; row < q->shape[0] * q->shape[1] * length; row++) {
        int64_t i = row % length, h = row / length % q->shape[1], b = row / length / q->shape[1], kh = h / group;
        double mean = 0, size_of_mean = 0;
        probabilities(c, 6, row, p);
        for (int64_t j = 0; j < keys; j++) {
            dp[j] = 0;
            for (int64_t d = 0; d < v->shape[3]; d++) dp[j] += dy->re[at(dy, b, h, i, d)] * v->re[at(v, b, kh, j, d)];
            mean += p[j] * dp[j];
            size_of_mean += p[j] * fabs(dp[j]);
        }
        if (params->sinks) add(&c->out[3], row, -p[keys] * mean, p[keys] * size_of_mean * coarse);
        for (int64_t j = 0; j < keys; j++) {
            bool hidden;
            mask_at(c, 6, row, j, 0, &hidden);
            double ds = hidden ? 0 : p[j] * (dp[j] - mean) * (double)params->scale,
                   size = p[j] * (fabs(dp[j]) + fabs(mean)) * (double)params->scale;
            for (int64_t d = 0; d < q->shape[3]; d++) {
                add(&c->out[0], at(q, b, h, i, d), ds * k->re[at(k, b, kh, j, d)], size * k->re[at(k, b, kh, j, d)]);
                add(&c->out[1], at(k, b, kh, j, d), ds * q->re[at(q, b, h, i, d)], size * q->re[at(q, b, h, i, d)]);
            }
            for (int64_t d = 0; d < v->shape[3]; d++)
                add(&c->out[2], at(v, b, kh, j, d), p[j] * dy->re[at(dy, b, h, i, d)],
                    p[j] * dy->re[at(dy, b, h, i, d)]);
        }
    }
    free(p);
    free(dp);
}
