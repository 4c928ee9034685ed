/* SPDX-License-Identifier: MIT
 *
 * Writes values, one after the other, where a mask is true. */
static void NAME(masked_row)(void *to, const bool *mask, const void *from, int64_t n)
{
    T *y = to;
    const T *value = from;
    for (int64_t i = 0; i < n; i++) {
        if (mask[i]) y[i] = *value++;
    }
}
