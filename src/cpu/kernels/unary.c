/* SPDX-License-Identifier: MIT
 *
 * Kernels of unary elementwise ops. */
#include "cpu/kernels/math_f32.h"
#include "cpu/kernels/rows.h"
#include <math.h>

#define exp_f64(x) exp(x)

#define TEMPLATE "cpu/kernels/unary_real_tmpl.h"
#include "cpu/kernels/each_real.h"

ELEMENTWISE(exp, TILES_REAL(exp))
