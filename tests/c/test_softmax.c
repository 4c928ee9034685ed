/* SPDX-License-Identifier: MIT
 *
 * softmax and logsumexp. */
#include "check.h"

#define EXPRESSION(name, call)                                                                                         \
    static mx_array *name(mx_array *const *x)                                                                          \
    {                                                                                                                  \
        return call;                                                                                                   \
    }
EXPRESSION(last, mx_softmax(x[0], AXES(-1), true))
EXPRESSION(first, mx_softmax(x[0], AXES(0), false))
EXPRESSION(both, mx_softmax(x[0], AXES(0, 2), false))
EXPRESSION(log_last, mx_logsumexp(x[0], AXES(-1), false))
EXPRESSION(log_first, mx_logsumexp(x[0], AXES(0), KEEP))
EXPRESSION(log_all, mx_logsumexp(x[0], ALL_AXES, false))

/* Differences x - max round in the input's dtype, so a result errs by some epsilons; subnormal ones by more of theirs. */
const op_sample samples_softmax[] = {
    {"last axis", last, {IN(4, 33)}, REALS, 8, ANY_ORDER},
    {"first axis", first, {IN(7, 3)}, FLOATS, 8, ANY_ORDER},
    {"two axes", both, {IN(3, 4, 2)}, FLOATS, 8, ANY_ORDER},
    {"one entry", last, {IN(4, 1)}, FLOATS, 8},
    {"wide range", last, {IN_RANGE(-9, 9, 5, 70)}, FLOATS, 16, ANY_ORDER},
    {"many elements", last, {IN(3000, 51)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16), 8, ANY_ORDER},
    {"long rows", last, {IN(2, 70001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16), 32, ANY_ORDER},
    {0},
};
const op_sample samples_logsumexp[] = {
    {"last axis", log_last, {IN(4, 33)}, REALS, 8, ANY_ORDER},
    {"first axis", log_first, {IN(7, 3)}, FLOATS, 8, ANY_ORDER},
    {"all", log_all, {IN(3, 4, 2)}, FLOATS, 8, ANY_ORDER},
    {"large values", log_last, {IN_RANGE(50, 900, 5, 7)}, FLOATS, 8, ANY_ORDER},
    {"many elements", log_last, {IN(3000, 51)}, DTYPE(MX_FLOAT32), 8, ANY_ORDER},
    {0},
};

TEST(softmax_checks_axes_and_keeps_shapes)
{
    mx_array *x = check_random(SHAPE(2, 8), MX_FLOAT32, -1, 1, 1), *i = check_random(SHAPE(2, 3), MX_INT32, 0, 3, 1);
    CHECK_CODE(mx_softmax(x, AXES(7), true), MX_INDEX, "[softmax] axis 7");
    CHECK_CODE(mx_logsumexp(x, AXES(-3), false), MX_INDEX, "[logsumexp] axis -3");
    CHECK_SHAPE(mx_softmax(i, AXES(0), true), SHAPE(2, 3), MX_FLOAT32);
    CHECK_SHAPE(mx_softmax(check_random(SHAPE(0, 7), MX_FLOAT16, 0, 1, 1), AXES(-1), true), SHAPE(0, 7), MX_FLOAT16);
    CHECK_CODE(mx_logsumexp(check_random(SHAPE(0, 7), MX_FLOAT16, 0, 1, 1), AXES(-1), true), MX_VALUE, "[logsumexp]");
}

TEST(softmax_of_infinities)
{
    const float data[] = {-INFINITY, 0, 0, INFINITY};
    mx_array *x = mx_from_data(data, SHAPE(3), MX_FLOAT32);
    CHECK_VALUES(mx_softmax(x, AXES(-1), true), 1e-7, 0, 0.5, 0.5);
    CHECK_VALUES(mx_logsumexp(mx_from_data(data, SHAPE(1), MX_FLOAT32), AXES(0), false), 0, -INFINITY);
    CHECK_VALUES(mx_logsumexp(mx_from_data(data + 2, SHAPE(2), MX_FLOAT32), AXES(0), false), 0, INFINITY);
}
