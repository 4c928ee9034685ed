/* SPDX-License-Identifier: MIT
 *
 * References of elementwise ops with one operand. */
#include "ref.h"

void ref_exp(const ref_call *c);

void ref_exp(const ref_call *c)
{
    ref_each(c, (ref_unary){exp, cexp, NULL});
}
