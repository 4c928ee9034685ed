/* SPDX-License-Identifier: MIT
 *
 * Ops that lay the same elements out anew. */
#include "check.h"
#include <string.h>

#define LIST(...) ((const int64_t[]){__VA_ARGS__})

static mx_array *copy(mx_array *const *x)
{
    return mx_copy(x[0]);
}
const op_sample samples_alias[] = {
    {"a matrix", copy, {IN(3, 5)}, ALL},
    {"a scalar", copy, {IN_SCALAR}, ALL},
    {"special values", copy, {IN_SPECIAL(20)}, ALL},
    {"nothing", copy, {IN(0, 2)}, FLOATS},
    {0},
};

static mx_array *contiguous_columns(mx_array *const *x)
{
    return mx_contiguous(mx_transpose(x[0], ALL_AXES));
}
const op_sample samples_contiguous[] = {
    {"columns", contiguous_columns, {IN(3, 5)}, ALL},
    {"three axes", contiguous_columns, {IN(2, 3, 5)}, ALL},
    {"special values", contiguous_columns, {IN_SPECIAL(20, 3)}, ALL},
    {"nothing", contiguous_columns, {IN(0, 2)}, FLOATS},
    {"many elements", contiguous_columns, {IN(301, 500)}, DTYPE(MX_FLOAT32) | DTYPE(MX_UINT8) | DTYPE(MX_COMPLEX64)},
    {0},
};

#define RESHAPE(name, ...)                                                                                             \
    static mx_array *name(mx_array *const *x)                                                                          \
    {                                                                                                                  \
        return mx_reshape(x[0], SHAPE(__VA_ARGS__));                                                                   \
    }
RESHAPE(to_vector, -1)
RESHAPE(to_matrix, 6, -1)
RESHAPE(to_five, 3, 2, 1, 2, 5)
RESHAPE(to_empty, 2, 0, 7)
static mx_array *to_scalar(mx_array *const *x)
{
    return mx_reshape(x[0], SCALAR_SHAPE);
}
static mx_array *columns_to_vector(mx_array *const *x)
{
    return mx_reshape(mx_transpose(x[0], ALL_AXES), SHAPE(-1));
}
const op_sample samples_reshape[] = {
    {"to a vector", to_vector, {IN(3, 4, 5)}, ALL},
    {"to a matrix", to_matrix, {IN(3, 4, 5)}, FLOATS},
    {"to five axes", to_five, {IN(12, 5)}, FLOATS},
    {"to a scalar", to_scalar, {IN(1, 1)}, FLOATS},
    {"of columns", columns_to_vector, {IN(3, 4, 5)}, ALL},
    {"nothing", to_empty, {IN(0, 3)}, FLOATS},
    {"many elements", columns_to_vector, {IN(301, 500)}, DTYPE(MX_FLOAT16)},
    {0},
};

static mx_array *three_more(mx_array *const *x)
{
    return mx_expand_dims(x[0], AXES(0, -1, 2));
}
static mx_array *two_less(mx_array *const *x)
{
    return mx_squeeze(x[0], AXES(1, -1));
}
static mx_array *all_less(mx_array *const *x)
{
    return mx_squeeze(x[0], ALL_AXES);
}

const op_sample samples_expand_dims[] = {
    {"three axes", three_more, {IN(3, 4)}, ALL},
    {"nothing", three_more, {IN(0, 3)}, FLOATS},
    {0},
};
const op_sample samples_squeeze[] = {
    {"two axes", two_less, {IN(3, 1, 4, 1)}, ALL},
    {"all of them", all_less, {IN(1, 3, 1)}, FLOATS},
    {"nothing", two_less, {IN(3, 1, 0, 1)}, FLOATS},
    {0},
};

static mx_array *reversed(mx_array *const *x)
{
    return mx_transpose(x[0], ALL_AXES);
}
static mx_array *swapped(mx_array *const *x)
{
    return mx_transpose(x[0], AXES(0, -1, 1));
}
static mx_array *swapped_sum(mx_array *const *x)
{
    return mx_add(mx_transpose(x[0], AXES(1, 0)), x[1]);
}
const op_sample samples_transpose[] = {
    {"a matrix", reversed, {IN(3, 5)}, ALL},
    {"three axes", swapped, {IN(2, 3, 4)}, ALL},
    {"six axes", reversed, {IN(2, 3, 1, 2, 3, 2)}, FLOATS},
    {"summed", swapped_sum, {IN(3, 5), IN(5, 3)}, INEXACT},
    {"nothing", reversed, {IN(0, 3)}, FLOATS},
    {0},
};

static mx_array *rows(mx_array *const *x)
{
    return mx_broadcast_to(x[0], SHAPE(4, 3, 5));
}
static mx_array *nothing_from_one(mx_array *const *x)
{
    return mx_broadcast_to(x[0], SHAPE(0, 5));
}
const op_sample samples_broadcast[] = {
    {"a vector", rows, {IN(5)}, ALL},
    {"a scalar", rows, {IN_SCALAR}, ALL},
    {"columns", rows, {IN(3, 1)}, FLOATS},
    {"ones", rows, {IN(1, 3, 1)}, FLOATS},
    {"nothing", nothing_from_one, {IN(1, 5)}, FLOATS},
    {0},
};

TEST(reshape_checks_sizes)
{
    mx_array *x = check_random(SHAPE(3, 4), MX_FLOAT32, -1, 1, 1);
    CHECK(mx_reshape(x, SHAPE(3, 4)) == x);
    CHECK_SHAPE(mx_reshape(x, SHAPE(2, -1)), SHAPE(2, 6), MX_FLOAT32);
    CHECK_CODE(mx_reshape(x, SHAPE(5, -1)), MX_VALUE, "[reshape]");
    CHECK_CODE(mx_reshape(x, SHAPE(13)), MX_VALUE, "[reshape] Cannot reshape array of size 12");
    CHECK_CODE(mx_reshape(x, SHAPE(-1, -1)), MX_VALUE, "[reshape]");
    CHECK_CODE(mx_reshape(x, SHAPE(-2, -6)), MX_VALUE, "[reshape]");
    CHECK_CODE(mx_reshape(check_random(SHAPE(0, 2), MX_INT8, 0, 1, 1), SHAPE(0, -1)), MX_VALUE, "[reshape]");
}

TEST(transpose_checks_axes)
{
    mx_array *x = check_random(SHAPE(3, 4), MX_FLOAT32, -1, 1, 1);
    CHECK_SHAPE(mx_transpose(x, AXES(-1, 0)), SHAPE(4, 3), MX_FLOAT32);
    CHECK_CODE(mx_transpose(x, AXES(0)), MX_VALUE, "[transpose]");
    CHECK_CODE(mx_transpose(x, AXES(0, 0)), MX_VALUE, "[transpose]");
    CHECK_CODE(mx_transpose(x, AXES(0, 2)), MX_VALUE, "[transpose]");
}

TEST(broadcast_checks_shapes)
{
    mx_array *x = check_random(SHAPE(3, 4), MX_FLOAT32, -1, 1, 1);
    CHECK_CODE(mx_broadcast_to(x, SHAPE(3, 5)), MX_VALUE, "[broadcast");
    CHECK_CODE(mx_broadcast_to(x, SHAPE(4)), MX_VALUE, "[broadcast");
    CHECK_CODE(mx_broadcast_to(x, SHAPE(-1, 3, 4)), MX_VALUE, "[broadcast");
}

/* A broadcast costs no memory. */
TEST(broadcast_is_a_view)
{
    mx_array *x = check_random(SHAPE(1000), MX_FLOAT32, -1, 1, 1);
    size_t before = mx_get_active_memory();
    mx_array *y = mx_broadcast_to(x, SHAPE(1000000, 1000));
    CHECK(mx_eval(y));
    CHECK(mx_get_active_memory() == before);
}

/* ---- Copies: every way to move elements, against a walk element by element */
static bool is_copied(mx_array *view)
{
    mx_array *copy = mx_contiguous(view);
    if (!mx_eval(view) || !mx_eval(copy)) return false;
    size_t bytes = mx_dtype_size(mx_dtype_of(view));
    const int64_t *strides;
    const char *from = mx_data_strided(view, &strides), *to = mx_data(copy);
    int64_t index[MX_MAX_NDIM] = {0}, offset = 0;
    for (int64_t k = 0; k < mx_size(view); k++) {
        if (memcmp(to + k * (int64_t)bytes, from + offset * (int64_t)bytes, bytes) != 0) return false;
        for (int i = mx_ndim(view) - 1; i >= 0; i--) {
            offset += strides[i];
            if (++index[i] < mx_dim(view, i)) break;
            offset -= index[i] * strides[i];
            index[i] = 0;
        }
    }
    return true;
}

static const mx_dtype each_width[] = {MX_UINT8, MX_FLOAT16, MX_FLOAT32, MX_INT64};

static mx_array *every(mx_array *x, int64_t step)
{
    int64_t n = mx_dim(x, 1);
    return step > 0 ? mx_slice(x, LIST(0, 1), LIST(mx_dim(x, 0), n), LIST(1, step))
                    : mx_slice(x, LIST(0, n - 1), LIST(mx_dim(x, 0), -n - 1), LIST(1, step));
}

TEST(copies_transpose)
{
    static const int64_t sizes[][2] = {{64, 64}, {65, 130}, {3, 700}, {700, 3}, {37, 600}, {1100, 70}, {5, 9}};
    for (int t = 0; t < 4; t++) {
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
            mx_array *x = check_random(SHAPE(sizes[k][0], sizes[k][1]), each_width[t], 0, 100, 1);
            CHECK(is_copied(mx_transpose(x, AXES(1, 0))));
            CHECK(is_copied(mx_transpose(every(x, -1), AXES(1, 0))));
            CHECK(is_copied(mx_transpose(every(x, 2), AXES(1, 0))));
            CHECK(is_copied(mx_flip(mx_transpose(x, AXES(1, 0)), AXES(1))));
        }
        mx_array *x = check_random(SHAPE(40, 30, 50), each_width[t], 0, 100, 1);
        CHECK(is_copied(mx_transpose(x, AXES(2, 1, 0))));
        CHECK(is_copied(mx_transpose(x, AXES(2, 0, 1))));
        CHECK(is_copied(mx_transpose(x, AXES(1, 0, 2))));
    }
}

TEST(copies_compact_rows)
{
    static const int64_t steps[] = {1, 2, 3, 4, 7, -1, -2};
    for (int t = 0; t < 4; t++) {
        mx_array *x = check_random(SHAPE(50, 333), each_width[t], 0, 100, 1);
        for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) CHECK(is_copied(every(x, steps[k])));
        CHECK(is_copied(mx_broadcast_to(mx_slice(x, LIST(0, 0), LIST(50, 1), LIST(1, 1)), SHAPE(50, 100))));
        CHECK(is_copied(mx_broadcast_to(x, SHAPE(3, 50, 333))));
    }
}

/* Results of more than 16 MB go past the caches; their rows begin anywhere within a line. */
#ifndef __SANITIZE_THREAD__ /* large arrays take minutes there */
TEST(copies_stream)
{
    for (int t = 0; t < 4; t++) {
        int64_t bytes = (int64_t)mx_dtype_size(each_width[t]), columns = 4200 / bytes + 3;
        mx_array *x = check_random(SHAPE(4200, columns), each_width[t], 0, 100, 1);
        CHECK(is_copied(mx_transpose(x, AXES(1, 0))));
        CHECK(is_copied(mx_flip(mx_transpose(x, AXES(1, 0)), AXES(0))));
        CHECK(is_copied(every(x, 1)));
        CHECK(is_copied(every(x, -1)));
        mx_array *heads = mx_reshape(mx_slice(x, LIST(0, 0), LIST(4200, 500), LIST(1, 1)), SHAPE(4200, 10, 50));
        mx_array *wide = mx_broadcast_to(heads, SHAPE(16 / bytes, 4200, 10, 50));
        CHECK(is_copied(mx_transpose(wide, AXES(0, 2, 1, 3))));
        CHECK(is_copied(mx_transpose(wide, AXES(2, 0, 3, 1))));
        CHECK(is_copied(
            mx_transpose(check_random(SHAPE(2, 700, 96, 128 / bytes), each_width[t], 0, 100, 1), AXES(0, 2, 1, 3))));
    }
}
#endif

/* Into a layout of its own: each row of the result in two parts. */
TEST(copies_join_rows)
{
    mx_array *x = check_random(SHAPE(1500, 3001), MX_FLOAT32, 0, 100, 1);
    mx_array *y = mx_contiguous(mx_concatenate((mx_array *[]){x, mx_flip(x, AXES(1))}, 2, 1));
    mx_array *first = mx_slice(y, LIST(0, 0), LIST(1500, 3001), LIST(1, 1));
    mx_array *second = mx_slice(y, LIST(0, 6001), LIST(1500, 3000), LIST(1, -1));
    CHECK_VALUES(mx_array_equal(first, x, false), 0, 1);
    CHECK_VALUES(mx_array_equal(second, x, false), 0, 1);
}
