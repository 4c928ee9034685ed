/* SPDX-License-Identifier: MIT
 *
 * One cast: from FROM to TO, by CONVERT.  Forgets TO and CONVERT. */
static void CAST_NAME(FROM_NAME, TO_NAME)(void *out, const void *const *in, int64_t n)
{
    TO *y = out;
    const FROM *x = in[0];
    SIMD
    for (int64_t i = 0; i < n; i++) y[i] = CONVERT(x[i]);
}
#undef TO
#undef TO_NAME
#undef CONVERT
