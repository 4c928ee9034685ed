/* SPDX-License-Identifier: MIT
 *
 * Kernels of unary elementwise ops that are exact: signs, squares, rounding, bits, parts of complex numbers. */
#include "cpu/kernels/math_c64.h"
#include "cpu/kernels/math_f32.h"
#include "cpu/kernels/math_f64.h"
#include "cpu/kernels/rows.h"

#define TEMPLATE "cpu/kernels/unary_sign_real_tmpl.h"
#include "cpu/kernels/each_real.h"
#define TEMPLATE "cpu/kernels/unary_int_tmpl.h"
#include "cpu/kernels/each_int.h"

#define T c64_t
#define NAME(name) name##_c64
#include "cpu/kernels/map_tmpl.h"
UNARY(neg, neg_c64(x))
UNARY(sign, sign_c64(x))
UNARY(square, square_c64(x))
UNARY(round, rint_c64(x))
UNARY(conjugate, conj_c64(x))
#include "cpu/kernels/each_end.h"

static void not_tile_bool(void *out, const void *const *in, int64_t n)
{
    bool *y = out;
    const bool *x = in[0];
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] = !x[i];
}

/* ---- From complex64 to float32 */
static void abs_tile_c64(void *out, const void *const *in, int64_t n)
{
    float *y = out;
    const c64_t *x = in[0];
    for (int64_t i = 0; i < n; i++) y[i] = abs_c64(x[i]);
}
static void real_tile_c64(void *out, const void *const *in, int64_t n)
{
    float *y = out;
    const c64_t *x = in[0];
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] = x[i].re;
}
static void imag_tile_c64(void *out, const void *const *in, int64_t n)
{
    float *y = out;
    const c64_t *x = in[0];
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] = x[i].im;
}

CHAINED(abs, TILES_REAL(abs), TILES_INT(abs), TILES_COMPLEX(abs))
CHAINED(neg, TILES_REAL(neg), TILES_INT(neg), TILES_COMPLEX(neg))
ELEMENTWISE(sign, TILES_REAL(sign), TILES_INT(sign), TILES_COMPLEX(sign))
CHAINED(square, TILES_REAL(square), TILES_INT(square), TILES_COMPLEX(square))
ELEMENTWISE(floor, TILES_REAL(floor))
ELEMENTWISE(ceil, TILES_REAL(ceil))
ELEMENTWISE(round, TILES_REAL(round), TILES_COMPLEX(round))
ELEMENTWISE(bitwise_invert, TILES_INT(invert), [MX_BOOL] = not_tile_bool)
ELEMENTWISE(real, TILES_COMPLEX(real))
ELEMENTWISE(imag, TILES_COMPLEX(imag))
ELEMENTWISE(conjugate, TILES_COMPLEX(conjugate))
