/* SPDX-License-Identifier: MIT
 *
 * Rotary positions. */
#include "check.h"

static mx_array *halves(mx_array *const *x)
{
    return mx_rope(x[0], (mx_rope_options){8, false, 10000, 1}, x[1], NULL);
}
static mx_array *pairs(mx_array *const *x)
{
    return mx_rope(x[0], (mx_rope_options){6, true, 100, 0.5f}, x[1], NULL);
}
static mx_array *with_freqs(mx_array *const *x)
{
    return mx_rope(x[0], (mx_rope_options){8, false, 0, 1}, x[1], x[2]);
}

/* float64 has its sines and cosines in float32, so it is not sampled against a reference in double. */
enum { ROPE_DTYPES = HALVES | DTYPE(MX_FLOAT32) };
const op_sample samples_rope[] = {
    {"halves", halves, {IN(2, 3, 5, 8), IN_INDEX_SCALAR(0, 9)}, ROPE_DTYPES, 4, NULL_ALLOWED},
    {"pairs, more features", pairs, {IN(2, 5, 9), IN_INDEX_SCALAR(0, 9)}, ROPE_DTYPES, 4, NULL_ALLOWED},
    {"an offset each", halves, {IN(2, 3, 5, 8), IN_INDEX(0, 9, 2)}, ROPE_DTYPES, 4, NULL_ALLOWED},
    {"an offset each, pairs", pairs, {IN(3, 5, 9), IN_INDEX(0, 9, 3)}, ROPE_DTYPES, 4, NULL_ALLOWED},
    {"frequencies",
     with_freqs,
     {IN(2, 5, 8), IN_INDEX_SCALAR(0, 9), IN_OF(MX_FLOAT32, 1, 9, 4)},
     ROPE_DTYPES,
     4,
     NULL_ALLOWED | NO_VMAP | NO_GRAD},
    {"many elements", halves, {IN(2, 4, 1000, 16), IN_INDEX_SCALAR(0, 9)}, DTYPE(MX_FLOAT32), 4, NULL_ALLOWED},
    {0},
};

TEST(rope_checks_its_options)
{
    mx_array *x = check_random(SHAPE(2, 4, 8), MX_FLOAT32, -1, 1, 1), *zero = mx_int(0);
    CHECK_CODE(mx_rope(x, (mx_rope_options){7, false, 10000, 1}, zero, NULL), MX_VALUE, "[rope] dims");
    CHECK_CODE(mx_rope(x, (mx_rope_options){16, false, 10000, 1}, zero, NULL), MX_VALUE, "[rope] dims");
    CHECK_CODE(mx_rope(x, (mx_rope_options){8, false, 0, 1}, zero, NULL), MX_VALUE, "[rope] exactly one");
    CHECK_CODE(mx_rope(x, (mx_rope_options){8, false, 10000, 1}, mx_float(0), NULL), MX_VALUE, "[rope] offset");
    CHECK_CODE(mx_rope(x, (mx_rope_options){8, false, 10000, 1}, NULL, NULL), MX_VALUE, "[rope]");
}
