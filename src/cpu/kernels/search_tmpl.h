/* SPDX-License-Identifier: MIT
 *
 * Positions in rows over type T. */

/* The first of the greatest (least) elements; a NaN wins only if it comes first, because every comparison with it is
 * false. */
static void NAME(arg_rows)(uint32_t *out, const void *in, int64_t rows, int64_t n, bool largest)
{
    const T *x = in;
    for (int64_t r = 0; r < rows; r++, x += n) {
        ACC best = LOAD(x[0]);
        int64_t at = 0;
        for (int64_t i = 1; i < n; i++) {
            ACC v = LOAD(x[i]);
            bool better = largest ? v > best : v < best;
            best = better ? v : best;
            at = better ? i : at;
        }
        out[r] = (uint32_t)at;
    }
}

/* NaN sorts last. */
ALWAYS_INLINE bool NAME(comes_before)(ACC a, ACC b)
{
    return a < b || (!IS_NAN(a) && IS_NAN(b));
}

static void NAME(search)(uint32_t *out, const void *sorted, int64_t n, const void *values, int64_t count, bool right)
{
    const T *x = sorted, *v = values;
    for (int64_t k = 0; k < count; k++) {
        int64_t low = 0, high = n;
        while (low < high) {
            int64_t middle = low + (high - low) / 2;
            bool after = right ? !NAME(comes_before)(LOAD(v[k]), LOAD(x[middle]))
                               : NAME(comes_before)(LOAD(x[middle]), LOAD(v[k]));
            low = after ? middle + 1 : low;
            high = after ? high : middle;
        }
        out[k] = (uint32_t)low;
    }
}
