/* SPDX-License-Identifier: MIT
 *
 * References of searches whose results are positions. */
#include "core/params/search.h"
#include "ref.h"

void ref_arg_extreme(const ref_call *c);
void ref_searchsorted(const ref_call *c);

/* A NaN is neither less nor greater, but sorts last; complex numbers go by their real, then their imaginary parts. */
static bool is_less(const ref_array *a, int64_t i, const ref_array *b, int64_t k)
{
    if (is_unsigned(a)) return (uint64_t)a->whole[i] < (uint64_t)b->whole[k];
    if (is_whole(a)) return a->whole[i] < b->whole[k];
    return a->re[i] < b->re[k] || (a->re[i] == b->re[k] && a->im[i] < b->im[k]);
}

void ref_arg_extreme(const ref_call *c)
{
    const arg_params *p = c->params;
    const ref_array *x = c->in;
    int64_t n = x->shape[x->ndim - 1];
    for (int64_t row = 0; row < c->out->size; row++) {
        int64_t best = row * n;
        for (int64_t i = best + 1; i < (row + 1) * n; i++) {
            if (p->largest ? is_less(x, best, x, i) : is_less(x, i, x, best)) best = i;
        }
        c->out->whole[row] = best - row * n;
    }
}

/* How many elements are less than the value (right: not greater). */
void ref_searchsorted(const ref_call *c)
{
    const searchsorted_params *p = c->params;
    const ref_array *sorted = &c->in[0], *values = &c->in[1];
    for (int64_t i = 0; i < values->size; i++) {
        for (int64_t k = 0; k < sorted->size; k++) {
            bool before = p->right ? !is_less(values, i, sorted, k) : is_less(sorted, k, values, i);
            c->out->whole[i] += before;
        }
    }
}
