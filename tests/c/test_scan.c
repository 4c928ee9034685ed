/* SPDX-License-Identifier: MIT
 *
 * Running sums, products, extremes and log-sums. */
#include "check.h"

#define SCAN(name, function, axis, reverse, inclusive)                                                                 \
    static mx_array *name(mx_array *const *x)                                                                          \
    {                                                                                                                  \
        return function(x[0], axis, reverse, inclusive);                                                               \
    }
SCAN(sum, mx_cumsum, -1, false, true)
SCAN(sum_first, mx_cumsum, 0, false, true)
SCAN(sum_back, mx_cumsum, -1, true, true)
SCAN(sum_before, mx_cumsum, 1, false, false)
SCAN(sum_after, mx_cumsum, 0, true, false)
SCAN(prod, mx_cumprod, -1, false, true)
SCAN(prod_back, mx_cumprod, 0, true, true)
SCAN(prod_before, mx_cumprod, -1, false, false)
SCAN(prod_after, mx_cumprod, -1, true, false)
SCAN(max, mx_cummax, -1, false, true)
SCAN(max_back, mx_cummax, 0, true, true)
SCAN(max_before, mx_cummax, -1, false, false)
SCAN(min, mx_cummin, -1, false, true)
SCAN(min_after, mx_cummin, -1, true, false)
SCAN(log_sum, mx_logcumsumexp, -1, false, true)
SCAN(log_sum_back, mx_logcumsumexp, 0, true, true)
SCAN(log_sum_before, mx_logcumsumexp, -1, false, false)

/* Integers wrap and are exact; what precedes each result bounds its error. */
const op_sample samples_scan[] = {
    {"sum", sum, {IN(4, 33)}, ALL, 32},
    {"sum, first axis", sum_first, {IN(33, 4)}, ALL, 32},
    {"sum from the end", sum_back, {IN(3, 9)}, ALL, 16},
    {"sum of those before", sum_before, {IN(3, 9)}, ALL, 16},
    {"sum of those after", sum_after, {IN(9, 3)}, ALL, 16},
    {"one", sum, {IN(3, 1)}, ALL, 1},
    {"nothing", sum, {IN(3, 0)}, ALL, 1},
    {"no rows", sum_first, {IN(3, 0)}, ALL, 1},
    {"integers that wrap", sum, {IN_SPECIAL(3, 40)}, INTS},
    {"product", prod, {IN(4, 9)}, ALL, 32},
    {"product from the end", prod_back, {IN(9, 3)}, ALL, 32},
    {"product of those before", prod_before, {IN(3, 9)}, ALL, 32},
    {"product of those after", prod_after, {IN(3, 9)}, ALL, 32},
    {"largest", max, {IN(4, 33)}, FLOATS | COMPLEX},
    {"largest whole", max, {IN(4, 33)}, INTS | BOOLS, 0, NO_GRAD},
    {"largest from the end", max_back, {IN(9, 3)}, FLOATS},
    {"largest before", max_before, {IN(3, 9)}, FLOATS, 0, NO_GRAD},
    {"largest whole before", max_before, {IN_SPECIAL(3, 9)}, INTS | BOOLS},
    {"least", min, {IN(4, 33)}, ALL, 0, NO_GRAD},
    {"least of few", min, {IN(2, 5)}, FLOATS | COMPLEX},
    {"least after", min_after, {IN(3, 9)}, ALL, 0, NO_GRAD},
    {"log of sums", log_sum, {IN(4, 33)}, FLOATS, 64},
    {"log of sums from the end", log_sum_back, {IN(9, 3)}, FLOATS, 32},
    {"log of sums before", log_sum_before, {IN(3, 9)}, FLOATS, 32, NO_GRAD},
    {"log of complex sums", log_sum, {IN_RANGE(-1, 1, 3, 5)}, COMPLEX, 64},
    {"many rows", sum, {IN(30001, 4)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT8), 16},
    {"long rows", sum, {IN(2, 60001)}, DTYPE(MX_FLOAT32), 64},
    {"long rows from the end", sum_after, {IN(40000, 2)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT16), 64},
    {"long row, largest", max, {IN(1, 70000)}, DTYPE(MX_FLOAT16) | DTYPE(MX_INT64), 0, NO_GRAD},
    {"rows of a block", sum_back, {IN(3000, 9)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16), 64},
    {0},
};

/* Of equal extremes the one that a scan meets last holds. */
static bool running_max(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_cummax(in[0], 0, false, true)) != NULL;
}
static bool running_product(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_cumprod(in[0], 0, false, true)) != NULL;
}

TEST(scan_gradients_at_ties_and_zeros)
{
    mx_array *g = mx_from_data((float[]){1, 10, 100, 1000}, SHAPE(4), MX_FLOAT32), *y = NULL, *din = NULL;
    mx_array *ties = mx_from_data((float[]){2, 3, 3, 1}, SHAPE(4), MX_FLOAT32);
    CHECK(mx_vjp(running_max, NULL, &ties, 1, &g, 1, &y, &din));
    CHECK_VALUES(din, 0, 1, 10, 1100, 0);
    mx_array *zero = mx_from_data((float[]){2, 0, 3, 1}, SHAPE(4), MX_FLOAT32);
    CHECK(mx_vjp(running_product, NULL, &zero, 1, &g, 1, &y, &din));
    CHECK_VALUES(din, 0, 1, 6620, 0, 0);
}

TEST(scans_have_mlx_dtypes_and_errors)
{
    mx_array *bits = check_random(SHAPE(3), MX_BOOL, 0, 1, 1), *small = check_random(SHAPE(3), MX_INT8, 0, 2, 1);
    CHECK_SHAPE(mx_cumsum(bits, 0, false, true), SHAPE(3), MX_INT32);
    CHECK_SHAPE(mx_cumprod(bits, 0, false, true), SHAPE(3), MX_BOOL);
    CHECK_SHAPE(mx_cumsum(small, 0, false, true), SHAPE(3), MX_INT8);
    CHECK_CODE(mx_cumsum(small, 1, false, true), MX_VALUE, "[cumsum] axis 1");
    CHECK_CODE(mx_cummax(small, -2, false, true), MX_VALUE, "[cummax] axis -2");
}
