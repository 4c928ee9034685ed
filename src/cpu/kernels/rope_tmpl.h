/* SPDX-License-Identifier: MIT
 *
 * One row of rotations.  Sines and cosines are rounded to the stored type first, as MLX's composed path does. */
static void NAME(rope_row)(void *out, const void *in, const float *cosine, const float *sine, const rope_params *p,
                           int64_t n)
{
    const T *x = in;
    T *y = out;
    int64_t half = p->dims / 2, step = p->traditional ? 2 : 1, partner = p->traditional ? 1 : half;
    if (step == 1) {
        SIMD
        for (int64_t i = 0; i < half; i++) {
            ACC a = LOAD(x[i]), b = LOAD(x[i + half]), c = LOAD(STORE((ACC)cosine[i])), s = LOAD(STORE((ACC)sine[i]));
            y[i] = STORE(a * c - b * s);
            y[i + half] = STORE(a * s + b * c);
        }
    } else {
        for (int64_t i = 0; i < half; i++) {
            ACC a = LOAD(x[2 * i]), b = LOAD(x[2 * i + partner]), c = LOAD(STORE((ACC)cosine[i])),
                s = LOAD(STORE((ACC)sine[i]));
            y[2 * i] = STORE(a * c - b * s);
            y[2 * i + partner] = STORE(a * s + b * c);
        }
    }
    if (y != x) memcpy(y + p->dims, x + p->dims, (size_t)(n - p->dims) * sizeof *y);
}
