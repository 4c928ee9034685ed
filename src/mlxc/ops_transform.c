/* SPDX-License-Identifier: MIT
 *
 * The Hadamard transform; 8-bit floats, composed. */
#include "mlxc/mlxc.h"

#include <math.h>

int mlx_hadamard_transform(mlx_array *res, const mlx_array a, mlx_optional_float scale, const mlx_stream s)
{
    double value = scale.value;
    RETURN(res, s, mx_hadamard_transform(ARRAY(a), scale.has_value ? &value : NULL));
}

/* ---- e4m3: sign, 4 bits of exponent (bias 7), 3 of mantissa; no infinities, saturating at 448 ---- */

static bool is_real(const char *name, mx_dtype dtype)
{
    return mx_dtype_is(dtype, MX_FLOATING) ||
           mx_fail_false(MX_VALUE, "[%s] %s is not a real floating dtype.", name, mx_dtype_name(dtype));
}

static mx_array *from_fp8(mx_array *x, mx_dtype dtype)
{
    if (!x || !is_real("from_fp8", dtype)) return NULL;
    if (mx_dtype_of(x) != MX_UINT8)
        return mx_fail(MX_VALUE, "[from_fp8] the input is %s and must be uint8.", mx_dtype_name(mx_dtype_of(x)));
    float values[256];
    for (int code = 0; code < 256; code++) {
        int exponent = code >> 3 & 15, mantissa = code & 7;
        float size = exponent ? ldexpf((float)(8 + mantissa), exponent - 10) : ldexpf((float)mantissa, -9);
        values[code] = code & 128 ? -size : size;
    }
    return mx_astype(mx_take(mx_from_data(values, MX_SHAPE(256), MX_FLOAT32), x, 0), dtype);
}

/* The exponent e of |x| is read from its float32 bits, so that a step between neighbours is exactly 2^(e-3); the value
 * in steps, rounded half to even, added to 8 (e + 6) is the code: a carry into the next exponent comes out right. */
static mx_array *to_fp8(mx_array *x)
{
    if (!x || !is_real("to_fp8", mx_dtype_of(x))) return NULL;
    mx_array *f = mx_astype(x, MX_FLOAT32);
    mx_array *bits = mx_view(f, MX_UINT32);
    mx_array *largest = mx_float(448), *magnitude = mx_abs(f);
    magnitude = mx_where(mx_less(magnitude, largest), magnitude, largest); /* NaN saturates too */
    mx_array *exponent = mx_right_shift(mx_view(magnitude, MX_UINT32), mx_scalar_int(23, MX_UINT32));
    exponent = mx_maximum(exponent, mx_scalar_int(127 - 6, MX_UINT32));
    /* 2^(3 - e), whose exponent field is 127 + 3 - e = 257 - (127 + e) */
    mx_array *field = mx_sub(mx_scalar_int(257, MX_UINT32), exponent);
    mx_array *scale = mx_view(mx_left_shift(field, mx_scalar_int(23, MX_UINT32)), MX_FLOAT32);
    mx_array *steps = mx_astype(mx_round(mx_mul(magnitude, scale)), MX_UINT32);
    mx_array *base = mx_mul(mx_sub(exponent, mx_scalar_int(127 - 6, MX_UINT32)), mx_scalar_int(8, MX_UINT32));
    mx_array *sign = mx_left_shift(mx_right_shift(bits, mx_scalar_int(31, MX_UINT32)), mx_scalar_int(7, MX_UINT32));
    return mx_astype(mx_bitwise_or(mx_add(base, steps), sign), MX_UINT8);
}

int mlx_from_fp8(mlx_array *res, const mlx_array x, mlx_dtype dtype, const mlx_stream s)
{
    RETURN(res, s, from_fp8(ARRAY(x), DTYPE(dtype)));
}

int mlx_to_fp8(mlx_array *res, const mlx_array x, const mlx_stream s)
{
    RETURN(res, s, to_fp8(ARRAY(x)));
}
