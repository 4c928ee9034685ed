/* SPDX-License-Identifier: MIT
 *
 * Counting and matrices made of it. */
#include "check.h"
#include <math.h>

static mx_array *count_int(mx_array *const *x)
{
    (void)x;
    return mx_arange(-3, 300, 1, MX_UINT8);
}
static mx_array *count_down(mx_array *const *x)
{
    (void)x;
    return mx_arange(5, -7, -2.5, MX_FLOAT64);
}
static mx_array *count_float(mx_array *const *x)
{
    (void)x;
    return mx_arange(0, 1, 0.1, MX_FLOAT32);
}
static mx_array *count_half(mx_array *const *x)
{
    (void)x;
    return mx_arange(0, 3000, 1, MX_FLOAT16);
}
static mx_array *count_bfloat(mx_array *const *x)
{
    (void)x;
    return mx_arange(0.5, 100, 0.75, MX_BFLOAT16);
}
static mx_array *count_complex(mx_array *const *x)
{
    (void)x;
    return mx_arange(0, 9, 1, MX_COMPLEX64);
}
static mx_array *count_far(mx_array *const *x)
{
    (void)x;
    return mx_arange(0, 200001, 1, MX_INT64);
}
static mx_array *count_nothing(mx_array *const *x)
{
    (void)x;
    return mx_arange(5, 0, 1, MX_INT16);
}
const op_sample samples_arange[] = {
    {"uint8 wraps", count_int, {{0}}, DTYPE(MX_UINT8)},
    {"down", count_down, {{0}}, DTYPE(MX_FLOAT64)},
    {"tenths", count_float, {{0}}, DTYPE(MX_FLOAT32)},
    {"float16", count_half, {{0}}, DTYPE(MX_FLOAT16)},
    {"bfloat16", count_bfloat, {{0}}, DTYPE(MX_BFLOAT16)},
    {"complex", count_complex, {{0}}, DTYPE(MX_COMPLEX64)},
    {"many", count_far, {{0}}, DTYPE(MX_INT64)},
    {"nothing", count_nothing, {{0}}, DTYPE(MX_INT16)},
    {0},
};

TEST(arange_checks_its_bounds)
{
    CHECK_CODE(mx_arange(0, 3, 1, MX_BOOL), MX_VALUE, "[arange] bool");
    CHECK_CODE(mx_arange(0, 3, 0, MX_INT32), MX_VALUE, "[arange] step");
    CHECK_CODE(mx_arange(0, NAN, 1, MX_FLOAT32), MX_VALUE, "[arange] Cannot compute the length");
    CHECK_CODE(mx_arange(0, INFINITY, 1, MX_FLOAT32), MX_VALUE, "[arange] Cannot compute the length");
    CHECK_CODE(mx_arange(0, 1e300, 1, MX_FLOAT32), MX_OVERFLOW, "[arange] from 0 to 1e+300");
    CHECK_VALUES(mx_arange(0, 2, 0.5, MX_INT32), 0, 0, 0, 0, 0);
}

TEST(linspace_has_exact_ends)
{
    CHECK_VALUES(mx_linspace(0, 10, 5, MX_INT32), 0, 0, 2, 5, 7, 10);
    CHECK_VALUES(mx_linspace(2, 1, 1, MX_FLOAT32), 0, 2);
    CHECK_VALUES(mx_linspace(-1, 1, 3, MX_FLOAT64), 0, -1, 0, 1);
    CHECK_VALUES(mx_linspace(0, 1, 3, MX_BOOL), 0, 0, 1, 1);
    CHECK_SHAPE(mx_linspace(0, 1, 0, MX_FLOAT16), SHAPE(0), MX_FLOAT16);
    CHECK_CODE(mx_linspace(0, 1, -1, MX_FLOAT32), MX_VALUE, "[linspace]");
}

TEST(eye_and_tri)
{
    CHECK_VALUES(mx_eye(2, 3, 1, MX_FLOAT32), 0, 0, 1, 0, 0, 0, 1);
    CHECK_VALUES(mx_eye(3, 2, -2, MX_INT8), 0, 0, 0, 0, 0, 1, 0);
    CHECK_SHAPE(mx_eye(0, 0, 0, MX_BOOL), SHAPE(0, 0), MX_BOOL);
    CHECK_CODE(mx_eye(-1, 2, 0, MX_FLOAT32), MX_VALUE, "[eye]");
    CHECK_VALUES(mx_tri(2, 3, 1, MX_FLOAT32), 0, 1, 1, 0, 1, 1, 1);
    CHECK_VALUES(mx_tri(3, 2, -1, MX_COMPLEX64), 0, 0, 0, 1, 0, 1, 1);
    CHECK_SHAPE(mx_tri(-1, 2, 0, MX_FLOAT32), SHAPE(0, 2), MX_FLOAT32);
}

/* ---- tril, triu */
static mx_array *lower(mx_array *const *x)
{
    return mx_tril(x[0], 1);
}
static mx_array *upper(mx_array *const *x)
{
    return mx_triu(x[0], -1);
}
static void keep_if(const ref_call *c, bool is_lower)
{
    int64_t index[MX_MAX_NDIM];
    for (int64_t i = 0; i < c->out->size; i++) {
        index_unravel(c->out, i, index);
        int64_t right = index[c->out->ndim - 1] - index[c->out->ndim - 2];
        if (is_lower ? right <= 1 : right >= -1) copy_element(c->out, i, c->in, i);
    }
}
static void ref_tril(const ref_call *c)
{
    keep_if(c, true);
}
static void ref_triu(const ref_call *c)
{
    keep_if(c, false);
}
static const op_sample tril_samples[] = {
    {"wide", lower, {IN(3, 6)}, ALL},
    {"batched", lower, {IN(2, 5, 3)}, ALL},
    {"special values", lower, {IN_SPECIAL(20, 20)}, ALL},
    {"nothing", lower, {IN(0, 3)}, FLOATS},
    {0},
};
static const op_sample triu_samples[] = {
    {"tall", upper, {IN(6, 3)}, ALL},
    {"batched", upper, {IN(2, 5, 3)}, ALL},
    {"special values", upper, {IN_SPECIAL(20, 20)}, ALL},
    {0},
};
COMPOSED(tril, tril_samples, ref_tril)
COMPOSED(triu, triu_samples, ref_triu)

TEST(tril_of_a_vector)
{
    CHECK_CODE(mx_tril(mx_arange(0, 3, 1, MX_INT32), 0), MX_VALUE, "[tril] 1 dimensions");
}
