/* SPDX-License-Identifier: MIT
 *
 * Rotary positions. */
#include "check.h"
#include "mica/fast.h"

static mx_array *turned(mx_array *x, int dims, bool traditional, float scale, mx_array *offset)
{
    return mx_rope(x, (mx_rope_options){.dims = dims, .base = 10000, .scale = scale, .traditional = traditional},
                   offset, NULL);
}
static mx_array *halves(mx_array *const *x)
{
    return turned(x[0], 8, false, 1, x[1]);
}
static mx_array *pairs(mx_array *const *x)
{
    return turned(x[0], 8, true, 0.5f, x[1]);
}
static mx_array *some_features(mx_array *const *x)
{
    return turned(x[0], 6, false, 1, x[1]);
}
static mx_array *of_transposed(mx_array *const *x)
{
    return turned(mx_transpose(x[0], AXES(0, 2, 1, 3)), 8, false, 1, x[1]);
}
static mx_array *given(mx_array *const *x)
{
    return mx_rope(x[0], (mx_rope_options){.dims = 8, .scale = 1}, x[1], x[2]);
}

/* Freqs and offsets are no variables: derivatives are with respect to x. */
const op_sample samples_rope[] = {
    {"halves", halves, {IN(2, 3, 8), IN_INDEX_SCALAR(0, 9)}, FLOATS, 4},
    {"pairs", pairs, {IN(2, 5, 8), IN_INDEX_SCALAR(0, 9)}, FLOATS, 4},
    {"some features", some_features, {IN(2, 3, 11), IN_INDEX_SCALAR(0, 9)}, FLOATS, 4},
    {"some features, heads", some_features, {IN(2, 3, 4, 7), IN_INDEX(0, 9, 2)}, FLOATS, 4},
    {"an offset for each row", halves, {IN(3, 2, 4, 8), IN_INDEX(0, 50, 3)}, FLOATS, 4},
    {"one offset in an array", halves, {IN(3, 4, 8), IN_INDEX(0, 50, 1)}, FLOATS, 4},
    {"heads before positions", of_transposed, {IN(2, 5, 3, 8), IN_INDEX_SCALAR(0, 9)}, FLOATS, 4},
    {"frequencies",
     given,
     {IN(2, 3, 8), IN_INDEX_SCALAR(0, 9), IN_OF(MX_FLOAT32, 1, 3, 4)},
     FLOATS,
     4,
     NO_GRAD | NO_VMAP},
    {"no rows", halves, {IN(0, 3, 8), IN_INDEX_SCALAR(0, 9)}, FLOATS, 4},
    {"no positions", halves, {IN(2, 0, 8), IN_INDEX_SCALAR(0, 9)}, FLOATS, 4},
    {"many rows", halves, {IN(20, 700, 8), IN_INDEX_SCALAR(0, 9)}, DTYPE(MX_FLOAT32) | DTYPE(MX_BFLOAT16), 4},
    {0},
};

TEST(rope_checks_its_inputs)
{
    mx_array *x = check_random(SHAPE(1, 2, 4), MX_FLOAT32, -1, 1, 1), *zero = mx_int(0);
    mx_rope_options o = {.dims = 4, .base = 100, .scale = 1}, odd = o, wide = o, none = o;
    odd.dims = 3, wide.dims = 6, none.dims = 0;
    CHECK_CODE(mx_rope(check_random(SHAPE(2, 4), MX_FLOAT32, -1, 1, 1), o, zero, NULL), MX_VALUE, "[rope] the input");
    CHECK_CODE(mx_rope(check_random(SHAPE(1, 2, 4), MX_INT32, -1, 1, 1), o, zero, NULL), MX_VALUE, "[rope] the input");
    CHECK_CODE(mx_rope(x, odd, zero, NULL), MX_VALUE, "[rope] dims");
    CHECK_CODE(mx_rope(x, wide, zero, NULL), MX_VALUE, "[rope] dims");
    CHECK_CODE(mx_rope(x, none, zero, NULL), MX_VALUE, "[rope] dims");
    CHECK_CODE(mx_rope(x, o, zero, check_random(SHAPE(2), MX_FLOAT32, 1, 2, 1)), MX_VALUE, "[rope] exactly one");
    CHECK_CODE(mx_rope(x, o, mx_float(1), NULL), MX_VALUE, "[rope] offset");
    CHECK_CODE(mx_rope(x, o, check_random(SHAPE(3), MX_INT32, 0, 2, 1), NULL), MX_VALUE, "[rope] offset");
}

/* Values that MLX gives. */
TEST(rope_turns_as_mlx_does)
{
    mx_array *x = mx_ones(SHAPE(1, 2, 4), MX_FLOAT32);
    mx_array *y =
        mx_rope(x, (mx_rope_options){.dims = 2, .base = 100, .scale = 0.5f, .traditional = true}, mx_int(3), NULL);
    CHECK_VALUES(y, 1e-5, -0.926758, 1.06823, 1, 1, -1.32544, 0.493151, 1, 1);
}
