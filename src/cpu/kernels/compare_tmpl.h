/* SPDX-License-Identifier: MIT
 *
 * Comparison rows over any type. */
#include "cpu/kernels/map_tmpl.h"

COMPARE(equal, EQUAL(x, y))
COMPARE(not_equal, !EQUAL(x, y))
COMPARE(less, LESS(x, y))
COMPARE(less_equal, LESS_EQUAL(x, y))
