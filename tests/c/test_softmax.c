/* SPDX-License-Identifier: MIT
 *
 * softmax and logsumexp. */
#include "check.h"
#include "../ref/reduce.h"
#include "core/op.h"

void ref_softmax_axes(const ref_call *c);

static mx_array *last(mx_array *const *x)
{
    return mx_softmax(x[0], AXES(-1), true);
}
static mx_array *first(mx_array *const *x)
{
    return mx_softmax(x[0], AXES(0), false);
}
static mx_array *outer(mx_array *const *x)
{
    return mx_softmax(x[0], AXES(2, 0), false);
}
static mx_array *all(mx_array *const *x)
{
    return mx_softmax(x[0], ALL_AXES, false);
}

const op_sample samples_softmax[] = {
    {"last axis", last, {IN(4, 33)}, FLOATS, 8, ANY_ORDER},
    {"first axis", first, {IN(33, 4)}, FLOATS, 8, ANY_ORDER},
    {"two axes", outer, {IN(3, 4, 5)}, FLOATS, 8, ANY_ORDER},
    {"all axes", all, {IN(3, 4)}, FLOATS, 8, ANY_ORDER},
    {"one element", last, {IN(3, 1)}, FLOATS, 1},
    {"far apart", last, {IN_RANGE(-80, 80, 5, 40)}, FLOATS, 64, ANY_ORDER},
    {"special values", last, {IN_SPECIAL(40, 7)}, FLOATS, 64, ANY_ORDER},
    {"long rows", last, {IN(3, 40001)}, FLOATS, 64, ANY_ORDER},
    {"rows of a block", last, {IN(11, 2000)}, FLOATS, 64, ANY_ORDER},
    {"many rows", last, {IN(30001, 4)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16), 8, ANY_ORDER},
    {0},
};

static const op_sample axes_samples[] = {
    {"last", last, {IN(3, 4, 5)}, INEXACT, 16, ANY_ORDER, .params = REF_AXES(2)},
    {"first", first, {IN(3, 4, 5)}, INEXACT, 16, ANY_ORDER, .params = REF_AXES(0)},
    {"outer", outer, {IN(3, 4, 5)}, INEXACT, 16, ANY_ORDER, .params = REF_AXES(0, 2)},
    {"all", all, {IN(3, 4)}, INEXACT, 16, ANY_ORDER, .params = REF_AXES(0, 1)},
    {"no axes", all, {IN_SCALAR}, FLOATS, 1, ANY_ORDER, .params = &(const ref_axes){0}},
    {"no rows", last, {IN(0, 7)}, INEXACT, 1, .params = REF_AXES(1)},
    {"empty rows", last, {IN(7, 0)}, INEXACT, 1, .params = REF_AXES(1)},
    {0},
};
COMPOSED(softmax_axes, axes_samples, ref_softmax_axes)

static mx_array *jacobian(mx_array *const *x)
{
    return op_apply_n(&mx_op_softmax_vjp, NULL, x, 2);
}

const op_sample samples_softmax_vjp[] = {
    {"rows", jacobian, {IN(4, 33), IN(4, 33)}, FLOATS, 8, ANY_ORDER},
    {"three axes", jacobian, {IN(2, 3, 5), IN(2, 3, 5)}, FLOATS, 8, ANY_ORDER},
    {"no rows", jacobian, {IN(0, 5), IN(0, 5)}, FLOATS, 8},
    {"rows of a block", jacobian, {IN(11, 2000), IN(11, 2000)}, FLOATS, 64, ANY_ORDER},
    {"long rows", jacobian, {IN(3, 9001), IN(3, 9001)}, FLOATS, 64, ANY_ORDER},
    {"many rows", jacobian, {IN(30001, 4), IN(30001, 4)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16), 8, ANY_ORDER},
    {0},
};

static mx_array *logsumexp_last(mx_array *const *x)
{
    return mx_logsumexp(x[0], AXES(-1), false);
}
static mx_array *logsumexp_first(mx_array *const *x)
{
    return mx_logsumexp(x[0], AXES(0), KEEP);
}
static mx_array *logsumexp_all(mx_array *const *x)
{
    return mx_logsumexp(x[0], ALL_AXES, false);
}

const op_sample samples_logsumexp[] = {
    {"last axis", logsumexp_last, {IN(4, 33)}, FLOATS, 8, ANY_ORDER},
    {"first axis, kept", logsumexp_first, {IN(33, 4)}, FLOATS, 8, ANY_ORDER},
    {"all axes", logsumexp_all, {IN(3, 4, 5)}, FLOATS, 8, ANY_ORDER},
    {"a number", logsumexp_all, {IN_SCALAR}, FLOATS, 8, ANY_ORDER},
    {"far apart", logsumexp_last, {IN_RANGE(-80, 80, 5, 40)}, FLOATS, 8, ANY_ORDER},
    {"special values", logsumexp_last, {IN_SPECIAL(40, 7)}, FLOATS, 8, ANY_ORDER},
    {"long rows", logsumexp_last, {IN(3, 40001)}, FLOATS, 8, ANY_ORDER},
    {"many rows", logsumexp_last, {IN(30001, 4)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16), 8, ANY_ORDER},
    {0},
};

TEST(softmax_of_integers_is_float32)
{
    mx_array *x = mx_from_data((int32_t[]){1, 1}, SHAPE(2), MX_INT32);
    CHECK_SHAPE(mx_softmax(x, AXES(0), false), SHAPE(2), MX_FLOAT32);
    CHECK_VALUES(mx_softmax(x, AXES(0), false), 1e-6, 0.5, 0.5);
    CHECK_VALUES(mx_logsumexp(x, AXES(0), false), 1e-6, 1 + M_LN2);
}

TEST(softmax_names_bad_axes)
{
    mx_array *x = check_random(SHAPE(2, 8), MX_FLOAT32, -1, 1, 1),
             *number = check_random(SCALAR_SHAPE, MX_FLOAT32, 0, 1, 1);
    CHECK_CODE(mx_softmax(x, AXES(7), true), MX_INDEX, "[softmax] axis 7");
    CHECK_CODE(mx_softmax(x, AXES(0, 0), true), MX_VALUE, "[softmax] axis 0");
    CHECK_CODE(mx_softmax(number, AXES(0), true), MX_VALUE, "[softmax]");
    CHECK_CODE(mx_logsumexp(x, AXES(-3), KEEP), MX_INDEX, "[logsumexp] axis -3");
    CHECK_CODE(mx_logsumexp(check_random(SHAPE(0, 3), MX_FLOAT32, 0, 1, 1), AXES(1), false), MX_VALUE, "[logsumexp]");
}

TEST(logsumexp_of_complex_numbers)
{
    float z[] = {1, 2, 3, -1, 1, 5}; /* 1+2j, 3-1j, 1+5j */
    mx_array *x = mx_from_data(z, SHAPE(3), MX_COMPLEX64), *y = mx_logsumexp(x, AXES(0), false);
    CHECK_VALUES(mx_real(y), 1e-5, 2.996126);
    CHECK_VALUES(mx_imag(y), 1e-5, -1.018786);
}
TEST(softmax_of_infinities)
{
    const float data[] = {-INFINITY, 0, 0, INFINITY};
    mx_array *x = mx_from_data(data, SHAPE(3), MX_FLOAT32);
    CHECK_VALUES(mx_softmax(x, AXES(-1), true), 1e-7, 0, 0.5, 0.5);
    CHECK_VALUES(mx_logsumexp(mx_from_data(data, SHAPE(1), MX_FLOAT32), AXES(0), false), 0, -INFINITY);
    CHECK_VALUES(mx_logsumexp(mx_from_data(data + 2, SHAPE(2), MX_FLOAT32), AXES(0), false), 0, INFINITY);
}
