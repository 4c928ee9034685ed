/* SPDX-License-Identifier: MIT
 *
 * Short rows side by side in the lanes of vectors: merge exchange (Batcher 1968; Knuth, volume 3, 5.2.2 M) compares the
 * same places of all rows at once.  Keys that are equal are the same, so that it is not stable does not show. */
enum { NAME(LANES) = sizeof(T) == 8 ? 8 : 16 };

ALWAYS_INLINE void NAME(exchange)(T *RESTRICT a, T *RESTRICT b)
{
    SIMD
    for (int l = 0; l < NAME(LANES); l++) {
        T x = a[l], y = b[l];
        a[l] = x < y ? x : y;
        b[l] = x < y ? y : x;
    }
}

/* n rows of LANES keys: each lane is sorted. */
static void NAME(sort_lanes)(T *keys, int64_t n)
{
    int64_t top = 1;
    while (2 * top < n) top *= 2;
    for (int64_t p = top; p > 0; p /= 2) {
        for (int64_t q = top, r = 0, d = p;; d = q - p, q /= 2, r = p) {
            for (int64_t first = r; first < n - d; first += 2 * p) {
                int64_t end = first + p < n - d ? first + p : n - d;
                for (int64_t i = first; i < end; i++)
                    NAME(exchange)(keys + i * NAME(LANES), keys + (i + d) * NAME(LANES));
            }
            if (q == p) break;
        }
    }
}
