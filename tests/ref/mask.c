/* SPDX-License-Identifier: MIT
 *
 * Reference of masked assignment. */
#include "ref.h"

void ref_masked_set(const ref_call *c);

void ref_masked_set(const ref_call *c)
{
    int64_t n = c->in->shape[1], next = 0;
    for (int64_t i = 0; i < c->out->size; i++) {
        if (i % n == 0) next = i / n * c->in[2].shape[1];
        if (c->in[1].whole[i]) {
            copy_element(c->out, i, &c->in[2], next++);
        } else {
            copy_element(c->out, i, c->in, i);
        }
    }
}
