/* SPDX-License-Identifier: MIT
 *
 * Joining arrays and taking them apart. */
#include "check.h"

static mx_array *rows(mx_array *const *x)
{
    return mx_concatenate(x, 3, 0);
}
static mx_array *columns(mx_array *const *x)
{
    return mx_concatenate(x, 2, -1);
}
static mx_array *middle(mx_array *const *x)
{
    return mx_concatenate(x, 2, 1);
}
static mx_array *stacked(mx_array *const *x)
{
    return mx_stack(x, 3, 1);
}
static mx_array *twice(mx_array *const *x)
{
    return mx_concatenate((mx_array *const[]){x[0], x[1], x[0]}, 3, 0);
}

const op_sample samples_concatenate[] = {
    {"rows", rows, {IN(2, 5), IN(1, 5), IN(3, 5)}, ALL},
    {"columns", columns, {IN(3, 4), IN(3, 2)}, ALL},
    {"middle", middle, {IN(2, 3, 4), IN(2, 1, 4)}, ALL},
    {"one column each", columns, {IN(7, 1), IN(7, 1)}, ALL},
    {"stacked", stacked, {IN(2, 3), IN(2, 3), IN(2, 3)}, ALL},
    {"scalars stacked", columns, {IN(1), IN(1)}, FLOATS},
    {"one twice", twice, {IN(2, 5), IN(1, 5)}, FLOATS},
    {"dtypes promote", columns, {IN(3, 4), IN_INDEX(-5, 5, 3, 2)}, FLOATS},
    {"nothing and something", columns, {IN(3, 0), IN(3, 2)}, FLOATS},
    {"nothing", columns, {IN(0, 3), IN(0, 2)}, FLOATS},
    {"special values", columns, {IN_SPECIAL(20, 20), IN_SPECIAL(20, 7)}, ALL},
    {"many rows", columns, {IN(3000, 40), IN(3000, 30)}, DTYPE(MX_FLOAT32) | DTYPE(MX_UINT8)},
    {"long rows", rows, {IN(2, 70001), IN(1, 70001), IN(1, 70001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16)},
    {0},
};

TEST(concatenate_takes_any_number_of_arrays)
{
    mx_array *parts[100];
    for (int i = 0; i < 100; i++) parts[i] = mx_broadcast_to(mx_float((float)i), SHAPE(2, 1 + i % 3));
    mx_array *y = mx_concatenate(parts, 100, 1);
    CHECK_SHAPE(y, SHAPE(2, 199), MX_FLOAT32);
    CHECK_VALUES(mx_slice(y, (int64_t[]){0, 196}, (int64_t[]){2, 199}, (int64_t[]){1, 1}), 0, 98, 98, 99, 98, 98, 99);
}

TEST(concatenate_checks_its_arrays)
{
    mx_array *x = mx_arange(0, 6, 1, MX_INT32), *y = mx_reshape(x, SHAPE(2, 3)), *scalar = mx_int(1);
    CHECK_CODE(mx_concatenate(NULL, 0, 0), MX_VALUE, "[concatenate] no arrays");
    CHECK_CODE(mx_concatenate((mx_array *const[]){x, y}, 2, 0), MX_VALUE, "[concatenate] arrays of 1 and of 2");
    CHECK_CODE(mx_concatenate((mx_array *const[]){y, mx_transpose(y, ALL_AXES)}, 2, 0), MX_VALUE,
               "[concatenate] shapes (2,3) and (3,2)");
    CHECK_CODE(mx_concatenate((mx_array *const[]){x, x}, 2, 1), MX_VALUE, "[concatenate] axis 1");
    CHECK_CODE(mx_concatenate((mx_array *const[]){scalar, scalar}, 2, 0), MX_VALUE, "[concatenate] axis 0");
    CHECK(mx_concatenate(&scalar, 1, 0) == scalar);
    CHECK_CODE(mx_stack((mx_array *const[]){x, y}, 2, 0), MX_VALUE, "[stack] shapes (6) and (2,3)");
    CHECK_CODE(mx_stack((mx_array *const[]){x, x}, 2, 2), MX_VALUE, "[stack] axis 2");
    CHECK_VALUES(mx_stack((mx_array *const[]){scalar, scalar}, 2, 0), 0, 1, 1);
}

TEST(concatenate_of_a_hundred_arrays)
{
    mx_array *many[100];
    for (int i = 0; i < 100; i++) many[i] = mx_full(SHAPE(2), mx_int(i), MX_INT32);
    mx_array *y = mx_concatenate(many, 100, 0);
    CHECK_SHAPE(y, SHAPE(200), MX_INT32);
    CHECK_VALUES(mx_sum(y, ALL_AXES, false), 0, 9900);
}

TEST(split_into_parts)
{
    mx_array *x = mx_arange(0, 6, 1, MX_INT32), *part[4];
    CHECK(mx_split(x, 3, NULL, 0, part));
    CHECK_VALUES(part[0], 0, 0, 1);
    CHECK_VALUES(part[2], 0, 4, 5);
    CHECK(mx_split(x, 4, (const int64_t[]){3, 1, -2}, -1, part));
    CHECK_VALUES(part[0], 0, 0, 1, 2);
    CHECK_SHAPE(part[1], SHAPE(0), MX_INT32);
    CHECK_VALUES(part[2], 0, 1, 2, 3);
    CHECK_VALUES(part[3], 0, 4, 5);
    CHECK_CODE(mx_split(x, 4, NULL, 0, part), MX_VALUE, "[split] 4 equal parts along axis 0 of shape (6)");
    CHECK_CODE(mx_split(x, 0, NULL, 0, part), MX_VALUE, "[split] into 0 parts");
    CHECK_CODE(mx_split(x, 2, NULL, 1, part), MX_VALUE, "[split] axis 1");
}
