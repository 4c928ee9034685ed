/* SPDX-License-Identifier: MIT
 *
 * Strips: stretches of a row that stay in the L1 cache, computed in ACC whatever the row is stored in.  Include in a
 * template of each_float.h.  STRIP, elements of the longest strip, is the user's. */

/* Elements of the strip that starts at y: the ones after it start on cache lines of the output. */
ALWAYS_INLINE int64_t NAME(strip_length)(const T *y, int64_t rest)
{
    int64_t n = STRIP - (int64_t)((uintptr_t)y % 64 / sizeof(T));
    return rest < n ? rest : n;
}

/* Where a strip is computed: in the output itself, if that takes it as it is. */
ALWAYS_INLINE ACC *NAME(strip_place)(T *y, ACC *tile, bool stream)
{
    return sizeof(T) == sizeof(ACC) && !stream ? (ACC *)(void *)y : tile;
}

/* Stores what was computed there. */
ALWAYS_INLINE void NAME(strip_store)(T *y, const ACC *tile, int64_t n, bool stream)
{
    if (stream && sizeof(T) == sizeof(ACC)) {
        KERNEL(stream_copy)(y, tile, (size_t)n * sizeof(T));
    } else if (stream) {
        T stored[STRIP];
        NARROW(stored, tile, n);
        KERNEL(stream_copy)(y, stored, (size_t)n * sizeof(T));
    } else if (sizeof(T) != sizeof(ACC)) {
        NARROW(y, tile, n);
    }
}
