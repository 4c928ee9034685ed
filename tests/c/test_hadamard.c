/* SPDX-License-Identifier: MIT
 *
 * The Hadamard transform. */
#include "check.h"
#include "mica/transforms.h"

static mx_array *scaled(mx_array *x, double scale)
{
    return mx_hadamard_transform(x, &scale);
}
static mx_array *orthonormal(mx_array *const *x)
{
    return mx_hadamard_transform(x[0], NULL);
}
static mx_array *tripled(mx_array *const *x)
{
    return scaled(x[0], -3);
}
/* By the transposed matrix: what the gradient is made of. */
static bool transform(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_hadamard_transform(in[0], NULL)) != NULL;
}
static mx_array *pulled_back(mx_array *const *x)
{
    mx_array *y, *din;
    return mx_vjp(transform, NULL, x, 1, x, 1, &y, &din) ? din : NULL;
}

/* Sizes: each order, alone and with all numbers of columns that are mixed in another way (1, 2, 8, 16 and more); passes
 * of radix 2 and 4; blocks that do not end with the array; rows longer than a block. */
const op_sample samples_hadamard[] = {
    {"1 point", tripled, {IN(5, 1)}, FLOATS, 2},
    {"2 points", orthonormal, {IN(7, 2)}, FLOATS, 4},
    {"4 points", orthonormal, {IN(3, 5, 4)}, FLOATS, 4},
    {"8 points", tripled, {IN(3, 8)}, FLOATS, 4},
    {"one row", orthonormal, {IN(16)}, FLOATS, 4},
    {"32 points", orthonormal, {IN(3, 32)}, FLOATS, 8},
    {"128 points", orthonormal, {IN(2, 3, 128)}, FLOATS, 8},
    {"order 12", tripled, {IN(3, 12)}, FLOATS, 8},
    {"order 20", tripled, {IN(3, 20)}, FLOATS, 8},
    {"order 28", orthonormal, {IN(3, 28)}, FLOATS, 8},
    {"order 12, 4 columns", orthonormal, {IN(3, 48)}, FLOATS, 8},
    {"order 20, 2 columns", orthonormal, {IN(3, 40)}, FLOATS, 8},
    {"order 20, 8 columns", orthonormal, {IN(2, 160)}, FLOATS, 8},
    {"order 28, 16 columns", orthonormal, {IN(2, 448)}, FLOATS, 8},
    {"order 28, 64 columns", tripled, {IN(1792)}, FLOATS, 8},
    {"order 20, transposed", pulled_back, {IN(3, 20)}, FLOATS, 8},
    {"order 28, transposed", pulled_back, {IN(3, 56)}, FLOATS, 8},
    {"a long row", orthonormal, {IN(2, 8192)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16), 8},
    {"a longer row", orthonormal, {IN(16384)}, DTYPE(MX_FLOAT32), 8},
    {"many rows", orthonormal, {IN(1601, 64)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16), 8},
    {"many rows of order 20", orthonormal, {IN(1301, 80)}, DTYPE(MX_FLOAT32), 8},
    {0},
};

TEST(hadamard_names_what_is_wrong)
{
    CHECK_CODE(mx_hadamard_transform(check_random(SHAPE(2, 36), MX_FLOAT32, -1, 1, 1), NULL), MX_VALUE,
               "[hadamard_transform] the last axis has 36 points");
    CHECK_CODE(mx_hadamard_transform(mx_zeros(SHAPE(0, 4), MX_FLOAT32), NULL), MX_VALUE,
               "[hadamard_transform] the array is empty");
    CHECK_CODE(mx_hadamard_transform(mx_zeros(SHAPE(4, 0), MX_FLOAT32), NULL), MX_VALUE,
               "[hadamard_transform] the array is empty");
}

TEST(hadamard_of_0d_only_scales)
{
    mx_array *three = mx_scalar_int(3, MX_INT32);
    CHECK_SHAPE(mx_hadamard_transform(three, NULL), SCALAR_SHAPE, MX_INT32);
    CHECK_VALUES(scaled(three, 2.5), 0, 7.5);
    CHECK_SHAPE(scaled(mx_astype(three, MX_FLOAT16), 2), SCALAR_SHAPE, MX_FLOAT16);
}

TEST(hadamard_makes_float32_of_what_is_no_float)
{
    mx_array *x = mx_arange(1, 5, 1, MX_INT8);
    CHECK_VALUES(mx_hadamard_transform(x, NULL), 0, 5, -1, -2, 0);
    CHECK_SHAPE(mx_hadamard_transform(x, NULL), SHAPE(4), MX_FLOAT32);
    CHECK_SHAPE(mx_hadamard_transform(mx_astype(x, MX_COMPLEX64), NULL), SHAPE(4), MX_FLOAT32);
}

/* Sums that cancel, cancel: they are scaled last. */
TEST(hadamard_cancels_before_it_scales)
{
    const float x[8] = {1, 2, 3};
    CHECK_VALUES(mx_hadamard_transform(mx_from_data(x, SHAPE(8), MX_FLOAT32), NULL), 1e-6, 2.1213203, 0.70710677, 0,
                 -1.4142135, 2.1213203, 0.70710677, 0, -1.4142135);
    const float y[4] = {1, 2, 3, 0};
    mx_array *third = mx_slice(scaled(mx_from_data(y, SHAPE(4), MX_FLOAT32), 0.1), (const int64_t[]){2},
                               (const int64_t[]){3}, (const int64_t[]){1});
    CHECK_VALUES(third, 0, 0);
}
