/* SPDX-License-Identifier: MIT
 *
 * Reductions: the op over the last axes, and the public functions over any. */
#include "check.h"
#include "../ref/reduce.h"

#define REDUCTION(name, axes, keep)                                                                                    \
    static mx_array *name(mx_array *const *x)                                                                          \
    {                                                                                                                  \
        return mx_sum(x[0], axes, keep);                                                                               \
    }
REDUCTION(sum_all, ALL_AXES, false)
REDUCTION(sum_last, AXES(-1), false)
REDUCTION(sum_first, AXES(0), false)
REDUCTION(sum_middle, AXES(1), KEEP)
REDUCTION(sum_outer, AXES(2, 0), false)
REDUCTION(sum_two_last, AXES(-1, -2), KEEP)

/* Sums are kept in float32 (halves too) or the dtype, in any order: the error is far below an epsilon for every term.
 */
const op_sample samples_sum[] = {
    {"all", sum_all, {IN(3, 5)}, ALL, 8, ANY_ORDER},
    {"last axis", sum_last, {IN(4, 33)}, ALL, 8, ANY_ORDER},
    {"first axis", sum_first, {IN(33, 4)}, ALL, 8, ANY_ORDER},
    {"two axes", sum_outer, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER},
    {"long rows", sum_last, {IN(3, 1000)}, ALL, 64, ANY_ORDER},
    {"one element", sum_all, {IN(1)}, ALL, 1, ANY_ORDER},
    {"ones", sum_middle, {IN(3, 1, 2)}, ALL, 1, ANY_ORDER},
    {"nothing in each row", sum_last, {IN(3, 0)}, ALL, 1, ANY_ORDER},
    {"no rows", sum_last, {IN(0, 3)}, ALL, 1, ANY_ORDER},
    {"integers that wrap", sum_last, {IN_SPECIAL(3, 40)}, INTS},
    {"many rows", sum_last, {IN(50001, 3)}, DTYPE(MX_FLOAT32), 8, ANY_ORDER},
    {"many elements", sum_all, {IN(150001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16) | DTYPE(MX_INT8), 64, ANY_ORDER},
    {"many in columns", sum_first, {IN(5000, 30)}, DTYPE(MX_FLOAT32), 64, ANY_ORDER},
    {0},
};

static const op_sample sum_samples[] = {
    {"all", sum_all, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(0, 1, 2)},
    {"last", sum_last, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(2)},
    {"first", sum_first, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(0)},
    {"middle, kept", sum_middle, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(1)},
    {"outer", sum_outer, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(0, 2)},
    {"two last, kept", sum_two_last, {IN(3, 4, 5)}, ALL, 8, ANY_ORDER, .params = REF_AXES(1, 2)},
    {0},
};
COMPOSED(sum_axes, sum_samples, ref_sum_axes)

TEST(sum_has_mlx_dtypes)
{
    static const mx_dtype want[] = {MX_INT32, MX_UINT32, MX_UINT32,  MX_UINT32,  MX_UINT64,  MX_INT32,    MX_INT32,
                                    MX_INT32, MX_INT64,  MX_FLOAT16, MX_FLOAT32, MX_FLOAT64, MX_BFLOAT16, MX_COMPLEX64};
    for (int d = 0; d < MX_DTYPE_COUNT; d++) {
        mx_array *x = check_random(SHAPE(2, 3), (mx_dtype)d, 0, 2, 1);
        CHECK_SHAPE(mx_sum(x, AXES(0), false), SHAPE(3), want[d]);
        CHECK_SHAPE(mx_sum(x, AXES(0), KEEP), SHAPE(1, 3), want[d]);
        CHECK_SHAPE(mx_sum(x, ALL_AXES, KEEP), SHAPE(1, 1), want[d]);
        CHECK_SHAPE(mx_sum(x, ALL_AXES, false), SCALAR_SHAPE, want[d]);
    }
    mx_array *small = check_random(SHAPE(2, 3), MX_INT8, 0, 2, 1);
    CHECK(mx_sum(small, (mx_axes){0, NULL}, false) == small);
}

TEST(sum_names_bad_axes)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_FLOAT32, -1, 1, 1);
    CHECK_CODE(mx_sum(x, AXES(2), false), MX_INDEX, "[sum] axis 2");
    CHECK_CODE(mx_sum(x, AXES(-3), false), MX_INDEX, "[sum] axis -3");
    CHECK_CODE(mx_sum(x, AXES(0, -2), false), MX_VALUE, "[sum] axis -2 is given twice");
}
