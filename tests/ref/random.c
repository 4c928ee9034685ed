/* SPDX-License-Identifier: MIT
 *
 * Threefry-2x32 as in the paper's listing, and the functions that distributions are made of. */
#include "core/params/random.h"
#include "ref.h"

static void hash(const uint32_t key[2], uint32_t x[2])
{
    static const int turns[8] = {13, 15, 26, 6, 17, 29, 16, 24};
    uint32_t ks[3] = {key[0], key[1], 0x1bd11bda ^ key[0] ^ key[1]};
    x[0] += ks[0];
    x[1] += ks[1];
    for (int round = 0; round < 20; round++) {
        int turn = turns[round % 8];
        x[0] += x[1];
        x[1] = (x[1] << turn | x[1] >> (32 - turn)) ^ x[0];
        if (round % 4 != 3) continue;
        int n = round / 4 + 1;
        x[0] += ks[n % 3];
        x[1] += ks[(n + 1) % 3] + (uint32_t)n;
    }
}

static uint32_t word(const uint32_t key[2], int64_t i, int64_t count)
{
    int64_t half = count / 2, odd = count % 2;
    bool second = i >= half + odd;
    uint32_t x[2] = {(uint32_t)(second ? i - half - odd : i), 0};
    if (!odd || i != half) x[1] = (uint32_t)(x[0] + half + odd);
    hash(key, x);
    return x[second];
}

void ref_random_bits(const ref_call *c)
{
    const random_bits_params *p = c->params;
    int64_t keys = c->in[0].size / 2, n = keys ? c->out[0].size / keys : 0, words = (n * p->width + 3) / 4;
    for (int64_t k = 0; k < keys; k++) {
        uint32_t key[2] = {(uint32_t)c->in[0].whole[2 * k], (uint32_t)c->in[0].whole[2 * k + 1]};
        for (int64_t i = 0; i < n; i++) {
            int64_t first_byte = i * p->width;
            uint64_t w = word(key, first_byte / 4, words) >> (8 * (first_byte % 4));
            c->out[0].whole[k * n + i] = (int64_t)(p->width == 4 ? w : w & ((1u << 8 * p->width) - 1));
        }
    }
}

/* By bisection: erf grows. */
static double erf_inverse(double y)
{
    double low = -6, high = 6;
    for (int i = 0; i < 100; i++) {
        double x = (low + high) / 2;
        if (erf(x) < y) {
            low = x;
        } else {
            high = x;
        }
    }
    return high;
}

void ref_random_erfinv(const ref_call *c)
{
    ref_each(c, (ref_unary){.on_real = erf_inverse});
}
void ref_random_erf(const ref_call *c)
{
    ref_each(c, (ref_unary){.on_real = erf});
}
void ref_random_exp(const ref_call *c)
{
    ref_each(c, (ref_unary){.on_real = exp});
}
void ref_random_log(const ref_call *c)
{
    ref_each(c, (ref_unary){.on_real = log});
}
void ref_random_log1p(const ref_call *c)
{
    ref_each(c, (ref_unary){.on_real = log1p});
}
