/* SPDX-License-Identifier: MIT
 *
 * Scaled dot-product attention: the op and its backward op. */
#include "check.h"
#include <math.h>

static mx_array *full(mx_array *const *x)
{
    return mx_attention(x[0], x[1], x[2], 0.3f, false, NULL, NULL);
}
static mx_array *causal(mx_array *const *x)
{
    return mx_attention(x[0], x[1], x[2], 0.3f, true, NULL, NULL);
}

static mx_array *masked(mx_array *const *x)
{
    return mx_attention(x[0], x[1], x[2], 0.3f, false, x[3], NULL);
}
static mx_array *with_sinks(mx_array *const *x)
{
    return mx_attention(x[0], x[1], x[2], -0.3f, true, NULL, x[3]);
}

/* float16 and bfloat16 differ in two instructions: large samples take one of them. */
enum {
    KERNELS = HALVES | DTYPE(MX_FLOAT32),
    BF16 = DTYPE(MX_BFLOAT16),
    SOME = BF16 | DTYPE(MX_FLOAT32),
    LARGE = ANY_ORDER | NO_VMAP | NO_GRAD
};

/* A score is a sum of D products, whose order makes D/2 epsilons at most. */
#define HEADS(d) ((d) / 2)

const op_sample samples_attention[] = {
    {"one head", full, {IN(1, 1, 3, 4), IN(1, 1, 5, 4), IN(1, 1, 5, 4)}, HALVES | DTYPE(MX_FLOAT32), 16, ANY_ORDER},
    {"causal", causal, {IN(2, 2, 5, 4), IN(2, 2, 5, 4), IN(2, 2, 5, 4)}, HALVES | DTYPE(MX_FLOAT32), 16, ANY_ORDER},
    {"causal, more keys",
     causal,
     {IN(1, 2, 3, 8), IN(1, 2, 7, 8), IN(1, 2, 7, 8)},
     HALVES | DTYPE(MX_FLOAT32),
     16,
     ANY_ORDER},
    {"shared key heads",
     causal,
     {IN(1, 4, 6, 4), IN(1, 2, 6, 4), IN(1, 2, 6, 4)},
     HALVES | DTYPE(MX_FLOAT32),
     16,
     ANY_ORDER},
    {"more queries",
     full,
     {IN(2, 2, 40, 8), IN(2, 2, 3, 8), IN(2, 2, 3, 8)},
     HALVES | DTYPE(MX_FLOAT32),
     32,
     ANY_ORDER},
    {"one key", full, {IN(1, 2, 3, 4), IN(1, 2, 1, 4), IN(1, 2, 1, 4)}, HALVES | DTYPE(MX_FLOAT32), 16, ANY_ORDER},
    {"blocks",
     causal,
     {IN(1, 1, 130, 8), IN(1, 1, 300, 8), IN(1, 1, 300, 8)},
     DTYPE(MX_FLOAT32),
     32,
     ANY_ORDER | NO_VMAP},
    {"rows that are no whole vectors",
     causal,
     {IN(1, 2, 5, 20), IN(1, 2, 9, 20), IN(1, 2, 9, 20)},
     KERNELS,
     32,
     ANY_ORDER},
    {"many queries and keys", causal, {IN(1, 2, 140, 33), IN(1, 1, 150, 33), IN(1, 1, 150, 33)}, SOME, 32, LARGE},
    {"heads of 80", full, {IN(1, 1, 3, 80), IN(1, 1, 70, 80), IN(1, 1, 70, 80)}, SOME, HEADS(80), LARGE},
    {"heads of 128", causal, {IN(1, 1, 40, 128), IN(1, 1, 50, 128), IN(1, 1, 50, 128)}, SOME, HEADS(128), LARGE},
    {"heads of 192", causal, {IN(1, 1, 18, 192), IN(1, 1, 70, 192), IN(1, 1, 70, 192)}, SOME, HEADS(192), LARGE},
    {"heads of 256", causal, {IN(1, 1, 70, 256), IN(1, 1, 70, 256), IN(1, 1, 70, 256)}, SOME, HEADS(256), LARGE},
    {"few queries, many keys", causal, {IN(2, 8, 2, 64), IN(2, 2, 700, 64), IN(2, 2, 700, 64)}, BF16, 32, LARGE},
    {"a query, keys of few heads", full, {IN(1, 16, 1, 40), IN(1, 1, 300, 40), IN(1, 1, 300, 40)}, SOME, 32, LARGE},
    {"a boolean mask",
     masked,
     {IN(2, 4, 3, 8), IN(2, 2, 5, 8), IN(2, 2, 5, 8), IN_MASK(2, 1, 3, 5)},
     KERNELS,
     32,
     ANY_ORDER | NULL_ALLOWED},
    {"an added mask",
     masked,
     {IN(1, 4, 3, 8), IN(1, 2, 5, 8), IN(1, 2, 5, 8), IN(4, 1, 5)},
     KERNELS,
     32,
     ANY_ORDER | NULL_ALLOWED},
    {"a mask of many",
     masked,
     {IN(1, 2, 70, 40), IN(1, 1, 90, 40), IN(1, 1, 90, 40), IN_MASK(70, 90)},
     SOME,
     32,
     LARGE | NULL_ALLOWED},
    {"sinks",
     with_sinks,
     {IN(1, 4, 3, 8), IN(1, 2, 5, 8), IN(1, 2, 5, 8), IN(4)},
     KERNELS,
     32,
     ANY_ORDER | NULL_ALLOWED},
    {"queries that see no key", causal, {IN(1, 2, 7, 8), IN(1, 1, 4, 8), IN(1, 1, 4, 8)}, KERNELS, 32, ANY_ORDER},
    {"values of another size", causal, {IN(1, 2, 5, 8), IN(1, 2, 7, 8), IN(1, 2, 7, 33)}, KERNELS, 32, ANY_ORDER},
    {"whole blocks", causal, {IN(1, 2, 150, 128), IN(1, 1, 300, 128), IN(1, 1, 300, 128)}, BF16, 64, LARGE | FULL_ONLY},
    {"whole blocks, a mask",
     masked,
     {IN(1, 2, 140, 64), IN(1, 1, 200, 64), IN(1, 1, 200, 64), IN_MASK(1, 1, 140, 200)},
     BF16,
     64,
     LARGE | FULL_ONLY | NULL_ALLOWED},
    {0},
};

static bool pulled(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)nin, (void)nout;
    return (out[0] = mx_attention(in[0], in[1], in[2], 0.3f, ctx != NULL, NULL, NULL)) != NULL;
}

static mx_array *gradient(mx_array *const *x, bool is_causal)
{
    mx_array *y, *d[3];
    return mx_vjp(pulled, is_causal ? &y : NULL, x, 3, &x[3], 1, &y, d) ? d[0] : NULL;
}
static mx_array *full_gradient(mx_array *const *x)
{
    return gradient(x, false);
}
static mx_array *causal_gradient(mx_array *const *x)
{
    return gradient(x, true);
}

/* Row 1 excludes all keys; with sinks of 0.5. */
static bool pulled_masked(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    int64_t queries = mx_dim(in[0], 2), keys = mx_dim(in[1], 2);
    mx_array *row = mx_reshape(mx_arange(0, (double)queries, 1, MX_INT32), SHAPE(queries, 1)),
             *column = mx_arange(0, (double)keys, 1, MX_INT32);
    mx_array *mask = mx_less(mx_mul(row, column), mx_add(row, row));
    mx_array *sinks = ctx ? mx_full(SHAPE(mx_dim(in[0], 1)), mx_scalar(0.5, MX_FLOAT32), MX_FLOAT32) : NULL;
    mask = mx_logical_and(mask, mx_not_equal(row, mx_ones_like(row)));
    (void)nin, (void)nout;
    return (out[0] = mx_attention(in[0], in[1], in[2], 0.3f, false, mask, sinks)) != NULL;
}
static mx_array *masked_gradient(mx_array *const *x)
{
    mx_array *y, *d[3];
    return mx_vjp(pulled_masked, NULL, x, 3, &x[3], 1, &y, d) ? d[0] : NULL;
}
static mx_array *sinks_gradient(mx_array *const *x)
{
    mx_array *y, *d[3];
    return mx_vjp(pulled_masked, &y, x, 3, &x[3], 1, &y, d) ? d[0] : NULL;
}

/* float64 has no op: it is composed. */
const op_sample samples_attention_vjp[] = {
    {"full",
     full_gradient,
     {IN(1, 1, 3, 4), IN(1, 1, 5, 4), IN(1, 1, 5, 4), IN(1, 1, 3, 4)},
     DTYPE(MX_FLOAT32),
     64,
     ANY_ORDER | NO_GRAD},
    {"more queries",
     full_gradient,
     {IN(2, 2, 40, 8), IN(2, 2, 3, 8), IN(2, 2, 3, 8), IN(2, 2, 40, 8)},
     HALVES | DTYPE(MX_FLOAT32),
     64,
     ANY_ORDER | NO_GRAD},
    {"causal",
     causal_gradient,
     {IN(2, 2, 5, 4), IN(2, 2, 5, 4), IN(2, 2, 5, 4), IN(2, 2, 5, 4)},
     DTYPE(MX_FLOAT32),
     64,
     ANY_ORDER | NO_GRAD},
    {"shared key heads",
     causal_gradient,
     {IN(1, 4, 6, 4), IN(1, 2, 6, 4), IN(1, 2, 6, 4), IN(1, 4, 6, 4)},
     HALVES | DTYPE(MX_FLOAT32),
     64,
     ANY_ORDER | NO_GRAD},
    {"blocks",
     causal_gradient,
     {IN(1, 1, 130, 8), IN(1, 1, 300, 8), IN(1, 1, 300, 8), IN(1, 1, 130, 8)},
     HALVES | DTYPE(MX_FLOAT32),
     256,
     ANY_ORDER | NO_GRAD | NO_VMAP},
    {"heads of 80",
     full_gradient,
     {IN(1, 1, 3, 80), IN(1, 1, 70, 80), IN(1, 1, 70, 80), IN(1, 1, 3, 80)},
     SOME,
     64,
     LARGE},
    {"heads of 128, many",
     causal_gradient,
     {IN(1, 2, 70, 128), IN(1, 1, 80, 128), IN(1, 1, 80, 128), IN(1, 2, 70, 128)},
     BF16,
     64,
     LARGE},
    {"heads of 150",
     causal_gradient,
     {IN(1, 1, 3, 150), IN(1, 1, 35, 150), IN(1, 1, 35, 150), IN(1, 1, 3, 150)},
     SOME,
     64,
     LARGE},
    {"heads of 256",
     full_gradient,
     {IN(1, 1, 3, 256), IN(1, 1, 20, 256), IN(1, 1, 20, 256), IN(1, 1, 3, 256)},
     SOME,
     128,
     LARGE},
    {"masked",
     masked_gradient,
     {IN(1, 4, 3, 8), IN(1, 2, 5, 8), IN(1, 2, 5, 8), IN(1, 4, 3, 8)},
     KERNELS,
     64,
     ANY_ORDER | NO_GRAD},
    {"masked, many",
     masked_gradient,
     {IN(1, 1, 70, 40), IN(1, 1, 90, 40), IN(1, 1, 90, 40), IN(1, 1, 70, 40)},
     SOME,
     64,
     LARGE},
    {"sinks",
     sinks_gradient,
     {IN(1, 4, 3, 8), IN(1, 2, 5, 8), IN(1, 2, 5, 8), IN(1, 4, 3, 8)},
     KERNELS,
     64,
     ANY_ORDER | NO_GRAD},
    {"queries that see no key",
     causal_gradient,
     {IN(1, 2, 7, 8), IN(1, 1, 4, 8), IN(1, 1, 4, 8), IN(1, 2, 7, 8)},
     KERNELS,
     64,
     ANY_ORDER | NO_GRAD},
    {"values of another size",
     causal_gradient,
     {IN(1, 2, 5, 8), IN(1, 2, 7, 8), IN(1, 2, 7, 33), IN(1, 2, 5, 33)},
     KERNELS,
     64,
     ANY_ORDER | NO_GRAD},
    {"whole blocks",
     causal_gradient,
     {IN(1, 2, 100, 128), IN(1, 1, 150, 128), IN(1, 1, 150, 128), IN(1, 2, 100, 128)},
     BF16,
     64,
     LARGE | FULL_ONLY},
    {0},
};

TEST(attention_names_what_does_not_fit)
{
    mx_array *q = mx_zeros(SHAPE(1, 3, 4, 8), MX_FLOAT32), *k = mx_zeros(SHAPE(1, 2, 4, 8), MX_FLOAT32);
    CHECK_CODE(mx_attention(q, k, k, 1, false, NULL, NULL), MX_VALUE, "[scaled_dot_product_attention] 3 query heads");
    CHECK_CODE(mx_attention(q, k, q, 1, false, NULL, NULL), MX_VALUE, "[scaled_dot_product_attention] queries");
}

/* A boolean mask that says what causal says gives what causal gives. */
TEST(attention_masks_agree)
{
    mx_array *q = check_random(SHAPE(1, 2, 5, 4), MX_FLOAT32, -1, 1, 1),
             *k = check_random(SHAPE(1, 2, 5, 4), MX_FLOAT32, -1, 1, 2);
    mx_array *mask = mx_astype(mx_tri(5, 5, 0, MX_FLOAT32), MX_BOOL);
    mx_array *a = mx_attention(q, k, q, 0.5f, true, NULL, NULL), *b = mx_attention(q, k, q, 0.5f, false, mask, NULL);
    CHECK(mx_value(mx_max(mx_abs(mx_sub(a, b)), ALL_AXES, false)) < 1e-6);
}

static void check_row(mx_array *y, int row, double want)
{
    double got = mx_value(mx_slice(mx_reshape(mx_astype(y, MX_FLOAT32), SHAPE(-1)), (int64_t[]){row},
                                   (int64_t[]){row + 1}, (int64_t[]){1}));
    check_that(want != want ? got != got : got - want < 0.01 && want - got < 0.01, __FILE__, __LINE__,
               "row %d: %g, not %g", row, got, want);
}

/* Scores are all equal, the values are 0 to 3: a row is the mean of what it sees. */
static void check_specials(mx_dtype dtype)
{
    const double inf = HUGE_VAL;
    mx_array *q = mx_ones(SHAPE(1, 1, 3, 4), dtype), *k = mx_ones(SHAPE(1, 1, 4, 4), dtype);
    mx_array *v = mx_astype(mx_reshape(mx_arange(0, 4, 1, MX_FLOAT32), SHAPE(1, 1, 4, 1)), dtype);
    float added[12] = {0,          0,          0,          0, -HUGE_VALF, -HUGE_VALF,
                       -HUGE_VALF, -HUGE_VALF, -HUGE_VALF, 0, -HUGE_VALF, -HUGE_VALF};
    float seen[12] = {1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    mx_array *mask = mx_astype(mx_from_data(seen, SHAPE(3, 4), MX_FLOAT32), MX_BOOL);
    mx_array *y = mx_attention(q, k, v, 0.5f, false, mask, NULL);
    check_row(y, 0, 0.5), check_row(y, 1, 1.5), check_row(y, 2, 3);
    y = mx_attention(q, k, v, 0.5f, false, mx_astype(mx_from_data(added, SHAPE(3, 4), MX_FLOAT32), dtype), NULL);
    check_row(y, 0, 1.5), check_row(y, 1, inf - inf), check_row(y, 2, 1);
    float odd[3] = {1, (float)inf, (float)(inf - inf)};
    mx_array *rows = mx_astype(mx_reshape(mx_from_data(odd, SHAPE(3), MX_FLOAT32), SHAPE(1, 1, 3, 1)), dtype);
    y = mx_attention(mx_mul(q, rows), k, v, 0.5f, false, NULL, NULL);
    check_row(y, 0, 1.5), check_row(y, 1, inf - inf), check_row(y, 2, inf - inf);
}

TEST(attention_special_values)
{
    check_specials(MX_FLOAT32);
    check_specials(MX_BFLOAT16);
}
