/* SPDX-License-Identifier: MIT
 *
 * Rotations of adjacent positions, whose rows of the table are adjacent too.  Sines and cosines are rounded to the stored
 * type first, as MLX's composed path does. */
static void NAME(rope_rows)(void *out, const void *in, int64_t in_row, const float *cosine, const float *sine,
                            const rope_params *p, int64_t n, int64_t rows)
{
    const T *x = in;
    T *y = out;
    int64_t half = p->dims / 2;
    for (; rows > 0; rows--, x += in_row, y += n, cosine += half, sine += half) {
        if (p->traditional) {
            for (int64_t i = 0; i < half; i++) {
                ACC a = LOAD(x[2 * i]), b = LOAD(x[2 * i + 1]), c = LOAD(STORE((ACC)cosine[i])),
                    s = LOAD(STORE((ACC)sine[i]));
                y[2 * i] = STORE(a * c - b * s);
                y[2 * i + 1] = STORE(a * s + b * c);
            }
        } else {
            SIMD
            for (int64_t i = 0; i < half; i++) {
                ACC a = LOAD(x[i]), b = LOAD(x[i + half]), c = LOAD(STORE((ACC)cosine[i])),
                    s = LOAD(STORE((ACC)sine[i]));
                y[i] = STORE(a * c - b * s);
                y[i + half] = STORE(a * s + b * c);
            }
        }
        if (y != x && n > p->dims) memcpy(y + p->dims, x + p->dims, (size_t)(n - p->dims) * sizeof *y);
    }
}
