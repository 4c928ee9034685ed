/* SPDX-License-Identifier: MIT
 *
 * Comparisons, truth, bits, shifts, closeness. */
#include "check.h"

#define FUNCTION(name)                                                                                                 \
    static mx_array *name##_of(mx_array *const *x)                                                                     \
    {                                                                                                                  \
        return mx_##name(x[0], x[1]);                                                                                  \
    }
#define COMPARISON(name)                                                                                               \
    FUNCTION(name)                                                                                                     \
    const op_sample samples_##name[] = {                                                                               \
        {"integers", name##_of, {IN(3, 5), IN(3, 5)}, INTS | BOOLS},                                                   \
        {"broadcast both ways", name##_of, {IN(4, 1, 3), IN(5, 1)}, ALL},                                              \
        {"special values", name##_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, ALL},                                  \
        {"nothing", name##_of, {IN(0, 3), IN(1, 3)}, ALL},                                                             \
        {"many elements", name##_of, {IN(3, 50001), IN(50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16)},               \
        {0},                                                                                                           \
    };
COMPARISON(equal)
COMPARISON(not_equal)
COMPARISON(less)
COMPARISON(less_equal)

#define BITWISE(name, dtypes)                                                                                          \
    FUNCTION(name)                                                                                                     \
    const op_sample samples_##name[] = {                                                                               \
        {"same shape", name##_of, {IN(7, 19), IN(7, 19)}, dtypes},                                                     \
        {"small counts", name##_of, {IN(5, 7), IN_RANGE(0, 9, 7)}, dtypes},                                            \
        {"special values", name##_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, dtypes},                               \
        {"many elements", name##_of, {IN(3, 50001), IN(50001)}, DTYPE(MX_INT32)},                                      \
        {0},                                                                                                           \
    };
BITWISE(bitwise_and, INTS | BOOLS)
BITWISE(bitwise_or, INTS | BOOLS)
BITWISE(bitwise_xor, INTS | BOOLS)
BITWISE(left_shift, INTS)
BITWISE(right_shift, INTS)

#define INT32(...)                                                                                                     \
    mx_from_data((const int32_t[]){__VA_ARGS__}, SHAPE(sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)),      \
                 MX_INT32)
#define FLOAT32(...)                                                                                                   \
    mx_from_data((const float[]){__VA_ARGS__}, SHAPE(sizeof((const float[]){__VA_ARGS__}) / sizeof(float)), MX_FLOAT32)

TEST(comparisons_of_nan_are_false)
{
    mx_array *x = FLOAT32(NAN, 1, NAN), *y = FLOAT32(1, NAN, NAN);
    CHECK_VALUES(mx_greater(x, y), 0, 0, 0, 0);
    CHECK_VALUES(mx_greater_equal(x, y), 0, 0, 0, 0);
    CHECK_VALUES(mx_not_equal(x, y), 0, 1, 1, 1);
    CHECK_SHAPE(mx_greater(x, y), SHAPE(3), MX_BOOL);
}

TEST(greater_is_less_the_other_way)
{
    CHECK_VALUES(mx_greater(INT32(1, 2, 3), INT32(2, 2, 2)), 0, 0, 0, 1);
    CHECK_VALUES(mx_greater_equal(INT32(1, 2, 3), INT32(2, 2, 2)), 0, 0, 1, 1);
}

TEST(logical_ops_look_at_truth)
{
    mx_array *x = FLOAT32(NAN, 0, 2, 0), *y = INT32(4, 4, 0, 0);
    CHECK_VALUES(mx_logical_and(x, y), 0, 1, 0, 0, 0);
    CHECK_VALUES(mx_logical_or(x, y), 0, 1, 1, 1, 0);
    CHECK_VALUES(mx_logical_xor(x, y), 0, 0, 1, 1, 0);
    CHECK_VALUES(mx_logical_not(x), 0, 0, 1, 0, 1);
    CHECK_SHAPE(mx_logical_and(x, y), SHAPE(4), MX_BOOL);
}

TEST(bitwise_ops_refuse_floats)
{
    CHECK_CODE(mx_bitwise_and(INT32(1), FLOAT32(1)), MX_RUNTIME, "[bitwise_and]");
    CHECK_CODE(mx_left_shift(FLOAT32(1), FLOAT32(1)), MX_RUNTIME, "[left_shift]");
}

TEST(shifts_of_bools_are_uint8)
{
    CHECK_SHAPE(mx_left_shift(mx_bool(true), mx_bool(true)), SCALAR_SHAPE, MX_UINT8);
    CHECK_VALUES(mx_left_shift(mx_bool(true), mx_bool(true)), 0, 2);
}

TEST(shifts_by_too_much_shift_everything_out)
{
    CHECK_VALUES(mx_left_shift(INT32(1, 1, 1), INT32(31, 32, -1)), 0, -2147483648.0, 0, 0);
    CHECK_VALUES(mx_right_shift(INT32(-8, -8, 8, 8), INT32(1, 33, 33, -1)), 0, -4, -1, 0, 0);
}

TEST(isclose_compares_infinities_by_sign)
{
    mx_array *x = FLOAT32(1, INFINITY, INFINITY, NAN, 1, -INFINITY),
             *y = FLOAT32(1.000001f, INFINITY, -INFINITY, NAN, INFINITY, -INFINITY);
    CHECK_VALUES(mx_isclose(x, y, 1e-5, 1e-8, false), 0, 1, 1, 0, 0, 0, 1);
    CHECK_VALUES(mx_isclose(x, y, 1e-5, 1e-8, true), 0, 1, 1, 0, 1, 0, 1);
    CHECK_VALUES(mx_isclose(INT32(100000, 5), INT32(100001, 6), 1e-5, 1e-8, false), 0, 1, 0);
    CHECK_VALUES(mx_allclose(x, y, 1e-5, 1e-8, true), 0, 0);
    CHECK_VALUES(mx_allclose(INT32(3), FLOAT32(3), 1e-5, 1e-8, false), 0, 1);
}

TEST(arrays_of_different_shapes_are_not_equal)
{
    CHECK_VALUES(mx_array_equal(INT32(1), mx_reshape(INT32(1), SHAPE(1, 1)), false), 0, 0);
    CHECK_VALUES(mx_array_equal(INT32(1, 2), FLOAT32(1, 2), false), 0, 1);
    CHECK_VALUES(mx_array_equal(FLOAT32(NAN), FLOAT32(NAN), false), 0, 0);
    CHECK_VALUES(mx_array_equal(FLOAT32(NAN), FLOAT32(NAN), true), 0, 1);
}
