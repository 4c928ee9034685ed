/* SPDX-License-Identifier: MIT
 *
 * Gathers and SET scatters by element size. */

static void NAME(read_places)(void *to, const void *from, const int64_t *places, int64_t n)
{
    T *RESTRICT y = to;
    const T *RESTRICT x = from;
    for (int64_t i = 0; i < n; i++) y[i] = places[i] == OUTSIDE ? 0 : x[places[i]];
}

/* For each point, n adjacent elements of x to its place in y. */
static void NAME(write_places)(void *to, const void *from, const int64_t *places, int64_t points, int64_t x_stride,
                               int64_t n, mx_scatter_mode mode)
{
    T *RESTRICT y = to;
    const T *RESTRICT x = from;
    (void)mode;
    for (int64_t i = 0; i < points; i++) {
        if (places[i] == OUTSIDE) continue;
        if (n == 1) {
            y[places[i]] = x[i * x_stride];
        } else {
            memcpy(y + places[i], x + i * x_stride, (size_t)n * sizeof(T));
        }
    }
}
