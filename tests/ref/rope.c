/* SPDX-License-Identifier: MIT
 *
 * Reference of rotary positions.  Angles are float32 by definition (so float64 inputs are turned by them too), and
 * sines and cosines are rounded to the dtype. */
#include "core/params/rope.h"
#include "ref.h"

void ref_rope(const ref_call *c);

static float angle_of(const ref_call *c, int64_t first, int64_t t, int64_t i)
{
    const rope_params *p = c->params;
    const ref_array *offset = &c->in[1];
    float start = (float)offset->whole[offset->ndim ? first : 0];
    float inverse = p->base == 0 ? 1.0f / (float)c->in[2].re[i] : powf(p->base, -(float)i / (float)(p->dims / 2));
    return (start + (float)t) * p->scale * inverse;
}

void ref_rope(const ref_call *c)
{
    const rope_params *p = c->params;
    const ref_array *x = c->in;
    int64_t n = x->shape[x->ndim - 1], positions = x->shape[x->ndim - 2], half = p->dims / 2;
    for (int64_t k = 0; k < x->size; k++) c->out->re[k] = x->re[k];
    for (int64_t row = 0; n && row < x->size / n; row++) {
        int64_t first = row / (x->size / n / x->shape[0]);
        for (int64_t i = 0; i < half; i++) {
            int64_t a = row * n + (p->traditional ? 2 * i : i), b = a + (p->traditional ? 1 : half);
            float angle = angle_of(c, first, row % positions, i);
            double cosine = (float)cos(angle), sine = (float)sin(angle) * (p->backward ? -1 : 1);
            c->out->re[a] = x->re[a] * cosine - x->re[b] * sine;
            c->out->re[b] = x->re[a] * sine + x->re[b] * cosine;
            c->out->scale[a] = c->out->scale[b] = fabs(x->re[a]) + fabs(x->re[b]);
        }
    }
}
