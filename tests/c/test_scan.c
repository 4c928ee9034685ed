/* SPDX-License-Identifier: MIT
 *
 * Running sums, products, extremes and log-sums. */
#include "check.h"

#define EXPRESSION(name, call)                                                                                         \
    static mx_array *name(mx_array *const *x)                                                                          \
    {                                                                                                                  \
        return call;                                                                                                   \
    }
EXPRESSION(cumsum, mx_cumsum(x[0], -1, false, true))
EXPRESSION(cumsum_first, mx_cumsum(x[0], 0, true, true))
EXPRESSION(cumsum_exclusive, mx_cumsum(x[0], 1, false, false))
EXPRESSION(cumsum_back_exclusive, mx_cumsum(x[0], 1, true, false))
EXPRESSION(cumprod, mx_cumprod(x[0], -1, false, true))
EXPRESSION(cumprod_exclusive, mx_cumprod(x[0], 0, true, false))
EXPRESSION(cummax, mx_cummax(x[0], -1, false, true))
EXPRESSION(cummax_exclusive, mx_cummax(x[0], -1, true, false))
EXPRESSION(cummin, mx_cummin(x[0], 0, false, true))
EXPRESSION(cummin_exclusive, mx_cummin(x[0], -1, false, false))
EXPRESSION(logcumsumexp, mx_logcumsumexp(x[0], -1, false, true))
EXPRESSION(logcumsumexp_back, mx_logcumsumexp(x[0], 0, true, true))

const op_sample samples_scan[] = {
    {"sum", cumsum, {IN(4, 33)}, ALL, 32},
    {"sum of the first axis, reversed", cumsum_first, {IN(7, 5)}, ALL, 16},
    {"sum, exclusive", cumsum_exclusive, {IN(2, 5, 3)}, ALL, 16},
    {"sum, reversed, exclusive", cumsum_back_exclusive, {IN(2, 5, 3)}, ALL, 16},
    {"product", cumprod, {IN_RANGE(0.5, 2, 3, 6)}, ALL, 20},
    {"product, reversed, exclusive", cumprod_exclusive, {IN_RANGE(0.5, 2, 6, 2)}, ALL, 20},
    {"maximum", cummax, {IN(4, 33)}, REALS},
    {"maximum, reversed, exclusive", cummax_exclusive, {IN(4, 9)}, INTS | FLOATS, .flags = NO_GRAD},
    {"minimum", cummin, {IN(9, 4)}, REALS},
    {"minimum, exclusive", cummin_exclusive, {IN(4, 9)}, INTS | FLOATS, .flags = NO_GRAD},
    {"special values", cummax, {IN_SPECIAL(20, 20)}, REALS},
    {"log-sum", logcumsumexp, {IN(4, 20)}, REALS, 16},
    {"log-sum, reversed", logcumsumexp_back, {IN(6, 3)}, FLOATS, 16},
    {"nothing", cumsum, {IN(3, 0)}, FLOATS},
    {"many elements", cumsum, {IN(3000, 51)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT8), 64},
    {0},
};

TEST(scans_keep_small_integers)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_INT8, 0, 2, 1), *b = check_random(SHAPE(2, 3), MX_BOOL, 0, 1, 1);
    CHECK_SHAPE(mx_cumsum(x, 0, false, true), SHAPE(2, 3), MX_INT8);
    CHECK_SHAPE(mx_cumsum(b, 0, false, true), SHAPE(2, 3), MX_INT32);
    CHECK_SHAPE(mx_cumprod(b, 0, false, true), SHAPE(2, 3), MX_BOOL);
    CHECK_CODE(mx_cumsum(x, 2, false, true), MX_VALUE, "[cumsum] axis 2");
}
