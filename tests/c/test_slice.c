/* SPDX-License-Identifier: MIT
 *
 * Slices and the views that are like them. */
#include "check.h"

#define LIST(...) ((const int64_t[]){__VA_ARGS__})

/* ---- slice */
static mx_array *inner_part(mx_array *const *x)
{
    return mx_slice(x[0], LIST(1, 2), LIST(-1, 99), LIST(1, 1));
}
static mx_array *steps(mx_array *const *x)
{
    return mx_slice(x[0], LIST(0, 1), LIST(99, 99), LIST(2, 3));
}
static mx_array *backwards(mx_array *const *x)
{
    return mx_slice(x[0], LIST(-1, 99), LIST(-99, 1), LIST(-1, -2));
}
static mx_array *cube(mx_array *const *x)
{
    return mx_slice(x[0], LIST(0, -2, 3), LIST(2, -4, 0), LIST(1, -1, -1));
}
static mx_array *empty(mx_array *const *x)
{
    return mx_slice(x[0], LIST(3, 0), LIST(3, 2), LIST(1, 1));
}
static mx_array *of_slice(mx_array *const *x)
{
    return mx_slice(backwards(x), LIST(1, 0), LIST(9, 9), LIST(2, 1));
}
const op_sample samples_slice[] = {
    {"inner part", inner_part, {IN(5, 7)}, ALL},
    {"steps", steps, {IN(5, 7)}, ALL},
    {"backwards", backwards, {IN(5, 7)}, ALL},
    {"three axes", cube, {IN(2, 5, 4)}, FLOATS},
    {"nothing of something", empty, {IN(5, 7)}, FLOATS},
    {"of a slice", of_slice, {IN(5, 7)}, FLOATS},
    {"nothing", inner_part, {IN(0, 7)}, FLOATS},
    {"special values", steps, {IN_SPECIAL(30, 31)}, ALL},
    {"many elements", backwards, {IN(301, 500)}, DTYPE(MX_FLOAT32) | DTYPE(MX_UINT8)},
    {0},
};

TEST(slice_of_everything_is_the_array)
{
    mx_array *x = check_random(SHAPE(3, 4), MX_FLOAT32, -1, 1, 1);
    CHECK(mx_slice(x, LIST(0, -9), LIST(3, 4), LIST(1, 1)) == x);
}
TEST(slice_counts_as_python_does)
{
    mx_array *x = mx_arange(0, 6, 1, MX_INT32);
    CHECK_VALUES(mx_slice(x, LIST(-2), LIST(99), LIST(1)), 0, 4, 5);
    CHECK_VALUES(mx_slice(x, LIST(4), LIST(0), LIST(-3)), 0, 4, 1);
    CHECK_VALUES(mx_slice(x, LIST(99), LIST(-7), LIST(-2)), 0, 5, 3, 1);
    CHECK_VALUES(mx_slice(x, LIST(INT64_MIN), LIST(INT64_MAX), LIST(INT64_MAX)), 0, 0);
    CHECK_VALUES(mx_slice(x, LIST(INT64_MAX), LIST(INT64_MIN), LIST(INT64_MIN)), 0, 5);
    CHECK_SHAPE(mx_slice(x, LIST(3), LIST(1), LIST(1)), SHAPE(0), MX_INT32);
    CHECK_CODE(mx_slice(x, LIST(0), LIST(6), LIST(0)), MX_VALUE, "[slice] the step of axis 0 is 0");
}

/* ---- slice_update */
static mx_array *update_part(mx_array *const *x)
{
    return mx_slice_update(x[0], x[1], LIST(1, 2), LIST(-1, 99), LIST(1, 1));
}
static mx_array *update_steps(mx_array *const *x)
{
    return mx_slice_update(x[0], x[1], LIST(-1, 1), LIST(-99, 99), LIST(-2, 2));
}
static mx_array *update_rows(mx_array *const *x)
{
    return mx_slice_update(x[0], x[1], LIST(10, 0), LIST(290, 500), LIST(1, 1));
}
static mx_array *update_columns(mx_array *const *x)
{
    return mx_slice_update(x[0], x[1], LIST(0, 10), LIST(301, 490), LIST(1, 1));
}
const op_sample samples_slice_update[] = {
    {"inner part", update_part, {IN(5, 7), IN(3, 5)}, ALL},
    {"broadcast", update_part, {IN(5, 7), IN(3, 1)}, ALL},
    {"a scalar", update_part, {IN(5, 7), IN_SCALAR}, FLOATS},
    {"ones in front", update_part, {IN(5, 7), IN(1, 1, 3, 5)}, FLOATS},
    {"backwards steps", update_steps, {IN(5, 7), IN(3, 3)}, ALL},
    {"special values", update_part, {IN_SPECIAL(12, 12), IN_SPECIAL(10, 10)}, ALL},
    {"nothing", update_part, {IN(5, 2), IN(3, 0)}, FLOATS},
    {"another dtype", update_part, {IN(5, 7), IN_INDEX(-3, 3, 3, 5)}, FLOATS},
    {"many rows", update_rows, {IN(301, 500), IN(280, 500)}, DTYPE(MX_FLOAT32) | DTYPE(MX_UINT8)},
    {"many columns", update_columns, {IN(301, 500), IN(301, 480)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16)},
    {0},
};

TEST(slice_update_names_shapes_that_do_not_fit)
{
    mx_array *x = check_random(SHAPE(3, 4), MX_FLOAT32, -1, 1, 1), *y = check_random(SHAPE(3), MX_FLOAT32, -1, 1, 2);
    CHECK_CODE(mx_slice_update(x, y, LIST(0, 0), LIST(2, 2), LIST(1, 1)), MX_VALUE, "[broadcast_to] Shape (3)");
}

/* ---- diagonal */
static mx_array *main_diagonal(mx_array *const *x)
{
    return mx_diagonal(x[0], 0, 0, 1);
}
static mx_array *above(mx_array *const *x)
{
    return mx_diagonal(x[0], 2, -2, -1);
}
static mx_array *below(mx_array *const *x)
{
    return mx_diagonal(x[0], -1, 2, 0);
}
static mx_array *beyond(mx_array *const *x)
{
    return mx_diagonal(x[0], 9, 0, 1);
}
const op_sample samples_diagonal[] = {
    {"square", main_diagonal, {IN(4, 4)}, ALL},          {"wide", main_diagonal, {IN(3, 5)}, ALL},
    {"tall", main_diagonal, {IN(5, 3)}, FLOATS},         {"above, batched", above, {IN(2, 4, 5)}, ALL},
    {"below, other axes", below, {IN(5, 2, 4)}, FLOATS}, {"beyond", beyond, {IN(3, 4)}, FLOATS},
    {"nothing", main_diagonal, {IN(0, 4)}, FLOATS},      {0},
};

TEST(diagonal_of_a_vector_or_of_a_bad_axis)
{
    mx_array *x = mx_arange(0, 4, 1, MX_INT32), *y = mx_reshape(x, SHAPE(2, 2));
    CHECK_CODE(mx_diagonal(x, 0, 0, 1), MX_VALUE, "[diagonal] 1 dimensions");
    CHECK_CODE(mx_diagonal(y, 0, 0, 5), MX_INDEX, "[diagonal] axis 5");
    CHECK_CODE(mx_diagonal(y, 0, 1, -1), MX_VALUE, "[diagonal] axis 1 is given twice");
    CHECK_VALUES(mx_diag(mx_slice(x, LIST(1), LIST(3), LIST(1)), -1), 0, 0, 0, 0, 1, 0, 0, 0, 2, 0);
    CHECK_VALUES(mx_diag(y, 1), 0, 1);
    CHECK_CODE(mx_diag(mx_reshape(x, SHAPE(1, 2, 2)), 0), MX_VALUE, "[diag] 3 dimensions");
    CHECK_VALUES(mx_trace_of(y, 0, 0, 1, MX_INT32), 0, 3);
}

/* ---- as_strided */
static mx_array *windows(mx_array *const *x)
{
    return mx_as_strided(x[0], SHAPE(4, 3), LIST(2, 1), 1);
}
static mx_array *windows_back(mx_array *const *x)
{
    return mx_as_strided(x[0], SHAPE(3, 2), LIST(-2, 1), 6);
}
static mx_array *one_value(mx_array *const *x)
{
    return mx_as_strided(x[0], SHAPE(2, 3), LIST(0, 0), 4);
}
const op_sample samples_as_strided[] = {
    {"windows", windows, {IN(12)}, ALL},
    {"windows of a matrix", windows, {IN(3, 5)}, ALL},
    {"backwards", windows_back, {IN(4, 2)}, FLOATS},
    {"one value", one_value, {IN(7)}, FLOATS},
    {0},
};

TEST(as_strided_stays_inside)
{
    mx_array *x = mx_arange(0, 6, 1, MX_INT32);
    CHECK_VALUES(mx_as_strided(x, SHAPE(3), LIST(-1), 5), 0, 5, 4, 3);
    CHECK_SHAPE(mx_as_strided(x, SHAPE(0, 3), LIST(99, 1), 0), SHAPE(0, 3), MX_INT32);
    CHECK_CODE(mx_as_strided(x, SHAPE(3), LIST(3), 0), MX_VALUE, "[as_strided] a view of shape (3) at offset 0");
    CHECK_CODE(mx_as_strided(x, SHAPE(3), LIST(-1), 1), MX_VALUE, "[as_strided]");
    CHECK_CODE(mx_as_strided(x, SHAPE(1), LIST(1), -1), MX_VALUE, "[as_strided]");
    CHECK_CODE(mx_as_strided(x, SHAPE(INT64_C(1) << 40), LIST(INT64_C(1) << 40), 0), MX_VALUE, "[as_strided]");
}
