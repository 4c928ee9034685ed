/* SPDX-License-Identifier: MIT
 *
 * Matrix products.  tests/c/test_gemm.c looks at the blocks of the kernel itself. */
#include "check.h"
#include <stdlib.h>
#include <string.h>

void ref_matmul_vectors(const ref_call *c);

static mx_array *product(mx_array *const *x)
{
    return mx_matmul(x[0], x[1]);
}
static mx_array *product_of_transposed(mx_array *const *x)
{
    return mx_matmul(mx_transpose(x[0], AXES(1, 0)), mx_transpose(x[1], AXES(1, 0)));
}
static mx_array *added(mx_array *const *x)
{
    return mx_addmm(x[2], x[0], x[1], 0.5f, -2);
}
static mx_array *biased(mx_array *const *x)
{
    return mx_addmm(x[2], x[0], x[1], 1, 1);
}
static mx_array *product_of_reversed(mx_array *const *x)
{
    const int64_t from[] = {-1, -1, -1}, to[] = {-10, -10, -10}, step[] = {-1, -1, -1};
    return mx_matmul(mx_slice(x[0], from, to, step), x[1]);
}

static mx_array *product_by_transposed(mx_array *const *x)
{
    return mx_matmul(x[0], mx_swapaxes(x[1], -1, -2));
}
static mx_array *added_to_transposed(mx_array *const *x)
{
    return mx_addmm(x[2], x[0], mx_swapaxes(x[1], -1, -2), 0.5f, -2);
}

/* Accumulated in float32 (float64 in its own): an error of some epsilons of sum |a b|. */
const op_sample samples_matmul[] = {
    {"small", product, {IN(2, 3), IN(3, 4)}, FLOATS, 8, ANY_ORDER},
    {"odd sizes", product, {IN(17, 33), IN(33, 19)}, FLOATS, 8, ANY_ORDER},
    {"one row", product, {IN(1, 40), IN(40, 50)}, FLOATS, 8, ANY_ORDER},
    {"one column", product, {IN(50, 40), IN(40, 1)}, FLOATS, 8, ANY_ORDER},
    {"a batch", product, {IN(3, 5, 7), IN(3, 7, 4)}, FLOATS, 8, ANY_ORDER},
    {"a batch by a matrix", product, {IN(2, 3, 5, 7), IN(7, 4)}, FLOATS, 8, ANY_ORDER},
    {"broadcast batches", product, {IN(2, 1, 5, 7), IN(3, 7, 4)}, FLOATS, 8, ANY_ORDER},
    {"transposed", product_of_transposed, {IN(33, 17), IN(19, 33)}, FLOATS, 8, ANY_ORDER},
    {"added", added, {IN(5, 7), IN(7, 4), IN(5, 4)}, FLOATS, 8, ANY_ORDER},
    {"a row added", added, {IN(5, 7), IN(7, 4), IN(4)}, FLOATS, 8, ANY_ORDER},
    {"a batch added", added, {IN(2, 5, 7), IN(2, 7, 4), IN(5, 1)}, FLOATS, 8, ANY_ORDER},
    {"nothing inside", product, {IN(3, 0), IN(0, 4)}, FLOATS, 8, ANY_ORDER},
    {"no rows", product, {IN(0, 3), IN(3, 4)}, FLOATS, 8, ANY_ORDER},
    {"complex", product, {IN(3, 5), IN(5, 7)}, COMPLEX, 8, ANY_ORDER},
    {"complex, added", added, {IN(2, 5, 7), IN(2, 7, 4), IN(4)}, COMPLEX, 8, ANY_ORDER},
    {"a bias", biased, {IN(5, 7), IN(7, 4), IN(4)}, INEXACT, 8, ANY_ORDER},
    {"a bias for a batch", biased, {IN(3, 2, 5, 7), IN(3, 1, 7, 4), IN(4)}, INEXACT, 8, ANY_ORDER},
    {"a column, added", biased, {IN(5, 7), IN(7, 1), IN(5, 1)}, FLOATS, 8, ANY_ORDER},
    {"a column and one number", biased, {IN(5, 7), IN(7, 1), IN(1)}, FLOATS, 8, ANY_ORDER},
    {"columns of a batch", product, {IN(2, 5, 7), IN(2, 7, 1)}, FLOATS, 8, ANY_ORDER},
    {"rows of a batch", product, {IN(4, 1, 7), IN(7, 3)}, FLOATS, 8, ANY_ORDER},
    {"both broadcast", product, {IN(3, 1, 2, 5, 7), IN(3, 4, 1, 7, 2)}, DTYPE(MX_FLOAT32), 8, ANY_ORDER},
    {"reversed", product_of_reversed, {IN(2, 5, 7), IN(2, 7, 4)}, INEXACT, 8, ANY_ORDER},
    {"a row by a matrix", product, {IN(1, 72), IN(72, 48)}, FLOATS, 8, ANY_ORDER},
    {"rows by a transposed matrix", product_by_transposed, {IN(3, 72), IN(21, 72)}, FLOATS, 8, ANY_ORDER},
    {"rows of a decoding batch", product_by_transposed, {IN(2, 3, 2, 32), IN(2, 1, 9, 32)}, HALVES, 8, ANY_ORDER},
    {"values of a decoding batch", product, {IN(2, 3, 2, 9), IN(2, 1, 9, 32)}, HALVES, 8, ANY_ORDER},
    {"few rows, added", added_to_transposed, {IN(5, 40), IN(13, 40), IN(13)}, FLOATS, 8, ANY_ORDER},
    {"few rows, a matrix added", added, {IN(6, 40), IN(40, 24), IN(6, 24)}, FLOATS, 8, ANY_ORDER},
    {"a long sum", product, {IN(3, 1200), IN(1200, 5)}, FLOATS, 8, ANY_ORDER},
    {"large", product, {IN(150, 140), IN(140, 160)}, FLOATS, 16, ANY_ORDER},
    {0},
};

static const op_sample vector_samples[] = {
    {"vector by matrix", product, {IN(5), IN(5, 3)}, FLOATS, 8, ANY_ORDER},
    {"matrix by vector", product, {IN(3, 5), IN(5)}, FLOATS, 8, ANY_ORDER},
    {"vector by vector", product, {IN(5), IN(5)}, FLOATS, 8, ANY_ORDER},
    {"vector by batch", product, {IN(5), IN(2, 5, 3)}, FLOATS, 8, ANY_ORDER},
    {"batch by vector", product, {IN(2, 3, 5), IN(5)}, FLOATS, 8, ANY_ORDER},
    {0},
};
COMPOSED(matmul_vectors, vector_samples, ref_matmul_vectors)

TEST(matmul_checks_its_operands)
{
    mx_array *a = check_random(SHAPE(2, 3), MX_FLOAT32, -1, 1, 1), *i = check_random(SHAPE(3, 3), MX_INT32, -1, 1, 1);
    CHECK_CODE(mx_matmul(a, a), MX_VALUE, "[matmul]");
    CHECK_CODE(mx_matmul(i, i), MX_VALUE, "[matmul]");
    CHECK_CODE(mx_matmul(a, mx_float(1)), MX_VALUE, "[matmul]");
    CHECK_SHAPE(mx_matmul(a, i), SHAPE(2, 3), MX_FLOAT32);
    CHECK_CODE(
        mx_addmm(check_random(SHAPE(5), MX_FLOAT32, 0, 1, 1), a, check_random(SHAPE(3, 2), MX_FLOAT32, 0, 1, 1), 1, 1),
        MX_VALUE, "[broadcast");
}

/* More shapes than plans are kept, many of them in one batch. */
TEST(matmul_of_many_shapes)
{
    enum { SHAPES = 700 };
    mx_array *total = mx_float(0);
    double want = 0;
    for (int i = 0; i < SHAPES; i++) {
        int64_t m = 1 + i % 23, k = 1 + i % 7, n = 1 + i % 31;
        mx_array *a = mx_ones(SHAPE(m, k), MX_FLOAT32), *b = mx_ones(SHAPE(k, n), MX_FLOAT32);
        mx_array *last = mx_slice(mx_matmul(a, b), (const int64_t[]){m - 1, n - 1}, (const int64_t[]){m, n},
                                  (const int64_t[]){1, 1});
        total = mx_add(total, mx_reshape(last, SCALAR_SHAPE));
        want += (double)k;
    }
    CHECK(mx_value(total) == want);
}

/* On a GPU float32 factors may lose 13 bits, as MLX has it, unless the environment forbids it. */
TEST(matmul_rounds_to_tf32_if_it_may)
{
    float x = 1 + 0x1p-11f + 0x1p-20f, rounded = 1 + 0x1p-10f, got;
    mx_array *y = mx_reshape(mx_float(x), SHAPE(1, 1));
    const char *wish = getenv("MLX_ENABLE_TF32");
    bool may = mx_default_device().type == MX_GPU && !(wish && !strcmp(wish, "0"));
    got = (float)mx_value(mx_matmul(y, y));
    CHECK(may ? got == rounded * rounded || got == x * x : got == x * x);
    /* What the simulated device does is known. */
    if (may && getenv("MICA_CUDA")) CHECK(got == rounded * rounded);
}
