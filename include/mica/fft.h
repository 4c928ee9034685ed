/* SPDX-License-Identifier: MIT
 *
 * Discrete Fourier transforms: X_k = sum over j of x_j exp(-2 pi i j k / n), over each of the axes.
 *
 * `n` says how many points each axis has, in the order of `axes`: it is cut or padded with zeros at its end; MX_SIZES_OF_X
 * takes those of x (of irfft: 2 (m - 1) from the last axis).  Complex transforms give complex64; the real ones take
 * reals to the first n / 2 + 1 points along the last listed axis, and back to float32.  Halves and float64 are computed
 * in float32. */
#ifndef MICA_FFT_H
#define MICA_FFT_H

#include "mica/types.h"

MX_BEGIN_DECLS

/* Which direction is divided by the number of points: the inverse, both by its root, the forward one. */
typedef enum mx_fft_norm { MX_FFT_BACKWARD, MX_FFT_ORTHO, MX_FFT_FORWARD } mx_fft_norm;

#define MX_SIZES_OF_X ((mx_shape){-1, NULL})
#define MX_FFT_OPS(X) X(fft) X(ifft) X(rfft) X(irfft)
#define MX_DECLARE_FFT(name) MX_API mx_array *mx_##name(mx_array *x, mx_shape n, mx_axes axes, mx_fft_norm norm);
MX_FFT_OPS(MX_DECLARE_FFT)

/* Frequency 0 to the middle of the axes, and back. */
MX_API mx_array *mx_fftshift(mx_array *x, mx_axes axes);
MX_API mx_array *mx_ifftshift(mx_array *x, mx_axes axes);
/* The frequencies of n samples that lie d apart, in the order of fft and of rfft. */
MX_API mx_array *mx_fftfreq(int64_t n, double d);
MX_API mx_array *mx_rfftfreq(int64_t n, double d);

MX_END_DECLS
#endif
