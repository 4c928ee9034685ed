/* SPDX-License-Identifier: MIT
 *
 * Scans of rows over type T.  A row is a chain, so only rows run side by side; integers wrap. */
ALWAYS_INLINE ACC NAME(scan_one)(ACC a, ACC v, int kind)
{
    switch (kind) {
    case SCAN_SUM: return a + v;
    case SCAN_PROD: return a * v;
    case SCAN_MAX: return v > a || IS_NAN(v) ? v : a;
    case SCAN_MIN: return v < a || IS_NAN(v) ? v : a;
    default: return (ACC)LOGADDEXP(a, v);
    }
}

ALWAYS_INLINE ACC NAME(scan_identity)(int kind)
{
    switch (kind) {
    case SCAN_SUM: return 0;
    case SCAN_PROD: return 1;
    case SCAN_MIN: return HIGHEST;
    default: return LOWEST;
    }
}

ALWAYS_INLINE void NAME(scan_kind)(void *out, const void *in, int64_t rows, int64_t n, int kind, bool reverse,
                                   bool inclusive)
{
    const T *x = in;
    T *y = out;
    int64_t first = reverse ? n - 1 : 0, step = reverse ? -1 : 1;
    for (int64_t r = 0; r < rows; r++, x += n, y += n) {
        ACC total = NAME(scan_identity)(kind);
        for (int64_t k = 0, i = first; k < n && !(k && cpu_stopped());) {
            int64_t end = n - k < SCAN_STRETCH ? n : k + SCAN_STRETCH;
            for (; k < end; k++, i += step) {
                ACC before = total;
                total = k == 0 ? (ACC)LOAD(x[i]) : NAME(scan_one)(total, LOAD(x[i]), kind);
                y[i] = STORE(inclusive ? total : before);
            }
        }
    }
}

static void NAME(scan_rows)(void *out, const void *in, int64_t rows, int64_t n, const scan_params *p)
{
    switch (p->kind) {
    case SCAN_SUM: NAME(scan_kind)(out, in, rows, n, SCAN_SUM, p->reverse, p->inclusive); break;
    case SCAN_PROD: NAME(scan_kind)(out, in, rows, n, SCAN_PROD, p->reverse, p->inclusive); break;
    case SCAN_MAX: NAME(scan_kind)(out, in, rows, n, SCAN_MAX, p->reverse, p->inclusive); break;
    case SCAN_MIN: NAME(scan_kind)(out, in, rows, n, SCAN_MIN, p->reverse, p->inclusive); break;
    default: NAME(scan_kind)(out, in, rows, n, SCAN_LOGADDEXP, p->reverse, p->inclusive);
    }
}
