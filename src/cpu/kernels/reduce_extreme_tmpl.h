/* SPDX-License-Identifier: MIT
 *
 * Minimum and maximum of floats start from the infinities. */
#define HIGHEST ((ACC)INFINITY)
#define LOWEST (-(ACC)INFINITY)
#include "cpu/kernels/reduce_tmpl.h"
#undef HIGHEST
#undef LOWEST
