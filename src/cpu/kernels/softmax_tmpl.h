/* SPDX-License-Identifier: MIT
 *
 * Rows of softmax and logsumexp.  A row of -inf only has no peak to subtract: 0 stands in, so that its sum is 0 and not
 * NaN. */
static ACC NAME(row_peak)(const T *x, int64_t n)
{
    enum { LANES = 64 };
    ACC lane[LANES], peak = -(ACC)INFINITY;
    int64_t i = 0;
    for (int l = 0; l < LANES; l++) lane[l] = -(ACC)INFINITY;
    for (; i + LANES <= n; i += LANES) {
        SIMD
        for (int l = 0; l < LANES; l++) {
            ACC v = LOAD(x[i + l]);
            lane[l] = v > lane[l] || v != v ? v : lane[l];
        }
    }
    for (int l = 0; i < n; i++, l++) {
        ACC v = LOAD(x[i]);
        lane[l] = v > lane[l] || v != v ? v : lane[l];
    }
    for (int l = 0; l < LANES; l++) peak = lane[l] > peak || lane[l] != lane[l] ? lane[l] : peak;
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
