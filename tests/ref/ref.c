/* SPDX-License-Identifier: MIT
 *
 * What many references need: walking multi-indices. */
#include "ref.h"
#include <string.h>

void index_unravel(const ref_array *a, int64_t i, int64_t index[MX_MAX_NDIM])
{
    for (int d = a->ndim - 1; d >= 0; d--) {
        index[d] = i % a->shape[d];
        i /= a->shape[d];
    }
}

int64_t index_ravel(const ref_array *a, const int64_t *index)
{
    int64_t i = 0;
    for (int d = 0; d < a->ndim; d++) i = i * a->shape[d] + index[d];
    return i;
}

int64_t index_broadcast(const ref_array *out, int64_t i, const ref_array *a)
{
    int64_t index[MX_MAX_NDIM], from = 0;
    index_unravel(out, i, index);
    for (int d = 0; d < a->ndim; d++) {
        int64_t at = index[d + out->ndim - a->ndim];
        from = from * a->shape[d] + (a->shape[d] == 1 ? 0 : at);
    }
    return from;
}

void copy_element(ref_array *out, int64_t to, const ref_array *a, int64_t from)
{
    out->re[to] = a->re[from];
    out->im[to] = a->im[from];
    out->whole[to] = a->whole[from];
}

static void put_real(ref_array *out, int64_t i, double x)
{
    out->re[i] = x;
    if (is_whole(out)) out->whole[i] = (int64_t)x;
}

static void put_whole(ref_array *out, int64_t i, int64_t x)
{
    out->re[i] = (double)x;
    out->whole[i] = x;
}

static void put_complex(ref_array *out, int64_t i, double complex x)
{
    put_real(out, i, creal(x));
    out->im[i] = cimag(x);
}

/* A complex number is laid out as two doubles (C11 6.2.5). */
double complex complex_of(double re, double im)
{
    double parts[2] = {re, im};
    double complex z;
    memcpy(&z, parts, sizeof z);
    return z;
}

static double complex number_at(const ref_array *a, int64_t i)
{
    return complex_of(a->re[i], a->im[i]);
}

void ref_each(const ref_call *c, ref_unary f)
{
    const ref_array *x = c->in;
    for (int64_t i = 0; i < c->out->size; i++) {
        if (is_whole(x)) {
            put_whole(c->out, i, f.on_whole(x->whole[i], is_unsigned(x)));
        } else if (x->dtype == MX_COMPLEX64) {
            put_complex(c->out, i, f.on_complex(number_at(x, i)));
        } else {
            put_real(c->out, i, f.on_real(x->re[i]));
        }
    }
}

void ref_each_pair(const ref_call *c, ref_binary f)
{
    const ref_array *a = &c->in[0], *b = &c->in[1];
    for (int64_t i = 0; i < c->out->size; i++) {
        int64_t j = index_broadcast(c->out, i, a), k = index_broadcast(c->out, i, b);
        if (is_whole(a)) {
            put_whole(c->out, i, f.on_whole(a->whole[j], b->whole[k], is_unsigned(a)));
        } else if (a->dtype == MX_COMPLEX64) {
            put_complex(c->out, i, f.on_complex(number_at(a, j), number_at(b, k)));
        } else {
            put_real(c->out, i, f.on_real(a->re[j], b->re[k]));
        }
    }
}
