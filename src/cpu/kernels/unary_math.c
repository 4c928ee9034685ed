/* SPDX-License-Identifier: MIT
 *
 * Kernels of roots, exponentials, logarithms, trigonometric and hyperbolic functions: rows over the functions of
 * math_f32.h, math_f64.h and math_c64.h. */
#include "cpu/kernels/math_c64.h"
#include "cpu/kernels/math_f32.h"
#include "cpu/kernels/math_f64.h"
#include "cpu/kernels/rows.h"

#define reciprocal_f32(x) (1.0f / (x))
#define reciprocal_f64(x) (1.0 / (x))
#define TEMPLATE "cpu/kernels/unary_inexact_tmpl.h"
#include "cpu/kernels/each_inexact.h"

#define TEMPLATE "cpu/kernels/unary_real_tmpl.h"
#include "cpu/kernels/each_real.h"

#define T double
#define NAME(name) name##_f64
#define MATH(name) name##_f64
#include "cpu/kernels/unary_trig_tmpl.h"
#include "cpu/kernels/each_end.h"
#define T c64_t
#define NAME(name) name##_c64
#define MATH(name) name##_c64
#include "cpu/kernels/unary_trig_tmpl.h"
#include "cpu/kernels/each_end.h"

/* sin, cos and tan of float32 look at a tile first: huge arguments are rare and need a slow reduction. */
static void sin_body(void *out, const void *const *in, int64_t n)
{
    sin_tile_f32(out, in[0], n);
}
static void cos_body(void *out, const void *const *in, int64_t n)
{
    cos_tile_f32(out, in[0], n);
}
static void tan_body(void *out, const void *const *in, int64_t n)
{
    tan_tile_f32(out, in[0], n);
}

#define TILES_INEXACT(name) TILES_REAL(name), TILES_COMPLEX(name)
CHAINED(sqrt, TILES_INEXACT(sqrt))
CHAINED(rsqrt, TILES_INEXACT(rsqrt))
CHAINED(reciprocal, TILES_INEXACT(reciprocal))
ELEMENTWISE(exp, TILES_INEXACT(exp))
ELEMENTWISE(log, TILES_INEXACT(log))
ELEMENTWISE(log2, TILES_INEXACT(log2))
ELEMENTWISE(log10, TILES_INEXACT(log10))
ELEMENTWISE(log1p, TILES_INEXACT(log1p))
ELEMENTWISE(sinh, TILES_INEXACT(sinh))
ELEMENTWISE(cosh, TILES_INEXACT(cosh))
ELEMENTWISE(tanh, TILES_INEXACT(tanh))
ELEMENTWISE(arcsin, TILES_INEXACT(arcsin))
ELEMENTWISE(arccos, TILES_INEXACT(arccos))
ELEMENTWISE(arctan, TILES_INEXACT(arctan))
ELEMENTWISE(arcsinh, TILES_INEXACT(arcsinh))
ELEMENTWISE(arccosh, TILES_INEXACT(arccosh))
ELEMENTWISE(arctanh, TILES_INEXACT(arctanh))
ELEMENTWISE(expm1, TILES_REAL(expm1))
ELEMENTWISE(erf, TILES_REAL(erf))
ELEMENTWISE(erfinv, TILES_REAL(erfinv))
ELEMENTWISE(sigmoid, TILES_REAL(sigmoid))
ELEMENTWISE(sin, [MX_FLOAT32] = sin_body, [MX_FLOAT64] = sin_tile_f64, TILES_COMPLEX(sin))
ELEMENTWISE(cos, [MX_FLOAT32] = cos_body, [MX_FLOAT64] = cos_tile_f64, TILES_COMPLEX(cos))
ELEMENTWISE(tan, [MX_FLOAT32] = tan_body, [MX_FLOAT64] = tan_tile_f64, TILES_COMPLEX(tan))
