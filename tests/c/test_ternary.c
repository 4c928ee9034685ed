/* SPDX-License-Identifier: MIT
 *
 * Elementwise ops with three operands. */
#include "check.h"

static mx_array *where_of(mx_array *const *x)
{
    return mx_where(x[0], x[1], x[2]);
}

const op_sample samples_where[] = {
    {"same shape", where_of, {IN_MASK(3, 5), IN(3, 5), IN(3, 5)}, ALL},
    {"broadcast", where_of, {IN_MASK(4, 1, 3), IN(5, 1), IN(3)}, ALL},
    {"with a scalar", where_of, {IN_MASK(6, 40), IN(6, 40), IN_SCALAR}, ALL},
    {"one condition", where_of, {IN_OF(MX_BOOL, 1, 1, 1), IN(9), IN(9)}, ALL},
    {"special values", where_of, {IN_MASK(40, 40), IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, ALL},
    {"a condition of numbers", where_of, {IN(4, 9), IN(4, 9), IN(9)}, INTS},
    {"nothing", where_of, {IN_MASK(0, 3), IN(1, 3), IN(0, 1)}, ALL},
    {"many elements", where_of, {IN_MASK(50001), IN(3, 50001), IN(50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16)},
    {0},
};

TEST(where_promotes_its_values)
{
    mx_array *c = mx_bool(true), *x = check_random(SHAPE(3), MX_INT32, -5, 5, 1), *y = mx_float(2);
    CHECK_SHAPE(mx_where(c, x, y), SHAPE(3), MX_FLOAT32);
}

TEST(clip_needs_a_bound)
{
    mx_array *x = mx_from_data((float[]){1, 5, 9, NAN}, SHAPE(4), MX_FLOAT32);
    CHECK_VALUES(mx_clip(x, mx_float(2), mx_float(7)), 0, 2, 5, 7, NAN);
    CHECK_VALUES(mx_clip(x, NULL, mx_float(7)), 0, 1, 5, 7, NAN);
    CHECK_VALUES(mx_clip(x, mx_float(7), mx_float(2)), 0, 2, 2, 2, NAN);
    CHECK_CODE(mx_clip(x, NULL, NULL), MX_VALUE, "[clip]");
}
