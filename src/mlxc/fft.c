/* SPDX-License-Identifier: MIT
 *
 * What goes with Fourier transforms and needs none: frequencies, and moving the zero frequency to the middle. */
#include "mlxc/mlxc.h"

/* Rolls each axis by half its size, rounded down, or back; all axes if none are given. */
static mx_array *shift(mx_array *x, mx_axes axes, bool back)
{
    if (!x || mx_failed()) return NULL;
    int all[MX_MAX_NDIM];
    int64_t shifts[MX_MAX_NDIM];
    if (axes.count == 0) {
        for (int i = 0; i < mx_ndim(x); i++) all[i] = i;
        axes = (mx_axes){mx_ndim(x), all};
    }
    for (int i = 0; i < axes.count; i++) {
        int64_t size = mx_dim(x, axes.at[i]);
        if (size < 0) return NULL;
        shifts[i] = back ? -(size / 2) : size / 2;
    }
    return mx_roll(x, shifts, axes);
}

int mlx_fft_fftshift(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, const mlx_stream s)
{
    RETURN(res, s, shift(ARRAY(a), AXES_OF(axes), false));
}

int mlx_fft_ifftshift(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, const mlx_stream s)
{
    RETURN(res, s, shift(ARRAY(a), AXES_OF(axes), true));
}

/* k / (n d) for k from `first` on. */
static mx_array *frequencies(double first, double count, int n, double d)
{
    return mx_mul(mx_arange(first, first + count, 1, MX_FLOAT32), mx_float(1 / (n * d)));
}

static mx_array *fftfreq(int n, double d)
{
    if (n <= 0) return mx_fail(MX_VALUE, "[fftfreq] n is %d and must be positive.", n);
    int positive = (n + 1) / 2;
    mx_array *parts[2] = {frequencies(0, positive, n, d), frequencies(-(n / 2), n / 2, n, d)};
    return mx_concatenate(parts, 2, 0);
}

static mx_array *rfftfreq(int n, double d)
{
    if (n <= 0) return mx_fail(MX_VALUE, "[rfftfreq] n is %d and must be positive.", n);
    return frequencies(0, n / 2 + 1, n, d);
}

int mlx_fft_fftfreq(mlx_array *res, int n, double d, const mlx_stream s)
{
    RETURN(res, s, fftfreq(n, d));
}

int mlx_fft_rfftfreq(mlx_array *res, int n, double d, const mlx_stream s)
{
    RETURN(res, s, rfftfreq(n, d));
}
