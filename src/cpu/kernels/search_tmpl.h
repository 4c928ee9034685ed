/* SPDX-License-Identifier: MIT
 *
 * Positions in rows over type T. */

/* The extreme of n elements and of `start`, side by side in lanes; a NaN among the elements is never taken. */
ALWAYS_INLINE ACC NAME(arg_block)(const T *x, int64_t n, ACC start, bool largest)
{
    enum { LANES = 256 / sizeof(ACC) };
    ACC lane[LANES];
    int64_t i = 0;
    for (int l = 0; l < LANES; l++) lane[l] = start;
    for (; i + LANES <= n; i += LANES) {
        SIMD
        for (int l = 0; l < LANES; l++) {
            ACC v = LOAD(x[i + l]);
            lane[l] = (largest ? v > lane[l] : v < lane[l]) ? v : lane[l];
        }
    }
    for (int l = 0; i < n; i++, l++) {
        ACC v = LOAD(x[i]);
        lane[l] = (largest ? v > lane[l] : v < lane[l]) ? v : lane[l];
    }
    UNROLL
    for (int width = LANES / 2; width > 0; width /= 2) {
        SIMD
        for (int l = 0; l < width; l++) {
            ACC v = lane[l + width];
            lane[l] = (largest ? v > lane[l] : v < lane[l]) ? v : lane[l];
        }
    }
    return lane[0];
}

/* The first of n elements that is `best`; there is one. */
ALWAYS_INLINE int64_t NAME(place_of)(const T *x, int64_t n, ACC best)
{
    enum { STEP = 64 };
    int64_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        int hits = 0;
        SIMD_SUM(hits)
        for (int l = 0; l < STEP; l++) hits += LOAD(x[i + l]) == best;
        if (hits) break;
    }
    while (LOAD(x[i]) != best) i++;
    return i;
}

/* The first of the greatest (least) elements; a NaN wins only if it comes first, because every comparison with it is
 * false.  Extremes are found block by block, places only in the block that has it. */
ALWAYS_INLINE void NAME(arg_any)(uint32_t *out, const T *x, int64_t rows, int64_t n, bool largest)
{
    enum { BLOCK = 4096 };
    for (int64_t r = 0; r < rows; r++, x += n) {
        ACC best = LOAD(x[0]);
        int64_t at = 0, first = 0;
        for (int64_t i = 0; i < n; i += BLOCK) {
            ACC extreme = NAME(arg_block)(x + i, n - i < BLOCK ? n - i : BLOCK, best, largest);
            if (largest ? extreme > best : extreme < best) best = extreme, first = i, at = -1;
        }
        if (at < 0) at = first + NAME(place_of)(x + first, n - first, best);
        out[r] = (uint32_t)at;
    }
}

static void NAME(arg_rows)(uint32_t *out, const void *in, int64_t rows, int64_t n, bool largest)
{
    if (largest) {
        NAME(arg_any)(out, in, rows, n, true);
    } else {
        NAME(arg_any)(out, in, rows, n, false);
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
