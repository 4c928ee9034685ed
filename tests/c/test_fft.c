/* SPDX-License-Identifier: MIT
 *
 * Fourier transforms. */
#include "check.h"

#define LAST AXES(-1)

static mx_array *forward(mx_array *const *x)
{
    return mx_fft(x[0], MX_SIZES_OF_X, LAST, MX_FFT_BACKWARD);
}
static mx_array *inverse(mx_array *const *x)
{
    return mx_ifft(x[0], MX_SIZES_OF_X, LAST, MX_FFT_BACKWARD);
}
static mx_array *first_axis(mx_array *const *x)
{
    return mx_fft(x[0], MX_SIZES_OF_X, AXES(0), MX_FFT_ORTHO);
}
static mx_array *middle_axis(mx_array *const *x)
{
    return mx_ifft(x[0], MX_SIZES_OF_X, AXES(1), MX_FFT_FORWARD);
}
static mx_array *all_axes(mx_array *const *x)
{
    return mx_fft(x[0], MX_SIZES_OF_X, ALL_AXES, MX_FFT_FORWARD);
}
static mx_array *cut_and_padded(mx_array *const *x)
{
    return mx_ifft(x[0], SHAPE(3, 10), AXES(1, 0), MX_FFT_ORTHO);
}
static mx_array *reals(mx_array *const *x)
{
    return mx_rfft(x[0], MX_SIZES_OF_X, LAST, MX_FFT_BACKWARD);
}
static mx_array *reals_first(mx_array *const *x)
{
    return mx_rfft(x[0], MX_SIZES_OF_X, AXES(1, 0), MX_FFT_ORTHO);
}
static mx_array *reals_of_all(mx_array *const *x)
{
    return mx_rfft(x[0], MX_SIZES_OF_X, ALL_AXES, MX_FFT_FORWARD);
}
static mx_array *to_reals(mx_array *const *x)
{
    return mx_irfft(x[0], MX_SIZES_OF_X, LAST, MX_FFT_BACKWARD);
}
static mx_array *to_odd_reals(mx_array *const *x)
{
    return mx_irfft(x[0], SHAPE(2 * mx_dim(x[0], -1) - 1), LAST, MX_FFT_ORTHO);
}
static mx_array *to_reals_first(mx_array *const *x)
{
    return mx_irfft(x[0], SHAPE(4, 7), AXES(1, 0), MX_FFT_BACKWARD);
}
static mx_array *to_reals_of_all(mx_array *const *x)
{
    return mx_irfft(x[0], MX_SIZES_OF_X, ALL_AXES, MX_FFT_FORWARD);
}

#define REAL DTYPE(MX_FLOAT32)
/* Sizes: each radix, alone and after others; lines across that fill vectors or do not; four steps with columns and rows
 * of any remainder; primes beyond the radices.  The errors of a transform grow with the logarithm of its size. */
const op_sample samples_fft[] = {
    {"1 point", forward, {IN(5, 1)}, COMPLEX, 8},
    {"2 points", forward, {IN(21, 2)}, COMPLEX, 8},
    {"3 points", inverse, {IN(4, 3)}, COMPLEX, 8},
    {"4 points", forward, {IN(2, 3, 4)}, COMPLEX, 8},
    {"5 points", inverse, {IN(16, 5)}, COMPLEX, 8},
    {"7 points", forward, {IN(3, 7)}, COMPLEX, 8},
    {"8 points", forward, {IN(3, 8)}, COMPLEX, 8},
    {"31 points", inverse, {IN(17, 31)}, COMPLEX, 8},
    {"16 points", forward, {IN(33, 16)}, COMPLEX, 8},
    {"60 points", inverse, {IN(19, 60)}, COMPLEX, 8},
    {"64 points", forward, {IN(64)}, COMPLEX, 8},
    {"four steps of 66", forward, {IN(3, 66)}, COMPLEX, 8},
    {"four steps of 128", inverse, {IN(2, 128)}, COMPLEX, 8},
    {"four steps of 1000", forward, {IN(1000)}, COMPLEX, 8},
    {"four steps of 1001", inverse, {IN(2, 1001)}, COMPLEX, 8},
    {"four steps of 1024", forward, {IN(2, 1024)}, COMPLEX, 8},
    {"37 points", forward, {IN(5, 37)}, COMPLEX, 8},
    {"prime 67", forward, {IN(5, 67)}, COMPLEX, 8},
    {"prime 1009", inverse, {IN(2, 1009)}, COMPLEX, 8},
    {"twice a prime", forward, {IN(3, 142)}, COMPLEX, 8},
    {"first axis", first_axis, {IN(12, 21)}, COMPLEX, 8},
    {"first axis, prime", first_axis, {IN(71, 3)}, COMPLEX, 8},
    {"middle axis", middle_axis, {IN(2, 6, 5)}, COMPLEX, 8},
    {"all axes", all_axes, {IN(4, 5, 6)}, COMPLEX, 8},
    {"cut and padded", cut_and_padded, {IN(7, 5)}, COMPLEX, 8},
    {"no rows", forward, {IN(0, 4)}, COMPLEX, 8},
    {"reals", reals, {IN(3, 12)}, REAL, 8},
    {"1 real", reals, {IN(3, 1)}, REAL, 8},
    {"2 reals", reals, {IN(9, 2)}, REAL, 8},
    {"an odd number of reals", reals, {IN(20, 15)}, REAL, 8},
    {"130 reals", reals, {IN(3, 130)}, REAL, 8},
    {"a prime number of reals", reals, {IN(3, 101)}, REAL, 8},
    {"reals along the first axis", reals_first, {IN(6, 5)}, REAL, 8},
    {"reals along all axes", reals_of_all, {IN(3, 4, 8)}, REAL, 8},
    {"to reals", to_reals, {IN(3, 9)}, COMPLEX, 8},
    {"to 200 reals", to_reals, {IN(3, 101)}, COMPLEX, 8},
    {"to an odd number of reals", to_odd_reals, {IN(18, 9)}, COMPLEX, 8},
    {"to 1 real", to_odd_reals, {IN(3, 1)}, COMPLEX, 8},
    {"to reals along the first axis", to_reals_first, {IN(3, 5)}, COMPLEX, 8},
    {"to reals along all axes", to_reals_of_all, {IN(4, 3, 5)}, COMPLEX, 8},
    {"many lines", forward, {IN(701, 32)}, COMPLEX, 8},
    {"many lines across", first_axis, {IN(32, 701)}, COMPLEX, 8},
    {0},
};

/* A long transform is what short ones say: of a wave of frequency f, a point at f. */
static void check_wave(int64_t n, int64_t frequency)
{
    mx_array *j = mx_arange(0, (double)n, 1, MX_INT64);
    mx_array *turn = mx_mul(
        mx_astype(mx_remainder(mx_mul(j, mx_scalar_int(frequency, MX_INT64)), mx_scalar_int(n, MX_INT64)), MX_FLOAT64),
        mx_scalar(2 * 3.14159265358979323846 / (double)n, MX_FLOAT64));
    mx_array *i = mx_from_data((const float[]){0, 1}, SHAPE(1), MX_COMPLEX64);
    mx_array *x = mx_add(mx_astype(mx_cos(turn), MX_COMPLEX64), mx_mul(i, mx_astype(mx_sin(turn), MX_COMPLEX64)));
    mx_array *y = mx_fft(x, MX_SIZES_OF_X, LAST, MX_FFT_FORWARD);
    mx_array *want = mx_astype(mx_equal(j, mx_scalar_int(frequency, MX_INT64)), MX_COMPLEX64);
    CHECK_VALUES(mx_astype(mx_less(mx_max(mx_abs(mx_sub(y, want)), ALL_AXES, false), mx_float(1e-6)), MX_INT32), 0, 1);
    mx_array *back = mx_ifft(y, MX_SIZES_OF_X, LAST, MX_FFT_FORWARD);
    CHECK_VALUES(mx_astype(mx_less(mx_max(mx_abs(mx_sub(back, x)), ALL_AXES, false), mx_float(4e-6)), MX_INT32), 0, 1);
}

TEST(fft_of_a_long_wave)
{
    check_wave(1 << 16, 12345);
    check_wave(1 << 17, 77777);
    check_wave(90000, 89999);
    if (mx_default_device().type == MX_CPU) check_wave(65537, 4242); /* a prime: a simulated device sums up all terms */
}

/* rfft and irfft of a long line agree with fft. */
TEST(fft_of_long_reals)
{
    mx_array *x = check_random(SHAPE(1 << 18), MX_FLOAT32, -1, 1, 3);
    mx_array *half = mx_rfft(x, MX_SIZES_OF_X, LAST, MX_FFT_ORTHO),
             *whole = mx_fft(x, MX_SIZES_OF_X, LAST, MX_FFT_ORTHO);
    const int64_t zero = 0, stop = (1 << 17) + 1, one = 1;
    mx_array *difference = mx_abs(mx_sub(half, mx_slice(whole, &zero, &stop, &one)));
    CHECK_VALUES(mx_astype(mx_less(mx_max(difference, ALL_AXES, false), mx_float(4e-6)), MX_INT32), 0, 1);
    mx_array *back = mx_irfft(half, MX_SIZES_OF_X, LAST, MX_FFT_ORTHO);
    CHECK_VALUES(mx_astype(mx_less(mx_max(mx_abs(mx_sub(back, x)), ALL_AXES, false), mx_float(4e-6)), MX_INT32), 0, 1);
}

TEST(fft_names_what_is_wrong)
{
    mx_array *x = check_random(SHAPE(3, 4), MX_FLOAT32, -1, 1, 1);
    CHECK_CODE(mx_fft(x, SHAPE(0), LAST, MX_FFT_BACKWARD), MX_VALUE, "[fftn] a transform of 0 points");
    CHECK_CODE(mx_fft(x, SHAPE(4), AXES(2), MX_FFT_BACKWARD), MX_VALUE, "[fftn]");
    CHECK_CODE(mx_fft(x, MX_SIZES_OF_X, AXES(2), MX_FFT_BACKWARD), MX_INDEX, "[fftn]");
    CHECK_CODE(mx_fft(x, SHAPE(4), ALL_AXES, MX_FFT_BACKWARD), MX_VALUE, "[fftn] `axes`");
    CHECK_CODE(mx_fft(x, SHAPE(4), AXES(0, 1), MX_FFT_BACKWARD), MX_VALUE, "[fftn] 1 sizes for 2 axes");
    CHECK_CODE(mx_fft(x, MX_SIZES_OF_X, AXES(0, -2), MX_FFT_BACKWARD), MX_VALUE, "[fftn] axis 0 is there twice");
    CHECK_CODE(mx_fft(mx_float(1), MX_SIZES_OF_X, ALL_AXES, MX_FFT_BACKWARD), MX_VALUE, "[fftn] an array without");
    CHECK_CODE(mx_fft(x, MX_SIZES_OF_X, LAST, (mx_fft_norm)3), MX_VALUE, "[fft] norm 3");
    CHECK_CODE(mx_fftshift(x, AXES(5)), MX_VALUE, "[fftshift]");
    CHECK_CODE(mx_fftfreq(0, 1), MX_VALUE, "[fftfreq] n is 0");
    CHECK_CODE(mx_rfftfreq(-1, 1), MX_VALUE, "[rfftfreq] n is -1");
}

TEST(fft_shifts_and_frequencies)
{
    mx_array *x = mx_arange(0, 5, 1, MX_INT32);
    CHECK_VALUES(mx_fftshift(x, ALL_AXES), 0, 3, 4, 0, 1, 2);
    CHECK_VALUES(mx_ifftshift(x, ALL_AXES), 0, 2, 3, 4, 0, 1);
    CHECK_VALUES(mx_fftfreq(5, 0.5), 1e-7, 0, 0.4, 0.8, -0.8, -0.4);
    CHECK_VALUES(mx_fftfreq(4, 1), 0, 0, 0.25, -0.5, -0.25);
    CHECK_VALUES(mx_rfftfreq(5, 1), 1e-7, 0, 0.2, 0.4);
}
