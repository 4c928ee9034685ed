/* SPDX-License-Identifier: MIT
 *
 * complex64 as stored: two floats, the layout of float _Complex.  The arithmetic is in cpu/kernels/math_c64.h. */
#ifndef CORE_COMPLEX_H
#define CORE_COMPLEX_H

typedef struct {
    float re, im;
} c64_t;

_Static_assert(sizeof(c64_t) == 2 * sizeof(float), "complex64 is two floats");

#endif
