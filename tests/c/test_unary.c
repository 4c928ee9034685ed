/* SPDX-License-Identifier: MIT
 *
 * Elementwise ops with one operand. */
#include "check.h"

static mx_array *exp_of(mx_array *const *x)
{
    return mx_exp(x[0]);
}

const op_sample samples_exp[] = {
    {"a matrix", exp_of, {IN(3, 5)}, REALS, 4},
    {"complex", exp_of, {IN(3, 5)}, COMPLEX, 8},
    {"wide range", exp_of, {IN_RANGE(-80, 80, 61, 67)}, FLOATS & ~DTYPE(MX_FLOAT16), 4},
    {"the range of float16", exp_of, {IN_RANGE(-15, 8, 61, 67)}, DTYPE(MX_FLOAT16), 4},
    {"special values", exp_of, {IN_SPECIAL(30, 30)}, FLOATS, 4},
    {"a scalar", exp_of, {IN_SCALAR}, FLOATS, 4},
    {"nothing", exp_of, {IN(3, 0)}, REALS, 4},
    {"many elements", exp_of, {IN(3, 50001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16), 4},
    {0},
};

TEST(exp_keeps_floats_and_makes_ints_float32)
{
    CHECK_SHAPE(mx_exp(check_random(SHAPE(4), MX_BFLOAT16, -1, 1, 1)), SHAPE(4), MX_BFLOAT16);
    CHECK_SHAPE(mx_exp(check_random(SHAPE(4), MX_INT8, 0, 3, 1)), SHAPE(4), MX_FLOAT32);
}
