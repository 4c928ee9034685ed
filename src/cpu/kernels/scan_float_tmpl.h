/* SPDX-License-Identifier: MIT
 *
 * Scans of floats: extremes start from the infinities. */
#define HIGHEST ((ACC)INFINITY)
#define LOWEST (-(ACC)INFINITY)
#define LOGADDEXP(a, v) MATH(logaddexp)(a, v)
#define IS_NAN(x) ((x) != (x))
#include "cpu/kernels/scan_tmpl.h"
#undef HIGHEST
#undef LOWEST
#undef LOGADDEXP
#undef IS_NAN
