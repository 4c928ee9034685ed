/* SPDX-License-Identifier: MIT
 *
 * Rows of RMS norm and layer norm, forward and backward.  A normalised value is rounded to the stored type before it
 * meets the weight, as the definition says.  `centred` (layer norm) is a constant of each caller. */
ALWAYS_INLINE ACC NAME(row_sum)(const T *x, int64_t n)
{
    ACC total = 0;
    SIMD_SUM(total)
    for (int64_t i = 0; i < n; i++) total += LOAD(x[i]);
    return total;
}

ALWAYS_INLINE void NAME(row_moments)(const T *x, int64_t n, float eps, bool centred, ACC *mean, ACC *inverse)
{
    ACC m = centred ? NAME(row_sum)(x, n) / (ACC)n : 0, square = 0;
    SIMD_SUM(square)
    for (int64_t i = 0; i < n; i++) square += (LOAD(x[i]) - m) * (LOAD(x[i]) - m);
    *mean = m;
    *inverse = 1 / (ACC)sqrt(square / (ACC)n + (ACC)eps);
}

ALWAYS_INLINE void NAME(norm_rows)(void *out, const void *in, const void *weight, const void *bias, int64_t rows,
                                   int64_t n, float eps, bool centred)
{
    const T *x = in, *w = weight, *b = bias;
    T *y = out;
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        ACC mean, inverse;
        NAME(row_moments)(x, n, eps, centred, &mean, &inverse);
        SIMD
        for (int64_t i = 0; i < n; i++) {
            ACC unit = LOAD(STORE((LOAD(x[i]) - mean) * inverse));
            ACC scaled = LOAD(STORE(unit * LOAD(w[i])));
            y[i] = STORE(centred ? scaled + LOAD(b[i]) : scaled);
        }
    }
}

/* dw and db are sums over these rows only, in float32 (float64 for float64): the caller adds up the parts. */
ALWAYS_INLINE void NAME(norm_back_rows)(void *out, const void *in, const void *weight, const void *dout,
                                        void *weight_sum, void *bias_sum, int64_t rows, int64_t n, float eps,
                                        bool centred)
{
    const T *x = in, *w = weight, *dy = dout;
    T *dx = out;
    ACC *dw = weight_sum, *db = bias_sum;
    for (int64_t i = 0; i < n; i++) dw[i] = 0;
    for (int64_t i = 0; i < n && centred; i++) db[i] = 0;
    for (int64_t r = 0; r < rows; r++, x += n, dy += n, dx += n) {
        ACC mean, inverse, along = 0, total = 0;
        NAME(row_moments)(x, n, eps, centred, &mean, &inverse);
        SIMD_SUM2(along, total)
        for (int64_t i = 0; i < n; i++) {
            ACC g = LOAD(dy[i]) * LOAD(w[i]);
            along += g * ((LOAD(x[i]) - mean) * inverse);
            total += g;
        }
        along /= (ACC)n;
        total = centred ? total / (ACC)n : 0;
        SIMD
        for (int64_t i = 0; i < n; i++) {
            ACC unit = (LOAD(x[i]) - mean) * inverse, d = LOAD(dy[i]);
            dw[i] += d * unit;
            if (centred) db[i] += d;
            dx[i] = STORE(inverse * (d * LOAD(w[i]) - total - unit * along));
        }
    }
}

static void NAME(rms_norm_rows)(void *out, const void *in, const void *weight, const void *bias, int64_t rows,
                                int64_t n, float eps)
{
    NAME(norm_rows)(out, in, weight, bias, rows, n, eps, false);
}
static void NAME(layer_norm_rows)(void *out, const void *in, const void *weight, const void *bias, int64_t rows,
                                  int64_t n, float eps)
{
    NAME(norm_rows)(out, in, weight, bias, rows, n, eps, true);
}
static void NAME(rms_norm_back_rows)(void *out, const void *in, const void *weight, const void *dout, void *dw,
                                     void *db, int64_t rows, int64_t n, float eps)
{
    NAME(norm_back_rows)(out, in, weight, dout, dw, db, rows, n, eps, false);
}
static void NAME(layer_norm_back_rows)(void *out, const void *in, const void *weight, const void *dout, void *dw,
                                       void *db, int64_t rows, int64_t n, float eps)
{
    NAME(norm_back_rows)(out, in, weight, dout, dw, db, rows, n, eps, true);
}
/* Parts (count, n) into one row. */
static void NAME(add_parts)(void *out, const void *parts, int64_t count, int64_t stride, int64_t n)
{
    const ACC *x = parts;
    T *y = out;
    enum { BLOCK = 256 };
    for (int64_t first = 0; first < n; first += BLOCK) {
        ACC total[BLOCK] = {0};
        int64_t columns = n - first < BLOCK ? n - first : BLOCK;
        for (int64_t k = 0; k < count; k++) {
            SIMD
            for (int64_t i = 0; i < columns; i++) total[i] += x[k * stride + first + i];
        }
        for (int64_t i = 0; i < columns; i++) y[first + i] = STORE(total[i]);
    }
}
