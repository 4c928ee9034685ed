/* SPDX-License-Identifier: MIT
 *
 * References of gathers and scatters. */
#include "core/params/index.h"
#include "ref.h"

void ref_gather(const ref_call *c);
void ref_scatter(const ref_call *c);
void ref_take(const ref_call *c);
void ref_take_along_axis(const ref_call *c);
void ref_scatter_along_axis(const ref_call *c);

/* Where an index points in n entries, with `room` the last one allowed; -1: nowhere. */
static int64_t place(const ref_array *index, int64_t i, int64_t n, int64_t room, bool clamp)
{
    int64_t at = index->whole[i];
    if (at < 0 && is_unsigned(index)) at = INT64_MAX;
    if (at < 0) at += n;
    if (at >= 0 && at <= room) return at;
    return !clamp ? -1 : at < 0 ? 0 : room;
}

static void set_zero(ref_array *out, int64_t i)
{
    out->re[i] = out->im[i] = 0;
    if (is_whole(out)) out->whole[i] = 0;
}

/* The element of `whole` that element `block` of point `point` stands for; -1: none. */
static int64_t locate(const ref_array *whole, const ref_array *indices, const param_axes *axes, int64_t point,
                      const int64_t *block, const int64_t *sizes, bool clamp)
{
    int64_t at[MX_MAX_NDIM];
    for (int d = 0; d < whole->ndim; d++) at[d] = block[d];
    for (int k = 0; k < axes->count; k++) {
        int a = axes->at[k];
        int64_t first = place(&indices[k], point, whole->shape[a], whole->shape[a] - sizes[a], clamp);
        if (first < 0) return -1;
        at[a] += first;
    }
    return index_ravel(whole, at);
}

void ref_gather(const ref_call *c)
{
    const gather_params *p = c->params;
    const ref_array *x = c->in;
    int64_t index[MX_MAX_NDIM], block_size = 1;
    for (int d = 0; d < x->ndim; d++) block_size *= p->sizes.at[d];
    for (int64_t i = 0; i < c->out->size; i++) {
        index_unravel(c->out, i, index);
        const int64_t *block = index + c->out->ndim - x->ndim;
        int64_t from = locate(x, c->in + 1, &p->axes, i / block_size, block, p->sizes.at, !p->drop);
        if (from < 0) {
            set_zero(c->out, i);
        } else {
            copy_element(c->out, i, x, from);
        }
    }
}

static bool larger(const ref_array *a, int64_t i, const ref_array *b, int64_t k)
{
    if (is_whole(a)) return is_unsigned(a) ? (uint64_t)a->whole[i] > (uint64_t)b->whole[k] : a->whole[i] > b->whole[k];
    return a->re[i] > b->re[k] || (a->re[i] == b->re[k] && a->im[i] > b->im[k]);
}

static bool has_nan(const ref_array *a, int64_t i)
{
    return !is_whole(a) && (isnan(a->re[i]) || isnan(a->im[i]));
}

/* NaN wins; of equal ones the later. */
static bool stays(const ref_array *out, int64_t to, const ref_array *v, int64_t from, int mode)
{
    if (has_nan(out, to) || has_nan(v, from)) return has_nan(out, to);
    return mode == MX_SCATTER_MAX ? larger(out, to, v, from) : larger(v, from, out, to);
}

static void fold_whole(ref_array *out, int64_t to, int64_t b, int mode)
{
    uint64_t a = (uint64_t)out->whole[to], y = mode == MX_SCATTER_ADD ? a + (uint64_t)b : a * (uint64_t)b;
    if (out->dtype == MX_BOOL) y = mode == MX_SCATTER_ADD ? a || b : a && b;
    out->whole[to] = (int64_t)y;
}

static void fold(ref_array *out, int64_t to, const ref_array *v, int64_t from, int mode)
{
    bool extreme = mode == MX_SCATTER_MAX || mode == MX_SCATTER_MIN;
    if (mode == MX_SCATTER_SET || (extreme && !stays(out, to, v, from, mode))) {
        copy_element(out, to, v, from);
    } else if (mode == MX_SCATTER_ADD || mode == MX_SCATTER_PROD) {
        if (is_whole(out)) {
            fold_whole(out, to, v->whole[from], mode);
            return;
        }
        double re = out->re[to], im = out->im[to], b = v->re[from], d = v->im[from];
        out->re[to] = mode == MX_SCATTER_ADD ? re + b : re * b - im * d;
        out->im[to] = mode == MX_SCATTER_ADD ? im + d : re * d + im * b;
        out->scale[to] = mode == MX_SCATTER_ADD ? out->scale[to] + hypot(b, d) : out->scale[to] * hypot(b, d);
    }
}

/* The result starts as x; errors grow from the terms' sizes. */
static void start_from(ref_array *out, const ref_array *x)
{
    for (int64_t i = 0; i < out->size; i++) {
        copy_element(out, i, x, i);
        out->scale[i] = hypot(x->re[i], x->im[i]);
    }
}

void ref_scatter(const ref_call *c)
{
    const scatter_params *p = c->params;
    const ref_array *updates = &c->in[1];
    int points = updates->ndim - c->in->ndim;
    const int64_t *sizes = updates->shape + points;
    int64_t index[MX_MAX_NDIM], block_size = 1;
    for (int d = 0; d < c->in->ndim; d++) block_size *= sizes[d];
    start_from(c->out, c->in);
    for (int64_t i = 0; i < updates->size; i++) {
        index_unravel(updates, i, index);
        int64_t to = locate(c->out, c->in + 2, &p->axes, i / block_size, index + points, sizes, p->clamp);
        if (to >= 0) fold(c->out, to, updates, i, p->mode);
    }
}

void ref_take(const ref_call *c)
{
    const take_params *p = c->params;
    const ref_array *x = c->in, *index = &c->in[1];
    int64_t to[MX_MAX_NDIM], at[MX_MAX_NDIM];
    for (int64_t i = 0; i < c->out->size; i++) {
        index_unravel(c->out, i, to);
        for (int d = 0; d < p->axis; d++) at[d] = to[d];
        at[p->axis] = place(index, index_ravel(index, to + p->axis), x->shape[p->axis], x->shape[p->axis] - 1, true);
        for (int d = p->axis + 1; d < x->ndim; d++) at[d] = to[d + index->ndim - 1];
        copy_element(c->out, i, x, index_ravel(x, at));
    }
}

/* Element of `whole` that element i of the indices points to; -1: none. */
static int64_t locate_along(const ref_array *whole, const ref_array *index, int64_t i, int axis, bool clamp)
{
    int64_t at[MX_MAX_NDIM];
    index_unravel(index, i, at);
    at[axis] = place(index, i, whole->shape[axis], whole->shape[axis] - 1, clamp);
    return at[axis] < 0 ? -1 : index_ravel(whole, at);
}

void ref_take_along_axis(const ref_call *c)
{
    const take_along_axis_params *p = c->params;
    for (int64_t i = 0; i < c->out->size; i++) {
        int64_t from = locate_along(c->in, &c->in[1], i, p->axis, !p->drop);
        if (from < 0) {
            set_zero(c->out, i);
        } else {
            copy_element(c->out, i, c->in, from);
        }
    }
}

void ref_scatter_along_axis(const ref_call *c)
{
    const scatter_along_axis_params *p = c->params;
    start_from(c->out, c->in);
    for (int64_t i = 0; i < c->in[1].size; i++) {
        int64_t to = locate_along(c->out, &c->in[2], i, p->axis, p->clamp);
        if (to >= 0) fold(c->out, to, &c->in[1], i, p->mode);
    }
}
