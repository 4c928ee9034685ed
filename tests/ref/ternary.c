/* SPDX-License-Identifier: MIT
 *
 * References of elementwise ops with three operands. */
#include "ref.h"

void ref_where(const ref_call *c);
void ref_where(const ref_call *c)
{
    const ref_array *condition = &c->in[0];
    for (int64_t i = 0; i < c->out->size; i++) {
        const ref_array *from = condition->whole[index_broadcast(c->out, i, condition)] ? &c->in[1] : &c->in[2];
        copy_element(c->out, i, from, index_broadcast(c->out, i, from));
    }
}
