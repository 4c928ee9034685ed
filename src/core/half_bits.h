/* SPDX-License-Identifier: MIT
 *
 * float16 and bfloat16 as bit patterns: scalar conversions in integer arithmetic.
 *
 * Narrowing rounds once, to nearest even, with gradual underflow and overflow to infinity; a NaN stays a quiet NaN with
 * its sign and the leading bits of its payload, as the F16C instructions give it.  The loops of the kernels are in
 * cpu/kernels/half.h. */
#ifndef CORE_HALF_BITS_H
#define CORE_HALF_BITS_H

#include <stdint.h>
#include <string.h>

#include "core/compiler.h"

ALWAYS_INLINE float f16_to_f32(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16, exponent = half >> 10 & 31, fraction = half & 1023u, bits;
    if (exponent == 31) {
        bits = 0x7f800000u | fraction << 13 | (fraction ? 0x400000u : 0);
    } else if (exponent) {
        bits = (exponent + 112) << 23 | fraction << 13;
    } else if (fraction) {
        /* Subnormal: fraction * 2^-24; shift the leading one to the place of the hidden bit. */
        int shift = 0;
        while (!(fraction & 1024u)) {
            fraction <<= 1;
            shift++;
        }
        bits = (uint32_t)(113 - shift) << 23 | (fraction & 1023u) << 13;
    } else {
        bits = 0;
    }
    bits |= sign;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* significand * 2^-drop rounded to nearest even; 0 < drop < 64 */
ALWAYS_INLINE uint64_t half_shift_round(uint64_t significand, int drop)
{
    uint64_t low = significand & ((UINT64_C(1) << drop) - 1), tie = UINT64_C(1) << (drop - 1),
             kept = significand >> drop;
    return kept + (low > tie || (low == tie && (kept & 1)));
}

/* Narrows a binary float, given as bits, to one of 16 bits with fewer exponent bits. */
ALWAYS_INLINE uint16_t half_narrow(uint64_t bits, int from_exponent, int from_fraction, int to_exponent,
                                   int to_fraction)
{
    uint64_t sign = bits >> (from_exponent + from_fraction) & 1, hidden = UINT64_C(1) << from_fraction;
    int top = (1 << from_exponent) - 1, exponent = (int)(bits >> from_fraction & (uint64_t)top);
    uint64_t fraction = bits & (hidden - 1), out,
             infinity = (UINT64_C(1) << (to_exponent + to_fraction)) - (UINT64_C(1) << to_fraction);
    int drop = from_fraction - to_fraction;
    int place = exponent - (1 << (from_exponent - 1)) + (1 << (to_exponent - 1)); /* the exponent field in the target */
    if (exponent == top) {
        out = infinity | fraction >> drop | (fraction ? UINT64_C(1) << (to_fraction - 1) : 0);
    } else if (place > 0) {
        /* A carry out of the fraction runs into the exponent, up to infinity, as it should. */
        out = place >= (1 << to_exponent) - 1 ? infinity
                                              : half_shift_round((uint64_t)place << from_fraction | fraction, drop);
    } else {
        int shift = drop + 1 - place;
        out = exponent == 0 || shift > from_fraction + 2 ? 0 : half_shift_round(hidden | fraction, shift);
    }
    return (uint16_t)(sign << 15 | out);
}

ALWAYS_INLINE uint16_t f32_to_f16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return half_narrow(bits, 8, 23, 5, 10);
}

ALWAYS_INLINE uint16_t f64_to_f16(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return half_narrow(bits, 11, 52, 5, 10);
}

ALWAYS_INLINE uint16_t f64_to_bf16(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return half_narrow(bits, 11, 52, 8, 7);
}

ALWAYS_INLINE float bf16_to_f32(uint16_t half)
{
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

ALWAYS_INLINE uint16_t f32_to_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t nan = bits >> 16 | 0x40u, rounded = (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

#endif
