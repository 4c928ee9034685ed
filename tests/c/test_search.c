/* SPDX-License-Identifier: MIT
 *
 * argmax, argmin and searchsorted. */
#include "check.h"

static mx_array *largest_last(mx_array *const *x)
{
    return mx_argmax(x[0], AXES(-1), false);
}
static mx_array *largest_first(mx_array *const *x)
{
    return mx_argmax(x[0], AXES(0), KEEP);
}
static mx_array *least_last(mx_array *const *x)
{
    return mx_argmin(x[0], AXES(-1), KEEP);
}
static mx_array *least_all(mx_array *const *x)
{
    return mx_argmin(x[0], ALL_AXES, false);
}

/* Whole numbers in [-9, 9] have ties: the first one counts. */
const op_sample samples_arg_extreme[] = {
    {"largest of rows", largest_last, {IN(5, 33)}, ALL},
    {"largest of columns", largest_first, {IN(33, 5)}, ALL},
    {"least of rows", least_last, {IN(5, 33)}, ALL},
    {"least of all", least_all, {IN(3, 4, 5)}, ALL},
    {"a number", least_all, {IN_SCALAR}, ALL},
    {"one column", largest_last, {IN(5, 1)}, ALL},
    {"no rows", least_last, {IN(3, 7)}, ALL},
    {"special values", largest_last, {IN_SPECIAL(200, 5)}, REALS},
    {"least special values", least_last, {IN_SPECIAL(200, 5)}, REALS},
    {"long special rows", largest_last, {IN_SPECIAL(40, 300)}, REALS},
    {"long rows", largest_last, {IN(3, 40001)}, ALL},
    {"long rows, least", least_last, {IN(3, 40001)}, ALL},
    {"many rows", largest_last, {IN(30001, 4)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT8)},
    {0},
};

/* A running maximum is sorted, with ties. */
static mx_array *left(mx_array *const *x)
{
    return mx_searchsorted(mx_cummax(x[0], 0, false, true), x[1], false);
}
static mx_array *right(mx_array *const *x)
{
    return mx_searchsorted(mx_cummax(x[0], 0, false, true), x[1], true);
}

const op_sample samples_searchsorted[] = {
    {"left", left, {IN(20), IN(3, 7)}, REALS},
    {"right", right, {IN(20), IN(3, 7)}, REALS},
    {"a number", left, {IN(20), IN_SCALAR}, REALS},
    {"among none", right, {IN(0), IN(5)}, REALS},
    {"no values", right, {IN(5), IN(0)}, REALS},
    {"complex", right, {IN(20), IN(7)}, COMPLEX},
    {"many values", right, {IN(100), IN(3, 40001)}, DTYPE(MX_FLOAT32)},
    {0},
};

TEST(searchsorted_puts_nan_last)
{
    mx_array *x = mx_from_data((float[]){1, 2, NAN}, SHAPE(3), MX_FLOAT32);
    mx_array *v = mx_from_data((float[]){NAN, 2, INFINITY}, SHAPE(3), MX_FLOAT32);
    CHECK_VALUES(mx_searchsorted(x, v, false), 0, 2, 1, 2);
    CHECK_VALUES(mx_searchsorted(x, v, true), 0, 3, 2, 2);
    CHECK_CODE(mx_searchsorted(mx_float(1), v, true), MX_VALUE, "[searchsorted]");
}

TEST(argmax_of_nan_and_nothing)
{
    mx_array *x = mx_from_data((float[]){NAN, 1, 3, 1, NAN, 3}, SHAPE(2, 3), MX_FLOAT32);
    CHECK_VALUES(mx_argmax(x, AXES(-1), false), 0, 0, 2);
    CHECK_SHAPE(mx_argmax(x, ALL_AXES, KEEP), SHAPE(1, 1), MX_UINT32);
    CHECK_CODE(mx_argmax(mx_zeros(SHAPE(0, 3), MX_FLOAT32), AXES(1), false), MX_VALUE, "[argmax]");
    CHECK_CODE(mx_argmin(x, AXES(2), false), MX_INDEX, "[argmin] axis 2");
    CHECK_CODE(mx_argmin(x, AXES(0, 1), false), MX_VALUE, "[argmin]");
}
