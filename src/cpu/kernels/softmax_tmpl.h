/* SPDX-License-Identifier: MIT
 *
 * Rows of softmax and logsumexp.  A row of -inf only has no peak to subtract: 0 stands in, so that its sum is 0 and not
 * NaN.  A NaN is no peak: it comes back in the sum. */
ALWAYS_INLINE ACC NAME(row_peak)(const T *x, int64_t n)
{
    ACC peak = -(ACC)INFINITY;
    SIMD_MAX(peak)
    for (int64_t i = 0; i < n; i++) peak = LOAD(x[i]) > peak ? LOAD(x[i]) : peak;
    return peak;
}

static void NAME(softmax_rows)(void *out, const void *in, int64_t rows, int64_t n)
{
    const T *x = in;
    T *y = out;
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        ACC peak = NAME(row_peak)(x, n), total = 0;
        if (sizeof(T) == sizeof(ACC)) {
            SIMD_SUM(total)
            for (int64_t i = 0; i < n; i++) {
                ACC e = MATH(exp)(LOAD(x[i]) - peak);
                y[i] = STORE(e);
                total += e;
            }
            ACC scale = 1 / total;
            SIMD
            for (int64_t i = 0; i < n; i++) y[i] = STORE(LOAD(y[i]) * scale);
        } else {
            SIMD_SUM(total)
            for (int64_t i = 0; i < n; i++) total += MATH(exp)(LOAD(x[i]) - peak);
            /* exp again: storing e and then scaling it would round a half twice. */
            ACC scale = 1 / total;
            SIMD
            for (int64_t i = 0; i < n; i++) y[i] = STORE(MATH(exp)(LOAD(x[i]) - peak) * scale);
        }
    }
}

static void NAME(logsumexp_rows)(void *out, const void *in, int64_t rows, int64_t n)
{
    const T *x = in;
    T *y = out;
    for (int64_t r = 0; r < rows; r++, x += n) {
        ACC peak = NAME(row_peak)(x, n), base = peak - peak == 0 ? peak : 0, total = 0;
        SIMD_SUM(total)
        for (int64_t i = 0; i < n; i++) total += MATH(exp)(LOAD(x[i]) - base);
        y[r] = STORE(MATH(log)(total) + base);
    }
}

/* y (v - sum(y v)) */
static void NAME(softmax_vjp_rows)(void *out, const void *in, const void *cotangent, int64_t rows, int64_t n)
{
    const T *y = in, *v = cotangent;
    T *x = out;
    for (int64_t r = 0; r < rows; r++, y += n, v += n, x += n) {
        ACC total = 0;
        SIMD_SUM(total)
        for (int64_t i = 0; i < n; i++) total += LOAD(y[i]) * LOAD(v[i]);
        SIMD
        for (int64_t i = 0; i < n; i++) x[i] = STORE(LOAD(y[i]) * (LOAD(v[i]) - total));
    }
}
