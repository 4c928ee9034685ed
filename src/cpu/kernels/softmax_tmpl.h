/* SPDX-License-Identifier: MIT
 *
 * Rows of softmax, logsumexp and cross entropy.  A row of -inf only has no peak to subtract: 0 stands in, so that its sum is 0 and not
 * NaN.  A NaN is no peak: it comes back in the sum. */
#include "cpu/kernels/strip_tmpl.h"

ALWAYS_INLINE ACC NAME(row_peak)(const T *x, int64_t n)
{
    ACC peak = -(ACC)INFINITY, tile[STRIP];
    for (int64_t at = 0, count; at < n; at += count) {
        count = n - at < STRIP ? n - at : STRIP;
        const ACC *v = WIDEN(tile, x + at, count);
        SIMD_MAX(peak)
        for (int64_t i = 0; i < count; i++) peak = v[i] > peak ? v[i] : peak;
    }
    return peak;
}

/* e = exp(x - peak) of a strip, and its sum. */
ALWAYS_INLINE ACC NAME(exp_strip)(ACC *e, const T *x, int64_t n, ACC peak)
{
    ACC total = 0;
    const ACC *v = WIDEN(e, x, n);
    SIMD_SUM(total)
    for (int64_t i = 0; i < n; i++) {
        e[i] = MATH(exp)(v[i] - peak);
        total += e[i];
    }
    return total;
}

/* The exponentials wait in the output, if it can hold them as they are, or in the tile, if they are one strip; else they
 * are computed again, for storing them would round them twice. */
static void NAME(softmax_rows)(const void *params, void *out, const void *const *in, int64_t rows, int64_t n)
{
    const T *x = in[0];
    T *y = out;
    (void)params;
    bool again = sizeof(T) != sizeof(ACC) && n > STRIP;
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        ACC peak = NAME(row_peak)(x, n), total = 0, tile[STRIP];
        for (int64_t at = 0, count; at < n; at += count) {
            count = n - at < STRIP ? n - at : STRIP;
            total += NAME(exp_strip)(NAME(strip_place)(y + at, tile, false), x + at, count, peak);
        }
        ACC scale = 1 / total;
        for (int64_t at = 0, count; at < n; at += count) {
            count = n - at < STRIP ? n - at : STRIP;
            ACC *e = NAME(strip_place)(y + at, tile, false);
            if (again) NAME(exp_strip)(e, x + at, count, peak);
            SIMD
            for (int64_t i = 0; i < count; i++) e[i] *= scale;
            NAME(strip_store)(y + at, tile, count, false);
        }
    }
}

/* log(sum(exp x)) of a row. */
static ACC NAME(log_total)(const T *x, int64_t n)
{
    ACC peak = NAME(row_peak)(x, n), base = peak - peak == 0 ? peak : 0, total = 0, tile[STRIP];
    for (int64_t at = 0, count; at < n; at += count) {
        count = n - at < STRIP ? n - at : STRIP;
        total += NAME(exp_strip)(tile, x + at, count, base);
    }
    return MATH(log)(total) + base;
}

static void NAME(logsumexp_rows)(const void *params, void *out, const void *const *in, int64_t rows, int64_t n)
{
    const T *x = in[0];
    T *y = out;
    (void)params;
    for (int64_t r = 0; r < rows; r++, x += n) y[r] = STORE(NAME(log_total)(x, n));
}

/* log(sum(exp x)) - x[t] */
static void NAME(cross_entropy_rows)(const void *params, void *out, const void *const *in, int64_t rows, int64_t n)
{
    const T *x = in[0];
    ACC *y = out;
    for (int64_t r = 0; r < rows; r++, x += n) y[r] = NAME(log_total)(x, n) - LOAD(x[class_of(params, in[1], r, n)]);
}

/* (softmax(x) - [i = t]) dy */
static void NAME(cross_entropy_vjp_rows)(const void *params, void *out, const void *const *in, int64_t rows, int64_t n)
{
    const T *x = in[0];
    const ACC *dy = in[2];
    T *dx = out;
    for (int64_t r = 0; r < rows; r++, x += n, dx += n) {
        ACC peak = NAME(row_peak)(x, n), total = 0, tile[STRIP];
        int64_t hit = class_of(params, in[1], r, n);
        for (int64_t at = 0, count; at < n; at += count) {
            count = n - at < STRIP ? n - at : STRIP;
            total += NAME(exp_strip)(NAME(strip_place)(dx + at, tile, false), x + at, count, peak);
        }
        ACC scale = 1 / total;
        for (int64_t at = 0, count; at < n; at += count) {
            count = n - at < STRIP ? n - at : STRIP;
            ACC *e = NAME(strip_place)(dx + at, tile, false);
            if (sizeof(T) != sizeof(ACC) && n > STRIP) NAME(exp_strip)(e, x + at, count, peak);
            SIMD
            for (int64_t i = 0; i < count; i++) e[i] *= scale;
            if (hit >= at && hit < at + count) e[hit - at] -= 1;
            SIMD
            for (int64_t i = 0; i < count; i++) e[i] *= dy[r];
            NAME(strip_store)(dx + at, tile, count, false);
        }
    }
}

/* y (v - sum(y v)) */
static void NAME(softmax_vjp_rows)(const void *params, void *out, const void *const *in, int64_t rows, int64_t n)
{
    const T *y = in[0], *v = in[1];
    T *x = out;
    (void)params;
    for (int64_t r = 0; r < rows; r++, y += n, v += n, x += n) {
        ACC total = 0;
        SIMD_SUM(total)
        for (int64_t i = 0; i < n; i++) total += LOAD(y[i]) * LOAD(v[i]);
        SIMD
        for (int64_t i = 0; i < n; i++) x[i] = STORE(LOAD(y[i]) * (LOAD(v[i]) - total));
    }
}
