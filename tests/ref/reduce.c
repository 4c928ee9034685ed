/* SPDX-License-Identifier: MIT
 *
 * References of reductions: of the op, which folds the last axes, and of the public functions over any axes. */
#include "core/params/reduce.h"
#include "ref.h"
#include "reduce.h"

void ref_sum(const ref_call *c);
void ref_prod(const ref_call *c);
void ref_min(const ref_call *c);
void ref_max(const ref_call *c);
void ref_all(const ref_call *c);
void ref_any(const ref_call *c);
void ref_logsumexp(const ref_call *c);

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

static void fold_prod(ref_array *out, int64_t to, const ref_array *x, int64_t i)
{
    double re = out->re[to] * x->re[i] - out->im[to] * x->im[i], im = out->re[to] * x->im[i] + out->im[to] * x->re[i];
    out->re[to] = re;
    out->im[to] = im;
    out->whole[to] = (int64_t)((uint64_t)out->whole[to] * (uint64_t)x->whole[i]);
}
static void fold_all(ref_array *out, int64_t to, const ref_array *x, int64_t i)
{
    out->whole[to] &= x->whole[i] != 0;
}
static void fold_any(ref_array *out, int64_t to, const ref_array *x, int64_t i)
{
    out->whole[to] |= x->whole[i] != 0;
}

void ref_prod(const ref_call *c)
{
    ref_fold_last(c, 1, fold_prod);
}
void ref_all(const ref_call *c)
{
    ref_fold_last(c, 1, fold_all);
}
void ref_any(const ref_call *c)
{
    ref_fold_last(c, 0, fold_any);
}
void ref_prod_axes(const ref_call *c)
{
    ref_fold_axes(c, 1, fold_prod);
}

/* How many elements each result folds. */
static double count_of(const ref_call *c)
{
    return (double)c->in->size / (double)c->out->size;
}

void ref_mean_axes(const ref_call *c)
{
    ref_sum_axes(c);
    for (int64_t i = 0; i < c->out->size; i++) {
        c->out->re[i] /= count_of(c);
        c->out->scale[i] /= count_of(c);
    }
}

/* sum (x - mean)^2 / (n - 1) = (sum x^2 - (sum x)^2 / n) / (n - 1), which double has digits enough for. */
void ref_var_axes(const ref_call *c)
{
    const ref_axes *axes = c->params;
    bool folded[MX_MAX_NDIM] = {false};
    double n = count_of(c);
    for (int k = 0; k < axes->count; k++) folded[axes->at[k]] = true;
    ref_sum_axes(c);
    for (int64_t i = 0; i < c->out->size; i++) c->out->re[i] *= -c->out->re[i] / n;
    for (int64_t i = 0; i < c->in->size; i++) {
        double x = c->in->re[i];
        c->out->re[place_of(c->in, i, folded)] += x * x;
        c->out->scale[place_of(c->in, i, folded)] += x * x;
    }
    for (int64_t i = 0; i < c->out->size; i++) {
        c->out->re[i] /= n - 1;
        c->out->scale[i] /= n - 1;
    }
}

void ref_std_axes(const ref_call *c)
{
    ref_var_axes(c);
    for (int64_t i = 0; i < c->out->size; i++) {
        c->out->re[i] = sqrt(c->out->re[i]);
        c->out->scale[i] /= c->out->re[i];
    }
}

/* Is a less than b?  A NaN is less than nothing, and nothing is less than it. */
static bool is_less(const ref_array *x, int64_t a, int64_t b)
{
    if (is_unsigned(x)) return (uint64_t)x->whole[a] < (uint64_t)x->whole[b];
    if (is_whole(x)) return x->whole[a] < x->whole[b];
    return x->re[a] < x->re[b];
}

/* The folded elements are neighbours, for the axes that go are the last ones.  A NaN wins. */
static void extreme(const ref_call *c, bool largest)
{
    const ref_array *x = c->in;
    int64_t n = c->out->size ? x->size / c->out->size : 0;
    for (int64_t i = 0; i < c->out->size; i++) {
        int64_t best = i * n;
        for (int64_t k = best + 1; k < (i + 1) * n; k++) {
            if (largest ? is_less(x, best, k) : is_less(x, k, best)) best = k;
            if (isnan(x->re[k]) && !isnan(x->re[best])) best = k;
        }
        copy_element(c->out, i, x, best);
    }
}

void ref_min(const ref_call *c)
{
    extreme(c, false);
}
void ref_max(const ref_call *c)
{
    extreme(c, true);
}

/* log(sum exp x) = m + log(sum exp(x - m)); an infinite m is the result. */
static void logsumexp(const double *re, int64_t n, ref_array *out, int64_t i)
{
    double most = -INFINITY, sum = 0;
    for (int64_t k = 0; k < n; k++) most = isnan(re[k]) || re[k] > most ? re[k] : most;
    for (int64_t k = 0; k < n; k++) sum += exp(re[k] - most);
    out->re[i] = isinf(most) ? most : most + log(sum);
    out->scale[i] = fabs(most) + 1;
}

void ref_logsumexp(const ref_call *c)
{
    int64_t n = c->out->size ? c->in->size / c->out->size : 0;
    for (int64_t i = 0; i < c->out->size; i++) logsumexp(c->in->re + i * n, n, c->out, i);
}
