/* SPDX-License-Identifier: MIT
 *
 * Exact elementwise ops with one operand: signs, squares, rounding, bits, parts of complex numbers. */
#include "check.h"

#define FUNCTION(name)                                                                                                 \
    static mx_array *name##_of(mx_array *const *x)                                                                     \
    {                                                                                                                  \
        return mx_##name(x[0]);                                                                                        \
    }
FUNCTION(abs)
FUNCTION(neg)
FUNCTION(sign)
FUNCTION(square)
FUNCTION(floor)
FUNCTION(ceil)
FUNCTION(round)
FUNCTION(bitwise_invert)
FUNCTION(logical_not)
FUNCTION(real)
FUNCTION(imag)
FUNCTION(conjugate)
FUNCTION(stop_gradient)
FUNCTION(isnan)
FUNCTION(isinf)
FUNCTION(isfinite)
FUNCTION(isposinf)
FUNCTION(isneginf)
FUNCTION(degrees)
FUNCTION(radians)

const op_sample samples_abs[] = {
    {"a matrix", abs_of, {IN(7, 19)}, SIGNED | FLOATS},
    {"special values", abs_of, {IN_SPECIAL(40, 40)}, SIGNED | FLOATS},
    {"complex", abs_of, {IN(7, 19)}, COMPLEX, 4},
    {"nothing", abs_of, {IN(0, 3)}, FLOATS},
    {"many elements", abs_of, {IN(3, 50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16)},
    {0},
};
const op_sample samples_neg[] = {
    {"a matrix", neg_of, {IN(7, 19)}, INTS | INEXACT},
    {"special values", neg_of, {IN_SPECIAL(40, 40)}, INTS | INEXACT},
    {"a scalar", neg_of, {IN_SCALAR}, INTS | INEXACT},
    {"many elements", neg_of, {IN(150001)}, DTYPE(MX_FLOAT16) | DTYPE(MX_INT16)},
    {0},
};
const op_sample samples_sign[] = {
    {"a matrix", sign_of, {IN(7, 19)}, INTS | FLOATS},
    {"special values", sign_of, {IN_SPECIAL(40, 40)}, INTS | FLOATS},
    {"complex", sign_of, {IN(7, 19)}, COMPLEX, 4, NO_GRAD},
    {0},
};
const op_sample samples_square[] = {
    {"a matrix", square_of, {IN(7, 19)}, INTS | FLOATS},
    {"special values", square_of, {IN_SPECIAL(40, 40)}, INTS | FLOATS},
    {"complex", square_of, {IN(7, 19)}, COMPLEX, 8},
    {"many elements", square_of, {IN(150001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT32)},
    {0},
};
const op_sample samples_floor[] = {
    {"a matrix", floor_of, {IN_RANGE(-90, 90, 7, 19)}, FLOATS, 0, NO_GRAD},
    {"special values", floor_of, {IN_SPECIAL(40, 40)}, FLOATS},
    {0},
};
const op_sample samples_ceil[] = {
    {"a matrix", ceil_of, {IN_RANGE(-90, 90, 7, 19)}, FLOATS, 0, NO_GRAD},
    {"special values", ceil_of, {IN_SPECIAL(40, 40)}, FLOATS},
    {0},
};
const op_sample samples_round[] = {
    {"a matrix", round_of, {IN_RANGE(-90, 90, 7, 19)}, INEXACT, 0, NO_GRAD},
    {"special values", round_of, {IN_SPECIAL(40, 40)}, FLOATS},
    {0},
};
const op_sample samples_bitwise_invert[] = {
    {"a matrix", bitwise_invert_of, {IN(7, 19)}, INTS | BOOLS},
    {"special values", bitwise_invert_of, {IN_SPECIAL(40, 40)}, INTS | BOOLS},
    {"a truth", logical_not_of, {IN(7, 19)}, ALL & ~BOOLS},
    {0},
};
const op_sample samples_real[] = {
    {"a matrix", real_of, {IN(7, 19)}, COMPLEX},
    {"special values", real_of, {IN_SPECIAL(40, 40)}, COMPLEX},
    {"nothing", real_of, {IN(0)}, COMPLEX},
    {0},
};
const op_sample samples_imag[] = {
    {"a matrix", imag_of, {IN(7, 19)}, COMPLEX},
    {"special values", imag_of, {IN_SPECIAL(40, 40)}, COMPLEX},
    {"many elements", imag_of, {IN(150001)}, COMPLEX},
    {0},
};
const op_sample samples_conjugate[] = {
    {"a matrix", conjugate_of, {IN(7, 19)}, COMPLEX},
    {"special values", conjugate_of, {IN_SPECIAL(40, 40)}, COMPLEX},
    {0},
};

/* Its derivative is zero by intent: a difference would not say so. */
const op_sample samples_stop_gradient[] = {
    {"a matrix", stop_gradient_of, {IN(7, 19)}, ALL, 0, NO_GRAD},
    {"nothing", stop_gradient_of, {IN(0, 3)}, FLOATS, 0, NO_GRAD},
    {0},
};

/* ---- Compositions */
#define TRUTH(name, expression)                                                                                        \
    static void ref_##name(const ref_call *c)                                                                          \
    {                                                                                                                  \
        for (int64_t i = 0; i < c->out->size; i++) {                                                                   \
            double re = c->in->re[i], im = c->in->im[i];                                                               \
            (void)re, (void)im;                                                                                        \
            c->out->whole[i] = (expression) != 0;                                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    static const op_sample name##_samples[] = {                                                                        \
        {"special values", name##_of, {IN_SPECIAL(40, 40)}, ALL},                                                      \
        {"many elements", name##_of, {IN(150001)}, DTYPE(MX_FLOAT32)},                                                 \
        {0},                                                                                                           \
    };                                                                                                                 \
    COMPOSED(name, name##_samples, ref_##name)
TRUTH(isnan, isnan(re) || isnan(im))
TRUTH(isinf, isinf(re) || isinf(im))
TRUTH(isfinite, isfinite(re) && isfinite(im))
TRUTH(isposinf, isinf(re) && re > 0 && im == 0)
TRUTH(isneginf, isinf(re) && re < 0 && im == 0)

static void ref_degrees(const ref_call *c)
{
    for (int64_t i = 0; i < c->out->size; i++) {
        c->out->re[i] = c->in->re[i] * (180 / 3.14159265358979323846);
        c->out->im[i] = c->in->im[i] * (180 / 3.14159265358979323846);
    }
}
static void ref_radians(const ref_call *c)
{
    for (int64_t i = 0; i < c->out->size; i++) {
        c->out->re[i] = c->in->re[i] * (3.14159265358979323846 / 180);
        c->out->im[i] = c->in->im[i] * (3.14159265358979323846 / 180);
    }
}
/* The factor is rounded to the dtype, then the product. */
static const op_sample degrees_samples[] = {{"a matrix", degrees_of, {IN(7, 19)}, ALL, 4}, {0}};
static const op_sample radians_samples[] = {{"a matrix", radians_of, {IN(7, 19)}, ALL, 4}, {0}};
COMPOSED(degrees, degrees_samples, ref_degrees)
COMPOSED(radians, radians_samples, ref_radians)

/* ---- Special cases */
static mx_array *floats(const float *values, int count, mx_dtype dtype)
{
    return mx_astype(mx_from_data(values, SHAPE(count), MX_FLOAT32), dtype);
}
#define FLOATS_OF(dtype, ...)                                                                                          \
    floats((const float[]){__VA_ARGS__}, (int)(sizeof((const float[]){__VA_ARGS__}) / sizeof(float)), dtype)

TEST(what_changes_nothing_is_the_operand)
{
    mx_array *x = check_random(SHAPE(3), MX_INT16, -5, 5, 1), *flag = mx_bool(true), *u = mx_scalar(3, MX_UINT8);
    CHECK(mx_floor(x) == x && mx_ceil(x) == x && mx_round(x) == x && mx_real(x) == x && mx_conjugate(x) == x);
    CHECK(mx_abs(u) == u && mx_abs(flag) == flag && mx_sign(flag) == flag && mx_square(flag) == flag);
    CHECK(mx_nan_to_num(x, 0, NULL, NULL) == x);
    CHECK_VALUES(mx_imag(x), 0, 0, 0, 0);
    CHECK_SHAPE(mx_imag(x), SHAPE(3), MX_INT16);
}

TEST(negative_refuses_bools)
{
    CHECK_CODE(mx_neg(mx_bool(true)), MX_VALUE, "[negative]");
}

TEST(rounding_refuses_complex_numbers)
{
    mx_array *z = mx_complex(1, 2);
    CHECK_CODE(mx_floor(z), MX_VALUE, "[floor]");
    CHECK_CODE(mx_ceil(z), MX_VALUE, "[ceil]");
    CHECK_SHAPE(mx_round(z), SCALAR_SHAPE, MX_COMPLEX64);
}

TEST(bitwise_invert_refuses_floats)
{
    CHECK_CODE(mx_bitwise_invert(mx_float(1)), MX_VALUE, "[bitwise_invert]");
}

TEST(integers_wrap)
{
    mx_array *least = mx_scalar_int(INT32_MIN, MX_INT32);
    CHECK_VALUES(mx_abs(least), 0, -2147483648.0);
    CHECK_VALUES(mx_neg(least), 0, -2147483648.0);
    CHECK_VALUES(mx_neg(mx_scalar(1, MX_UINT8)), 0, 255);
    CHECK_VALUES(mx_square(mx_scalar(200, MX_UINT8)), 0, 64);
}

TEST(sign_of_nan_is_zero)
{
    CHECK_VALUES(mx_sign(FLOATS_OF(MX_FLOAT32, NAN, -0.0f, INFINITY, -3)), 0, 0, 0, 1, -1);
}

TEST(round_goes_to_even)
{
    CHECK_VALUES(mx_round(FLOATS_OF(MX_FLOAT16, 0.5, 1.5, 2.5, -0.5, -1.5)), 0, 0, 2, 2, 0, -2);
}

/* As MLX 0.32.2 answers. */
TEST(round_to_decimals)
{
    CHECK_VALUES(mx_round_to(FLOATS_OF(MX_FLOAT32, 1.234f, 5.675f, -1.005f), 2), 1e-6, 1.23, 5.68, -1);
    CHECK_VALUES(mx_round_to(FLOATS_OF(MX_INT32, 123, 155, -145), -1), 0, 120, 160, -140);
    CHECK_SHAPE(mx_round_to(FLOATS_OF(MX_INT32, 123), -1), SHAPE(1), MX_INT32);
    CHECK_VALUES(mx_round_to(FLOATS_OF(MX_FLOAT16, 12345), -2), 0, 12304);
}

TEST(nan_to_num_takes_the_limits_of_the_dtype)
{
    float high = 2, low = 3;
    CHECK_VALUES(mx_nan_to_num(FLOATS_OF(MX_FLOAT16, NAN, INFINITY, -INFINITY, 1), 0, NULL, NULL), 0, 0, 65504, -65504,
                 1);
    CHECK_VALUES(mx_nan_to_num(FLOATS_OF(MX_BFLOAT16, INFINITY), 0, NULL, NULL), 0, 0x1.fep127);
    CHECK_VALUES(mx_nan_to_num(FLOATS_OF(MX_FLOAT32, NAN, INFINITY, -INFINITY), 1, &high, &low), 0, 1, 2, 3);
    CHECK_VALUES(mx_nan_to_num(FLOATS_OF(MX_FLOAT64, NAN, INFINITY, -INFINITY), 1, &high, &low), 0, 1, 2, 3);
    CHECK_CODE(mx_nan_to_num(mx_complex(1, 2), 0, NULL, NULL), MX_VALUE, "[nan_to_num]");
    CHECK_CODE(mx_nan_to_num(FLOATS_OF(MX_FLOAT64, 1), 0, &high, NULL), MX_VALUE, "[nan_to_num]");
}

static bool abs_sum(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_sum(mx_abs(in[0]), ALL_AXES, false)) != NULL;
}

TEST(derivative_of_abs_at_zero_is_zero)
{
    mx_array *x = FLOATS_OF(MX_FLOAT32, 0, -0.0f, 2, -2), *value, *grad;
    CHECK(mx_value_and_grad(abs_sum, NULL, &x, 1, &value, &grad));
    CHECK_VALUES(grad, 0, 0, 0, 1, -1);
}

static bool stopped(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_sum(mx_mul(in[0], mx_stop_gradient(in[0])), ALL_AXES, false)) != NULL;
}

TEST(stop_gradient_is_a_constant)
{
    mx_array *x = FLOATS_OF(MX_FLOAT32, 3, -2), *value, *grad;
    CHECK(mx_value_and_grad(stopped, NULL, &x, 1, &value, &grad));
    CHECK_VALUES(value, 0, 13);
    CHECK_VALUES(grad, 0, 3, -2);
}
