/* SPDX-License-Identifier: MIT
 *
 * References of the ops that stand between a value and its readers, and of the functions that test them. */
#include "ref.h"

void ref_depends(const ref_call *c);
void ref_depends(const ref_call *c)
{
    const ref_array *from = c->in + c->nin - c->nout;
    for (int k = 0; k < c->nout; k++) {
        for (int64_t i = 0; i < c->out[k].size; i++) copy_element(&c->out[k], i, &from[k], i);
    }
}

void ref_custom(const ref_call *c);
void ref_custom(const ref_call *c)
{
    ref_depends(c);
}

/* sin(x) y, elementwise. */
void ref_sine_product(const ref_call *c);
void ref_sine_product(const ref_call *c)
{
    for (int64_t i = 0; i < c->out->size; i++) c->out->re[i] = sin(c->in[0].re[i]) * c->in[1].re[i];
}
