/* SPDX-License-Identifier: MIT
 *
 * The Hadamard matrices whose order is no power of 2.  Order 12 is Paley's second construction over GF(5) (R. Paley, 1933),
 * 20 and 28 are Williamson arrays of symmetric circulants (J. Williamson, 1944).  All three are MLX's, sign for sign. */
#ifndef CORE_HADAMARD_H
#define CORE_HADAMARD_H

#include "core/compiler.h"
#include <stdint.h>

/* Row i, column j of [1 -1; -1 -1] for each 0 and c [1 1; 1 -1] for each c of the conference matrix [0 1'; 1 Q], where
 * Q(a, b) says whether a - b is a square modulo 5. */
ALWAYS_INLINE int hadamard_paley_12(int i, int j)
{
    static const int square[5] = {0, 1, -1, -1, 1};
    int a = i / 2, b = j / 2, odd = i % 2 + j % 2;
    if (a == b) return odd == 0 ? 1 : -1;
    return (a && b ? square[(a - b + 5) % 5] : 1) * (odd == 2 ? -1 : 1);
}

/* Row i, column j of [A B C D; -B A -D C; -C D A -B; -D -C B A]; a bit of `first` is a -1 in the first row of one of
 * the circulants A, B, C, D. */
ALWAYS_INLINE int hadamard_williamson(int order, int i, int j)
{
    static const uint8_t first_20[4] = {0x1e, 0x1e, 0x0c, 0x12}, first_28[4] = {0x7e, 0x3c, 0x5a, 0x66};
    static const int sign[4][4] = {{1, 1, 1, 1}, {-1, 1, -1, 1}, {-1, 1, 1, -1}, {-1, -1, 1, 1}};
    int size = order / 4, a = i / size, b = j / size;
    int bits = (order == 20 ? first_20 : first_28)[a ^ b];
    return bits >> (j - i + order) % size & 1 ? -sign[a][b] : sign[a][b];
}

/* Row i, column j of the matrix of order 12, 20 or 28. */
ALWAYS_INLINE int hadamard_sign(int order, int i, int j)
{
    return order == 12 ? hadamard_paley_12(i, j) : hadamard_williamson(order, i, j);
}

#endif
