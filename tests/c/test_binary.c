/* SPDX-License-Identifier: MIT
 *
 * Arithmetic with two operands. */
#include "check.h"

#define FUNCTION(name)                                                                                                 \
    static mx_array *name##_of(mx_array *const *x)                                                                     \
    {                                                                                                                  \
        return mx_##name(x[0], x[1]);                                                                                  \
    }
FUNCTION(add)
FUNCTION(sub)
FUNCTION(mul)
FUNCTION(div)
FUNCTION(floor_div)
FUNCTION(remainder)
FUNCTION(power)
FUNCTION(maximum)
FUNCTION(minimum)
FUNCTION(logaddexp)
FUNCTION(arctan2)

static mx_array *add_twice(mx_array *const *x)
{
    return mx_add(mx_add(x[0], x[1]), x[0]);
}

const op_sample samples_add[] = {
    {"same shape", add_of, {IN(3, 5), IN(3, 5)}, ALL},
    {"odd lengths", add_of, {IN(7, 67), IN(7, 67)}, ALL},
    {"broadcast both ways", add_of, {IN(4, 1, 3), IN(5, 1)}, ALL},
    {"a row", add_of, {IN(6, 33), IN(33)}, ALL},
    {"a column", add_of, {IN(6, 33), IN(6, 1)}, FLOATS},
    {"with a scalar", add_of, {IN(2, 40), IN_SCALAR}, ALL},
    {"scalars", add_of, {IN_SCALAR, IN_SCALAR}, ALL},
    {"five axes", add_of, {IN(2, 3, 1, 2, 3), IN(3, 4, 1, 3)}, FLOATS},
    {"long rows and columns", add_of, {IN(3, 1, 700), IN(2, 1)}, FLOATS | INTS},
    {"vectors of three axes", add_of, {IN(4, 1, 64), IN(4, 3, 64)}, ALL},
    {"special values", add_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, ALL},
    {"nothing", add_of, {IN(0, 3), IN(1, 3)}, ALL},
    {"a chain", add_twice, {IN(5, 7), IN(5, 7)}, FLOATS},
    {"bool and float", add_of, {IN_MASK(3, 4), IN(3, 4)}, FLOATS},
    {"many elements", add_of, {IN(3, 50001), IN(50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16) | DTYPE(MX_INT8)},
    {0},
};

#define COMMON(name, dtypes)                                                                                           \
    {"same shape", name##_of, {IN(3, 5), IN(3, 5)}, dtypes},                                                           \
        {"broadcast both ways", name##_of, {IN(4, 1, 3), IN(5, 1)}, dtypes},                                           \
        {"with a scalar", name##_of, {IN(2, 40), IN_SCALAR}, dtypes},                                                  \
    {                                                                                                                  \
        "nothing", name##_of, {IN(0, 3), IN(1, 3)}, dtypes                                                             \
    }

const op_sample samples_sub[] = {
    COMMON(sub, ALL),
    {"special values", sub_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, ALL},
    {"many elements", sub_of, {IN(3, 50001), IN(3, 1)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16)},
    {0},
};
const op_sample samples_mul[] = {
    COMMON(mul, REALS),
    {"complex", mul_of, {IN(5, 7), IN(7)}, COMPLEX, 8},
    {"special values", mul_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, REALS},
    {"many elements", mul_of, {IN(3, 50001), IN(50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16)},
    {0},
};
const op_sample samples_div[] = {
    {"same shape", div_of, {IN(3, 5), IN_RANGE(0.5, 2, 3, 5)}, FLOATS},
    {"broadcast both ways", div_of, {IN(4, 1, 3), IN_RANGE(0.5, 2, 5, 1)}, FLOATS},
    {"integers", div_of, {IN(4, 9), IN(9)}, INTS | BOOLS},
    {"complex", div_of, {IN(5, 7), IN_RANGE(0.5, 2, 7)}, COMPLEX, 8},
    {"special values", div_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, FLOATS},
    {"nothing", div_of, {IN(0, 3), IN(1, 3)}, ALL},
    {"many elements", div_of, {IN(3, 50001), IN_RANGE(0.5, 2, 50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16)},
    {0},
};
/* float16 and bfloat16 divide in float32, where a quotient just below an integer may round up to it: whole numbers. */
const op_sample samples_floor_div[] = {
    {"integers", floor_div_of, {IN(5, 7), IN(7)}, INTS | BOOLS},
    {"special values", floor_div_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, INTS | BOOLS},
    {"floats", floor_div_of, {IN_RANGE(-20, 20, 5, 7), IN_RANGE(0.5, 2, 5, 7)}, FLOATS, 0, NO_GRAD},
    {0},
};
const op_sample samples_remainder[] = {
    {"integers", remainder_of, {IN(5, 7), IN(7)}, INTS | BOOLS},
    {"special values", remainder_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, INTS | BOOLS},
    {"floats", remainder_of, {IN_RANGE(-20, 20, 5, 7), IN_RANGE(0.5, 2, 5, 7)}, FLOATS, 1, NO_GRAD},
    {"by negative numbers", remainder_of, {IN_RANGE(-20, 20, 5, 7), IN_RANGE(-2, -0.5, 5, 7)}, FLOATS, 1, NO_GRAD},
    {"between steps", remainder_of, {IN_RANGE(1.1, 1.9, 5, 7), IN_RANGE(0.96, 1.04, 5, 7)}, DTYPE(MX_FLOAT64), 1},
    {0},
};
const op_sample samples_power[] = {
    {"floats", power_of, {IN_RANGE(0.3, 3, 5, 7), IN(7)}, FLOATS, 4},
    {"integers", power_of, {IN(5, 7), IN(5, 7)}, INTS | BOOLS},
    {"special values", power_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, FLOATS, 4},
    {"all integers", power_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, INTS | BOOLS},
    {"complex", power_of, {IN_RANGE(0.3, 3, 5, 7), IN(7)}, COMPLEX, 24, NO_GRAD},
    {"many elements", power_of, {IN_RANGE(0.3, 3, 3, 50001), IN(50001)}, DTYPE(MX_FLOAT32), 4},
    {0},
};
const op_sample samples_maximum[] = {
    COMMON(maximum, ALL),
    {"special values", maximum_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, REALS},
    {"many elements", maximum_of, {IN(3, 50001), IN(50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT8)},
    {0},
};
const op_sample samples_minimum[] = {
    COMMON(minimum, ALL),
    {"special values", minimum_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, REALS},
    {"many elements", minimum_of, {IN(3, 50001), IN(50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT8)},
    {0},
};
const op_sample samples_logaddexp[] = {
    {"floats", logaddexp_of, {IN(5, 7), IN(7)}, FLOATS, 4},
    {"integers", logaddexp_of, {IN(5, 7), IN(7)}, INTS | BOOLS, 4},
    {"complex", logaddexp_of, {IN(5, 7), IN(7)}, COMPLEX, 24},
    {"infinities", logaddexp_of, {IN_SPECIAL(40, 40), IN_RANGE(100, 200, 40, 40)}, FLOATS, 4},
    {0},
};
const op_sample samples_arctan2[] = {
    {"floats", arctan2_of, {IN(5, 7), IN_RANGE(0.5, 2, 7)}, FLOATS, 4},
    {"all quadrants", arctan2_of, {IN(5, 7), IN(5, 7)}, FLOATS, 4, NO_GRAD},
    {"integers", arctan2_of, {IN(5, 7), IN(7)}, INTS | BOOLS, 4},
    {"special values", arctan2_of, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, FLOATS, 4},
    {0},
};

/* ---- Special cases */
#define INT32(...)                                                                                                     \
    mx_from_data((const int32_t[]){__VA_ARGS__}, SHAPE(sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)),      \
                 MX_INT32)
#define FLOAT32(...)                                                                                                   \
    mx_from_data((const float[]){__VA_ARGS__}, SHAPE(sizeof((const float[]){__VA_ARGS__}) / sizeof(float)), MX_FLOAT32)

TEST(add_promotes)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_INT32, -5, 5, 1), *y = check_random(SHAPE(3), MX_FLOAT16, -1, 1, 2);
    CHECK_SHAPE(mx_add(x, y), SHAPE(2, 3), MX_FLOAT16);
    CHECK_SHAPE(mx_add(mx_from_data((uint64_t[]){1}, SHAPE(1), MX_UINT64), x), SHAPE(2, 3), MX_FLOAT32);
}

TEST(add_names_shapes_that_do_not_fit)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_FLOAT32, -1, 1, 1), *y = check_random(SHAPE(2), MX_FLOAT32, -1, 1, 2);
    CHECK_CODE(mx_add(x, y), MX_VALUE, "[broadcast_shapes] Shapes (2,3) and (2) cannot be broadcast");
}

TEST(division_makes_ints_float32)
{
    CHECK_SHAPE(mx_div(INT32(1), INT32(2)), SHAPE(1), MX_FLOAT32);
    CHECK_SHAPE(mx_div(mx_scalar(1, MX_INT64), mx_scalar(2, MX_FLOAT16)), SCALAR_SHAPE, MX_FLOAT16);
    CHECK_VALUES(mx_div(INT32(1, 0), INT32(0, 1)), 0, INFINITY, 0);
}

TEST(whole_quotients_go_to_zero_and_remainders_follow_the_divisor)
{
    mx_array *a = INT32(7, -7, 7, -7, 5, INT32_MIN), *b = INT32(2, 2, -2, -2, 0, -1);
    CHECK_VALUES(mx_floor_div(a, b), 0, 3, -3, -3, 3, 0, -2147483648.0);
    CHECK_VALUES(mx_remainder(a, b), 0, 1, 1, -1, -1, 0, 0);
}

TEST(divmod_floors)
{
    mx_array *out[2];
    CHECK(mx_divmod(INT32(7, -7, 7, -7, 5, INT32_MIN), INT32(2, 2, -2, -2, 0, 3), out));
    CHECK_VALUES(out[0], 0, 3, -4, -4, 3, 0, -715827883.0);
    CHECK_VALUES(out[1], 0, 1, 1, -1, -1, 0, 1);
    CHECK(mx_divmod(FLOAT32(7, -7, 7, -7), FLOAT32(2, 2, -2, -2), out));
    CHECK_VALUES(out[0], 0, 3, -4, -4, 3);
    CHECK_VALUES(out[1], 0, 1, 1, -1, -1);
    CHECK_CODE(mx_divmod(mx_complex(1, 2), INT32(1), out), MX_VALUE, "[divmod]");
}

TEST(remainders_of_infinities)
{
    CHECK_VALUES(mx_remainder(FLOAT32(5, -5, 5), FLOAT32(INFINITY, INFINITY, -3)), 0, 5, INFINITY, -1);
    CHECK_VALUES(mx_isnan(mx_remainder(FLOAT32(INFINITY, 0), FLOAT32(2, 0))), 0, 1, 1);
}

TEST(real_arithmetic_refuses_complex_numbers)
{
    mx_array *z = mx_complex(1, 2), *x = mx_float(1);
    CHECK_CODE(mx_floor_div(z, x), MX_VALUE, "[floor_divide]");
    CHECK_CODE(mx_remainder(x, z), MX_VALUE, "[remainder]");
    CHECK_CODE(mx_arctan2(z, z), MX_VALUE, "[arctan2]");
}

TEST(powers_of_integers_wrap)
{
    CHECK_VALUES(mx_power(INT32(2, 1, -1, 0, 3, 0), INT32(-1, -1, -2, -1, 40, 0)), 0, 0, 0, 0, 0, 689956897, 1);
}

/* pairs (x, y), the cotangents of a sum of f(x, y) */
static bool power_sum(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_sum(mx_power(in[0], in[1]), ALL_AXES, false)) != NULL;
}
static bool maximum_sum(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_sum(mx_maximum(in[0], in[1]), ALL_AXES, false)) != NULL;
}

TEST(derivatives_of_power_at_zero)
{
    mx_array *in[2] = {FLOAT32(0, 0), FLOAT32(2, 1)}, *value, *grads[2];
    CHECK(mx_value_and_grad(power_sum, NULL, in, 2, &value, grads));
    CHECK_VALUES(grads[0], 0, 0, 1);
    CHECK_VALUES(grads[1], 0, 0, 0);
}

TEST(of_equal_values_the_second_takes_the_derivative)
{
    mx_array *in[2] = {FLOAT32(1, 2, 3, NAN), FLOAT32(2, 2, 1, 1)}, *value, *grads[2];
    CHECK(mx_value_and_grad(maximum_sum, NULL, in, 2, &value, grads));
    CHECK_VALUES(grads[0], 0, 0, 0, 1, 0);
    CHECK_VALUES(grads[1], 0, 1, 1, 0, 0);
}

TEST(complex_numbers_are_ordered_by_their_parts)
{
    mx_array *z = mx_maximum(mx_complex(1, 2), mx_complex(1, 3));
    CHECK_VALUES(mx_imag(z), 0, 3);
    CHECK_VALUES(mx_imag(mx_minimum(mx_complex(0.5f, 9), mx_complex(1, 3))), 0, 9);
}
