/* SPDX-License-Identifier: MIT
 *
 * Scans of integers, which have no logarithms: mx_logcumsumexp makes floats of them first. */
#define INT_MIN_OF ((T)((T) ~(T)0 < 1 ? (uint64_t)1 << (8 * sizeof(T) - 1) : 0))
#define ACC T
#define LOAD(x) (x)
#define STORE(x) (x)
#define HIGHEST ((T)~INT_MIN_OF)
#define LOWEST INT_MIN_OF
#define LOGADDEXP(a, v) ((a) + (v))
#define IS_NAN(x) false
#include "cpu/kernels/scan_tmpl.h"
#undef INT_MIN_OF
#undef HIGHEST
#undef LOWEST
#undef LOGADDEXP
#undef IS_NAN
