/* SPDX-License-Identifier: MIT
 *
 * Sorts, partitions, topk, median. */
#include "check.h"
#include <math.h>

#define ALONG(name, axis)                                                                                              \
    static mx_array *sort_##name(mx_array *const *x)                                                                   \
    {                                                                                                                  \
        return mx_sort(x[0], axis);                                                                                    \
    }                                                                                                                  \
    static mx_array *order_##name(mx_array *const *x)                                                                  \
    {                                                                                                                  \
        return mx_argsort(x[0], axis);                                                                                 \
    }
ALONG(last, -1)
ALONG(first, 0)

/* Whole numbers and halves have ties, which a central difference does not see through. */
#define DISTINCT (DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT64))
#define SORT_SAMPLES(op, flags)                                                                                        \
    {"rows", op##_last, {IN(5, 33)}, DISTINCT, 0, flags}, {"columns", op##_first, {IN(9, 4, 3)}, DISTINCT, 0, flags},  \
        {"few complex numbers", op##_last, {IN(2, 5)}, COMPLEX, 0, flags},                                             \
        {"rows with ties", op##_last, {IN(5, 70)}, ALL, 0, NO_GRAD}, {"two", op##_last, {IN(3, 2)}, ALL, 0, NO_GRAD},  \
        {"one", op##_last, {IN(3, 1)}, ALL, 0, flags}, {"nothing", op##_last, {IN(3, 0)}, ALL},                        \
        {"no rows", op##_last, {IN(0, 4)}, ALL}, {"special values", op##_last, {IN_SPECIAL(7, 200)}, ALL},             \
        {"few special values", op##_last, {IN_SPECIAL(90, 11)}, ALL},                                                  \
        {"a block", op##_last, {IN(1, 2048)}, ALL, 0, NO_GRAD},                                                        \
        {"more than a block", op##_first, {IN_SPECIAL(2049, 2)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT8), 0, NO_GRAD},      \
        {"tiles", op##_last, {IN_SPECIAL(4100)}, ALL, 0, NO_GRAD | NO_VMAP},                                           \
        {"long rows", op##_last, {IN(2, 70001)}, DTYPE(MX_FLOAT32), 0, NO_GRAD | NO_VMAP},                             \
        {"a long row", op##_last, {IN(70001)}, DTYPE(MX_INT64), 0, NO_GRAD | NO_VMAP},                                 \
        {"a long row of zeros and NaN", op##_last, {IN_SPECIAL(140001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16)},       \
        {"many rows", op##_last, {IN(30001, 5)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT8), 0, NO_GRAD},                      \
    {                                                                                                                  \
        0                                                                                                              \
    }

const op_sample samples_sort[] = {SORT_SAMPLES(sort, 0)};
const op_sample samples_argsort[] = {SORT_SAMPLES(order, NO_GRAD)};

#define PART(name, kth, axis)                                                                                          \
    static mx_array *part_##name(mx_array *const *x)                                                                   \
    {                                                                                                                  \
        return mx_partition(x[0], kth, axis);                                                                          \
    }                                                                                                                  \
    static mx_array *places_##name(mx_array *const *x)                                                                 \
    {                                                                                                                  \
        return mx_argpartition(x[0], kth, axis);                                                                       \
    }
PART(least, 0, -1)
PART(third, 2, -1)
PART(greatest, -1, -1)
PART(columns, 4, 0)
PART(far, 1000, -1)

#define PART_SAMPLES(op, flags)                                                                                        \
    {"third", op##_third, {IN(5, 33)}, DISTINCT, 0, flags},                                                            \
        {"of columns", op##_columns, {IN(9, 4, 3)}, DISTINCT, 0, flags},                                               \
        {"few complex numbers", op##_third, {IN(2, 5)}, COMPLEX, 0, flags},                                            \
        {"third with ties", op##_third, {IN(5, 70)}, ALL, 0, NO_GRAD},                                                 \
        {"least", op##_least, {IN(5, 33)}, ALL, 0, NO_GRAD}, {"greatest", op##_greatest, {IN_SPECIAL(5, 33)}, ALL},    \
        {"one", op##_least, {IN(3, 1)}, ALL, 0, flags}, {"no rows", op##_third, {IN(0, 4)}, ALL},                      \
        {"special values", op##_third, {IN_SPECIAL(7, 200)}, ALL},                                                     \
        {"special tiles", op##_far, {IN_SPECIAL(4100)}, ALL, 0, NO_GRAD | NO_VMAP},                                    \
        {"rows of tiles", op##_far, {IN(2, 5001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT8), 0, NO_GRAD},                    \
        {"a block", op##_far, {IN(2, 2048)}, ALL, 0, NO_GRAD},                                                         \
        {"a long row", op##_far, {IN(140001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT64), 0, NO_GRAD | NO_VMAP},             \
        {"many rows", op##_third, {IN(30001, 5)}, DTYPE(MX_FLOAT32) | DTYPE(MX_INT8), 0, NO_GRAD},                     \
    {                                                                                                                  \
        0                                                                                                              \
    }

const op_sample samples_partition[] = {PART_SAMPLES(part, 0)};
const op_sample samples_argpartition[] = {PART_SAMPLES(places, NO_GRAD)};

/* Every order of four, which is every case of a merge, and each of their partitions. */
TEST(sorts_every_order_of_four)
{
    for (int code = 0; code < 256; code++) {
        float x[4], sorted[4];
        for (int i = 0; i < 4; i++) x[i] = sorted[i] = (float)(code >> 2 * i & 3);
        for (int i = 0; i < 4; i++) {
            for (int k = i; k > 0 && sorted[k] < sorted[k - 1]; k--) {
                float t = sorted[k];
                sorted[k] = sorted[k - 1];
                sorted[k - 1] = t;
            }
        }
        mx_array *a = mx_from_data(x, SHAPE(4), MX_FLOAT32);
        CHECK_VALUES(mx_sort(a, 0), 0, sorted[0], sorted[1], sorted[2], sorted[3]);
        CHECK_VALUES(mx_take(a, mx_argsort(a, 0), 0), 0, sorted[0], sorted[1], sorted[2], sorted[3]);
    }
}

TEST(sorts_keep_zeros_and_put_nan_last)
{
    mx_array *x =
        mx_from_data((float[]){0, -0.0f, NAN, 1, -INFINITY, 0, -0.0f, INFINITY, -1, -NAN}, SHAPE(10), MX_FLOAT32);
    CHECK_VALUES(mx_argsort(x, 0), 0, 4, 8, 0, 1, 5, 6, 3, 7, 2, 9);
    mx_array *signs = mx_less(mx_reciprocal(mx_sort(x, 0)), mx_float(0));
    CHECK_VALUES(signs, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0);
    CHECK_VALUES(mx_view(mx_sort(mx_view(mx_from_data((uint32_t[]){0xffc00001u, 0x7fc00002u, 1}, SHAPE(3), MX_UINT32),
                                         MX_FLOAT32),
                                 0),
                         MX_UINT32),
                 0, 1, 0xffc00001u, 0x7fc00002u);
}

static bool sorted(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_sort(in[0], 0)) != NULL;
}
static bool median(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_median(in[0], ALL_AXES, false)) != NULL;
}
static bool positions(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_argsort(in[0], 0)) != NULL;
}

TEST(sort_gradients_at_ties)
{
    mx_array *x = mx_from_data((float[]){3, 1, 2, 2}, SHAPE(4), MX_FLOAT32), *y = NULL, *din = NULL;
    mx_array *g = mx_from_data((float[]){1, 10, 100, 1000}, SHAPE(4), MX_FLOAT32), *one = mx_float(1);
    CHECK(mx_vjp(sorted, NULL, &x, 1, &g, 1, &y, &din));
    CHECK_VALUES(din, 0, 1000, 1, 10, 100);
    CHECK(mx_vjp(median, NULL, &x, 1, &one, 1, &y, &din));
    CHECK_VALUES(din, 0, 0, 0, 0.5, 0.5);
    CHECK(mx_vjp(positions, NULL, &x, 1, &g, 1, &y, &din));
    CHECK_VALUES(din, 0, 0, 0, 0, 0);
}

TEST(topk_is_the_end_of_a_partition)
{
    mx_array *x = mx_from_data((float[]){3, 9, 1, 7, 7, 8, NAN}, SHAPE(7), MX_FLOAT32);
    CHECK_VALUES(mx_topk(x, 3, 0), 0, 8, 9, NAN);
    CHECK_VALUES(mx_topk(x, 4, -1), 0, 7, 9, 8, NAN);
    CHECK_SHAPE(mx_topk(x, 0, 0), SHAPE(0), MX_FLOAT32);
    CHECK_VALUES(mx_topk(x, 7, 0), 0, 3, 9, 1, 7, 7, 8, NAN);
    CHECK_CODE(mx_topk(x, 8, 0), MX_VALUE, "[topk] Received invalid k=8");
    CHECK_CODE(mx_topk(x, -1, 0), MX_VALUE, "[topk] Received invalid k=-1");
    CHECK_CODE(mx_topk(x, 1, 1), MX_VALUE, "[topk] axis 1");
}

TEST(medians)
{
    mx_array *x = mx_from_data((float[]){3, 1, 2, 4, NAN, 0}, SHAPE(3, 2), MX_FLOAT32);
    CHECK_VALUES(mx_median(x, AXES(1), false), 0, 2, 3, NAN);
    CHECK_VALUES(mx_median(x, AXES(0), KEEP), 0, NAN, 1);
    CHECK_SHAPE(mx_median(x, AXES(0, 1), KEEP), SHAPE(1, 1), MX_FLOAT32);
    CHECK_VALUES(mx_median(mx_from_data((int32_t[]){7, 1, 2, 4}, SHAPE(4), MX_INT32), ALL_AXES, false), 0, 3);
    CHECK_VALUES(mx_median(mx_float(3), ALL_AXES, KEEP), 0, 3);
    CHECK_CODE(mx_median(x, AXES(2), false), MX_VALUE, "[median] axis 2");
    CHECK_CODE(mx_median(mx_zeros(SHAPE(0), MX_FLOAT32), ALL_AXES, false), MX_VALUE, "[median] Cannot take median");
}

TEST(sorts_name_what_is_wrong)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_FLOAT32, 0, 1, 1);
    CHECK_SHAPE(mx_argsort(x, 0), SHAPE(2, 3), MX_UINT32);
    CHECK_CODE(mx_sort(x, 2), MX_VALUE, "[sort] axis 2");
    CHECK_CODE(mx_argsort(mx_float(1), -1), MX_VALUE, "[argsort] axis -1");
    CHECK_CODE(mx_partition(x, 3, -1), MX_VALUE, "[partition] Received invalid kth 3");
    CHECK_CODE(mx_argpartition(x, -4, 1), MX_VALUE, "[argpartition] Received invalid kth -4");
    CHECK_CODE(mx_partition(x, 0, 5), MX_VALUE, "[partition] axis 5");
}

TEST(permutations_are_mlx_ones)
{
    mx_array *key = mx_random_key(3), *x = mx_arange(0, 12, 1, MX_INT32);
    CHECK_VALUES(mx_random_permutation(7, key), 0, 5, 4, 0, 2, 1, 6, 3);
    CHECK_VALUES(mx_random_permutation_of(mx_reshape(x, SHAPE(3, 4)), -1, key), 0, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11,
                 10);
    CHECK_SHAPE(mx_random_permutation(0, key), SHAPE(0), MX_UINT32);
    CHECK_CODE(mx_random_permutation_of(x, 1, key), MX_INDEX, "[permutation] axis 1");
    CHECK_CODE(mx_random_permutation(-1, key), MX_VALUE, "[bits]");
    CHECK(mx_random_seed(5));
    CHECK_VALUES(mx_random_permutation(6, NULL), 0, 4, 5, 2, 3, 1, 0);
    CHECK(mx_random_set_state(NULL));
}
