/* SPDX-License-Identifier: MIT
 *
 * Fourier transforms. */
#include "mlxc/mlxc.h"

/* No axes: all of them. */
static mx_axes axes_or_all(mx_axes axes)
{
    return axes.count ? axes : MX_ALL_AXES;
}

int mlx_fft_fftshift(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, const mlx_stream s)
{
    RETURN(res, s, mx_fftshift(ARRAY(a), axes_or_all(AXES_OF(axes))));
}

int mlx_fft_ifftshift(mlx_array *res, const mlx_array a, const int *axes, size_t axes_num, const mlx_stream s)
{
    RETURN(res, s, mx_ifftshift(ARRAY(a), axes_or_all(AXES_OF(axes))));
}

int mlx_fft_fftfreq(mlx_array *res, int n, double d, const mlx_stream s)
{
    RETURN(res, s, mx_fftfreq(n, d));
}

int mlx_fft_rfftfreq(mlx_array *res, int n, double d, const mlx_stream s)
{
    RETURN(res, s, mx_rfftfreq(n, d));
}

#define ONE_AXIS(name)                                                                                                 \
    int mlx_fft_##name(mlx_array *res, const mlx_array a, int n, int axis, mlx_fft_norm norm, const mlx_stream s)      \
    {                                                                                                                  \
        RETURN(res, s, mx_##name(ARRAY(a), MX_SHAPE(n), MX_AXES(axis), (mx_fft_norm)norm));                            \
    }
#define MORE_AXES(name, op)                                                                                            \
    int mlx_fft_##name(mlx_array *res, const mlx_array a, const int *n, size_t n_num, const int *axes,                 \
                       size_t axes_num, mlx_fft_norm norm, const mlx_stream s)                                         \
    {                                                                                                                  \
        RETURN(res, s, mx_##op(ARRAY(a), SHAPE_OF(n), AXES_OF(axes), (mx_fft_norm)norm));                              \
    }
ONE_AXIS(fft)
ONE_AXIS(ifft)
ONE_AXIS(rfft)
ONE_AXIS(irfft)
MORE_AXES(fft2, fft)
MORE_AXES(ifft2, ifft)
MORE_AXES(rfft2, rfft)
MORE_AXES(irfft2, irfft)
MORE_AXES(fftn, fft)
MORE_AXES(ifftn, ifft)
MORE_AXES(rfftn, rfft)
MORE_AXES(irfftn, irfft)
