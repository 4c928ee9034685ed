/* SPDX-License-Identifier: MIT
 *
 * Reference of arange. */
#include "core/params/create.h"
#include "ref.h"

void ref_arange(const ref_call *c);

void ref_arange(const ref_call *c)
{
    const arange_params *p = c->params;
    for (int64_t i = 0; i < c->out->size; i++) {
        if (is_whole(c->out)) {
            c->out->whole[i] = (int64_t)((uint64_t)(int64_t)p->start + (uint64_t)i * (uint64_t)(int64_t)p->step);
        } else {
            c->out->re[i] = p->start + (double)i * p->step;
        }
    }
}
