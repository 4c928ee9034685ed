/* SPDX-License-Identifier: MIT
 *
 * References of slices and of the views that are like them. */
#include "core/params/slice.h"
#include "ref.h"

void ref_slice(const ref_call *c);
void ref_slice_update(const ref_call *c);
void ref_diagonal(const ref_call *c);
void ref_as_strided(const ref_call *c);

static int64_t sliced(const slice_params *p, const ref_array *whole, const int64_t *index)
{
    int64_t at[MX_MAX_NDIM];
    for (int d = 0; d < whole->ndim; d++) at[d] = p->start.at[d] + index[d] * p->step.at[d];
    return index_ravel(whole, at);
}

void ref_slice(const ref_call *c)
{
    int64_t index[MX_MAX_NDIM];
    for (int64_t i = 0; i < c->out->size; i++) {
        index_unravel(c->out, i, index);
        copy_element(c->out, i, c->in, sliced(c->params, c->in, index));
    }
}

void ref_slice_update(const ref_call *c)
{
    int64_t index[MX_MAX_NDIM];
    for (int64_t i = 0; i < c->out->size; i++) copy_element(c->out, i, c->in, i);
    for (int64_t i = 0; i < c->in[1].size; i++) {
        index_unravel(&c->in[1], i, index);
        copy_element(c->out, sliced(c->params, c->out, index), &c->in[1], i);
    }
}

void ref_diagonal(const ref_call *c)
{
    const diagonal_params *p = c->params;
    int64_t index[MX_MAX_NDIM];
    for (int64_t i = 0; i < c->out->size; i++) {
        index_unravel(c->out, i, index);
        int last = c->in->ndim - 1;
        int64_t k = index[last - 1];
        index[last - 1] = k - (p->offset < 0 ? p->offset : 0);
        index[last] = k + (p->offset > 0 ? p->offset : 0);
        copy_element(c->out, i, c->in, index_ravel(c->in, index));
    }
}

void ref_as_strided(const ref_call *c)
{
    const as_strided_params *p = c->params;
    int64_t index[MX_MAX_NDIM];
    for (int64_t i = 0; i < c->out->size; i++) {
        int64_t from = p->offset;
        index_unravel(c->out, i, index);
        for (int d = 0; d < c->out->ndim; d++) from += index[d] * p->strides.at[d];
        copy_element(c->out, i, c->in, from);
    }
}
