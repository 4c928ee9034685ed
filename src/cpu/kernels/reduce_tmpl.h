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
    UNROLL
    for (int width = LANES / 2; width > 0; width /= 2) {
        SIMD
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

/* `rows` results of n adjacent elements each, `stride` apart; in short rows lanes would cost more than they save. */
static void RNAME(fold_each)(void *out, const void *in, int64_t rows, int64_t stride, int64_t n)
{
    const T *x = in;
    T *y = out;
    for (int64_t r = 0; r < rows; r++, x += stride) {
        ACC total = IDENTITY;
        if (n > REDUCE_BLOCK) {
            RNAME(fold_chunk)(&total, x, n);
        } else if (n > SHORT_ROW) {
            total = RNAME(fold_block)(x, n);
        } else {
            for (int64_t i = 0; i < n; i++) total = FOLD(total, LOAD(x[i]));
        }
        y[r] = STORE(total);
    }
}

/* Rows without gaps of any length. */
static void RNAME(rows)(const void *params, void *out, const void *const *in, int64_t rows, int64_t n)
{
    const T *x = in[0];
    T *y = out;
    (void)params;
    if (n <= REDUCE_CHUNK) {
        RNAME(fold_each)(y, x, rows, n, n);
        return;
    }
    for (int64_t r = 0; r < rows; r++, x += n) {
        ACC total = IDENTITY, part;
        for (int64_t at = 0; at < n; at += REDUCE_CHUNK) {
            RNAME(fold_chunk)(&part, x + at, n - at < REDUCE_CHUNK ? n - at : REDUCE_CHUNK);
            total = at ? FOLD(total, part) : part;
        }
        y[r] = STORE(total);
    }
}

/* Rows of `columns` adjacent elements, `stride` apart, folded into one row of partial results. */
static void RNAME(fold_rows)(void *partial, const void *in, int64_t rows, int64_t stride, int64_t columns)
{
    const T *x = in;
    ACC *y = partial, wide[COLUMN_BLOCK];
    int64_t side = stride == columns ? COLUMN_BLOCK / columns : 1;
    for (int64_t j = 0; j < columns; j++) y[j] = IDENTITY;
    if (side > 1 && rows >= 2 * side) {
        /* Narrow rows without gaps: `side` of them are one wide row. */
        int64_t width = side * columns, folds = rows / side;
        for (int64_t j = 0; j < width; j++) wide[j] = IDENTITY;
        for (int64_t r = 0; r < folds; r++, x += width) {
            SIMD
            for (int64_t j = 0; j < width; j++) wide[j] = FOLD(wide[j], LOAD(x[j]));
        }
        for (int64_t j = 0; j < width; j++) y[j % columns] = FOLD(y[j % columns], wide[j]);
        rows -= folds * side;
    }
    for (int64_t r = 0; r < rows; r++, x += stride) {
        SIMD
        for (int64_t j = 0; j < columns; j++) y[j] = FOLD(y[j], LOAD(x[j]));
    }
}

/* `count` rows of partial results into the output. */
static void RNAME(finish)(void *out, const void *partials, int64_t count, int64_t stride, int64_t columns)
{
    T *y = out;
    for (int64_t first = 0; first < columns; first += COLUMN_BLOCK) {
        const ACC *x = (const ACC *)partials + first;
        int64_t width = columns - first < COLUMN_BLOCK ? columns - first : COLUMN_BLOCK;
        ACC total[COLUMN_BLOCK];
        for (int64_t j = 0; j < width; j++) total[j] = x[j];
        for (int64_t k = 1; k < count; k++) {
            SIMD
            for (int64_t j = 0; j < width; j++) total[j] = FOLD(total[j], x[k * stride + j]);
        }
        for (int64_t j = 0; j < width; j++) y[first + j] = STORE(total[j]);
    }
}

static const reduction RNAME(reduction) = {RNAME(fold_each), RNAME(fold_chunk), RNAME(fold_rows), RNAME(finish),
                                           sizeof(ACC)};
