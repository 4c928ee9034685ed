/* SPDX-License-Identifier: MIT
 *
 * References of argmax, argmin and searchsorted: linear searches. */
#include "core/params/search.h"
#include "ref.h"

void ref_arg_extreme(const ref_call *c);
void ref_searchsorted(const ref_call *c);

static bool is_less(const ref_array *a, int64_t i, const ref_array *b, int64_t k)
{
    if (is_whole(a)) return is_unsigned(a) ? (uint64_t)a->whole[i] < (uint64_t)b->whole[k] : a->whole[i] < b->whole[k];
    return a->re[i] < b->re[k] || (a->re[i] == b->re[k] && a->im[i] < b->im[k]);
}

/* NaN comes last. */
static bool is_before(const ref_array *a, int64_t i, const ref_array *b, int64_t k)
{
    return is_less(a, i, b, k) || (!isnan(a->re[i]) && isnan(b->re[k]));
}

void ref_arg_extreme(const ref_call *c)
{
    const arg_params *p = c->params;
    int64_t n = c->in->shape[c->in->ndim - 1];
    for (int64_t row = 0; row < c->out->size; row++) {
        int64_t best = row * n;
        for (int64_t i = best; i < (row + 1) * n; i++) {
            if (p->largest ? is_less(c->in, best, c->in, i) : is_less(c->in, i, c->in, best)) best = i;
        }
        c->out->whole[row] = best - row * n;
        c->out->re[row] = (double)(best - row * n);
    }
}

void ref_searchsorted(const ref_call *c)
{
    const searchsorted_params *p = c->params;
    const ref_array *sorted = &c->in[0], *values = &c->in[1];
    for (int64_t k = 0; k < values->size; k++) {
        int64_t at = 0;
        while (at < sorted->size && (p->right ? !is_before(values, k, sorted, at) : is_before(sorted, at, values, k)))
            at++;
        c->out->whole[k] = at;
        c->out->re[k] = (double)at;
    }
}
