/* SPDX-License-Identifier: MIT
 *
 * References of reductions: of the op, which folds the last axes, and of the public functions over any axes. */
#include "core/params/reduce.h"
#include "ref.h"
#include "reduce.h"

void ref_sum(const ref_call *c);

/* Where element i of x goes when some axes are folded away. */
static int64_t place_of(const ref_array *x, int64_t i, const bool *folded)
{
    int64_t index[MX_MAX_NDIM], place = 0;
    index_unravel(x, i, index);
    for (int d = 0; d < x->ndim; d++) {
        if (!folded[d]) place = place * x->shape[d] + index[d];
    }
    return place;
}

void ref_fold(const ref_call *c, const bool *folded, double start, ref_fold_fn fold)
{
    const ref_array *x = c->in;
    for (int64_t i = 0; i < c->out->size; i++) {
        c->out->re[i] = start;
        c->out->whole[i] = (int64_t)start;
    }
    for (int64_t i = 0; i < x->size; i++) fold(c->out, place_of(x, i, folded), x, i);
}

void ref_fold_last(const ref_call *c, double start, ref_fold_fn fold)
{
    const reduce_params *p = c->params;
    bool folded[MX_MAX_NDIM] = {false};
    for (int d = c->in->ndim - p->count; d < c->in->ndim; d++) folded[d] = true;
    ref_fold(c, folded, start, fold);
}

void ref_fold_axes(const ref_call *c, double start, ref_fold_fn fold)
{
    const ref_axes *axes = c->params;
    bool folded[MX_MAX_NDIM] = {false};
    for (int k = 0; k < axes->count; k++) folded[axes->at[k]] = true;
    ref_fold(c, folded, start, fold);
}

void ref_fold_sum(ref_array *out, int64_t to, const ref_array *x, int64_t i)
{
    out->re[to] += x->re[i];
    out->im[to] += x->im[i];
    out->scale[to] += hypot(x->re[i], x->im[i]);
    out->whole[to] = (int64_t)((uint64_t)out->whole[to] + (uint64_t)x->whole[i]);
}

void ref_sum(const ref_call *c)
{
    ref_fold_last(c, 0, ref_fold_sum);
}
void ref_sum_axes(const ref_call *c)
{
    ref_fold_axes(c, 0, ref_fold_sum);
}
