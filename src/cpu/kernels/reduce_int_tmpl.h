/* SPDX-License-Identifier: MIT
 *
 * Reductions of integers: they wrap, so sums and products are formed as unsigned and cut back. */
#define INT_MIN_OF ((T)((T) ~(T)0 < 1 ? (uint64_t)1 << (8 * sizeof(T) - 1) : 0))
#define ACC T
#define LOAD(x) (x)
#define STORE(x) (x)
#define HIGHEST ((T)~INT_MIN_OF)
#define LOWEST INT_MIN_OF
#include "cpu/kernels/reduce_tmpl.h"
#undef INT_MIN_OF
#undef HIGHEST
#undef LOWEST
