/* SPDX-License-Identifier: MIT
 *
 * Scatters that compute, over a type T: SUM, PRODUCT, LARGER and SMALLER are expressions of a and b,
 * which are of type WIDE; READ and WRITE convert. */

ALWAYS_INLINE T NAME(fold_one)(T stored, T update, mx_scatter_mode mode)
{
    WIDE a = READ(stored), b = READ(update);
    if (mode == MX_SCATTER_ADD) return WRITE(SUM(a, b));
    if (mode == MX_SCATTER_PROD) return WRITE(PRODUCT(a, b));
    if (mode == MX_SCATTER_MAX) return LARGER(a, b) ? stored : update;
    return SMALLER(a, b) ? stored : update;
}

ALWAYS_INLINE void NAME(fold_all)(T *RESTRICT y, const T *RESTRICT x, const int64_t *places, int64_t points,
                                  int64_t x_stride, int64_t n, mx_scatter_mode mode)
{
    for (int64_t i = 0; i < points; i++) {
        if (places[i] == OUTSIDE) continue;
        T *to = y + places[i];
        const T *from = x + i * x_stride;
        SIMD
        for (int64_t k = 0; k < n; k++) to[k] = NAME(fold_one)(to[k], from[k], mode);
    }
}

static void NAME(fold_places)(void *to, const void *from, const int64_t *places, int64_t points, int64_t x_stride,
                              int64_t n, mx_scatter_mode mode)
{
    if (mode == MX_SCATTER_ADD) NAME(fold_all)(to, from, places, points, x_stride, n, MX_SCATTER_ADD);
    if (mode == MX_SCATTER_PROD) NAME(fold_all)(to, from, places, points, x_stride, n, MX_SCATTER_PROD);
    if (mode == MX_SCATTER_MAX) NAME(fold_all)(to, from, places, points, x_stride, n, MX_SCATTER_MAX);
    if (mode == MX_SCATTER_MIN) NAME(fold_all)(to, from, places, points, x_stride, n, MX_SCATTER_MIN);
}
