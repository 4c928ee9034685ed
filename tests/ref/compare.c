/* SPDX-License-Identifier: MIT
 *
 * References of comparisons, bits and shifts. */
#include "ref.h"

/* -1, 0, 1, or 2 where there is no order: complex numbers by their parts. */
static int order(const ref_array *a, int64_t i, const ref_array *b, int64_t j)
{
    if (is_whole(a)) {
        int64_t x = a->whole[i], y = b->whole[j];
        bool less = is_unsigned(a) ? (uint64_t)x < (uint64_t)y : x < y;
        return x == y ? 0 : less ? -1 : 1;
    }
    double x = a->re[i], y = b->re[j];
    if (x == y && a->dtype == MX_COMPLEX64) {
        x = a->im[i];
        y = b->im[j];
    } else if (x == y) {
        return 0;
    }
    return x == y ? 0 : x < y ? -1 : x > y ? 1 : 2;
}

#define REF(name, expression)                                                                                          \
    void ref_##name(const ref_call *c);                                                                                \
    void ref_##name(const ref_call *c)                                                                                 \
    {                                                                                                                  \
        const ref_array *a = &c->in[0], *b = &c->in[1];                                                                \
        for (int64_t i = 0; i < c->out->size; i++) {                                                                   \
            int o = order(a, index_broadcast(c->out, i, a), b, index_broadcast(c->out, i, b));                         \
            c->out->whole[i] = expression;                                                                             \
        }                                                                                                              \
    }
REF(equal, o == 0)
REF(not_equal, o != 0)
REF(less, o == -1)
REF(less_equal, o == -1 || o == 0)

#define BITS(name, expression)                                                                                         \
    void ref_##name(const ref_call *c);                                                                                \
    void ref_##name(const ref_call *c)                                                                                 \
    {                                                                                                                  \
        const ref_array *a = &c->in[0], *b = &c->in[1];                                                                \
        int bits = 8 * (int)mx_dtype_size(c->out->dtype);                                                              \
        (void)bits;                                                                                                    \
        for (int64_t i = 0; i < c->out->size; i++) {                                                                   \
            int64_t x = a->whole[index_broadcast(c->out, i, a)], y = b->whole[index_broadcast(c->out, i, b)];          \
            c->out->whole[i] = expression;                                                                             \
        }                                                                                                              \
    }
BITS(bitwise_and, x &y)
BITS(bitwise_or, x | y)
BITS(bitwise_xor, x ^ y)
BITS(left_shift, y < 0 || y >= bits ? 0 : (int64_t)((uint64_t)x << y))
BITS(right_shift, y >= 0 && y < bits         ? is_unsigned(a) ? (int64_t)((uint64_t)x >> y) : x >> y
                  : is_unsigned(a) || x >= 0 ? 0
                                             : -1)
