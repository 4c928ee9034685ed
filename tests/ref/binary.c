/* SPDX-License-Identifier: MIT
 *
 * References of elementwise ops with two operands. */
#include "ref.h"

void ref_add(const ref_call *c);

static double add(double a, double b)
{
    return a + b;
}
static double complex add_complex(double complex a, double complex b)
{
    return a + b;
}
/* Integers wrap; bools are summed as "or", which is what a sum cut to "is it 0" says. */
static int64_t add_whole(int64_t a, int64_t b, bool is_unsigned)
{
    (void)is_unsigned;
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

void ref_add(const ref_call *c)
{
    ref_each_pair(c, (ref_binary){add, add_complex, add_whole});
}
