/* SPDX-License-Identifier: MIT
 *
 * Passes of Stockham's transform over vectors.  Pass of radix r, n = r m s: point q + s (p + m j), j < r, are combined
 * into q + s (r p + k), k < r, times exp(-2 pi i p k / (r m)); so the result comes out in order. */
#include "cpu/kernels/fft_parts.h"
#include "cpu/kernels/kernel.h"

enum { HALF_PRIME = FFT_MAX_PRIME / 2 };

/* ---- Small transforms in registers: y_k = sum over j of x_j exp(-2 pi i j k / r) */
ALWAYS_INLINE void small_2(cvec *y, const cvec *x)
{
    y[0] = cvec_add(x[0], x[1]);
    y[1] = cvec_sub(x[0], x[1]);
}

ALWAYS_INLINE void small_4(cvec *y, const cvec *x)
{
    cvec a = cvec_add(x[0], x[2]), b = cvec_sub(x[0], x[2]), c = cvec_add(x[1], x[3]),
         d = cvec_turn(cvec_sub(x[1], x[3]));
    y[0] = cvec_add(a, c);
    y[1] = cvec_add(b, d);
    y[2] = cvec_sub(a, c);
    y[3] = cvec_sub(b, d);
}

ALWAYS_INLINE void small_8(cvec *y, const cvec *x)
{
    cvec even[4], odd[4];
    vec h = vec_set(0.70710678118654752f);
    small_4(even, (cvec[4]){x[0], x[2], x[4], x[6]});
    small_4(odd, (cvec[4]){x[1], x[3], x[5], x[7]});
    odd[1] = (cvec){h * (odd[1].re + odd[1].im), h * (odd[1].im - odd[1].re)};
    odd[2] = cvec_turn(odd[2]);
    odd[3] = (cvec){h * (odd[3].im - odd[3].re), -h * (odd[3].re + odd[3].im)};
    UNROLL
    for (int k = 0; k < 4; k++) {
        y[k] = cvec_add(even[k], odd[k]);
        y[k + 4] = cvec_sub(even[k], odd[k]);
    }
}

/* Odd radices: x_j + x_(r-j) meet the cosines, x_j - x_(r-j) the sines. */
ALWAYS_INLINE void small_odd(cvec *y, const cvec *x, const int r, const float *cosines, const float *sines)
{
    cvec sum[HALF_PRIME], difference[HALF_PRIME], all = x[0];
    for (int j = 1; j <= r / 2; j++) {
        sum[j - 1] = cvec_add(x[j], x[r - j]);
        difference[j - 1] = cvec_sub(x[j], x[r - j]);
        all = cvec_add(all, sum[j - 1]);
    }
    y[0] = all;
    for (int k = 1; k <= r / 2; k++) {
        cvec a = x[0], b = {vec_set(0), vec_set(0)};
        for (int j = 1, at = k; j <= r / 2; j++, at = at + k >= r ? at + k - r : at + k) {
            vec c = vec_set(cosines[2 * at]), s = vec_set(sines[2 * at]);
            a = (cvec){vec_fma(sum[j - 1].re, c, a.re), vec_fma(sum[j - 1].im, c, a.im)};
            b = (cvec){vec_fma(difference[j - 1].re, s, b.re), vec_fma(difference[j - 1].im, s, b.im)};
        }
        /* s is -sin: the sum over j of i s_j difference_j */
        y[k] = (cvec){a.re - b.im, a.im + b.re};
        y[r - k] = (cvec){a.re + b.im, a.im - b.re};
    }
}

ALWAYS_INLINE void small(cvec *y, const cvec *x, const int r, const float *roots)
{
    static const float third[] = {1, 0, -0.5f, -0.86602540378443865f, -0.5f, 0.86602540378443865f};
    static const float fifth[] = {1,
                                  0,
                                  0.30901699437494742f,
                                  -0.95105651629515357f,
                                  -0.80901699437494742f,
                                  -0.58778525229247313f,
                                  -0.80901699437494742f,
                                  0.58778525229247313f,
                                  0.30901699437494742f,
                                  0.95105651629515357f};
    if (r == 2)
        small_2(y, x);
    else if (r == 4)
        small_4(y, x);
    else if (r == 8)
        small_8(y, x);
    else if (r == 3)
        small_odd(y, x, 3, third, third + 1);
    else if (r == 5)
        small_odd(y, x, 5, fifth, fifth + 1);
    else
        small_odd(y, x, r, roots, roots + 1);
}

/* ---- Passes */
ALWAYS_INLINE void pass_of(const fft_pass *pass, cvec *RESTRICT y, const cvec *RESTRICT x, const int r)
{
    cvec in[FFT_MAX_PRIME], out[FFT_MAX_PRIME];
    const float *w = pass->twiddle;
    int64_t m = pass->m, s = pass->s;
    for (int64_t p = 0; p < m; p++, w += 2 * (r - 1)) {
        for (int64_t q = 0; q < s; q++) {
            for (int j = 0; j < r; j++) in[j] = x[q + s * (p + m * j)];
            small(out, in, r, pass->roots);
            y[q + s * (r * p)] = out[0];
            for (int k = 1; k < r; k++) {
                y[q + s * (r * p + k)] = p == 0 ? out[k] : cvec_twiddle(out[k], w + 2 * (k - 1));
            }
        }
    }
}

#define PASS(r)                                                                                                        \
    static void pass_##r(const fft_pass *pass, cvec *y, const cvec *x)                                                 \
    {                                                                                                                  \
        pass_of(pass, y, x, r);                                                                                        \
    }
PASS(2)
PASS(3)
PASS(4)
PASS(5)
PASS(8)

static void pass_any(const fft_pass *pass, cvec *y, const cvec *x)
{
    pass_of(pass, y, x, pass->radix);
}

cvec *KERNEL(fft_passes)(const fft_plan *plan, cvec *x, cvec *y)
{
    static void (*const by_radix[9])(const fft_pass *, cvec *, const cvec *) = {NULL,   NULL, pass_2, pass_3, pass_4,
                                                                                pass_5, NULL, NULL,   pass_8};
    for (int i = 0; i < plan->pass_count; i++) {
        const fft_pass *pass = &plan->passes[i];
        (pass->radix <= 8 && by_radix[pass->radix] ? by_radix[pass->radix] : pass_any)(pass, y, x);
        cvec *done = y;
        y = x;
        x = done;
    }
    return x;
}
