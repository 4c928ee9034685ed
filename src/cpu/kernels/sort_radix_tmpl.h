/* SPDX-License-Identifier: MIT
 *
 * Radix sort of elements T from the least significant digit on (LSD): each pass moves them, in order, to the places that
 * counts of a digit of 8 bits give.  DIGIT(x, shift) reads a digit of KEY.  Passes that would move nothing are left out. */
typedef struct NAME(radix_pass) {
    T *to;
    const T *from;
    int64_t n, chunk;
    int shift;
    int64_t (*counts)[SORT_RADIX]; /* of each chunk; then where its elements go */
} NAME(radix_pass);

static void NAME(radix_count)(void *ctx, int64_t begin, int64_t end)
{
    const NAME(radix_pass) *p = ctx;
    int64_t *counts = p->counts[begin / p->chunk];
    memset(counts, 0, sizeof *p->counts);
    for (int64_t i = begin; i < end; i++) counts[DIGIT(p->from[i], p->shift)]++;
}

static void NAME(radix_move)(void *ctx, int64_t begin, int64_t end)
{
    const NAME(radix_pass) *p = ctx;
    int64_t *at = p->counts[begin / p->chunk];
    T *to = p->to;
    for (int64_t i = begin; i < end; i++) {
        T x = p->from[i];
        to[at[DIGIT(x, p->shift)]++] = x;
    }
}

/* A row that threads share.  Sorts by `digits` digits from bit `shift` on; returns which of a, b has the result. */
static T *NAME(radix_sort_long)(T *a, T *b, int64_t n, int shift, int digits)
{
    int64_t counts[SORT_CHUNKS][SORT_RADIX];
    int64_t chunk = (n + SORT_CHUNKS - 1) / SORT_CHUNKS;
    if (chunk < SORT_CHUNK) chunk = SORT_CHUNK;
    int chunks = (int)((n + chunk - 1) / chunk);
    for (int end = shift + 8 * digits; shift < end; shift += 8) {
        NAME(radix_pass) p = {b, a, n, chunk, shift, counts};
        cpu_split(n, chunk, NAME(radix_count), &p);
        if (!radix_places(counts, chunks, n)) continue;
        cpu_split(n, chunk, NAME(radix_move), &p);
        T *other = a;
        a = b;
        b = other;
    }
    return a;
}

/* A row of one thread: all digits are counted at once. */
static T *NAME(radix_sort_short)(T *a, T *b, int64_t n, int shift, int digits)
{
    int64_t counts[sizeof(KEY)][1][SORT_RADIX];
    memset(counts, 0, (size_t)digits * sizeof *counts);
    for (int64_t i = 0; i < n; i++) {
        for (int d = 0; d < digits; d++) counts[d][0][DIGIT(a[i], shift + 8 * d)]++;
    }
    for (int d = 0; d < digits; d++) {
        NAME(radix_pass) p = {b, a, n, n, shift + 8 * d, counts[d]};
        if (!radix_places(counts[d], 1, n)) continue;
        NAME(radix_move)(&p, 0, n);
        T *other = a;
        a = b;
        b = other;
    }
    return a;
}

static void NAME(insertion_sort)(T *a, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        T x = a[i];
        int64_t k = i;
        for (; k > 0 && ORDER(x) < ORDER(a[k - 1]); k--) a[k] = a[k - 1];
        a[k] = x;
    }
}

static T *NAME(radix_sort)(T *a, T *b, int64_t n, int shift, int digits)
{
    enum { FEW = 32 };
    if (n <= FEW) {
        NAME(insertion_sort)(a, n);
        return a;
    }
    return n > 2 * SORT_CHUNK ? NAME(radix_sort_long)(a, b, n, shift, digits)
                              : NAME(radix_sort_short)(a, b, n, shift, digits);
}
#undef T
#undef NAME
#undef KEY
#undef DIGIT
#undef ORDER
