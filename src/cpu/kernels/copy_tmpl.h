/* SPDX-License-Identifier: MIT
 *
 * Movement of elements by size: T is an unsigned integer of 1, 2, 4 or 8 bytes. */

/* With a constant stride, compilers turn the loop into permutations. */
ALWAYS_INLINE void NAME(gather_const)(T *RESTRICT y, const T *RESTRICT x, const int64_t stride, int64_t n)
{
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] = x[i * stride];
}

/* n elements with a stride, to adjacent ones. */
static void NAME(gather_row)(void *to, const void *from, int64_t stride, int64_t n)
{
    T *y = to;
    const T *x = from;
    switch (stride) {
    case 1: copy_bytes(to, from, n * (int64_t)sizeof(T)); break;
    case 0: NAME(gather_const)(y, x, 0, n); break;
    case -1: NAME(gather_const)(y, x, -1, n); break;
    case 2: NAME(gather_const)(y, x, 2, n); break;
    case 3: NAME(gather_const)(y, x, 3, n); break;
    case 4: NAME(gather_const)(y, x, 4, n); break;
    default:
        for (int64_t i = 0; i < n; i++) y[i] = x[i * stride];
    }
}

/* n adjacent elements, or ones with a stride, to ones with a stride. */
static void NAME(spread_row)(void *to, const void *from, int64_t to_stride, int64_t stride, int64_t n)
{
    T *RESTRICT y = to;
    const T *RESTRICT x = from;
    for (int64_t i = 0; i < n; i++) y[i * to_stride] = x[i * stride];
}
