/* SPDX-License-Identifier: MIT
 *
 * Selection in a row of elements whose bits are T: the kth key by radix from the most significant digit on, then one pass
 * that puts what is less, equal and greater in order. */

/* The kth key of n: each round keeps those that share another digit with it. */
ALWAYS_INLINE T NAME(select_key)(const T *x, T *keys, int64_t n, int64_t kth, int kind, uint64_t infinity)
{
    enum { BITS = sizeof(T) > 2 ? 11 : 8, DIGITS = 1 << BITS };
    T found = 0;
    for (int64_t i = 0; i < n; i++) keys[i] = NAME(key_of)(x[i], kind, infinity);
    for (int left = 8 * (int)sizeof(T); left > 0;) {
        uint32_t counts[DIGITS] = {0};
        int bits = left < BITS ? left : BITS, mask = (1 << bits) - 1;
        left -= bits;
        for (int64_t i = 0; i < n; i++) counts[(int)(keys[i] >> left) & mask]++;
        int digit = 0;
        for (; kth >= counts[digit]; digit++) kth -= counts[digit];
        found |= (T)((T)digit << left);
        int64_t kept = 0;
        for (int64_t i = 0; i < n; i++) {
            T key = keys[i];
            keys[kept] = key;
            kept += ((int)(key >> left) & mask) == digit;
        }
        n = kept;
        if (n == 1) return keys[0];
    }
    return found;
}

/* y: the elements of x, or their positions (`positions`), less than the key first, then equal, then greater. */
ALWAYS_INLINE void NAME(part_row)(void *out, const T *x, int64_t n, T key, int kind, uint64_t infinity, bool positions)
{
    int64_t at[3] = {0};
    for (int64_t i = 0; i < n; i++) {
        T own = NAME(key_of)(x[i], kind, infinity);
        at[1] += own < key;
        at[2] += own <= key;
    }
    for (int64_t i = 0; i < n; i++) {
        T own = NAME(key_of)(x[i], kind, infinity);
        int64_t to = at[(own >= key) + (own > key)]++;
        if (positions)
            ((uint32_t *)out)[to] = (uint32_t)i;
        else
            ((T *)out)[to] = x[i];
    }
}

ALWAYS_INLINE void NAME(partition_of)(void *out, const T *x, void *work, int64_t n, int64_t kth, int kind,
                                      uint64_t infinity, bool positions)
{
    T key = NAME(select_key)(x, work, n, kth, kind, infinity);
    NAME(part_row)(out, x, n, key, kind, infinity, positions);
}

ALWAYS_INLINE void NAME(partition_any)(void *out, const void *x, void *work, int64_t n, int64_t kth, sort_order o,
                                       bool positions)
{
    switch (o.kind) {
    case SORT_UNSIGNED: NAME(partition_of)(out, x, work, n, kth, SORT_UNSIGNED, 0, positions); break;
    case SORT_SIGNED: NAME(partition_of)(out, x, work, n, kth, SORT_SIGNED, 0, positions); break;
    case SORT_FLOAT: NAME(partition_of)(out, x, work, n, kth, SORT_FLOAT, o.infinity, positions); break;
    default: NAME(partition_of)(out, x, work, n, kth, SORT_COMPLEX, 0, positions);
    }
}

static void NAME(partition_row)(void *out, const void *x, void *work, int64_t n, int64_t kth, sort_order o)
{
    NAME(partition_any)(out, x, work, n, kth, o, false);
}
static void NAME(argpartition_row)(void *out, const void *x, void *work, int64_t n, int64_t kth, sort_order o)
{
    NAME(partition_any)(out, x, work, n, kth, o, true);
}
