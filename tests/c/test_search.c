/* SPDX-License-Identifier: MIT
 *
 * argmax, argmin and searchsorted. */
#include "check.h"

#define EXPRESSION(name, call)                                                                                         \
    static mx_array *name(mx_array *const *x)                                                                          \
    {                                                                                                                  \
        return call;                                                                                                   \
    }
EXPRESSION(argmax_last, mx_argmax(x[0], AXES(-1), false))
EXPRESSION(argmax_first, mx_argmax(x[0], AXES(0), KEEP))
EXPRESSION(argmin_all, mx_argmin(x[0], ALL_AXES, false))
EXPRESSION(argmin_last, mx_argmin(x[0], AXES(1), KEEP))
/* A running maximum is sorted. */
EXPRESSION(search_left, mx_searchsorted(mx_cummax(x[0], 0, false, true), x[1], false))
EXPRESSION(search_right, mx_searchsorted(mx_cummax(x[0], 0, false, true), x[1], true))

const op_sample samples_arg_extreme[] = {
    {"last axis", argmax_last, {IN(4, 33)}, ALL},
    {"first axis", argmax_first, {IN(33, 4)}, ALL},
    {"all", argmin_all, {IN(3, 4, 5)}, ALL},
    {"least of the last axis", argmin_last, {IN(4, 100)}, ALL},
    {"integers of all sizes", argmin_last, {IN_SPECIAL(4, 100)}, INTS},
    {"many elements", argmax_last, {IN(3000, 51)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16)},
    {0},
};
const op_sample samples_searchsorted[] = {
    {"left", search_left, {IN(20), IN(3, 5)}, INTS | FLOATS, .flags = NO_VMAP},
    {"right", search_right, {IN(20), IN(3, 5)}, INTS | FLOATS, .flags = NO_VMAP},
    {"in one", search_right, {IN(1), IN(30)}, INTS | FLOATS, .flags = NO_VMAP},
    {0},
};

TEST(argmax_takes_the_first_of_equals)
{
    const float data[] = {1, 3, 3, 2, NAN, 5};
    CHECK_VALUES(mx_argmax(mx_from_data(data, SHAPE(4), MX_FLOAT32), ALL_AXES, false), 0, 1);
    CHECK_VALUES(mx_argmax(mx_from_data(data + 3, SHAPE(3), MX_FLOAT32), ALL_AXES, false), 0, 2); /* NaN never wins */
    CHECK_VALUES(mx_argmax(mx_from_data(data + 4, SHAPE(2), MX_FLOAT32), ALL_AXES, false), 0, 0); /* unless first */
    CHECK_CODE(mx_argmax(mx_from_data(NULL, SHAPE(0, 2), MX_FLOAT32), AXES(0), false), MX_VALUE, "[argmax]");
}

TEST(searchsorted_wants_a_vector)
{
    mx_array *x = check_random(SHAPE(2, 8), MX_FLOAT32, -1, 1, 1);
    CHECK_CODE(mx_searchsorted(x, x, false), MX_VALUE, "[searchsorted]");
}
