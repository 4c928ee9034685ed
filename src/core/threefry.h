/* SPDX-License-Identifier: MIT
 *
 * Threefry-2x32 with 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011): a keyed hash of a
 * two-word counter.  The kernel of random_bits and the thread's state share it. */
#ifndef CORE_THREEFRY_H
#define CORE_THREEFRY_H

#include "core/compiler.h"
#include <stdint.h>

ALWAYS_INLINE uint32_t threefry_turn(uint32_t x, int bits)
{
    return x << bits | x >> (32 - bits);
}

/* Four rounds, then the next two key words and the number of the group. */
#define THREEFRY_GROUP(r0, r1, r2, r3, ka, kb, n)                                                                      \
    x += y, y = threefry_turn(y, r0) ^ x;                                                                              \
    x += y, y = threefry_turn(y, r1) ^ x;                                                                              \
    x += y, y = threefry_turn(y, r2) ^ x;                                                                              \
    x += y, y = threefry_turn(y, r3) ^ x;                                                                              \
    x += (ka), y += (kb) + (n)

/* Hashes the counter (*a, *b) in place. */
ALWAYS_INLINE void threefry(uint32_t k0, uint32_t k1, uint32_t *a, uint32_t *b)
{
    uint32_t k2 = k0 ^ k1 ^ 0x1bd11bdau, x = *a + k0, y = *b + k1;
    THREEFRY_GROUP(13, 15, 26, 6, k1, k2, 1u);
    THREEFRY_GROUP(17, 29, 16, 24, k2, k0, 2u);
    THREEFRY_GROUP(13, 15, 26, 6, k0, k1, 3u);
    THREEFRY_GROUP(17, 29, 16, 24, k1, k2, 4u);
    THREEFRY_GROUP(13, 15, 26, 6, k2, k0, 5u);
    *a = x;
    *b = y;
}

#endif
