/* SPDX-License-Identifier: MIT
 *
 * RMS norm and layer norm.  Their backward ops have no public function, so samples apply them by themselves. */
#include "check.h"
#include "core/op.h"
#include "core/params/norm.h"

static mx_array *rms(mx_array *const *x)
{
    return mx_rms_norm(x[0], x[1], 1e-5f);
}
static mx_array *layer(mx_array *const *x)
{
    return mx_layer_norm(x[0], x[1], x[2], 1e-5f);
}
static mx_array *plain_rms(mx_array *const *x)
{
    return mx_rms_norm(x[0], NULL, 0.1f);
}
static mx_array *plain_layer(mx_array *const *x)
{
    return mx_layer_norm(x[0], NULL, NULL, 0.1f);
}

/* All outputs in one: each must be pulled back and batched. */
static mx_array *backward(const mx_op *op, mx_array *const *x, int nout)
{
    mx_array *out[3];
    if (!op_apply_multi(op, &(norm_params){1e-5f}, x, 3, out, nout)) return NULL;
    mx_array *sum = mx_add(out[0], out[1]);
    return nout == 3 ? mx_add(sum, out[2]) : sum;
}
static mx_array *rms_backward(mx_array *const *x)
{
    return backward(&mx_op_rms_norm_vjp, x, 2);
}
static mx_array *layer_backward(mx_array *const *x)
{
    return backward(&mx_op_layer_norm_vjp, x, 3);
}

const op_sample samples_rms_norm[] = {
    {"rows", rms, {IN(4, 33), IN(33)}, FLOATS, 8, ANY_ORDER | NULL_ALLOWED},
    {"three axes", rms, {IN(2, 3, 8), IN(8)}, FLOATS, 8, ANY_ORDER | NULL_ALLOWED},
    {"without a weight", plain_rms, {IN(4, 9)}, FLOATS, 8, ANY_ORDER | NULL_ALLOWED},
    {"no rows", rms, {IN(0, 9), IN(9)}, FLOATS, 8, ANY_ORDER | NULL_ALLOWED},
    {"many elements",
     rms,
     {IN(1000, 130), IN(130)},
     DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16),
     16,
     ANY_ORDER | NULL_ALLOWED},
    {0},
};
const op_sample samples_layer_norm[] = {
    {"rows", layer, {IN(4, 33), IN(33), IN(33)}, FLOATS, 8, ANY_ORDER | NULL_ALLOWED},
    {"three axes", layer, {IN(2, 3, 8), IN(8), IN(8)}, FLOATS, 8, ANY_ORDER | NULL_ALLOWED},
    {"without a weight", plain_layer, {IN(4, 9)}, FLOATS, 8, ANY_ORDER | NULL_ALLOWED},
    {"many elements", layer, {IN(1000, 130), IN(130), IN(130)}, DTYPE(MX_FLOAT32), 16, ANY_ORDER | NULL_ALLOWED},
    {0},
};
const op_sample samples_rms_norm_vjp[] = {
    {"rows", rms_backward, {IN(4, 9), IN(9), IN(4, 9)}, FLOATS, 16, ANY_ORDER},
    {"three axes", rms_backward, {IN(2, 3, 8), IN(8), IN(2, 3, 8)}, FLOATS, 16, ANY_ORDER},
    {"many elements", rms_backward, {IN(1000, 130), IN(130), IN(1000, 130)}, DTYPE(MX_FLOAT32), 64, ANY_ORDER},
    {0},
};
const op_sample samples_layer_norm_vjp[] = {
    {"rows", layer_backward, {IN(4, 9), IN(9), IN(4, 9)}, FLOATS, 16, ANY_ORDER},
    {"three axes", layer_backward, {IN(2, 3, 8), IN(8), IN(2, 3, 8)}, FLOATS, 16, ANY_ORDER},
    {"many elements", layer_backward, {IN(1000, 130), IN(130), IN(1000, 130)}, DTYPE(MX_FLOAT32), 64, ANY_ORDER},
    {0},
};

TEST(norms_check_their_operands)
{
    mx_array *x = check_random(SHAPE(2, 8), MX_FLOAT32, -1, 1, 1), *w = check_random(SHAPE(7), MX_FLOAT32, -1, 1, 1);
    CHECK_CODE(mx_rms_norm(x, w, 1e-5f), MX_VALUE, "[rms_norm] weight");
    CHECK_CODE(mx_layer_norm(x, NULL, w, 1e-5f), MX_VALUE, "[layer_norm] bias");
    CHECK_CODE(mx_rms_norm(mx_float(1), NULL, 1e-5f), MX_VALUE, "[rms_norm]");
    CHECK_CODE(mx_rms_norm(NULL, NULL, 1e-5f), MX_VALUE, "[rms_norm]");
}
