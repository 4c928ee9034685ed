/* SPDX-License-Identifier: MIT
 *
 * One reduction over type T: FOLD(a, v) combines, IDENTITY starts.  RNAME names its functions.  Lanes are folded side
 * by side, so any FOLD vectorises, and their number is the same at every level. */

/* n adjacent elements. */
static ACC RNAME(fold_block)(const T *x, int64_t n)
{
    enum { LANES = 128 / sizeof(ACC) * 2 };
    ACC lane[LANES];
    int64_t i = 0;
    for (int l = 0; l < LANES; l++) lane[l] = IDENTITY;
    for (; i + LANES <= n; i += LANES) {
        SIMD
        for (int l = 0; l < LANES; l++) lane[l] = FOLD(lane[l], LOAD(x[i + l]));
    }
    for (int l = 0; i < n; i++, l++) lane[l] = FOLD(lane[l], LOAD(x[i]));
    for (int width = LANES / 2; width > 0; width /= 2) {
        for (int l = 0; l < width; l++) lane[l] = FOLD(lane[l], lane[l + width]);
    }
    return lane[0];
}

/* A chunk of a row, block by block; blocks are combined in pairs, so errors grow with the logarithm. */
static void RNAME(fold_chunk)(void *partial, const void *in, int64_t n)
{
    const T *x = in;
    ACC pending[64];
    int64_t count = 0;
    int depth = 0;
    for (int64_t i = 0; i < n; i += REDUCE_BLOCK) {
        ACC value = RNAME(fold_block)(x + i, n - i < REDUCE_BLOCK ? n - i : REDUCE_BLOCK);
        for (int64_t bits = count++; bits & 1; bits >>= 1) {
            ACC before = pending[--depth]; /* FOLD may name its arguments twice */
            value = FOLD(before, value);
        }
        pending[depth++] = value;
    }
    ACC total = depth ? pending[--depth] : IDENTITY;
    while (depth) {
        ACC before = pending[--depth];
        total = FOLD(before, total);
    }
    *(ACC *)partial = total;
}

/* Rows of `columns` adjacent elements, `stride` apart, folded into one row of partial results. */
static void RNAME(fold_rows)(void *partial, const void *in, int64_t rows, int64_t stride, int64_t columns)
{
    const T *x = in;
    ACC *y = partial;
    for (int64_t j = 0; j < columns; j++) y[j] = IDENTITY;
    for (int64_t r = 0; r < rows; r++, x += stride) {
        SIMD
        for (int64_t j = 0; j < columns; j++) y[j] = FOLD(y[j], LOAD(x[j]));
    }
}

/* `count` rows of partial results into the output. */
static void RNAME(finish)(void *out, const void *partials, int64_t count, int64_t stride, int64_t columns)
{
    const ACC *x = partials;
    T *y = out;
    for (int64_t j = 0; j < columns; j++) {
        ACC total = count ? x[j] : IDENTITY;
        for (int64_t k = 1; k < count; k++) total = FOLD(total, x[k * stride + j]);
        y[j] = STORE(total);
    }
}

static const reduction RNAME(reduction) = {RNAME(fold_chunk), RNAME(fold_rows), RNAME(finish), sizeof(ACC)};
