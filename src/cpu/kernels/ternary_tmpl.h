/* SPDX-License-Identifier: MIT
 *
 * where(condition, x, y) over words of a size. */
static void NAME(where_tile)(void *out, const void *const *in, int64_t n)
{
    T *z = out;
    const bool *condition = in[0];
    const T *x = in[1], *y = in[2];
    SIMD
    for (int64_t i = 0; i < n; i++) z[i] = condition[i] ? x[i] : y[i];
}
