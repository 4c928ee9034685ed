/* SPDX-License-Identifier: MIT
 *
 * RMS norm and layer norm, and the ops that their gradients are. */
#include "check.h"
#include "core/op.h"
#include "core/params/norm.h"
#include "mica/fast.h"

static mx_array *rms(mx_array *const *x)
{
    return mx_rms_norm(x[0], x[1], 1e-5f);
}
static mx_array *rms_bare(mx_array *const *x)
{
    return mx_rms_norm(x[0], NULL, 0.1f);
}
static mx_array *layer(mx_array *const *x)
{
    return mx_layer_norm(x[0], x[1], x[2], 1e-5f);
}
static mx_array *layer_bare(mx_array *const *x)
{
    return mx_layer_norm(x[0], NULL, NULL, 0.1f);
}

/* A normalised value is rounded to the dtype before it meets the weight: an epsilon for each step. */
const op_sample samples_rms_norm[] = {
    {"rows", rms, {IN(4, 33), IN(33)}, FLOATS, 8, NULL_ALLOWED},
    {"a vector", rms, {IN(7), IN(7)}, FLOATS, 8, NULL_ALLOWED},
    {"no weight", rms_bare, {IN(2, 3, 40)}, FLOATS, 8},
    {"one column", rms, {IN_RANGE(1, 2, 3, 1), IN(1)}, FLOATS, 8, NULL_ALLOWED},
    {"weights of a wider dtype", rms, {IN(3, 8), IN_OF(MX_FLOAT32, -2, 2, 8)}, HALVES, 8, NULL_ALLOWED},
    {"no rows", rms, {IN(0, 7), IN(7)}, FLOATS, 1, NULL_ALLOWED},
    {"long rows", rms, {IN(3, 40001), IN(40001)}, FLOATS, 32, NULL_ALLOWED},
    {"rows of a block", rms, {IN(11, 2000), IN(2000)}, FLOATS, 32, NULL_ALLOWED},
    {"many rows", rms, {IN(1001, 130), IN(130)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16), 8, NULL_ALLOWED},
    {0},
};

const op_sample samples_layer_norm[] = {
    {"rows", layer, {IN(4, 33), IN(33), IN(33)}, FLOATS, 8, NULL_ALLOWED},
    {"a vector", layer, {IN(7), IN(7), IN(7)}, FLOATS, 8, NULL_ALLOWED},
    {"neither weight nor bias", layer_bare, {IN(2, 3, 40)}, FLOATS, 8},
    {"far from zero", layer, {IN_RANGE(100, 101, 3, 64), IN(64), IN(64)}, FLOATS, 64, NULL_ALLOWED | NO_GRAD},
    {"no rows", layer, {IN(0, 7), IN(7), IN(7)}, FLOATS, 1, NULL_ALLOWED},
    {"long rows", layer, {IN(3, 40001), IN(40001), IN(40001)}, FLOATS, 32, NULL_ALLOWED},
    {"rows of a block", layer, {IN(11, 2000), IN(2000), IN(2000)}, FLOATS, 32, NULL_ALLOWED},
    {"many rows", layer, {IN(1001, 130), IN(130), IN(130)}, DTYPE(MX_FLOAT32) | DTYPE(MX_FLOAT16), 8, NULL_ALLOWED},
    {0},
};

static mx_array *rms_back(mx_array *const *x)
{
    mx_array *out[2];
    if (!op_apply_multi(&mx_op_rms_norm_vjp, &(norm_params){1e-2f}, x, 3, out, 2)) return NULL;
    return mx_add(out[0], out[1]);
}
static mx_array *layer_back(mx_array *const *x)
{
    mx_array *out[3];
    if (!op_apply_multi(&mx_op_layer_norm_vjp, &(norm_params){1e-2f}, x, 3, out, 3)) return NULL;
    return mx_add(mx_add(out[0], out[1]), out[2]);
}

/* The ops take arrays that the derivative rules have checked, never NULL. */
const op_sample samples_rms_norm_vjp[] = {
    {"rows", rms_back, {IN(4, 33), IN(33), IN(4, 33)}, FLOATS, 16, NULL_ALLOWED},
    {"a vector", rms_back, {IN(7), IN(7), IN(7)}, FLOATS, 16, NULL_ALLOWED},
    {"three axes", rms_back, {IN(2, 3, 5), IN(5), IN(2, 3, 5)}, FLOATS, 16, NULL_ALLOWED},
    {"no rows", rms_back, {IN(0, 7), IN(7), IN(0, 7)}, FLOATS, 1, NULL_ALLOWED},
    {"rows of a block", rms_back, {IN(11, 2000), IN(2000), IN(11, 2000)}, FLOATS, 32, NULL_ALLOWED},
    {"long rows", rms_back, {IN(3, 9001), IN(9001), IN(3, 9001)}, FLOATS, 32, NULL_ALLOWED},
    {"many rows", rms_back, {IN(1001, 130), IN(130), IN(1001, 130)}, FLOATS, 32, NULL_ALLOWED},
    {0},
};

const op_sample samples_layer_norm_vjp[] = {
    {"rows", layer_back, {IN(4, 33), IN(33), IN(4, 33)}, FLOATS, 16, NULL_ALLOWED},
    {"a vector", layer_back, {IN(7), IN(7), IN(7)}, FLOATS, 16, NULL_ALLOWED},
    {"three axes", layer_back, {IN(2, 3, 5), IN(5), IN(2, 3, 5)}, FLOATS, 16, NULL_ALLOWED},
    {"no rows", layer_back, {IN(0, 7), IN(7), IN(0, 7)}, FLOATS, 1, NULL_ALLOWED},
    {"rows of a block", layer_back, {IN(11, 2000), IN(2000), IN(11, 2000)}, FLOATS, 32, NULL_ALLOWED},
    {"long rows", layer_back, {IN(3, 9001), IN(9001), IN(3, 9001)}, FLOATS, 32, NULL_ALLOWED},
    {"many rows", layer_back, {IN(1001, 130), IN(130), IN(1001, 130)}, FLOATS, 32, NULL_ALLOWED},
    {0},
};

TEST(norms_check_their_inputs)
{
    mx_array *x = check_random(SHAPE(2, 3), MX_FLOAT32, -1, 1, 1), *w = check_random(SHAPE(2), MX_FLOAT32, -1, 1, 1);
    CHECK_CODE(mx_rms_norm(x, w, 1e-5f), MX_VALUE, "[rms_norm] weight");
    CHECK_CODE(mx_layer_norm(x, NULL, w, 1e-5f), MX_VALUE, "[layer_norm] bias");
    CHECK_CODE(mx_rms_norm(mx_float(1), NULL, 1e-5f), MX_VALUE, "[rms_norm] Input");
    CHECK_CODE(mx_rms_norm(check_random(SHAPE(3), MX_INT32, 0, 2, 1), NULL, 1e-5f), MX_VALUE, "[rms_norm]");
    CHECK_CODE(mx_rms_norm(NULL, NULL, 1e-5f), MX_VALUE, "[rms_norm]");
    mx_array *half = check_random(SHAPE(2, 3), MX_FLOAT16, -1, 1, 1),
             *wide = check_random(SHAPE(3), MX_FLOAT32, 0, 1, 1);
    CHECK_SHAPE(mx_rms_norm(half, wide, 1e-5f), SHAPE(2, 3), MX_FLOAT32);
    CHECK_SHAPE(mx_layer_norm(half, NULL, wide, 1e-5f), SHAPE(2, 3), MX_FLOAT16);
}

/* Results beyond the caches are stored in another way, with rows that start anywhere in a cache line. */
static bool same_in_parts(mx_array *(*f)(mx_array *const *x), mx_dtype dtype, int64_t rows, int64_t n)
{
    mx_array *x = check_random(SHAPE(rows, n), dtype, -2, 2, 1), *w = check_random(SHAPE(n), dtype, -1, 1, 2),
             *b = check_random(SHAPE(n), dtype, -1, 1, 3), *whole = f((mx_array *[]){x, w, b});
    bool same = true;
    for (int64_t first = 0; first < rows; first += rows / 2) {
        const int64_t start[] = {first, 0}, stop[] = {first + rows / 2, n}, step[] = {1, 1};
        mx_array *part = f((mx_array *[]){mx_slice(x, start, stop, step), w, b});
        mx_array *equal = mx_array_equal(part, mx_slice(whole, start, stop, step), false);
        const bool *yes = mx_eval(whole) ? mx_data(equal) : NULL;
        same &= yes && *yes;
    }
    return same;
}

static mx_array *softmax_of(mx_array *const *x)
{
    return mx_softmax(x[0], AXES(-1), false);
}

TEST(large_rows_equal_their_parts)
{
    CHECK(same_in_parts(layer, MX_FLOAT32, 4200, 1003));
    CHECK(same_in_parts(layer, MX_BFLOAT16, 8400, 1003));
    CHECK(same_in_parts(softmax_of, MX_FLOAT32, 4200, 1003));
    CHECK(same_in_parts(rms, MX_FLOAT16, 8400, 1003));
}
