/* SPDX-License-Identifier: MIT
 *
 * Reference of rotary positions. */
#include "core/params/rope.h"
#include "ref.h"

void ref_rope(const ref_call *c);

/* The kernel takes angles in float32, as MLX does; so does this. */
static double angle_of(const rope_params *p, const ref_array *freqs, double position, int64_t i)
{
    float inverse = freqs ? 1 / (float)freqs->re[i] : powf(p->base, -(float)i / (float)(p->dims / 2));
    return (double)((float)position * p->scale * inverse);
}

void ref_rope(const ref_call *c)
{
    const rope_params *p = c->params;
    const ref_array *x = &c->in[0], *offset = &c->in[1], *freqs = c->nin == 3 ? &c->in[2] : NULL;
    int64_t n = x->shape[x->ndim - 1], length = x->shape[x->ndim - 2], half = p->dims / 2;
    for (int64_t row = 0; n && row < x->size / n; row++) {
        int64_t batch = row / (x->size / n / x->shape[0]);
        double position = (double)offset->whole[offset->ndim ? batch : 0] + (double)(row % length);
        const double *in = x->re + row * n;
        double *out = c->out->re + row * n, *scale = c->out->scale + row * n;
        for (int64_t k = p->dims; k < n; k++) out[k] = in[k];
        for (int64_t i = 0; i < half; i++) {
            int64_t a = p->traditional ? 2 * i : i, b = p->traditional ? 2 * i + 1 : i + half;
            double angle = angle_of(p, freqs, position, i), s = p->backward ? -sin(angle) : sin(angle);
            out[a] = in[a] * cos(angle) - in[b] * s;
            out[b] = in[a] * s + in[b] * cos(angle);
            scale[a] = scale[b] = fabs(in[a]) + fabs(in[b]);
        }
    }
}
