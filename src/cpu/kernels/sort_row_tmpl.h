/* SPDX-License-Identifier: MIT
 *
 * A row of elements whose bits are T, sorted by their keys.  Keys of values can be turned back, so -0 and NaN have some of
 * their own here; equal ones that differ in bits are put in order at the end. */
ALWAYS_INLINE T NAME(value_key)(T bits, int kind, T infinity)
{
    const T top = (T)((T)1 << (8 * sizeof(T) - 1));
    if (kind == SORT_UNSIGNED) return bits;
    if (kind == SORT_SIGNED) return bits ^ top;
    T key = bits & top ? (T)~bits : (T)(bits | top);
    return (T)(bits & (T)~top) > infinity ? (T) ~(T)0 : key;
}

ALWAYS_INLINE T NAME(value_of)(T key, int kind)
{
    const T top = (T)((T)1 << (8 * sizeof(T) - 1));
    if (kind == SORT_UNSIGNED) return key;
    if (kind == SORT_SIGNED) return key ^ top;
    return key & top ? key ^ top : (T)~key;
}

/* Returns if there is a NaN or -0. */
ALWAYS_INLINE bool NAME(value_keys)(T *keys, const T *x, int64_t n, int kind, T infinity)
{
    const T top = (T)((T)1 << (8 * sizeof(T) - 1));
    T special = 0;
    SIMD_MAX(special)
    for (int64_t i = 0; i < n; i++) {
        T bits = x[i], size = bits & (T)~top;
        T is = kind == SORT_FLOAT && (size > infinity || bits == top);
        special = is > special ? is : special;
        keys[i] = NAME(value_key)(bits, kind, infinity);
    }
    return special != 0;
}

ALWAYS_INLINE void NAME(values_of)(T *y, const T *keys, int64_t n, int kind)
{
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] = NAME(value_of)(keys[i], kind);
}

/* The first of n sorted elements whose key is not less. */
static int64_t NAME(place_of_key)(const T *sorted, int64_t n, T key, T infinity)
{
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (NAME(value_key)(sorted[middle], SORT_FLOAT, infinity) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Zeros and NaN in the order of x. */
static void NAME(restore_equals)(T *y, const T *x, int64_t n, T infinity)
{
    const T top = (T)((T)1 << (8 * sizeof(T) - 1));
    int64_t zero = NAME(place_of_key)(y, n, (T)~top, infinity), nan = NAME(place_of_key)(y, n, (T) ~(T)0, infinity);
    for (int64_t i = 0; i < n; i++) {
        T size = x[i] & (T)~top;
        if (size == 0) y[zero++] = x[i];
        if (size > infinity) y[nan++] = x[i];
    }
}

ALWAYS_INLINE void NAME(sort_row_of)(T *y, const T *x, T *spare, int64_t n, int kind, T infinity)
{
    bool special = NAME(value_keys)(y, x, n, kind, infinity);
    NAME(values_of)(y, NAME(radix_sort)(y, spare, n, 0, sizeof(T)), n, kind);
    if (special) NAME(restore_equals)(y, x, n, infinity);
}

/* ---- Positions */
/* Elements with their positions, sorted: sort_pair where an element has 8 bytes, else words of both. */
ALWAYS_INLINE void *NAME(sort_positions)(const T *x, void *work, int64_t n, int kind, uint64_t infinity)
{
    if (sizeof(T) == 8) {
        sort_pair *pairs = work;
        for (int64_t i = 0; i < n; i++) pairs[i] = (sort_pair){NAME(key_of)(x[i], kind, infinity), (uint64_t)i};
        return radix_sort_pair(pairs, pairs + n, n, 0, 8);
    }
    uint64_t *words = work;
    SIMD
    for (int64_t i = 0; i < n; i++) words[i] = (uint64_t)NAME(key_of)(x[i], kind, infinity) << 32 | (uint64_t)i;
    return radix_sort_8(words, words + n, n, 32, sizeof(T));
}

static void NAME(order_row)(void *out, const void *in, void *work, int64_t n, sort_order order)
{
    uint32_t *y = out;
    void *sorted;
    switch (order.kind) {
    case SORT_UNSIGNED: sorted = NAME(sort_positions)(in, work, n, SORT_UNSIGNED, 0); break;
    case SORT_SIGNED: sorted = NAME(sort_positions)(in, work, n, SORT_SIGNED, 0); break;
    case SORT_FLOAT: sorted = NAME(sort_positions)(in, work, n, SORT_FLOAT, order.infinity); break;
    default: sorted = NAME(sort_positions)(in, work, n, SORT_COMPLEX, 0);
    }
    for (int64_t i = 0; i < n; i++)
        y[i] = (uint32_t)(sizeof(T) == 8 ? ((sort_pair *)sorted)[i].index : ((uint64_t *)sorted)[i]);
}

/* ---- Values */
static void NAME(sort_row)(void *out, const void *in, void *spare, int64_t n, sort_order order)
{
    switch (order.kind) {
    case SORT_COMPLEX: {
        const sort_pair *pairs = NAME(sort_positions)(in, spare, n, SORT_COMPLEX, 0);
        for (int64_t i = 0; i < n; i++) ((T *)out)[i] = ((const T *)in)[pairs[i].index];
        break;
    }
    case SORT_UNSIGNED: NAME(sort_row_of)(out, in, spare, n, SORT_UNSIGNED, 0); break;
    case SORT_SIGNED: NAME(sort_row_of)(out, in, spare, n, SORT_SIGNED, 0); break;
    default: NAME(sort_row_of)(out, in, spare, n, SORT_FLOAT, (T)order.infinity);
    }
}

/* ---- LANES short rows */
ALWAYS_INLINE void NAME(sort_side_by_side)(T *y, const T *x, int64_t n, int kind, T infinity)
{
    T keys[SORT_LANES_MOST * NAME(LANES)];
    const T top = (T)((T)1 << (8 * sizeof(T) - 1));
    T special = 0;
    for (int64_t l = 0; l < NAME(LANES); l++) {
        for (int64_t i = 0; i < n; i++) {
            T bits = x[l * n + i];
            special |= kind == SORT_FLOAT && ((T)(bits & (T)~top) > infinity || bits == top);
            keys[i * NAME(LANES) + l] = NAME(value_key)(bits, kind, infinity);
        }
    }
    NAME(sort_lanes)(keys, n);
    for (int64_t l = 0; l < NAME(LANES); l++) {
        for (int64_t i = 0; i < n; i++) y[l * n + i] = NAME(value_of)(keys[i * NAME(LANES) + l], kind);
    }
    for (int64_t l = 0; l < NAME(LANES) && special; l++) NAME(restore_equals)(y + l * n, x + l * n, n, infinity);
}

static void NAME(sort_short_rows)(void *out, const void *in, int64_t n, sort_order order)
{
    switch (order.kind) {
    case SORT_UNSIGNED: NAME(sort_side_by_side)(out, in, n, SORT_UNSIGNED, 0); break;
    case SORT_SIGNED: NAME(sort_side_by_side)(out, in, n, SORT_SIGNED, 0); break;
    default: NAME(sort_side_by_side)(out, in, n, SORT_FLOAT, (T)order.infinity);
    }
}

/* Words of a key and a position, which are all different. */
ALWAYS_INLINE void NAME(order_side_by_side)(uint32_t *y, const T *x, int64_t n, int kind, uint64_t infinity)
{
    uint64_t words[SORT_LANES_MOST * LANES_8];
    for (int64_t l = 0; l < LANES_8; l++) {
        for (int64_t i = 0; i < n; i++)
            words[i * LANES_8 + l] = (uint64_t)NAME(key_of)(x[l * n + i], kind, infinity) << 32 | (uint64_t)i;
    }
    sort_lanes_8(words, n);
    for (int64_t l = 0; l < LANES_8; l++) {
        for (int64_t i = 0; i < n; i++) y[l * n + i] = (uint32_t)words[i * LANES_8 + l];
    }
}

MAYBE_UNUSED static void NAME(order_short_rows)(void *out, const void *in, int64_t n, sort_order order)
{
    switch (order.kind) {
    case SORT_UNSIGNED: NAME(order_side_by_side)(out, in, n, SORT_UNSIGNED, 0); break;
    case SORT_SIGNED: NAME(order_side_by_side)(out, in, n, SORT_SIGNED, 0); break;
    default: NAME(order_side_by_side)(out, in, n, SORT_FLOAT, order.infinity);
    }
}
