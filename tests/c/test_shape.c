/* SPDX-License-Identifier: MIT
 *
 * Shapes by name: compositions of reshape, broadcast_to, slice and concatenate. */
#include "check.h"

#define LIST(...) ((const int64_t[]){__VA_ARGS__})

/* The reference of a movement along the axes: where an index of the result comes from; false: it is 0. */
typedef bool (*origin_fn)(const ref_array *x, int64_t *index);
static void move(const ref_call *c, origin_fn origin)
{
    int64_t index[MX_MAX_NDIM];
    for (int64_t i = 0; i < c->out->size; i++) {
        index_unravel(c->out, i, index);
        if (origin(c->in, index)) copy_element(c->out, i, c->in, index_ravel(c->in, index));
    }
}

/* ---- flip */
static mx_array *flip_all(mx_array *const *x)
{
    return mx_flip(x[0], ALL_AXES);
}
static bool flip_origin(const ref_array *x, int64_t *index)
{
    for (int d = 0; d < x->ndim; d++) index[d] = x->shape[d] - 1 - index[d];
    return true;
}
static void ref_flip(const ref_call *c)
{
    move(c, flip_origin);
}
static const op_sample flip_samples[] = {
    {"a matrix", flip_all, {IN(3, 5)}, ALL},
    {"special values", flip_all, {IN_SPECIAL(20, 21)}, ALL},
    {"nothing", flip_all, {IN(0, 3)}, FLOATS},
    {0},
};
COMPOSED(flip, flip_samples, ref_flip)

/* ---- roll */
static mx_array *roll_both(mx_array *const *x)
{
    return mx_roll(x[0], LIST(-8, 2), AXES(0, 1));
}
static bool roll_origin(const ref_array *x, int64_t *index)
{
    index[0] = (index[0] + 8) % x->shape[0];
    index[1] = (index[1] + x->shape[1] - 2 % x->shape[1]) % x->shape[1];
    return true;
}
static void ref_roll(const ref_call *c)
{
    move(c, roll_origin);
}
static const op_sample roll_samples[] = {
    {"a matrix", roll_both, {IN(3, 5)}, ALL},
    {"one row", roll_both, {IN(1, 7)}, FLOATS},
    {"no columns", roll_both, {IN(3, 0)}, FLOATS},
    {0},
};
COMPOSED(roll, roll_samples, ref_roll)

/* ---- tile, repeat */
static mx_array *tile_both(mx_array *const *x)
{
    return mx_tile(x[0], SHAPE(2, 3));
}
static bool tile_origin(const ref_array *x, int64_t *index)
{
    for (int d = 0; d < x->ndim; d++) index[d] %= x->shape[d];
    return true;
}
static void ref_tile(const ref_call *c)
{
    move(c, tile_origin);
}
static const op_sample tile_samples[] = {{"a matrix", tile_both, {IN(3, 5)}, ALL}, {0}};
COMPOSED(tile, tile_samples, ref_tile)

static mx_array *repeat_last(mx_array *const *x)
{
    return mx_repeat(x[0], 3, -1);
}
static bool repeat_origin(const ref_array *x, int64_t *index)
{
    index[x->ndim - 1] /= 3;
    return true;
}
static void ref_repeat(const ref_call *c)
{
    move(c, repeat_origin);
}
static const op_sample repeat_samples[] = {
    {"a matrix", repeat_last, {IN(3, 5)}, ALL}, {"nothing", repeat_last, {IN(3, 0)}, FLOATS}, {0}};
COMPOSED(repeat, repeat_samples, ref_repeat)

TEST(tile_and_repeat_count_as_numpy_does)
{
    mx_array *x = mx_arange(0, 3, 1, MX_INT32);
    CHECK_VALUES(mx_tile(x, SHAPE(2, 1)), 0, 0, 1, 2, 0, 1, 2);
    CHECK_SHAPE(mx_tile(x, SHAPE(0, 2)), SHAPE(0, 6), MX_INT32);
    CHECK_CODE(mx_tile(x, SHAPE(-1)), MX_VALUE, "[tile] -1 copies");
    CHECK_SHAPE(mx_repeat(x, 0, 0), SHAPE(0), MX_INT32);
    CHECK_CODE(mx_repeat(x, -1, 0), MX_VALUE, "[repeat] -1 repeats");
    CHECK_CODE(mx_repeat(x, 2, 1), MX_VALUE, "[repeat] axis 1");
}

/* ---- pad */
static mx_array *pad_constant(mx_array *const *x)
{
    return mx_pad(x[0], AXES(1, 0), LIST(2, 1), LIST(0, 3), MX_PAD_CONSTANT, mx_like(x[0], 0));
}
static bool pad_origin(const ref_array *x, int64_t *index)
{
    index[0] -= 1;
    index[1] -= 2;
    return index[0] >= 0 && index[0] < x->shape[0] && index[1] >= 0 && index[1] < x->shape[1];
}
static void ref_pad(const ref_call *c)
{
    move(c, pad_origin);
}
static const op_sample pad_samples[] = {
    {"a matrix", pad_constant, {IN(3, 5)}, ALL}, {"nothing", pad_constant, {IN(0, 5)}, FLOATS}, {0}};
COMPOSED(pad, pad_samples, ref_pad)

/* A tent and a saw, step by step: back at the last element, or from it once more. */
static int64_t bounce(int64_t steps, int64_t n, bool again)
{
    int64_t at = 0, direction = 1;
    for (int64_t i = 0; i < steps && n > 1; i++) {
        int64_t next = at + direction;
        if (next >= 0 && next < n) {
            at = next;
        } else {
            direction = -direction;
            at += again ? 0 : direction;
        }
    }
    return at;
}
static mx_array *pad_reflect(mx_array *const *x)
{
    return mx_pad(x[0], AXES(0), LIST(6), LIST(7), MX_PAD_REFLECT, NULL);
}
static mx_array *pad_symmetric(mx_array *const *x)
{
    return mx_pad(x[0], AXES(0), LIST(8), LIST(7), MX_PAD_SYMMETRIC, NULL);
}
static mx_array *pad_edge(mx_array *const *x)
{
    return mx_pad(x[0], AXES(0), LIST(2), LIST(3), MX_PAD_EDGE, NULL);
}
static bool reflect_origin(const ref_array *x, int64_t *index)
{
    index[0] = index[0] < 6 ? bounce(6 - index[0], x->shape[0], false) : bounce(index[0] - 6, x->shape[0], false);
    return true;
}
static bool symmetric_origin(const ref_array *x, int64_t *index)
{
    index[0] = index[0] < 8 ? bounce(7 - index[0], x->shape[0], true) : bounce(index[0] - 8, x->shape[0], true);
    return true;
}
static bool edge_origin(const ref_array *x, int64_t *index)
{
    index[0] = index[0] < 2 ? 0 : index[0] - 2 < x->shape[0] ? index[0] - 2 : x->shape[0] - 1;
    return true;
}
static void ref_reflect(const ref_call *c)
{
    move(c, reflect_origin);
}
static void ref_symmetric(const ref_call *c)
{
    move(c, symmetric_origin);
}
static void ref_edge(const ref_call *c)
{
    move(c, edge_origin);
}
static const op_sample reflect_samples[] = {
    {"bounces", pad_reflect, {IN(3, 2)}, ALL}, {"one row", pad_reflect, {IN(1, 2)}, FLOATS}, {0}};
static const op_sample symmetric_samples[] = {{"bounces", pad_symmetric, {IN(3, 2)}, ALL}, {0}};
static const op_sample edge_samples[] = {
    {"rows", pad_edge, {IN(3, 2)}, ALL}, {"one row", pad_edge, {IN(1, 2)}, FLOATS}, {0}};
COMPOSED(pad_reflect, reflect_samples, ref_reflect)
COMPOSED(pad_symmetric, symmetric_samples, ref_symmetric)
COMPOSED(pad_edge, edge_samples, ref_edge)

TEST(pad_checks_its_widths)
{
    mx_array *x = mx_arange(0, 2, 1, MX_INT32), *none = mx_zeros(SHAPE(0), MX_FLOAT32);
    CHECK_VALUES(mx_pad(x, AXES(0), LIST(1), LIST(2), MX_PAD_CONSTANT, mx_float(2.7)), 0, 2, 0, 1, 2, 2);
    CHECK_CODE(mx_pad(x, AXES(0), LIST(-1), LIST(0), MX_PAD_EDGE, NULL), MX_VALUE, "[pad] widths -1 and 0 of axis 0");
    CHECK_CODE(mx_pad(none, AXES(0), LIST(2), LIST(2), MX_PAD_REFLECT, NULL), MX_VALUE,
               "[pad] Cannot pad empty axis 0");
    CHECK_CODE(mx_pad(x, AXES(1), LIST(1), LIST(1), MX_PAD_EDGE, NULL), MX_VALUE, "[pad] axis 1");
    CHECK_CODE(mx_pad(x, AXES(0), LIST(1), LIST(1), MX_PAD_CONSTANT, NULL), MX_VALUE,
               "[pad] an array argument is NULL");
}

/* ---- Shapes alone */
TEST(flatten_and_unflatten)
{
    mx_array *x = mx_zeros(SHAPE(2, 3, 4), MX_FLOAT32);
    CHECK_SHAPE(mx_flatten(x, 0, -1), SHAPE(24), MX_FLOAT32);
    CHECK_SHAPE(mx_flatten(x, 1, 9), SHAPE(2, 12), MX_FLOAT32);
    CHECK_SHAPE(mx_flatten(x, -9, 1), SHAPE(6, 4), MX_FLOAT32);
    CHECK(mx_flatten(x, 1, 1) == x);
    CHECK_SHAPE(mx_flatten(mx_int(1), 0, -1), SHAPE(1), MX_INT32);
    CHECK_CODE(mx_flatten(x, 2, 1), MX_VALUE, "[flatten] axes 2 to 1");
    CHECK_CODE(mx_flatten(x, 5, 7), MX_VALUE, "[flatten] axes 5 to 7");
    CHECK_SHAPE(mx_unflatten(x, -1, SHAPE(2, -1)), SHAPE(2, 3, 2, 2), MX_FLOAT32);
    CHECK_CODE(mx_unflatten(x, 1, SHAPE(2, -1)), MX_VALUE, "[unflatten] axis 1 of size 3");
    CHECK_CODE(mx_unflatten(x, 3, SHAPE(2, 2)), MX_VALUE, "[unflatten] axis 3");
    CHECK_CODE(mx_unflatten(x, 0, SCALAR_SHAPE), MX_VALUE, "[unflatten] the shape is empty");
}

TEST(axes_of_size_1_come_and_go)
{
    mx_array *x = mx_zeros(SHAPE(2, 3), MX_FLOAT32), *y = mx_expand_dims(x, AXES(0, -1));
    CHECK_SHAPE(y, SHAPE(1, 2, 3, 1), MX_FLOAT32);
    CHECK_SHAPE(mx_squeeze(y, ALL_AXES), SHAPE(2, 3), MX_FLOAT32);
    CHECK_SHAPE(mx_squeeze(y, AXES(-1)), SHAPE(1, 2, 3), MX_FLOAT32);
    CHECK_CODE(mx_squeeze(y, AXES(1)), MX_VALUE, "[squeeze] Cannot squeeze axis 1 with size 2");
    CHECK_CODE(mx_squeeze(y, AXES(4)), MX_VALUE, "[squeeze] axis 4");
    CHECK_CODE(mx_expand_dims(x, AXES(0, 0)), MX_VALUE, "[expand_dims] axis 0 is given twice");
    CHECK_CODE(mx_expand_dims(x, AXES(3)), MX_VALUE, "[expand_dims] axis 3");
    CHECK_SHAPE(mx_atleast(mx_int(1), 3), SHAPE(1, 1, 1), MX_INT32);
    CHECK_SHAPE(mx_atleast(mx_arange(0, 2, 1, MX_INT32), 3), SHAPE(1, 2, 1), MX_INT32);
    CHECK_SHAPE(mx_atleast(x, 3), SHAPE(2, 3, 1), MX_FLOAT32);
    CHECK_SHAPE(mx_atleast(mx_arange(0, 2, 1, MX_INT32), 2), SHAPE(1, 2), MX_INT32);
}

TEST(arrays_broadcast_together)
{
    mx_array *in[3] = {mx_arange(0, 2, 1, MX_INT32), mx_arange(0, 3, 1, MX_INT32), mx_int(7)}, *out[3];
    CHECK(mx_meshgrid(in, 2, false, false, out));
    CHECK_VALUES(out[0], 0, 0, 1, 0, 1, 0, 1);
    CHECK_VALUES(out[1], 0, 0, 0, 1, 1, 2, 2);
    CHECK(mx_meshgrid(in, 3, true, true, out));
    CHECK_SHAPE(out[0], SHAPE(2, 1, 1), MX_INT32);
    CHECK_SHAPE(out[2], SHAPE(1, 1, 1), MX_INT32);
    CHECK_CODE(mx_broadcast_arrays(in, 3, out), MX_VALUE, "[broadcast_arrays] Shapes (2) and (3)");
    in[0] = mx_reshape(in[0], SHAPE(2, 1));
    CHECK(mx_broadcast_arrays(in, 3, out));
    CHECK_SHAPE(out[2], SHAPE(2, 3), MX_INT32);
}
