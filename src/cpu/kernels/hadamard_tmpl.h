/* SPDX-License-Identifier: MIT
 *
 * Hadamard transforms of adjacent rows.  `work` holds the rows while they are transformed: for float32 and float64 it
 * is the output itself.
 *
 * Butterflies see no rows: a pass over all elements transforms every block of `end` points.  Two passes are done as one
 * (radix 4), and those of short distance block by block, so that a block stays in the L1 cache. */

/* (a, b) -> (a + b, a - b) at a distance of h */
ALWAYS_INLINE void NAME(radix2)(ACC *x, int64_t n, const int64_t h)
{
    for (int64_t base = 0; base < n; base += 2 * h) {
        ACC *p = x + base, *q = p + h;
        SIMD
        for (int64_t i = 0; i < h; i++) {
            ACC a = p[i], b = q[i];
            p[i] = a + b;
            q[i] = a - b;
        }
    }
}

/* The same at h and then at 2 h. */
ALWAYS_INLINE void NAME(radix4)(ACC *x, int64_t n, const int64_t h)
{
    for (int64_t base = 0; base < n; base += 4 * h) {
        ACC *p = x + base, *q = p + h, *r = q + h, *s = r + h;
        SIMD
        for (int64_t i = 0; i < h; i++) {
            ACC a = p[i] + q[i], b = p[i] - q[i], c = r[i] + s[i], d = r[i] - s[i];
            p[i] = a + c;
            q[i] = b + d;
            r[i] = a - c;
            s[i] = b - d;
        }
    }
}

/* At distances 1 and 2: the vectors run over groups of neighbours. */
static void NAME(neighbours)(ACC *x, int64_t n, int64_t end)
{
    if (end == 2) {
        SIMD
        for (int64_t i = 0; i < n / 2; i++) {
            ACC a = x[2 * i], b = x[2 * i + 1];
            x[2 * i] = a + b;
            x[2 * i + 1] = a - b;
        }
    } else {
        SIMD
        for (int64_t i = 0; i < n / 4; i++) {
            ACC a = x[4 * i] + x[4 * i + 1], b = x[4 * i] - x[4 * i + 1];
            ACC c = x[4 * i + 2] + x[4 * i + 3], d = x[4 * i + 2] - x[4 * i + 3];
            x[4 * i] = a + c;
            x[4 * i + 1] = b + d;
            x[4 * i + 2] = a - c;
            x[4 * i + 3] = b - d;
        }
    }
}

/* All passes at distances from h (a power of 4) to end / 2; n is a multiple of end. */
static void NAME(butterflies)(ACC *x, int64_t n, int64_t h, int64_t end)
{
    if (h == 1 && end > 1) NAME(neighbours)(x, n, end), h = 4;
    if (h == 4 && end >= 16) NAME(radix4)(x, n, 4), h = 16;
    for (; 4 * h <= end; h *= 4) NAME(radix4)(x, n, h);
    if (h == 4 && end == 8)
        NAME(radix2)(x, n, 4);
    else if (h < end)
        NAME(radix2)(x, n, h);
}

/* The product of the m by m matrix with `wide` adjacent columns of x (m, power). */
ALWAYS_INLINE void NAME(mix_columns)(ACC *x, const hadamard_plan *plan, const int wide)
{
    const int m = plan->order;
    ACC from[MAX_ORDER][COLUMNS];
    for (int j = 0; j < m; j++) {
        SIMD
        for (int k = 0; k < wide; k++) from[j][k] = x[j * plan->power + k];
    }
    for (int i = 0; i < m; i += 4) { /* four sums at a time: one alone waits for each of its additions */
        ACC sum[4][COLUMNS] = {{0}};
        for (int j = 0; j < m; j++) {
            ACC a = plan->sign[j][i], b = plan->sign[j][i + 1], c = plan->sign[j][i + 2], d = plan->sign[j][i + 3];
            SIMD
            for (int k = 0; k < wide; k++) {
                sum[0][k] += a * from[j][k];
                sum[1][k] += b * from[j][k];
                sum[2][k] += c * from[j][k];
                sum[3][k] += d * from[j][k];
            }
        }
        for (int r = 0; r < 4; r++) {
            SIMD
            for (int k = 0; k < wide; k++) x[(i + r) * plan->power + k] = sum[r][k];
        }
    }
}

/* The same with one column: the vectors run over its results. */
static void NAME(mix_column)(ACC *x, const hadamard_plan *plan)
{
    ACC sum[PADDED] = {0};
    for (int j = 0; j < plan->order; j++) {
        ACC from = x[j * plan->power];
        SIMD
        for (int i = 0; i < PADDED; i++) sum[i] += plan->sign[j][i] * from;
    }
    for (int i = 0; i < plan->order; i++) x[i * plan->power] = sum[i];
}

static void NAME(mix)(ACC *x, const hadamard_plan *plan)
{
    int64_t at = 0, power = plan->power;
    for (; at + COLUMNS <= power; at += COLUMNS) NAME(mix_columns)(x + at, plan, COLUMNS);
    if (at < power && power == 8) NAME(mix_columns)(x, plan, 8), at = 8;
    for (; at < power; at++) NAME(mix_column)(x + at, plan);
}

static void NAME(hadamard_rows)(void *out, const void *in, void *work, const hadamard_plan *plan, int64_t rows)
{
    const T *x = in;
    T *y = out;
    ACC *w = work, scale = (ACC)plan->scale;
    int64_t count = rows * plan->n, power = plan->power, near = power < BLOCK ? power : BLOCK;
    for (int64_t at = 0; at < count; at += BLOCK) {
        int64_t n = count - at < BLOCK ? count - at : BLOCK;
        SIMD
        for (int64_t i = at; i < at + n; i++) w[i] = LOAD(x[i]);
        NAME(butterflies)(w + at, n, 1, near);
    }
    for (int64_t at = 0; power > BLOCK && at < count; at += power) NAME(butterflies)(w + at, power, BLOCK, power);
    for (int64_t at = 0; plan->order > 1 && at < count; at += plan->n) NAME(mix)(w + at, plan);
    SIMD
    for (int64_t i = 0; i < count; i++) y[i] = STORE(w[i] * scale);
}
