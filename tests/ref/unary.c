/* SPDX-License-Identifier: MIT
 *
 * References of exact elementwise ops with one operand. */
#include "ref.h"

#define REF(name, on_real, on_complex, on_whole)                                                                       \
    void ref_##name(const ref_call *c);                                                                                \
    void ref_##name(const ref_call *c)                                                                                 \
    {                                                                                                                  \
        ref_each(c, (ref_unary){on_real, on_complex, on_whole});                                                       \
    }

static double complex size_of(double complex x)
{
    return cabs(x);
}
static int64_t abs_whole(int64_t x, bool is_unsigned)
{
    return is_unsigned || x > 0 ? x : (int64_t)(0 - (uint64_t)x);
}
static double neg(double x)
{
    return -x;
}
static double complex neg_complex(double complex x)
{
    return -x;
}
static int64_t neg_whole(int64_t x, bool is_unsigned)
{
    (void)is_unsigned;
    return (int64_t)(0 - (uint64_t)x);
}
static double sign(double x)
{
    return x > 0 ? 1 : x < 0 ? -1 : 0;
}
static double complex sign_complex(double complex x)
{
    return x == 0 ? 0 : x / cabs(x);
}
static int64_t sign_whole(int64_t x, bool is_unsigned)
{
    return x == 0 ? 0 : is_unsigned || x > 0 ? 1 : -1;
}
static double square(double x)
{
    return x * x;
}
static double complex square_complex(double complex x)
{
    return x * x;
}
static int64_t square_whole(int64_t x, bool is_unsigned)
{
    (void)is_unsigned;
    return (int64_t)((uint64_t)x * (uint64_t)x);
}
static double complex round_complex(double complex x)
{
    return complex_of(rint(creal(x)), rint(cimag(x)));
}
static double complex real_part(double complex x)
{
    return creal(x);
}
static double complex imag_part(double complex x)
{
    return cimag(x);
}

REF(abs, fabs, size_of, abs_whole)
REF(neg, neg, neg_complex, neg_whole)
REF(sign, sign, sign_complex, sign_whole)
REF(square, square, square_complex, square_whole)
REF(floor, floor, NULL, NULL)
REF(ceil, ceil, NULL, NULL)
REF(round, rint, round_complex, NULL)
REF(real, NULL, real_part, NULL)
REF(imag, NULL, imag_part, NULL)
REF(conjugate, NULL, conj, NULL)

void ref_bitwise_invert(const ref_call *c);
void ref_bitwise_invert(const ref_call *c)
{
    for (int64_t i = 0; i < c->out->size; i++)
        c->out->whole[i] = c->out->dtype == MX_BOOL ? !c->in->whole[i] : ~c->in->whole[i];
}

void ref_stop_gradient(const ref_call *c);
void ref_stop_gradient(const ref_call *c)
{
    for (int64_t i = 0; i < c->out->size; i++) copy_element(c->out, i, c->in, i);
}
