/* SPDX-License-Identifier: MIT
 *
 * References of elementwise ops with two operands. */
#include "ref.h"

void ref_add(const ref_call *c);
void ref_mul(const ref_call *c);

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

static double mul(double a, double b)
{
    return a * b;
}
/* The textbook product: C's own repairs infinities. */
static double complex mul_complex(double complex a, double complex b)
{
    return complex_of(creal(a) * creal(b) - cimag(a) * cimag(b), creal(a) * cimag(b) + cimag(a) * creal(b));
}
static int64_t mul_whole(int64_t a, int64_t b, bool is_unsigned)
{
    (void)is_unsigned;
    return (int64_t)((uint64_t)a * (uint64_t)b);
}

void ref_mul(const ref_call *c)
{
    ref_each_pair(c, (ref_binary){mul, mul_complex, mul_whole});
}
