/* SPDX-License-Identifier: MIT
 *
 * Gathers and scatters.  Indices reach beyond both ends: reads clamp them, writes drop them. */
#include "check.h"

/* ---- take */
static mx_array *take_first(mx_array *const *x)
{
    return mx_take(x[0], x[1], 0);
}
static mx_array *take_last(mx_array *const *x)
{
    return mx_take(x[0], x[1], -1);
}
static mx_array *take_middle(mx_array *const *x)
{
    return mx_take(x[0], x[1], 1);
}
const op_sample samples_take[] = {
    {"rows", take_first, {IN(5, 3), IN_INDEX(-7, 7, 4)}, ALL},
    {"rows, two axes of points", take_first, {IN(5, 3), IN_INDEX(-5, 4, 2, 3)}, ALL},
    {"columns", take_last, {IN(3, 5), IN_INDEX(-7, 7, 4)}, ALL},
    {"middle", take_middle, {IN(2, 5, 3), IN_INDEX(-5, 4, 2, 2)}, ALL},
    {"one point", take_middle, {IN(2, 5, 3), IN_OF(MX_INT64, -5, 4)}, FLOATS},
    {"of a vector", take_first, {IN(7), IN_OF(MX_UINT8, 0, 9, 3, 3)}, ALL},
    {"uint64 indices", take_first, {IN(7), IN_OF(MX_UINT64, 0, 9, 5)}, FLOATS},
    {"int16 indices", take_first, {IN(7, 2), IN_OF(MX_INT16, -9, 9, 5)}, FLOATS},
    {"no points", take_first, {IN(5, 3), IN_INDEX(0, 1, 0)}, FLOATS},
    {"nothing", take_last, {IN(0, 3), IN_INDEX(0, 2, 4)}, FLOATS},
    {"special values", take_first, {IN_SPECIAL(40, 30), IN_INDEX(-40, 39, 50)}, ALL},
    {"many rows", take_first, {IN(50, 128), IN_INDEX(-50, 49, 1500)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16)},
    {"many elements", take_last, {IN(300, 40), IN_INDEX(-40, 39, 500)}, DTYPE(MX_FLOAT32) | DTYPE(MX_UINT8)},
    {0},
};

TEST(take_checks_its_arguments)
{
    mx_array *x = mx_reshape(mx_arange(0, 12, 1, MX_INT32), SHAPE(3, 4)), *i = mx_int(0);
    CHECK_CODE(mx_take(x, i, 2), MX_VALUE, "[take] axis 2");
    CHECK_CODE(mx_take(x, mx_bool(true), 0), MX_VALUE, "[take] indices must be integers, not bool");
    CHECK_CODE(mx_take(x, mx_float(1), 0), MX_VALUE, "[take] indices must be integers, not float32");
    CHECK_CODE(mx_take(mx_zeros(SHAPE(0, 3), MX_FLOAT32), i, 0), MX_VALUE, "[take] Cannot do a non-empty take");
    CHECK_CODE(mx_take(mx_int(3), i, 0), MX_VALUE, "[take] axis 0");
    CHECK_VALUES(mx_take(x, mx_from_data((uint64_t[]){UINT64_MAX}, SHAPE(1), MX_UINT64), 1), 0, 3, 7, 11);
}

/* ---- gather */
static mx_array *gather_rows(mx_array *const *x)
{
    return mx_gather(x[0], &x[1], AXES(0), SHAPE(1, 3));
}
static mx_array *gather_points(mx_array *const *x)
{
    return mx_gather(x[0], &x[1], AXES(1, 0), SHAPE(1, 1));
}
static mx_array *gather_windows(mx_array *const *x)
{
    return mx_gather(x[0], &x[1], AXES(0, 2), SHAPE(2, 3, 2));
}
static mx_array *gather_columns(mx_array *const *x)
{
    return mx_gather(x[0], &x[1], AXES(-1), SHAPE(4, 1));
}
static mx_array *slice_from(mx_array *const *x)
{
    return mx_slice_at(x[0], x[1], AXES(0, 1), SHAPE(2, 3));
}
const op_sample samples_gather[] = {
    {"rows", gather_rows, {IN(5, 3), IN_INDEX(-7, 7, 4)}, ALL},
    {"points", gather_points, {IN(5, 4), IN_INDEX(-5, 5, 3, 1), IN_INDEX(-6, 6, 2)}, ALL},
    {"windows", gather_windows, {IN(4, 3, 5), IN_INDEX(-5, 5, 3), IN_INDEX(-6, 6, 3)}, ALL},
    {"columns", gather_columns, {IN(4, 6), IN_INDEX(-6, 6, 3, 2)}, FLOATS},
    {"mixed index dtypes", gather_points, {IN(5, 4), IN_OF(MX_UINT8, 0, 5, 3, 1), IN_OF(MX_INT64, -6, 6, 2)}, FLOATS},
    {"no points", gather_rows, {IN(5, 3), IN_INDEX(0, 1, 0)}, FLOATS},
    {"a slice", slice_from, {IN(5, 6), IN_INDEX(-9, 9, 2)}, FLOATS},
    {"special values", gather_points, {IN_SPECIAL(30, 30), IN_INDEX(-30, 29, 20, 1), IN_INDEX(-30, 29, 20)}, ALL},
    {"many points", gather_rows, {IN(70, 3), IN_INDEX(-70, 69, 50000)}, DTYPE(MX_FLOAT32) | DTYPE(MX_UINT8)},
    {0},
};

TEST(gather_checks_its_arguments)
{
    mx_array *x = mx_reshape(mx_arange(0, 12, 1, MX_INT32), SHAPE(3, 4)), *i[2] = {mx_int(0), mx_int(1)};
    CHECK_CODE(mx_gather(x, i, AXES(0, 0), SHAPE(1, 1)), MX_VALUE, "[gather] axis 0 is given twice");
    CHECK_CODE(mx_gather(x, i, AXES(0), SHAPE(4, 1)), MX_VALUE, "[gather] blocks of shape (4,1)");
    CHECK_CODE(mx_gather(x, i, AXES(0), SHAPE(1)), MX_VALUE, "[gather] blocks of shape (1)");
    CHECK_VALUES(mx_gather(x, NULL, (mx_axes){0, NULL}, SHAPE(1, 2)), 0, 0, 1);
    CHECK_CODE(mx_slice_at(x, mx_arange(0, 2, 1, MX_INT32), AXES(0), SHAPE(1, 1)), MX_VALUE, "[slice] 2 starts");
    CHECK_CODE(mx_slice_at(x, mx_ones(SHAPE(1), MX_FLOAT32), AXES(0), SHAPE(1, 1)), MX_VALUE, "[slice] indices");
    CHECK_CODE(mx_slice_at(x, mx_arange(0, 1, 1, MX_INT32), AXES(5), SHAPE(1, 1)), MX_VALUE, "[slice] axis 5");
}

/* ---- scatter */
#define SCATTER(mode, MODE)                                                                                            \
    static mx_array *mode##_rows(mx_array *const *x)                                                                   \
    {                                                                                                                  \
        return mx_scatter(x[0], &x[2], x[1], AXES(0), MX_SCATTER_##MODE);                                              \
    }                                                                                                                  \
    static mx_array *mode##_columns(mx_array *const *x)                                                                \
    {                                                                                                                  \
        return mx_scatter(x[0], &x[2], x[1], AXES(1), MX_SCATTER_##MODE);                                              \
    }                                                                                                                  \
    static mx_array *mode##_points(mx_array *const *x)                                                                 \
    {                                                                                                                  \
        return mx_scatter(x[0], &x[2], x[1], AXES(1, 0), MX_SCATTER_##MODE);                                           \
    }
SCATTER(set, SET)
SCATTER(add, ADD)
SCATTER(prod, PROD)
SCATTER(max, MAX)
SCATTER(min, MIN)

/* The cotangent of take, as a node of its own. */
static mx_array *slice_into(mx_array *const *x)
{
    return mx_slice_update_at(x[0], x[1], x[2], AXES(1, 0));
}

enum { TERMS = 40 }; /* additions into one element, each of which may round */
const op_sample samples_scatter[] = {
    {"set rows", set_rows, {IN(5, 3), IN(4, 1, 3), IN_INDEX(-7, 7, 4)}, ALL},
    {"set parts of columns", set_columns, {IN(3, 5), IN(2, 2, 2, 1), IN_INDEX(-7, 7, 2, 2)}, ALL},
    {"set points", set_points, {IN(4, 3), IN(3, 2, 1, 1), IN_INDEX(-3, 3, 3, 1), IN_INDEX(-5, 5, 2)}, ALL},
    {"set windows that overlap", set_points, {IN(6, 7), IN(4, 3, 2), IN_INDEX(0, 4, 4), IN_INDEX(-3, 4, 4)}, ALL},
    {"a slice", slice_into, {IN(5, 6), IN(2, 3), IN_INDEX(-9, 9, 2)}, ALL},
    {"add rows", add_rows, {IN(5, 3), IN(9, 1, 3), IN_INDEX(-7, 7, 9)}, ALL, TERMS},
    {"add columns", add_columns, {IN(3, 5), IN(7, 3, 1), IN_INDEX(-7, 7, 7)}, ALL, TERMS},
    {"add points", add_points, {IN(4, 3), IN(3, 2, 1, 1), IN_INDEX(-3, 3, 3, 1), IN_INDEX(-5, 5, 2)}, FLOATS, TERMS},
    {"add windows that overlap",
     add_points,
     {IN(6, 7), IN(4, 3, 2), IN_INDEX(0, 4, 4), IN_INDEX(-3, 4, 4)},
     ALL,
     TERMS},
    {"add to one element", add_rows, {IN(1), IN(30, 1), IN_INDEX(0, 0, 30)}, FLOATS, TERMS},
    {"multiply rows", prod_rows, {IN_RANGE(1, 2, 5, 3), IN_RANGE(1, 2, 6, 1, 3), IN_INDEX(-7, 7, 6)}, ALL, TERMS},
    {"multiply points",
     prod_points,
     {IN_RANGE(1, 2, 4, 3), IN_RANGE(1, 2, 3, 2, 1, 1), IN_INDEX(-3, 3, 3, 1), IN_INDEX(-5, 5, 2)},
     FLOATS,
     TERMS},
    {"multiply columns",
     prod_columns,
     {IN_RANGE(1, 2, 3, 5), IN_RANGE(1, 2, 7, 3, 1), IN_INDEX(-7, 7, 7)},
     INTS,
     TERMS},
    {"larger points", max_points, {IN(4, 3), IN(3, 2, 1, 1), IN_INDEX(-3, 3, 3, 1), IN_INDEX(-5, 5, 2)}, REALS},
    {"larger columns", max_columns, {IN(3, 5), IN(7, 3, 1), IN_INDEX(-7, 7, 7)}, FLOATS},
    {"smaller windows that overlap",
     min_points,
     {IN(6, 7), IN(4, 3, 2), IN_INDEX(0, 4, 4), IN_INDEX(-3, 4, 4)},
     ALL,
     0,
     NO_GRAD},
    {"larger rows", max_rows, {IN(5, 3), IN(9, 1, 3), IN_INDEX(-7, 7, 9)}, REALS},
    {"smaller columns", min_columns, {IN(3, 5), IN(7, 3, 1), IN_INDEX(-7, 7, 7)}, REALS},
    {"larger complex numbers", max_rows, {IN(5, 3), IN(9, 1, 3), IN_INDEX(-7, 7, 9)}, COMPLEX, 0, NO_GRAD},
    {"smaller complex numbers", min_rows, {IN(5, 3), IN(9, 1, 3), IN_INDEX(-7, 7, 9)}, COMPLEX, 0, NO_GRAD},
    {"largest of special values",
     max_rows,
     {IN_SPECIAL(5, 9), IN_SPECIAL(9, 1, 9), IN_INDEX(0, 4, 9)},
     ALL,
     0,
     NO_GRAD},
    {"smallest of special values",
     min_rows,
     {IN_SPECIAL(5, 9), IN_SPECIAL(9, 1, 9), IN_INDEX(0, 4, 9)},
     ALL,
     0,
     NO_GRAD},
    {"no points", add_rows, {IN(5, 3), IN(0, 1, 3), IN_INDEX(0, 1, 0)}, FLOATS},
    {"many rows",
     add_rows,
     {IN(50, 130), IN(1000, 1, 130), IN_INDEX(-50, 49, 1000)},
     DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16),
     200},
    {"many columns", set_columns, {IN(300, 50), IN(400, 300, 1), IN_INDEX(-50, 49, 400)}, DTYPE(MX_FLOAT32)},
    {"many points for one row", add_rows, {IN(2, 3), IN(5000, 1, 3), IN_INDEX(-2, -2, 5000)}, INTS | BOOLS},
    {"many points for one wide row", add_rows, {IN(2, 32), IN(700, 1, 32), IN_INDEX(-2, -2, 700)}, INTS | BOOLS},
    {"wide rows", min_rows, {IN(9, 32), IN(60, 1, 32), IN_INDEX(-9, 9, 60)}, ALL, 0, NO_GRAD},
    {"few wide rows", add_rows, {IN(3, 32), IN(7, 1, 32), IN_INDEX(-3, 3, 7)}, ALL, TERMS},
    {"many points for few rows", max_rows, {IN(3, 3), IN(5000, 1, 3), IN_INDEX(-3, 3, 5000)}, HALVES, 0, NO_GRAD},
    {"more points than a block sorts", set_rows, {IN(900, 4), IN(5000, 1, 4), IN_INDEX(-900, 900, 5000)}, ALL},
    {"many windows that overlap",
     min_points,
     {IN(40, 50), IN(700, 3, 2), IN_INDEX(0, 37, 700), IN_INDEX(0, 48, 700)},
     REALS,
     0,
     NO_GRAD},
    {0},
};

TEST(scatter_checks_its_arguments)
{
    mx_array *x = mx_zeros(SHAPE(3, 4), MX_INT32), *i[2] = {mx_arange(0, 2, 1, MX_INT32), mx_int(1)};
    CHECK_CODE(mx_scatter(x, i, mx_ones(SHAPE(2, 4), MX_INT32), AXES(0), MX_SCATTER_SET), MX_VALUE,
               "[scatter] updates of shape (2,4)");
    CHECK_CODE(mx_scatter(x, i, mx_ones(SHAPE(2, 1, 5), MX_INT32), AXES(0), MX_SCATTER_SET), MX_VALUE,
               "[scatter] updates of shape (2,1,5)");
    CHECK_CODE(mx_scatter(x, i, mx_ones(SHAPE(2, 1, 4), MX_INT32), AXES(0), (mx_scatter_mode)9), MX_VALUE,
               "[scatter] there is no mode 9");
    CHECK_CODE(mx_slice_update_at(x, mx_ones(SHAPE(4, 4), MX_INT32), i[0], AXES(0, 1)), MX_VALUE,
               "[slice_update] an update of shape (4,4)");
}

TEST(scatter_of_duplicates)
{
    mx_array *x = mx_zeros(SHAPE(3), MX_INT32), *i = mx_from_data((int[]){1, 1, 9, -1}, SHAPE(4), MX_INT32);
    mx_array *v = mx_from_data((int[]){4, 5, 6, 7}, SHAPE(4, 1), MX_INT32);
    CHECK_VALUES(mx_scatter(x, &i, v, AXES(0), MX_SCATTER_SET), 0, 0, 5, 7);
    CHECK_VALUES(mx_scatter(x, &i, v, AXES(0), MX_SCATTER_ADD), 0, 0, 9, 7);
    CHECK_VALUES(mx_put_along_axis(x, i, mx_reshape(v, SHAPE(4)), 0), 0, 0, 5, 7);
    mx_array *b = mx_zeros(SHAPE(3), MX_BOOL), *yes = mx_ones(SHAPE(4, 1), MX_BOOL);
    CHECK_VALUES(mx_scatter(b, &i, yes, AXES(0), MX_SCATTER_ADD), 0, 0, 1, 1);
}

/* ---- take_along_axis */
static mx_array *along_first(mx_array *const *x)
{
    return mx_take_along_axis(x[0], x[1], 0);
}
static mx_array *along_last(mx_array *const *x)
{
    return mx_take_along_axis(x[0], x[1], -1);
}
const op_sample samples_take_along_axis[] = {
    {"rows", along_last, {IN(3, 5), IN_INDEX(-7, 7, 3, 4)}, ALL},
    {"one of each row", along_last, {IN(6, 5), IN_INDEX(-5, 4, 6, 1)}, ALL},
    {"columns", along_first, {IN(5, 3), IN_INDEX(-7, 7, 4, 3)}, ALL},
    {"indices broadcast", along_first, {IN(5, 3), IN_INDEX(-7, 7, 4, 1)}, FLOATS},
    {"the array broadcasts", along_last, {IN(1, 5), IN_INDEX(-7, 7, 3, 4)}, FLOATS},
    {"three axes", along_first, {IN(4, 2, 3), IN_OF(MX_INT64, -4, 3, 3, 2, 3)}, ALL},
    {"uint32 indices", along_last, {IN(3, 5), IN_OF(MX_UINT32, 0, 7, 3, 4)}, FLOATS},
    {"nothing", along_last, {IN(0, 5), IN_INDEX(0, 4, 0, 2)}, FLOATS},
    {"special values", along_last, {IN_SPECIAL(30, 30), IN_INDEX(-30, 29, 30, 30)}, ALL},
    {"many rows", along_last, {IN(3000, 40), IN_INDEX(-40, 39, 3000, 45)}, DTYPE(MX_FLOAT32) | DTYPE(MX_UINT8)},
    {"many columns", along_first, {IN(30, 3000), IN_INDEX(-30, 29, 45, 3000)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16)},
    {0},
};

TEST(take_along_axis_checks_its_arguments)
{
    mx_array *x = mx_reshape(mx_arange(0, 12, 1, MX_INT32), SHAPE(3, 4)), *i = mx_zeros(SHAPE(1), MX_INT32);
    CHECK_CODE(mx_take_along_axis(x, i, 0), MX_VALUE, "[take_along_axis] indices of 1 dimensions");
    CHECK_CODE(mx_take_along_axis(x, mx_zeros(SHAPE(1, 4), MX_INT32), 2), MX_VALUE, "[take_along_axis] axis 2");
    CHECK_CODE(mx_take_along_axis(x, mx_zeros(SHAPE(2, 2), MX_INT32), 0), MX_VALUE, "[take_along_axis] Shapes");
    CHECK_CODE(mx_take_along_axis(mx_zeros(SHAPE(0), MX_INT32), i, 0), MX_VALUE, "[take_along_axis] Cannot read");
}

/* ---- scatter_along_axis */
#define SCATTER_ALONG(mode, MODE)                                                                                      \
    static mx_array *mode##_along_first(mx_array *const *x)                                                            \
    {                                                                                                                  \
        return mx_scatter_along_axis(x[0], x[2], x[1], 0, MX_SCATTER_##MODE);                                          \
    }                                                                                                                  \
    static mx_array *mode##_along_last(mx_array *const *x)                                                             \
    {                                                                                                                  \
        return mx_scatter_along_axis(x[0], x[2], x[1], -1, MX_SCATTER_##MODE);                                         \
    }
SCATTER_ALONG(set, SET)
SCATTER_ALONG(add, ADD)
SCATTER_ALONG(prod, PROD)
SCATTER_ALONG(max, MAX)
SCATTER_ALONG(min, MIN)

const op_sample samples_scatter_along_axis[] = {
    {"set rows", set_along_last, {IN(3, 5), IN(3, 4), IN_INDEX(-7, 7, 3, 4)}, ALL},
    {"set columns", set_along_first, {IN(5, 3), IN(4, 3), IN_INDEX(-7, 7, 4, 3)}, ALL},
    {"a scalar", set_along_first, {IN(5, 3), IN_SCALAR, IN_INDEX(-7, 7, 4, 3)}, FLOATS},
    {"add rows", add_along_last, {IN(3, 5), IN(3, 9), IN_INDEX(-7, 7, 3, 9)}, ALL, TERMS},
    {"add columns", add_along_first, {IN(5, 3), IN(9, 3), IN_INDEX(-7, 7, 9, 3)}, ALL, TERMS},
    {"multiply", prod_along_last, {IN_RANGE(1, 2, 3, 5), IN_RANGE(1, 2, 3, 6), IN_INDEX(-7, 7, 3, 6)}, ALL, TERMS},
    {"multiply columns",
     prod_along_first,
     {IN_RANGE(1, 2, 5, 3), IN_RANGE(1, 2, 4, 3), IN_INDEX(-5, 4, 4, 3)},
     FLOATS,
     TERMS},
    {"larger", max_along_last, {IN(3, 5), IN(3, 9), IN_INDEX(-7, 7, 3, 9)}, REALS},
    {"smaller", min_along_first, {IN(5, 3), IN(9, 3), IN_INDEX(-7, 7, 9, 3)}, REALS},
    {"larger columns", max_along_first, {IN(5, 3), IN(9, 3), IN_INDEX(-7, 7, 9, 3)}, COMPLEX, 0, NO_GRAD},
    {"smaller rows", min_along_last, {IN(3, 5), IN(3, 9), IN_INDEX(-7, 7, 3, 9)}, COMPLEX, 0, NO_GRAD},
    {"nothing", set_along_last, {IN(0, 5), IN(0, 2), IN_INDEX(0, 4, 0, 2)}, FLOATS},
    {"many rows", add_along_last, {IN(3000, 40), IN(3000, 45), IN_INDEX(-40, 39, 3000, 45)}, DTYPE(MX_FLOAT32), TERMS},
    {"many columns",
     set_along_first,
     {IN(30, 3000), IN(45, 3000), IN_INDEX(-30, 29, 45, 3000)},
     DTYPE(MX_FLOAT32) | DTYPE(MX_UINT8)},
    {"a long row of whole numbers", add_along_last, {IN(10), IN(5000), IN_INDEX(-12, 12, 5000)}, INTS},
    {"a long row that is set", set_along_last, {IN(1000), IN(5000), IN_INDEX(-1200, 1200, 5000)}, REALS},
    {"a long row", add_along_last, {IN(10), IN(2000), IN_INDEX(-12, 12, 2000)}, DTYPE(MX_FLOAT64), 2000},
    {0},
};

/* Numbers of elements from 2^31 on are a case of their own on a GPU. */
enum { MANY_ROWS = 715827888 }; /* of three */
static void check_ends(mx_array *y)
{
    mx_array *at = mx_from_data((int[]){0, MANY_ROWS / 2, MANY_ROWS - 2, MANY_ROWS - 1}, SHAPE(4), MX_INT32);
    CHECK(y != NULL && mx_eval(y));
    CHECK_VALUES(mx_take(y, at, 0), 0, 5, 6, 7, 5, 6, 7, 5, 6, 7, 5, 6, 7);
}

TEST(copy_of_more_than_2_to_the_31_elements)
{
    mx_array *x = mx_from_data((uint8_t[]){5, 6, 7}, SHAPE(3), MX_UINT8);
    if (check_is_full()) check_ends(mx_contiguous(mx_broadcast_to(x, SHAPE(MANY_ROWS, 3))));
}

TEST(take_of_more_than_2_to_the_31_elements)
{
    mx_array *x = mx_from_data((uint8_t[]){5, 6, 7}, SHAPE(3), MX_UINT8), *i = mx_arange(0, 3, 1, MX_UINT8);
    if (check_is_full()) check_ends(mx_take(x, mx_broadcast_to(i, SHAPE(MANY_ROWS, 3)), 0));
}
