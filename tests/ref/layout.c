/* SPDX-License-Identifier: MIT
 *
 * References of the ops that lay the same elements out anew. */
#include "core/params/layout.h"
#include "ref.h"

void ref_alias(const ref_call *c);
void ref_contiguous(const ref_call *c);
void ref_reshape(const ref_call *c);
void ref_transpose(const ref_call *c);
void ref_expand_dims(const ref_call *c);
void ref_squeeze(const ref_call *c);
void ref_broadcast(const ref_call *c);

/* Row-major order is kept, whatever the shape. */
static void copy_all(const ref_call *c)
{
    for (int64_t i = 0; i < c->out->size; i++) copy_element(c->out, i, c->in, i);
}

void ref_alias(const ref_call *c)
{
    copy_all(c);
}
void ref_contiguous(const ref_call *c)
{
    copy_all(c);
}
void ref_reshape(const ref_call *c)
{
    copy_all(c);
}

void ref_expand_dims(const ref_call *c)
{
    copy_all(c);
}
void ref_squeeze(const ref_call *c)
{
    copy_all(c);
}

void ref_transpose(const ref_call *c)
{
    const transpose_params *p = c->params;
    int64_t to[MX_MAX_NDIM], from[MX_MAX_NDIM];
    for (int64_t i = 0; i < c->out->size; i++) {
        index_unravel(c->out, i, to);
        for (int d = 0; d < c->out->ndim; d++) from[p->order.at[d]] = to[d];
        copy_element(c->out, i, c->in, index_ravel(c->in, from));
    }
}

void ref_broadcast(const ref_call *c)
{
    for (int64_t i = 0; i < c->out->size; i++) copy_element(c->out, i, c->in, index_broadcast(c->out, i, c->in));
}
