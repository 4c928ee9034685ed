/* SPDX-License-Identifier: MIT
 *
 * Movement of elements by size: T is an unsigned integer of 1, 2, 4 or 8 bytes. */

/* n elements with a stride, to adjacent ones. */
static void NAME(gather_row)(void *to, const void *from, int64_t stride, int64_t n)
{
    T *RESTRICT y = to;
    const T *RESTRICT x = from;
    if (stride == 1) {
        memcpy(y, x, (size_t)n * sizeof(T));
    } else if (stride == 0) {
        T value = x[0];
        SIMD
        for (int64_t i = 0; i < n; i++) y[i] = value;
    } else {
        for (int64_t i = 0; i < n; i++) y[i] = x[i * stride];
    }
}

/* A block of a transposition: y[i][j] = x[j * column_stride + i * row_stride], where row_stride is the small one. */
static void NAME(transpose_block)(void *to, const void *from, int64_t rows, int64_t columns, int64_t to_stride,
                                  int64_t row_stride, int64_t column_stride)
{
    T *RESTRICT y = to;
    const T *RESTRICT x = from;
    for (int64_t j = 0; j < columns; j++) {
        for (int64_t i = 0; i < rows; i++) y[i * to_stride + j] = x[j * column_stride + i * row_stride];
    }
}

/* n adjacent elements, or ones with a stride, to ones with a stride. */
static void NAME(spread_row)(void *to, const void *from, int64_t to_stride, int64_t stride, int64_t n)
{
    T *RESTRICT y = to;
    const T *RESTRICT x = from;
    for (int64_t i = 0; i < n; i++) y[i * to_stride] = x[i * stride];
}
