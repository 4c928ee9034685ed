/* SPDX-License-Identifier: MIT
 *
 * Cross entropy and its gradient. */
#include "check.h"
#include "core/op.h"

static mx_array *loss(mx_array *const *x)
{
    return mx_cross_entropy(x[0], x[1]);
}

const op_sample samples_cross_entropy[] = {
    {"rows", loss, {IN(4, 33), IN_INDEX(-33, 32, 4)}, FLOATS, 16, ANY_ORDER},
    {"three axes", loss, {IN(2, 3, 5), IN_INDEX(0, 4, 2, 3)}, FLOATS, 16, ANY_ORDER},
    {"one row", loss, {IN(7), IN_INDEX_SCALAR(0, 6)}, FLOATS, 16, ANY_ORDER},
    {"one class", loss, {IN(5, 1), IN_INDEX(0, 0, 5)}, FLOATS, 16, ANY_ORDER},
    {"no rows", loss, {IN(0, 5), IN_INDEX(0, 4, 0)}, FLOATS, 16},
    {"outside", loss, {IN(4, 33), IN_INDEX(-99, 99, 4)}, FLOATS, 16, NO_GRAD | ANY_ORDER},
    {"int64 classes", loss, {IN(4, 33), IN_OF(MX_INT64, -33, 32, 4)}, FLOATS, 16, ANY_ORDER},
    {"far apart", loss, {IN_RANGE(-80, 80, 5, 40), IN_INDEX(0, 39, 5)}, FLOATS, 64, ANY_ORDER},
    {"special values", loss, {IN_SPECIAL(40, 7), IN_INDEX(0, 6, 40)}, FLOATS, 64, ANY_ORDER},
    {"rows of a block", loss, {IN(11, 2000), IN_INDEX(0, 1999, 11)}, FLOATS, 64, ANY_ORDER},
    {"long rows", loss, {IN(3, 9001), IN_INDEX(0, 9000, 3)}, FLOATS, 64, ANY_ORDER},
    {"many rows", loss, {IN(30001, 4), IN_INDEX(0, 3, 30001)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16), 16, ANY_ORDER},
    {0},
};

/* The slope is of the loss's dtype. */
static mx_array *gradient(mx_array *const *x)
{
    mx_dtype wide = mx_dtype_promote(mx_dtype_of(x[0]), MX_FLOAT32);
    return op_apply(&mx_op_cross_entropy_vjp, NULL, x[0], x[2], mx_astype(x[1], wide));
}

const op_sample samples_cross_entropy_vjp[] = {
    {"rows", gradient, {IN(4, 33), IN(4), IN_INDEX(-33, 32, 4)}, FLOATS, 16, ANY_ORDER},
    {"three axes", gradient, {IN(2, 3, 5), IN(2, 3), IN_INDEX(0, 4, 2, 3)}, FLOATS, 16, ANY_ORDER},
    {"one row", gradient, {IN(7), IN_SCALAR, IN_INDEX_SCALAR(0, 6)}, FLOATS, 16, ANY_ORDER},
    {"no rows", gradient, {IN(0, 5), IN(0), IN_INDEX(0, 4, 0)}, FLOATS, 16},
    {"int64 classes", gradient, {IN(4, 33), IN(4), IN_OF(MX_INT64, -33, 32, 4)}, FLOATS, 16, ANY_ORDER},
    {"far apart", gradient, {IN_RANGE(-80, 80, 5, 40), IN(5), IN_INDEX(0, 39, 5)}, FLOATS, 64, ANY_ORDER},
    {"special values", gradient, {IN_SPECIAL(40, 7), IN(40), IN_INDEX(0, 6, 40)}, FLOATS, 64, ANY_ORDER},
    {"rows of a block", gradient, {IN(11, 2000), IN(11), IN_INDEX(0, 1999, 11)}, FLOATS, 64, ANY_ORDER},
    {"long rows", gradient, {IN(3, 9001), IN(3), IN_INDEX(0, 9000, 3)}, FLOATS, 64, ANY_ORDER},
    {"many rows",
     gradient,
     {IN(30001, 4), IN(30001), IN_INDEX(0, 3, 30001)},
     DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16),
     16,
     ANY_ORDER},
    {0},
};

TEST(cross_entropy_checks_its_arguments)
{
    mx_array *x = mx_zeros(SHAPE(2, 3), MX_FLOAT32), *t = mx_zeros(SHAPE(2), MX_INT32);
    CHECK_CODE(mx_cross_entropy(x, mx_zeros(SHAPE(3), MX_INT32)), MX_VALUE, "[cross_entropy] targets of shape (3)");
    CHECK_CODE(mx_cross_entropy(x, mx_zeros(SHAPE(2), MX_FLOAT32)), MX_VALUE, "[cross_entropy] the targets must be");
    CHECK_CODE(mx_cross_entropy(x, mx_zeros(SHAPE(2), MX_BOOL)), MX_VALUE, "[cross_entropy] the targets must be");
    CHECK_CODE(mx_cross_entropy(mx_astype(x, MX_INT32), t), MX_VALUE, "[cross_entropy] the logits must be floating");
    CHECK_CODE(mx_cross_entropy(mx_float(1), t), MX_VALUE, "[cross_entropy] the logits must have");
    CHECK_CODE(mx_cross_entropy(mx_zeros(SHAPE(2, 0), MX_FLOAT32), t), MX_VALUE,
               "[cross_entropy] logits of shape (2,0)");
}
