/* SPDX-License-Identifier: MIT
 *
 * Keys of elements whose bits are T (NAME(key_of), constant `kind`).  -0 and 0 have one key, and so have all NaN, which
 * is the greatest. */
ALWAYS_INLINE T NAME(float_key)(T bits, T infinity)
{
    const T top = (T)((T)1 << (8 * sizeof(T) - 1));
    T size = bits & (T)~top, key = bits & top ? (T)~bits : (T)(bits | top);
    key = size ? key : top;
    return size > infinity ? (T) ~(T)0 : key;
}

ALWAYS_INLINE T NAME(key_of)(T bits, int kind, uint64_t infinity)
{
    const T top = (T)((T)1 << (8 * sizeof(T) - 1));
    switch (kind) {
    case SORT_SIGNED: return bits ^ top;
    case SORT_FLOAT: return NAME(float_key)(bits, (T)infinity);
    case SORT_COMPLEX: return (T)sort_complex_key(bits);
    default: return bits;
    }
}
