/* SPDX-License-Identifier: MIT
 *
 * Reference of concatenate. */
#include "core/params/join.h"
#include "ref.h"

void ref_concatenate(const ref_call *c);

void ref_concatenate(const ref_call *c)
{
    const concatenate_params *p = c->params;
    int64_t index[MX_MAX_NDIM], before = 0;
    for (int k = 0; k < c->nin; k++) {
        for (int64_t i = 0; i < c->in[k].size; i++) {
            index_unravel(&c->in[k], i, index);
            index[p->axis] += before;
            copy_element(c->out, index_ravel(c->out, index), &c->in[k], i);
        }
        before += c->in[k].shape[p->axis];
    }
}
