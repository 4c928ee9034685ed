/* SPDX-License-Identifier: MIT
 *
 * The Hadamard transform and 8-bit floats, composed.
 *
 * A transform of m * 2^k points is a product with a matrix of order m, then k butterflies.  The matrices of order 12,
 * 20 and 28 are the field's usual ones (N. J. A. Sloane's library of Hadamard matrices), a bit for each -1. */
#include "mlxc/mlxc.h"

#include <math.h>

static const uint32_t rows_12[] = {0x0000002, 0x0000aab, 0x00003c8, 0x000096e, 0x0000f20, 0x00005ba,
                                   0x0000c8c, 0x00006e6, 0x000023c, 0x0000b96, 0x00008f0, 0x0000e5a};
static const uint32_t rows_20[] = {0x006cc3e, 0x00d1c5d, 0x00ab89b, 0x005f117, 0x00b660f, 0x009cbde, 0x00397bd,
                                   0x0072b7b, 0x00e52f7, 0x00ca5ef, 0x00f79ac, 0x00ef758, 0x00deeb1, 0x00bdd63,
                                   0x007bec6, 0x00f0592, 0x00e8b05, 0x00d922a, 0x00ba074, 0x007c0c9};
static const uint32_t rows_28[] = {0x32961fe, 0x65283fd, 0xc85477b, 0x92a8e77, 0x2751c6f, 0x4ca785f, 0x994b0bf,
                                   0x4b9bf3c, 0x9537ef8, 0x2a6fdf1, 0x54dbbe3, 0xa9b37c7, 0x5366f8f, 0xa4cdf9e,
                                   0x79f8cda, 0xf1f5935, 0xe3ef26a, 0xc7de4d5, 0x8fbc9ab, 0x1f7d356, 0x3cfe62d,
                                   0xfd0ed66, 0xfa1dacd, 0xf63b51b, 0xee72ab6, 0xdee15ec, 0xbfc2b59, 0x7f856b3};

static const uint32_t *rows_of(int64_t m)
{
    return m == 12 ? rows_12 : m == 20 ? rows_20 : m == 28 ? rows_28 : NULL;
}

/* Row i, column j of the result is the weight of point j in point i. */
static mx_array *small_matrix(int m, mx_dtype dtype)
{
    float values[28 * 28];
    const uint32_t *rows = rows_of(m);
    for (int i = 0; i < m; i++)
        for (int j = 0; j < m; j++) values[i * m + j] = rows[j] >> i & 1 ? -1 : 1;
    return mx_astype(mx_from_data(values, MX_SHAPE(m, m), MX_FLOAT32), dtype);
}

/* n = m * power with m 1, 12, 20 or 28; false if there is no such pair. */
static bool factor(int64_t n, int64_t *m, int64_t *power)
{
    *power = 1;
    for (*m = n; *m > 1 && *m % 2 == 0 && !rows_of(*m); *m /= 2) *power *= 2;
    return *m == 1 || rows_of(*m);
}

static mx_array *butterfly(mx_array *x, int64_t rows, int64_t n, int64_t half)
{
    mx_array *part[2];
    if (!mx_split(mx_reshape(x, MX_SHAPE(rows * (n / half / 2), 2, half)), 2, NULL, 1, part)) return NULL;
    mx_array *both[2] = {mx_add(part[0], part[1]), mx_sub(part[0], part[1])};
    return mx_concatenate(both, 2, 1);
}

static mx_array *hadamard(mx_array *x, mlx_optional_float scale)
{
    if (!x || mx_ndim(x) == 0) return x;
    int64_t n = mx_dim(x, -1), m, power;
    mx_dtype dtype = mx_dtype_of(x);
    if (n < 1 || !factor(n, &m, &power))
        return mx_fail(MX_VALUE, "[hadamard] %lld points are not m * 2^k with m 1, 12, 20 or 28.", (long long)n);
    if (dtype == MX_FLOAT64) return mx_fail(MX_VALUE, "[hadamard] float64 is not supported.");
    if (dtype != MX_FLOAT16 && dtype != MX_BFLOAT16) x = mx_astype(x, MX_FLOAT32);
    int64_t rows = mx_size(x) / n;
    mx_shape shape = mx_shape_of(x);
    mx_array *y = mx_mul(x, mx_like(x, scale.has_value ? scale.value : 1 / sqrt((double)n)));
    for (int64_t half = 1; half < power; half *= 2) y = butterfly(y, rows, n, half);
    if (m > 1) y = mx_matmul(small_matrix((int)m, mx_dtype_of(x)), mx_reshape(y, MX_SHAPE(rows, m, power)));
    return mx_reshape(y, shape);
}

int mlx_hadamard_transform(mlx_array *res, const mlx_array a, mlx_optional_float scale, const mlx_stream s)
{
    RETURN(res, s, hadamard(ARRAY(a), scale));
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
