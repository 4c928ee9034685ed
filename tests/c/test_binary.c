/* SPDX-License-Identifier: MIT
 *
 * Elementwise ops with two operands. */
#include "check.h"

static mx_array *add(mx_array *const *x)
{
    return mx_add(x[0], x[1]);
}
static mx_array *add_twice(mx_array *const *x)
{
    return mx_add(mx_add(x[0], x[1]), x[0]);
}

const op_sample samples_add[] = {
    {"same shape", add, {IN(3, 5), IN(3, 5)}, ALL},
    {"odd lengths", add, {IN(7, 67), IN(7, 67)}, ALL},
    {"broadcast both ways", add, {IN(4, 1, 3), IN(5, 1)}, ALL},
    {"a row", add, {IN(6, 33), IN(33)}, ALL},
    {"a column", add, {IN(6, 33), IN(6, 1)}, INEXACT},
    {"with a scalar", add, {IN(2, 40), IN_SCALAR}, ALL},
    {"scalars", add, {IN_SCALAR, IN_SCALAR}, ALL},
    {"five axes", add, {IN(2, 3, 1, 2, 3), IN(3, 4, 1, 3)}, INEXACT},
    {"special values", add, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, ALL},
    {"nothing", add, {IN(0, 3), IN(1, 3)}, ALL},
    {"a chain", add_twice, {IN(5, 7), IN(5, 7)}, INEXACT},
    {"bool and float", add, {IN_MASK(3, 4), IN(3, 4)}, FLOATS},
    {"many elements", add, {IN(3, 50001), IN(50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16) | DTYPE(MX_INT8)},
    {0},
};

static mx_array *mul(mx_array *const *x)
{
    return mx_mul(x[0], x[1]);
}

const op_sample samples_mul[] = {
    {"same shape", mul, {IN(3, 5), IN(3, 5)}, REALS},
    {"complex", mul, {IN(3, 5), IN(3, 5)}, COMPLEX, 4},
    {"broadcast both ways", mul, {IN(4, 1, 3), IN(5, 1)}, REALS},
    {"a row", mul, {IN(6, 33), IN(33)}, FLOATS},
    {"with a scalar", mul, {IN(2, 40), IN_SCALAR}, REALS},
    {"special values", mul, {IN_SPECIAL(40, 40), IN_SPECIAL(40, 40)}, REALS},
    {"nothing", mul, {IN(0, 3), IN(1, 3)}, REALS},
    {"many elements", mul, {IN(3, 50001), IN(50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16)},
    {0},
};

TEST(add_promotes)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_INT32, -5, 5, 1), *y = check_random(SHAPE(3), MX_FLOAT16, -1, 1, 2);
    CHECK_SHAPE(mx_add(x, y), SHAPE(2, 3), MX_FLOAT16);
    CHECK_SHAPE(mx_add(mx_from_data((uint64_t[]){1}, SHAPE(1), MX_UINT64), x), SHAPE(2, 3), MX_FLOAT32);
}

TEST(add_names_shapes_that_do_not_fit)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_FLOAT32, -1, 1, 1), *y = check_random(SHAPE(2), MX_FLOAT32, -1, 1, 2);
    CHECK_CODE(mx_add(x, y), MX_VALUE, "[broadcast_shapes] Shapes (2,3) and (2) cannot be broadcast");
}
