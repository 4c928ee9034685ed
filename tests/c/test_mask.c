/* SPDX-License-Identifier: MIT
 *
 * Boolean masks as places. */
#include "check.h"

static mx_array *set(mx_array *const *x)
{
    return mx_masked_set(x[0], x[1], x[2]);
}
const op_sample samples_masked_set[] = {
    {"a vector", set, {IN(9), IN_MASK(9), IN(9)}, ALL},
    {"all axes", set, {IN(3, 5), IN_MASK(3, 5), IN(15)}, ALL},
    {"leading axis", set, {IN(4, 3), IN_MASK(4), IN(4, 3)}, FLOATS},
    {"values left over", set, {IN(6), IN_MASK(6), IN(11)}, FLOATS},
    {"special values", set, {IN_SPECIAL(200), IN_MASK(200), IN_SPECIAL(200)}, ALL},
    {"many elements", set, {IN(300, 400), IN_MASK(300, 400), IN(120000)}, DTYPE(MX_FLOAT32)},
    {"more than one count of all chunks on a GPU", set, {IN(600000), IN_MASK(600000), IN(600000)}, DTYPE(MX_UINT8)},
    {0},
};

TEST(masked_set_of_one_row_or_too_few_values)
{
    mx_array *x = mx_arange(0, 6, 1, MX_INT32), *m = mx_from_data((bool[]){1, 0, 1}, SHAPE(3), MX_BOOL);
    mx_array *y = mx_reshape(x, SHAPE(3, 2)), *row = mx_from_data((int[]){8, 9}, SHAPE(2), MX_INT32);
    CHECK_VALUES(mx_masked_set(y, m, row), 0, 8, 9, 2, 3, 8, 9);
    CHECK_VALUES(mx_masked_set(y, m, mx_float(7.5)), 0, 7, 7, 2, 3, 7, 7);
    CHECK_VALUES(mx_masked_set(y, m, mx_reshape(x, SHAPE(3, 2))), 0, 0, 1, 2, 3, 2, 3);
    mx_array *few = mx_masked_set(y, m, mx_arange(0, 3, 1, MX_INT32));
    CHECK(few != NULL);
    CHECK_CODE(mx_eval(few), MX_RUNTIME, "[masked_scatter] 4 places but only 3 values");
    CHECK_CODE(mx_masked_set(y, row, row), MX_VALUE, "[masked_scatter] the mask must be bool");
    CHECK_CODE(mx_masked_set(x, m, row), MX_VALUE, "[masked_scatter] a mask of shape (3)");
}

TEST(flatnonzero_lists_the_places)
{
    mx_array *m = mx_from_data((bool[]){1, 0, 0, 1, 1, 0}, SHAPE(2, 3), MX_BOOL);
    CHECK_VALUES(mx_flatnonzero(m), 0, 0, 3, 4);
    CHECK_VALUES(mx_flatnonzero(mx_transpose(m, ALL_AXES)), 0, 0, 1, 3);
    CHECK_SHAPE(mx_flatnonzero(mx_zeros(SHAPE(4), MX_BOOL)), SHAPE(0), MX_INT64);
    CHECK_SHAPE(mx_flatnonzero(mx_zeros(SHAPE(0), MX_BOOL)), SHAPE(0), MX_INT64);
    CHECK_CODE(mx_flatnonzero(mx_ones(SHAPE(4), MX_INT32)), MX_VALUE, "[flatnonzero] the mask must be bool");
}
