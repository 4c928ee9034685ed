/* SPDX-License-Identifier: MIT
 *
 * Reading at places that arrays name: every reading op is one kernel, which turns indices into places as it goes. */
#include "cuda/index.h"
#include "cuda/dispatch.h"
#include "core/params/index.h"

/* ---- Places */
static int log2_of(size_t n)
{
    int k = 0;
    while ((size_t)1 << k < n) k++;
    return k;
}

/* The shape of the points, three dimensions, and the strides of all index arrays; false: they take more. */
static bool merge_points(struct index_places *p, mx_array *const *index, int count)
{
    mx_shape shape = array_shape(index[0]);
    int64_t sizes[POINT_DIMS] = {1, 1, 1};
    int last = -1;
    for (int i = 0; i < shape.ndim; i++) {
        if (shape.at[i] == 1) continue;
        bool merges = last >= 0;
        for (int k = 0; k < count && merges; k++) merges = p->stride[k][last] == index[k]->strides[i] * shape.at[i];
        if (!merges && ++last == POINT_DIMS) return false;
        sizes[last] *= shape.at[i];
        for (int k = 0; k < count; k++) p->stride[k][last] = index[k]->strides[i];
    }
    for (int d = 0; d < POINT_DIMS; d++) p->shape[d] = index_divider_of(sizes[d]);
    return true;
}

static void points_in_a_row(struct index_places *p, int64_t points, int count)
{
    for (int d = 0; d < POINT_DIMS; d++) p->shape[d] = index_divider_of(d == POINT_DIMS - 1 ? points : 1);
    for (int k = 0; k < count; k++) p->stride[k][POINT_DIMS - 1] = 1;
}

bool index_places_of(cuda_call *c, struct index_places *p, const mx_array *x, const int64_t *strides, int first,
                     const param_axes *axes, const int64_t *sizes, bool clamp)
{
    p->axes = axes->count;
    p->clamp = clamp;
    if (!axes->count) return points_in_a_row(p, 1, 0), true;
    bool strided = merge_points(p, c->in + first, axes->count);
    if (!strided) points_in_a_row(p, c->in[first]->size, axes->count);
    for (int i = 0; i < axes->count; i++) {
        mx_array *index = c->in[first + i];
        int axis = axes->at[i];
        cu_ptr at;
        if (!(strided ? cuda_operand(c, index, &at) : cuda_contiguous(c, index, &at))) return false;
        p->index[i] = at;
        p->kind[i] = index_kind((mx_dtype)index->dtype);
        p->size[i] = x->shape[axis];
        p->room[i] = x->shape[axis] - sizes[axis];
        p->step[i] = strides[axis];
    }
    return true;
}

int index_kind(mx_dtype dtype)
{
    return log2_of(mx_dtype_size(dtype)) + (mx_dtype_is(dtype, MX_SIGNED_INTEGER) ? 4 : 0);
}

uint64_t index_places_step_bits(const struct index_places *p, size_t bytes)
{
    uint64_t bits = 0;
    for (int a = 0; a < p->axes; a++) bits |= (uint64_t)p->step[a] * bytes;
    for (int d = 0; d < POINT_DIMS; d++) bits |= (uint64_t)p->base[d] * bytes;
    return bits;
}

void index_places_in_units(struct index_places *p, int64_t elements)
{
    for (int a = 0; a < p->axes; a++) p->step[a] /= elements;
    for (int d = 0; d < POINT_DIMS; d++) p->base[d] /= elements;
}

/* ---- Reading: blocks (of shape `sizes`) of x at each point, before them `outer` */
static uint64_t stride_bits(const struct index_walk *w, size_t bytes)
{
    uint64_t bits = 0;
    for (int i = 0; i < w->ndim; i++) bits |= (uint64_t)w->stride[0][i] * bytes;
    return bits;
}

static bool read_blocks(cuda_call *c, struct gather_args *a, mx_shape outer, mx_shape sizes, const int64_t *strides,
                        int64_t points)
{
    mx_array *x = c->in[0];
    size_t bytes = mx_dtype_size((mx_dtype)x->dtype);
    cu_ptr from, to;
    if (!cuda_operand(c, x, &from) || !cuda_output(c, 0, NULL, &to)) return false;
    a->from = from;
    a->to = to;
    a->before = index_walk_of(outer, strides, NULL);
    a->block = index_walk_of(sizes, strides + outer.ndim, NULL);
    uint64_t odd = to | from | stride_bits(&a->before, bytes) | index_places_step_bits(&a->places, bytes);
    size_t unit = index_walk_widen(&a->block, 1, bytes, odd);
    int64_t elements = (int64_t)(unit / bytes), block = 1;
    for (int i = 0; i < a->before.ndim; i++) a->before.stride[0][i] /= elements;
    for (int i = 0; i < a->block.ndim; i++) block *= a->block.shape[i].n;
    index_places_in_units(&a->places, elements);
    a->points = index_divider_of(points);
    a->block_size = index_divider_of(block);
    a->total = c->out->size / elements;
    bool wide = a->total >= INDEX_WIDE, one = a->places.axes == 1;
    cuda_variant v = {.id = VARIANT_gather, .t = variant_unit(unit), .option = (uint8_t)(wide | one << 1)};
    return variant_run_over(c, v, a->total, unit == 16 ? 2 : 4, a, sizeof *a);
}

static bool gather(cuda_call *c)
{
    const gather_params *p = c->params;
    mx_array *x = c->in[0];
    struct gather_args a = {.total = 0};
    cu_ptr at;
    if (!c->out->size) return cuda_output(c, 0, NULL, &at);
    if (!index_places_of(c, &a.places, x, x->strides, 1, &p->axes, p->sizes.at, !p->drop)) return false;
    mx_shape sizes = {p->sizes.ndim, (int64_t *)p->sizes.at};
    return read_blocks(c, &a, MX_SCALAR_SHAPE, sizes, x->strides, p->axes.count ? c->in[1]->size : 1);
}

const cuda_op cuda_gather = {.run = gather};

static bool take(cuda_call *c)
{
    const take_params *p = c->params;
    mx_array *x = c->in[0];
    int64_t sizes[MX_MAX_NDIM];
    param_axes axis = {1, {p->axis}};
    struct gather_args a = {.total = 0};
    cu_ptr at;
    if (!c->out->size) return cuda_output(c, 0, NULL, &at);
    for (int i = 0; i < x->ndim; i++) sizes[i] = i == p->axis ? 1 : x->shape[i];
    if (!index_places_of(c, &a.places, x, x->strides, 1, &axis, sizes, true)) return false;
    return read_blocks(c, &a, (mx_shape){p->axis, x->shape}, (mx_shape){x->ndim - p->axis, sizes + p->axis}, x->strides,
                       c->in[1]->size);
}

const cuda_op cuda_take = {.run = take};

/* ---- Along an axis: an index for each element of (outer, axis, inner), which are the points of one place */
bool index_places_along(cuda_call *c, struct index_places *p, const mx_array *x, int input, int axis, bool clamp)
{
    mx_array *index = c->in[input];
    int64_t inner = 1, count = index->shape[axis];
    for (int i = axis + 1; i < index->ndim; i++) inner *= index->shape[i];
    int64_t shape[POINT_DIMS] = {index->size / (count * inner), count, inner};
    cu_ptr at;
    if (!cuda_contiguous(c, index, &at)) return false;
    *p = (struct index_places){.axes = 1,
                               .clamp = clamp,
                               .base = {x->shape[axis] * inner, 0, 1},
                               .index = {at},
                               .kind = {index_kind((mx_dtype)index->dtype)},
                               .stride = {{count * inner, inner, 1}},
                               .size = {x->shape[axis]},
                               .room = {x->shape[axis] - 1},
                               .step = {inner}};
    for (int d = 0; d < POINT_DIMS; d++) p->shape[d] = index_divider_of(shape[d]);
    return true;
}

static bool take_along_axis(cuda_call *c)
{
    const take_along_axis_params *p = c->params;
    struct gather_args a = {.total = c->out->size,
                            .points = index_divider_of(c->out->size),
                            .block_size = index_divider_of(1),
                            .before = index_walk_of(MX_SCALAR_SHAPE, NULL, NULL),
                            .block = index_walk_of(MX_SCALAR_SHAPE, NULL, NULL)};
    mx_array *x = c->in[0];
    cu_ptr from, to;
    if (!a.total) return cuda_output(c, 0, NULL, &to);
    if (!index_places_along(c, &a.places, x, 1, p->axis, !p->drop) || !cuda_contiguous(c, x, &from) ||
        !cuda_output(c, 0, NULL, &to))
        return false;
    a.from = from;
    a.to = to;
    cuda_variant v = {.id = VARIANT_gather,
                      .t = variant_unit(mx_dtype_size((mx_dtype)x->dtype)),
                      .option = (uint8_t)((a.total >= INDEX_WIDE) | 2)};
    return variant_run_over(c, v, a.total, 4, &a, sizeof a);
}

const cuda_op cuda_take_along_axis = {.run = take_along_axis};
