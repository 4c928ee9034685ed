/* SPDX-License-Identifier: MIT
 *
 * Selection in a row of elements whose bits are T: the kth key by radix from the most significant digit on, then one pass
 * that puts what is less, equal and greater in order. */

typedef struct NAME(selected) {
    T key;
    int64_t less, equal; /* elements of the row */
} NAME(selected);

/* The kth key of n: each round keeps those that share another digit with it. */
ALWAYS_INLINE NAME(selected) NAME(select_key)(const T *x, T *keys, int64_t n, int64_t kth, int kind, uint64_t infinity)
{
    enum { BITS = sizeof(T) > 2 ? 11 : 8, DIGITS = 1 << BITS };
    int64_t before = kth;
    for (int64_t i = 0; i < n; i++) keys[i] = NAME(key_of)(x[i], kind, infinity);
    for (int left = 8 * (int)sizeof(T); left > 0 && n > 1;) {
        uint32_t counts[DIGITS] = {0};
        int bits = left < BITS ? left : BITS, mask = (1 << bits) - 1;
        left -= bits;
        for (int64_t i = 0; i < n; i++) counts[(int)(keys[i] >> left) & mask]++;
        int digit = 0;
        for (; kth >= counts[digit]; digit++) kth -= counts[digit];
        int64_t kept = 0;
        for (int64_t i = 0; i < n; i++) {
            T key = keys[i];
            keys[kept] = key;
            kept += ((int)(key >> left) & mask) == digit;
        }
        n = kept;
    }
    return (NAME(selected)){keys[0], before - kth, n};
}

/* y: the elements of x, or their positions (`positions`), less than the key first, then equal, then greater. */
ALWAYS_INLINE void NAME(part_row)(void *out, const T *x, int64_t n, NAME(selected) s, int kind, uint64_t infinity,
                                  bool positions)
{
    int64_t at[3] = {0, s.less, s.less + s.equal}; /* places in memory: compilers make branches of selected ones */
    for (int64_t i = 0; i < n; i++) {
        T own = NAME(key_of)(x[i], kind, infinity);
        int64_t to = at[(own >= s.key) + (own > s.key)]++;
        if (positions)
            ((uint32_t *)out)[to] = (uint32_t)i;
        else
            ((T *)out)[to] = x[i];
    }
}

ALWAYS_INLINE void NAME(partition_of)(void *out, const T *x, void *work, int64_t n, int64_t kth, int kind,
                                      uint64_t infinity, bool positions)
{
    NAME(selected) s = NAME(select_key)(x, work, n, kth, kind, infinity);
    NAME(part_row)(out, x, n, s, kind, infinity, positions);
}

/* LANES short rows: their keys are sorted side by side. */
ALWAYS_INLINE void NAME(part_side_by_side)(void *out, const T *x, int64_t n, int64_t kth, int kind, uint64_t infinity,
                                           bool positions)
{
    T keys[SORT_LANES_MOST * NAME(LANES)];
    for (int64_t l = 0; l < NAME(LANES); l++) {
        for (int64_t i = 0; i < n; i++) keys[i * NAME(LANES) + l] = NAME(key_of)(x[l * n + i], kind, infinity);
    }
    NAME(sort_lanes)(keys, n);
    for (int64_t l = 0; l < NAME(LANES); l++) {
        int64_t first = kth, end = kth + 1;
        T key = keys[kth * NAME(LANES) + l];
        while (first > 0 && keys[(first - 1) * NAME(LANES) + l] == key) first--;
        while (end < n && keys[end * NAME(LANES) + l] == key) end++;
        void *to = positions ? (void *)((uint32_t *)out + l * n) : (void *)((T *)out + l * n);
        NAME(part_row)(to, x + l * n, n, (NAME(selected)){key, first, end - first}, kind, infinity, positions);
    }
}

/* One row, or without work space LANES short ones. */
ALWAYS_INLINE void NAME(partition_as)(void *out, const T *x, void *work, int64_t n, int64_t kth, int kind,
                                      uint64_t infinity, bool positions)
{
    if (work)
        NAME(partition_of)(out, x, work, n, kth, kind, infinity, positions);
    else
        NAME(part_side_by_side)(out, x, n, kth, kind, infinity, positions);
}

ALWAYS_INLINE void NAME(partition_any)(void *out, const void *x, void *work, int64_t n, int64_t kth, sort_order o,
                                       bool positions)
{
    switch (o.kind) {
    case SORT_UNSIGNED: NAME(partition_as)(out, x, work, n, kth, SORT_UNSIGNED, 0, positions); break;
    case SORT_SIGNED: NAME(partition_as)(out, x, work, n, kth, SORT_SIGNED, 0, positions); break;
    case SORT_FLOAT: NAME(partition_as)(out, x, work, n, kth, SORT_FLOAT, o.infinity, positions); break;
    default: NAME(partition_as)(out, x, work, n, kth, SORT_COMPLEX, 0, positions);
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
