/* SPDX-License-Identifier: MIT
 *
 * Positions in rows of integers. */
#define ACC T
#define LOAD(x) (x)
#define STORE(x) (x)
#define IS_NAN(x) false
#include "cpu/kernels/search_tmpl.h"
#undef IS_NAN
