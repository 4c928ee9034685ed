/* SPDX-License-Identifier: MIT
 *
 * Dtypes: sizes, names, kinds and the table of promotions. */
#include "mica/types.h"

static const struct {
    const char *name;
    size_t bytes;
    mx_kind kind;
} facts[MX_DTYPE_COUNT] = {
    [MX_BOOL] = {"bool", 1, MX_GENERIC},
    [MX_UINT8] = {"uint8", 1, MX_UNSIGNED_INTEGER},
    [MX_UINT16] = {"uint16", 2, MX_UNSIGNED_INTEGER},
    [MX_UINT32] = {"uint32", 4, MX_UNSIGNED_INTEGER},
    [MX_UINT64] = {"uint64", 8, MX_UNSIGNED_INTEGER},
    [MX_INT8] = {"int8", 1, MX_SIGNED_INTEGER},
    [MX_INT16] = {"int16", 2, MX_SIGNED_INTEGER},
    [MX_INT32] = {"int32", 4, MX_SIGNED_INTEGER},
    [MX_INT64] = {"int64", 8, MX_SIGNED_INTEGER},
    [MX_FLOAT16] = {"float16", 2, MX_FLOATING},
    [MX_FLOAT32] = {"float32", 4, MX_FLOATING},
    [MX_FLOAT64] = {"float64", 8, MX_FLOATING},
    [MX_BFLOAT16] = {"bfloat16", 2, MX_FLOATING},
    [MX_COMPLEX64] = {"complex64", 8, MX_COMPLEX_FLOATING},
};

static const struct {
    const char *name;
    mx_kind super;
} kinds[MX_KIND_COUNT] = {
    [MX_GENERIC] = {"generic", MX_GENERIC},
    [MX_NUMBER] = {"number", MX_GENERIC},
    [MX_INTEGER] = {"integer", MX_NUMBER},
    [MX_SIGNED_INTEGER] = {"signedinteger", MX_INTEGER},
    [MX_UNSIGNED_INTEGER] = {"unsignedinteger", MX_INTEGER},
    [MX_INEXACT] = {"inexact", MX_NUMBER},
    [MX_FLOATING] = {"floating", MX_INEXACT},
    [MX_COMPLEX_FLOATING] = {"complexfloating", MX_INEXACT},
};

/* A number that is no dtype has no bytes and no kind, so that ops refuse it as they refuse a wrong one. */
static bool is_dtype(mx_dtype dtype)
{
    return (unsigned)dtype < MX_DTYPE_COUNT;
}

size_t mx_dtype_size(mx_dtype dtype)
{
    return is_dtype(dtype) ? facts[dtype].bytes : 0;
}
const char *mx_dtype_name(mx_dtype dtype)
{
    return is_dtype(dtype) ? facts[dtype].name : "(no dtype)";
}
const char *mx_kind_name(mx_kind kind)
{
    return (unsigned)kind < MX_KIND_COUNT ? kinds[kind].name : "(no kind)";
}

bool mx_kind_is(mx_kind sub, mx_kind super)
{
    if ((unsigned)sub >= MX_KIND_COUNT) return false;
    while (sub != super && sub != MX_GENERIC) sub = kinds[sub].super;
    return sub == super;
}

bool mx_dtype_is(mx_dtype dtype, mx_kind kind)
{
    return is_dtype(dtype) && mx_kind_is(facts[dtype].kind, kind);
}

static mx_dtype signed_of_bytes(size_t bytes)
{
    return bytes == 1 ? MX_INT8 : bytes == 2 ? MX_INT16 : bytes == 4 ? MX_INT32 : MX_INT64;
}

static mx_dtype promote_integers(mx_dtype a, mx_dtype b)
{
    bool a_signed = mx_dtype_is(a, MX_SIGNED_INTEGER), b_signed = mx_dtype_is(b, MX_SIGNED_INTEGER);
    size_t bytes_a = facts[a].bytes, bytes_b = facts[b].bytes;
    if (a_signed == b_signed) return bytes_a >= bytes_b ? a : b;
    size_t bytes_unsigned = a_signed ? bytes_b : bytes_a, bytes_signed = a_signed ? bytes_a : bytes_b;
    if (bytes_unsigned == 8) return MX_FLOAT32;
    return signed_of_bytes(bytes_signed > bytes_unsigned ? bytes_signed : 2 * bytes_unsigned);
}

static mx_dtype promote_floats(mx_dtype a, mx_dtype b)
{
    if (a == MX_COMPLEX64 || b == MX_COMPLEX64) return MX_COMPLEX64;
    if (a == MX_FLOAT64 || b == MX_FLOAT64) return MX_FLOAT64;
    return a == b ? a : MX_FLOAT32; /* two different ones of float32 and the halves */
}

mx_dtype mx_dtype_promote(mx_dtype a, mx_dtype b)
{
    if (a == b) return a;
    if (a == MX_BOOL || !is_dtype(a)) return b;
    if (b == MX_BOOL || !is_dtype(b)) return a;
    bool a_float = mx_dtype_is(a, MX_INEXACT), b_float = mx_dtype_is(b, MX_INEXACT);
    if (a_float && b_float) return promote_floats(a, b);
    if (a_float || b_float) return a_float ? a : b;
    return promote_integers(a, b);
}
