/* SPDX-License-Identifier: MIT
 *
 * Sums of rows. */
static void NAME(sum_rows)(void *out, const void *in, int64_t rows, int64_t n)
{
    const T *x = in;
    T *y = out;
    for (int64_t r = 0; r < rows; r++, x += n) {
        ACC total = 0;
        SIMD_SUM(total)
        for (int64_t i = 0; i < n; i++) total += LOAD(x[i]);
        y[r] = STORE(total);
    }
}
