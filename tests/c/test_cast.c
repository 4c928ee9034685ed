/* SPDX-License-Identifier: MIT
 *
 * Casts: from every dtype to every dtype; views of the same bytes. */
#include "check.h"

#define CAST(name, dtype)                                                                                              \
    static mx_array *to_##name(mx_array *const *x)                                                                     \
    {                                                                                                                  \
        return mx_astype(x[0], dtype);                                                                                 \
    }
CAST(bool, MX_BOOL)
CAST(uint8, MX_UINT8)
CAST(uint16, MX_UINT16)
CAST(uint32, MX_UINT32)
CAST(uint64, MX_UINT64)
CAST(int8, MX_INT8)
CAST(int16, MX_INT16)
CAST(int32, MX_INT32)
CAST(int64, MX_INT64)
CAST(float16, MX_FLOAT16)
CAST(float32, MX_FLOAT32)
CAST(float64, MX_FLOAT64)
CAST(bfloat16, MX_BFLOAT16)
CAST(complex64, MX_COMPLEX64)

/* A cast to its own dtype is no node.  Floats that do not fit an integer are undefined in C and not sampled. */
#define ALL_BUT(dtype) (ALL & ~DTYPE(dtype))
const op_sample samples_astype[] = {
    {"to bool", to_bool, {IN(7, 19)}, ALL_BUT(MX_BOOL)},
    {"to uint8", to_uint8, {IN_RANGE(0, 99, 7, 19)}, ALL_BUT(MX_UINT8)},
    {"to uint16", to_uint16, {IN_RANGE(0, 99, 7, 19)}, ALL_BUT(MX_UINT16)},
    {"to uint32", to_uint32, {IN_RANGE(0, 99, 7, 19)}, ALL_BUT(MX_UINT32)},
    {"to uint64", to_uint64, {IN_RANGE(0, 99, 7, 19)}, ALL_BUT(MX_UINT64)},
    {"to int8", to_int8, {IN_RANGE(-99, 99, 7, 19)}, ALL_BUT(MX_INT8)},
    {"to int16", to_int16, {IN_RANGE(-99, 99, 7, 19)}, ALL_BUT(MX_INT16)},
    {"to int32", to_int32, {IN_RANGE(-99, 99, 7, 19)}, ALL_BUT(MX_INT32)},
    {"to int64", to_int64, {IN_RANGE(-99, 99, 7, 19)}, ALL_BUT(MX_INT64)},
    {"to float16", to_float16, {IN_RANGE(-99, 99, 7, 19)}, ALL_BUT(MX_FLOAT16)},
    {"to float32", to_float32, {IN_RANGE(-99, 99, 7, 19)}, ALL_BUT(MX_FLOAT32)},
    {"to float64", to_float64, {IN_RANGE(-99, 99, 7, 19)}, ALL_BUT(MX_FLOAT64)},
    {"to bfloat16", to_bfloat16, {IN_RANGE(-99, 99, 7, 19)}, ALL_BUT(MX_BFLOAT16)},
    {"to complex64", to_complex64, {IN_RANGE(-99, 99, 7, 19)}, ALL_BUT(MX_COMPLEX64)},
    {"all ints to int8", to_int8, {IN_SPECIAL(40, 40)}, (INTS | BOOLS) & ~DTYPE(MX_INT8)},
    {"all ints to uint32", to_uint32, {IN_SPECIAL(40, 40)}, (INTS | BOOLS) & ~DTYPE(MX_UINT32)},
    {"all ints to int64", to_int64, {IN_SPECIAL(40, 40)}, (INTS | BOOLS) & ~DTYPE(MX_INT64)},
    {"all ints to float32", to_float32, {IN_SPECIAL(40, 40)}, INTS & ~DTYPE(MX_INT64) & ~DTYPE(MX_UINT64)},
    {"special values to bool", to_bool, {IN_SPECIAL(40, 40)}, INEXACT},
    {"special values to float16", to_float16, {IN_SPECIAL(40, 40)}, INEXACT & ~DTYPE(MX_FLOAT16)},
    {"special values to bfloat16", to_bfloat16, {IN_SPECIAL(40, 40)}, INEXACT & ~DTYPE(MX_BFLOAT16)},
    {"special values to float32", to_float32, {IN_SPECIAL(40, 40)}, INEXACT & ~DTYPE(MX_FLOAT32)},
    {"special values to float64", to_float64, {IN_SPECIAL(40, 40)}, INEXACT & ~DTYPE(MX_FLOAT64)},
    {"special values to complex64", to_complex64, {IN_SPECIAL(40, 40)}, FLOATS},
    {"nothing", to_float32, {IN(0)}, ALL_BUT(MX_FLOAT32)},
    {"many elements", to_bfloat16, {IN(150001)}, DTYPE(MX_FLOAT32)},
    {0},
};

TEST(astype_to_the_same_dtype_is_the_same_array)
{
    mx_array *x = check_random(SHAPE(3), MX_INT16, -5, 5, 1);
    CHECK(mx_astype(x, MX_INT16) == x);
}

/* ---- Views */
#define VIEW_AS(name, dtype)                                                                                           \
    static mx_array *as_##name(mx_array *const *x)                                                                     \
    {                                                                                                                  \
        return mx_view(x[0], dtype);                                                                                   \
    }
VIEW_AS(uint8, MX_UINT8)
VIEW_AS(int16, MX_INT16)
VIEW_AS(int32, MX_INT32)
VIEW_AS(uint64, MX_UINT64)

const op_sample samples_view[] = {
    {"the same width", as_int32, {IN(7, 6)}, DTYPE(MX_UINT32) | DTYPE(MX_FLOAT32), 0, NO_GRAD},
    {"a scalar", as_int32, {IN_SCALAR}, DTYPE(MX_UINT32) | DTYPE(MX_FLOAT32), 0, NO_GRAD},
    {"narrower", as_int16, {IN(3, 5, 6)}, DTYPE(MX_INT32) | DTYPE(MX_FLOAT32) | DTYPE(MX_COMPLEX64), 0, NO_GRAD},
    {"bytes", as_uint8, {IN(7, 6)}, DTYPE(MX_BOOL) | DTYPE(MX_INT64) | DTYPE(MX_FLOAT64), 0, NO_GRAD},
    {"wider", as_int32, {IN(3, 5, 4)}, DTYPE(MX_UINT8) | DTYPE(MX_INT16) | DTYPE(MX_UINT16), 0, NO_GRAD},
    {"much wider", as_uint64, {IN(3, 16)}, DTYPE(MX_UINT8) | DTYPE(MX_FLOAT32), 0, NO_GRAD},
    {"nothing", as_int16, {IN(2, 0)}, DTYPE(MX_FLOAT32), 0, NO_GRAD},
    {0},
};

TEST(view_needs_whole_elements)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_INT16, -5, 5, 1);
    CHECK_CODE(mx_view(x, MX_INT32), MX_VALUE, "[view]");
    CHECK_CODE(mx_view(mx_float(1), MX_INT16), MX_VALUE, "[view]");
    CHECK(mx_view(x, MX_INT16) == x);
}

/* A transposed array has no row of bytes to view: it is copied first. */
TEST(view_of_a_transposed_array)
{
    mx_array *x = mx_from_data((int32_t[]){0, 1, 2, 3}, SHAPE(2, 2), MX_INT32);
    CHECK_VALUES(mx_view(mx_transpose(x, ALL_AXES), MX_INT16), 0, 0, 0, 2, 0, 1, 0, 3, 0);
}
