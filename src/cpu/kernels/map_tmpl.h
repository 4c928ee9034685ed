/* SPDX-License-Identifier: MIT
 *
 * The loops of elementwise rows over type T.  `out` may be one of the inputs: each element is read before it is
 * written. */

ALWAYS_INLINE void NAME(map1)(T (*f)(T), void *out, const void *in, int64_t n)
{
    T *y = out;
    const T *a = in;
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] = f(a[i]);
}

ALWAYS_INLINE void NAME(map2)(T (*f)(T, T), void *out, const void *in_a, const void *in_b, int64_t n)
{
    T *y = out;
    const T *a = in_a, *b = in_b;
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] = f(a[i], b[i]);
}

MAYBE_UNUSED ALWAYS_INLINE void NAME(test1)(bool (*f)(T), void *out, const void *in, int64_t n)
{
    bool *y = out;
    const T *a = in;
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] = f(a[i]);
}

MAYBE_UNUSED ALWAYS_INLINE void NAME(test2)(bool (*f)(T, T), void *out, const void *in_a, const void *in_b, int64_t n)
{
    bool *y = out;
    const T *a = in_a, *b = in_b;
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] = f(a[i], b[i]);
}
