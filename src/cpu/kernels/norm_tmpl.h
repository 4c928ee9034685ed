/* SPDX-License-Identifier: MIT
 *
 * Rows of RMS norm and layer norm, forward and backward.  A normalised value is rounded to the stored type before it
 * meets the weight, as the definition says.  `centred` (layer norm) is a constant of each caller. */
#include "cpu/kernels/strip_tmpl.h"

/* LANES sums side by side; their number is the same at every level, and so are the sums. */
typedef ACC NAME(lanes) VECTOR(REGISTER);
enum { NAME(REGS) = LANES / (REGISTER / sizeof(ACC)) };

ALWAYS_INLINE void NAME(add_register)(NAME(lanes) * sum, const ACC *v, ACC from, bool square)
{
    NAME(lanes) d;
    memcpy(&d, v, sizeof d);
    d -= from;
    *sum += square ? d * d : d;
}

/* The sum of x - from, or of its square. */
ALWAYS_INLINE ACC NAME(row_total)(const T *x, int64_t n, ACC from, bool square)
{
    enum { PER = REGISTER / sizeof(ACC) };
    ACC tile[STRIP], last[PER], lane[PER];
    NAME(lanes) sum[NAME(REGS)] = {0};
    for (int64_t at = 0, count; at < n; at += count) {
        count = n - at < STRIP ? n - at : STRIP;
        const ACC *v = WIDEN(tile, x + at, count);
        int64_t i = 0;
        for (; i + LANES <= count; i += LANES) {
            UNROLL
            for (int k = 0; k < NAME(REGS); k++) NAME(add_register)(&sum[k], v + i + k * PER, from, square);
        }
        UNROLL
        for (int k = 0; k < NAME(REGS); k++) {
            int64_t rest = count - i - k * PER;
            if (rest <= 0) break;
            if (rest >= PER) {
                NAME(add_register)(&sum[k], v + i + k * PER, from, square);
                continue;
            }
            for (int l = 0; l < PER; l++) last[l] = l < rest ? v[i + k * PER + l] : from;
            NAME(add_register)(&sum[k], last, from, square);
        }
    }
    UNROLL
    for (int width = NAME(REGS) / 2; width > 0; width /= 2) {
        UNROLL
        for (int k = 0; k < width; k++) sum[k] += sum[k + width];
    }
    memcpy(lane, sum, sizeof lane);
    UNROLL
    for (int width = PER / 2; width > 0; width /= 2) {
        UNROLL
        for (int l = 0; l < width; l++) lane[l] += lane[l + width];
    }
    return lane[0];
}

ALWAYS_INLINE void NAME(row_moments)(const T *x, int64_t n, float eps, bool centred, ACC *mean, ACC *inverse)
{
    ACC m = centred ? NAME(row_total)(x, n, 0, false) / (ACC)n : 0, square = NAME(row_total)(x, n, m, true);
    *mean = m;
    *inverse = 1 / (ACC)sqrt(square / (ACC)n + (ACC)eps);
}

#if defined BY_TILE
ALWAYS_INLINE void NAME(round_strip)(ACC *v, int64_t n)
{
    T stored[STRIP];
    NARROW(stored, v, n);
    (void)WIDEN(v, stored, n);
}

/* y = (x - mean) * inverse * w + b for one strip, with a rounding after each step. */
ALWAYS_INLINE void NAME(norm_strip)(ACC *y, const T *x, const T *w, const T *b, int64_t n, ACC mean, ACC inverse,
                                    bool centred)
{
    ACC tile[STRIP];
    const ACC *v = WIDEN(tile, x, n);
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] = (v[i] - mean) * inverse;
    NAME(round_strip)(y, n);
    v = WIDEN(tile, w, n);
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] *= v[i];
    if (!centred) return;
    NAME(round_strip)(y, n);
    v = WIDEN(tile, b, n);
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] += v[i];
}
#else
ALWAYS_INLINE void NAME(norm_strip)(ACC *y, const T *x, const T *w, const T *b, int64_t n, ACC mean, ACC inverse,
                                    bool centred)
{
    SIMD
    for (int64_t i = 0; i < n; i++) {
        ACC unit = LOAD(STORE((LOAD(x[i]) - mean) * inverse)), scaled = unit * LOAD(w[i]);
        y[i] = centred ? LOAD(STORE(scaled)) + LOAD(b[i]) : scaled;
    }
}
#endif

ALWAYS_INLINE void NAME(norm_rows)(void *out, const void *in, const void *weight, const void *bias, int64_t rows,
                                   int64_t n, float eps, bool stream, bool centred)
{
    const T *x = in, *w = weight, *b = bias;
    T *y = out;
    int64_t ahead = (PREFETCH_BYTES / (n * (int64_t)sizeof(T)) + 1) * n;
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        ACC mean, inverse, tile[STRIP];
        NAME(row_moments)(x, n, eps, centred, &mean, &inverse);
        for (int64_t at = 0, count; at < n; at += count) {
            count = NAME(strip_length)(y + at, n - at);
            ACC *place = NAME(strip_place)(y + at, tile, stream);
            for (int64_t i = 0; i < count && stream; i += 64 / (int64_t)sizeof(T)) PREFETCH_L2(x + ahead + at + i);
            NAME(norm_strip)(place, x + at, w + at, centred ? b + at : NULL, count, mean, inverse, centred);
            NAME(strip_store)(y + at, tile, count, stream);
        }
    }
    if (stream) KERNEL(stream_end)();
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
                                int64_t n, float eps, bool stream)
{
    NAME(norm_rows)(out, in, weight, bias, rows, n, eps, stream, false);
}
static void NAME(layer_norm_rows)(void *out, const void *in, const void *weight, const void *bias, int64_t rows,
                                  int64_t n, float eps, bool stream)
{
    NAME(norm_rows)(out, in, weight, bias, rows, n, eps, stream, true);
}
/* The same as parts of groups: into memory that is read soon. */
static void NAME(rms_norm_body)(const void *params, void *out, const void *const *in, int64_t rows, int64_t n)
{
    NAME(norm_rows)(out, in[0], in[1], NULL, rows, n, ((const norm_params *)params)->eps, false, false);
}
static void NAME(layer_norm_body)(const void *params, void *out, const void *const *in, int64_t rows, int64_t n)
{
    NAME(norm_rows)(out, in[0], in[1], in[2], rows, n, ((const norm_params *)params)->eps, false, true);
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
