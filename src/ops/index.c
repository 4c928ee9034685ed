/* SPDX-License-Identifier: MIT
 *
 * Reading and writing at places that arrays name.
 *
 * gather reads a block of x at each point; scatter writes one.  take is a gather of one axis whose result has the
 * points in place of that axis; the *_along_axis ops have an index for every element.  Reads clamp indices, writes drop
 * what is outside; the rules need each as the other does it, so both can do both (core/params/index.h). */
#include "core/memory.h"
#include "core/params/index.h"
#include "ops/rules.h"

static bool index_has(const char *op, const mx_array *index)
{
    if (!op_has(op, index)) return false;
    return mx_dtype_is((mx_dtype)index->dtype, MX_INTEGER) ||
           mx_fail_false(MX_VALUE, "[%s] indices must be integers, not %s.", op, mx_dtype_name((mx_dtype)index->dtype));
}

static bool mode_exists(const char *op, mx_scatter_mode mode)
{
    return (unsigned)mode <= MX_SCATTER_MIN || mx_fail_false(MX_VALUE, "[%s] there is no mode %d.", op, (int)mode);
}

/* 0 .. n - 1 as an index array of `ndim` axes that runs along the first. */
static mx_array *batch_index(int64_t n, int ndim)
{
    int64_t shape[MX_MAX_NDIM + 1] = {n};
    for (int i = 1; i < ndim; i++) shape[i] = 1;
    return mx_reshape(mx_arange(0, (double)n, 1, MX_INT64), (mx_shape){ndim, shape});
}

/* ---- gather */
static const mx_field gather_fields[] = {FIELD_AXES(gather_params, axes), FIELD_SHAPE(gather_params, sizes),
                                         FIELD_BOOL(gather_params, drop), FIELD_END};

/* Inputs: x, then the indices, all of one shape. */
static mx_array *gather_by(mx_array *x, mx_array *const *indices, const gather_params *p)
{
    mx_array *in[MX_MAX_NDIM + 1] = {x};
    for (int i = 0; i < p->axes.count; i++) in[i + 1] = indices[i];
    return op_apply_n(&mx_op_gather, p, in, p->axes.count + 1);
}

static bool gather_shape(const mx_call *c, mx_spec *out)
{
    const gather_params *p = c->params;
    if (c->nin > 1) spec_set(out, array_shape(c->in[1]), MX_BOOL);
    out->dtype = (mx_dtype)c->in[0]->dtype;
    if (c->nin == 1) out->ndim = 0;
    for (int i = 0; i < p->sizes.ndim; i++) out->shape[out->ndim++] = p->sizes.at[i];
    return true;
}

static mx_array *scatter_by(mx_array *x, mx_array *updates, mx_array *const *indices, const scatter_params *p)
{
    mx_array *in[MX_MAX_NDIM + 2] = {x, updates};
    for (int i = 0; i < p->axes.count; i++) in[i + 2] = indices[i];
    return op_apply_n(&mx_op_scatter, p, in, p->axes.count + 2);
}

static bool gather_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const gather_params *p = c->params;
    scatter_params s = {.axes = p->axes, .mode = MX_SCATTER_ADD, .clamp = !p->drop};
    if (!call_wants(c, 0)) return true;
    return (din[0] = scatter_by(mx_zeros_like(c->in[0]), dout[0], c->in + 1, &s)) != NULL;
}

/* Linear in x; the indices have no tangent. */
static bool gather_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = gather_by(tin[0], c->in + 1, c->params)) != NULL;
}

static bool any_mapped(const int *axis_in, int from, int to)
{
    for (int i = from; i < to; i++) {
        if (axis_in[i] == 0) return true;
    }
    return false;
}

/* Indices with the batch in front, and before them one that counts the batch. */
static void batch_indices(const mx_call *c, const int *axis_in, int first, int64_t batch, mx_array **indices)
{
    for (int i = first; i < c->nin; i++) indices[i - first + 1] = op_batched(c->in[i], axis_in[i], batch);
    indices[0] = indices[1] ? mx_broadcast_to(batch_index(batch, indices[1]->ndim), array_shape(indices[1])) : NULL;
}

/* The axes and sizes of the same blocks in a batch: whole batches (points are not mapped), or one entry each. */
static void batch_axes(param_axes *axes, bool indexed)
{
    for (int i = axes->count; i-- > 0;) axes->at[i + indexed] = axes->at[i] + 1;
    axes->count += indexed;
    if (indexed) axes->at[0] = 0;
}

static void batch_sizes(param_shape *sizes, int64_t first)
{
    for (int i = sizes->ndim; i-- > 0;) sizes->at[i + 1] = sizes->at[i];
    sizes->at[0] = first;
    sizes->ndim++;
}

static bool gather_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    gather_params p = *(const gather_params *)c->params;
    mx_array *indices[MX_MAX_NDIM + 2];
    int64_t batch = op_batch_size(c, axis_in);
    bool indexed = any_mapped(axis_in, 1, c->nin);
    int points = c->nin > 1 ? c->in[1]->ndim - (axis_in[1] == 0) : 0;
    axis_out[0] = 0;
    if (axis_in[0] != 0) {
        batch_indices(c, axis_in, 1, batch, indices);
        return (out[0] = gather_by(c->in[0], indices + 1, &p)) != NULL;
    }
    batch_axes(&p.axes, indexed);
    batch_sizes(&p.sizes, indexed ? 1 : batch);
    if (indexed) {
        batch_indices(c, axis_in, 1, batch, indices);
        mx_array *y = gather_by(c->in[0], indices, &p);
        return y && (out[0] = mx_squeeze(y, MX_AXES(1 + points))) != NULL;
    }
    axis_out[0] = points;
    return (out[0] = gather_by(c->in[0], c->in + 1, &p)) != NULL;
}

const mx_op mx_op_gather = {OP_NAMED(gather, "gather"), .fields = gather_fields, .params_size = sizeof(gather_params),
                            .shape = gather_shape,      .vjp = gather_vjp,       .jvp = gather_jvp,
                            .vmap = gather_vmap};

/* Checks one index array for each axis and broadcasts them; their shape. */
static bool indices_of(const char *op, mx_array *x, mx_array *const *indices, mx_axes axes, param_axes *at,
                       mx_array **same)
{
    bool seen[MX_MAX_NDIM] = {false};
    if (axes.count < 0 || axes.count > x->ndim)
        return mx_fail_false(MX_VALUE, "[%s] %d index arrays for %d dimensions.", op, axes.count, x->ndim);
    if (axes.count && (!axes.at || !indices)) return mx_fail_false(MX_VALUE, "[%s] A list is NULL.", op);
    for (int i = 0; i < axes.count; i++) {
        int a = index_has(op, indices[i]) ? axis_of(op, axes.at[i], x->ndim, MX_VALUE) : -1;
        if (a < 0) return false;
        if (seen[a]) return mx_fail_false(MX_VALUE, "[%s] axis %d is given twice.", op, axes.at[i]);
        seen[a] = true;
        at->at[i] = a;
    }
    at->count = axes.count;
    return axes.count == 0 || mx_broadcast_arrays(indices, axes.count, same);
}

static mx_array *gather(const char *op, mx_array *x, mx_array *const *indices, mx_axes axes, mx_shape sizes)
{
    gather_params p = {.drop = false};
    mx_array *same[MX_MAX_NDIM] = {NULL};
    char text[SHAPE_TEXT], whole[SHAPE_TEXT];
    if (!op_has(op, x) || !shape_readable(op, sizes) || !indices_of(op, x, indices, axes, &p.axes, same)) return NULL;
    bool fits = sizes.ndim == x->ndim, empty = false;
    for (int i = 0; i < sizes.ndim && fits; i++) fits = sizes.at[i] >= 0 && sizes.at[i] <= x->shape[i];
    for (int i = 0; i < axes.count && fits; i++) empty |= x->shape[p.axes.at[i]] == 0;
    if (!fits) {
        return mx_fail(MX_VALUE, "[%s] blocks of shape %s of an array of shape %s.", op, shape_text(text, sizes),
                       shape_text(whole, array_shape(x)));
    }
    if (empty && same[0]->size && sizes.ndim) {
        for (int i = 0; i < axes.count; i++) empty &= sizes.at[p.axes.at[i]] > 0 || x->shape[p.axes.at[i]] > 0;
        if (empty) return mx_fail(MX_VALUE, "[%s] Cannot read from an empty axis.", op);
    }
    if (axes.count && same[0]->ndim + sizes.ndim > MX_MAX_NDIM)
        return mx_fail(MX_VALUE, "[%s] the result has more than %d dimensions.", op, MX_MAX_NDIM);
    p.sizes = param_shape_of(sizes);
    return gather_by(x, same, &p);
}

mx_array *mx_gather(mx_array *x, mx_array *const *indices, mx_axes axes, mx_shape sizes)
{
    return gather("gather", x, indices, axes, sizes);
}

/* ---- scatter */
static const mx_field scatter_fields[] = {FIELD_AXES(scatter_params, axes), FIELD_INT(scatter_params, mode),
                                          FIELD_BOOL(scatter_params, clamp), FIELD_END};

/* What a gather of the places that a scatter writes to gives. */
static mx_array *read_back(const mx_call *c, mx_array *x)
{
    const scatter_params *p = c->params;
    gather_params g = {.axes = p->axes, .sizes.ndim = c->in[0]->ndim, .drop = !p->clamp};
    int points = c->in[1]->ndim - c->in[0]->ndim;
    for (int i = 0; i < g.sizes.ndim; i++) g.sizes.at[i] = c->in[1]->shape[points + i];
    return gather_by(x, c->in + 2, &g);
}

static mx_array *count_like(mx_array *x)
{
    return mx_reshape(mx_arange(0, (double)x->size, 1, MX_INT64), array_shape(x));
}

/* Which updates are still there: those whose number stands where they were written.  Dropped ones read 0, which is the
 * number of the first only; it counts from 1. */
static mx_array *winners(const mx_call *c)
{
    const scatter_params *p = c->params;
    mx_array *number = mx_add(count_like(c->in[1]), mx_scalar_int(1, MX_INT64));
    mx_array *written = scatter_by(mx_zeros(array_shape(c->in[0]), MX_INT64), number, c->in + 2, p);
    return mx_equal(read_back(c, written), number);
}

static mx_array *where_else_0(mx_array *condition, mx_array *x)
{
    return x ? mx_where(condition, x, mx_like(x, 0)) : NULL;
}

static bool scatter_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const scatter_params *p = c->params;
    mx_array *x = c->in[0], *updates = c->in[1], *y = c->out[0];
    bool wants_x = call_wants(c, 0), wants_updates = call_wants(c, 1);
    switch ((mx_scatter_mode)p->mode) {
    case MX_SCATTER_ADD:
        if (wants_x) din[0] = dout[0];
        if (wants_updates) din[1] = read_back(c, dout[0]);
        break;
    case MX_SCATTER_SET:
        if (wants_x) din[0] = scatter_by(dout[0], mx_zeros_like(updates), c->in + 2, p);
        if (wants_updates) din[1] = where_else_0(winners(c), read_back(c, dout[0]));
        break;
    case MX_SCATTER_PROD:
        /* y = x * product of the updates; each factor's derivative is y divided by it. */
        if (wants_x) din[0] = mx_mul(dout[0], mx_conjugate(scatter_by(mx_ones_like(x), updates, c->in + 2, p)));
        if (wants_updates) din[1] = mx_mul(read_back(c, dout[0]), mx_conjugate(mx_div(read_back(c, y), updates)));
        break;
    default:
        if (wants_x) din[0] = where_else_0(mx_equal(x, y), dout[0]);
        if (wants_updates) din[1] = where_else_0(mx_equal(read_back(c, y), updates), read_back(c, dout[0]));
    }
    return !mx_failed();
}

static bool scatter_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    const scatter_params *p = c->params;
    if (p->mode != MX_SCATTER_SET && p->mode != MX_SCATTER_ADD) return op_jvp_by_vjp(c, tin, tout);
    return (tout[0] = scatter_by(tin[0], tin[1], c->in + 2, p)) != NULL;
}

static bool scatter_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    scatter_params p = *(const scatter_params *)c->params;
    mx_array *indices[MX_MAX_NDIM + 2];
    int64_t batch = op_batch_size(c, axis_in);
    bool indexed = any_mapped(axis_in, 2, c->nin);
    mx_array *x = op_batched(c->in[0], axis_in[0], batch), *updates = op_batched(c->in[1], axis_in[1], batch);
    axis_out[0] = 0;
    if (!x || !updates) return false;
    int points = updates->ndim - x->ndim;
    batch_axes(&p.axes, indexed);
    if (indexed) {
        batch_indices(c, axis_in, 2, batch, indices);
        return (out[0] = scatter_by(x, mx_expand_dims(updates, MX_AXES(1 + points)), indices, &p)) != NULL;
    }
    return (out[0] = scatter_by(x, mx_moveaxis(updates, 0, points), c->in + 2, &p)) != NULL;
}

const mx_op mx_op_scatter = {
    OP_NAMED(scatter, "scatter"), .fields = scatter_fields, .params_size = sizeof(scatter_params),
    .shape = op_shape_same,       .vjp = scatter_vjp,       .jvp = scatter_jvp,
    .vmap = scatter_vmap};

mx_array *mx_scatter(mx_array *x, mx_array *const *indices, mx_array *updates, mx_axes axes, mx_scatter_mode mode)
{
    scatter_params p = {.mode = mode};
    mx_array *same[MX_MAX_NDIM] = {NULL};
    char text[SHAPE_TEXT], whole[SHAPE_TEXT];
    if (!op_has("scatter", x) || !op_has("scatter", updates) || !mode_exists("scatter", mode) ||
        !indices_of("scatter", x, indices, axes, &p.axes, same))
        return NULL;
    mx_shape points = axes.count ? array_shape(same[0]) : MX_SCALAR_SHAPE;
    mx_shape have = array_shape(updates);
    bool fits = have.ndim == points.ndim + x->ndim && shape_equal(points, (mx_shape){points.ndim, have.at});
    for (int i = 0; i < x->ndim && fits; i++) fits = have.at[points.ndim + i] <= x->shape[i];
    if (!fits) {
        return mx_fail(MX_VALUE, "[scatter] updates of shape %s do not fit the indices and an array of shape %s.",
                       shape_text(text, have), shape_text(whole, array_shape(x)));
    }
    return scatter_by(x, mx_astype(updates, (mx_dtype)x->dtype), same, &p);
}

/* ---- slices whose start is an array */
/* The entries of `start` as index arrays of one point. */
static bool starts_of(const char *op, mx_array *x, mx_array *start, mx_axes axes, int at[MX_MAX_NDIM],
                      mx_array *starts[MX_MAX_NDIM])
{
    if (!op_has(op, x) || !index_has(op, start)) return false;
    if (start->ndim > 1 || start->size != axes.count) {
        return mx_fail_false(MX_VALUE, "[%s] %lld starts for %d axes.", op, (long long)start->size, axes.count);
    }
    if (axes.count > x->ndim) return mx_fail_false(MX_VALUE, "[%s] %d axes of %d.", op, axes.count, x->ndim);
    if (axes.count && !axes.at) return mx_fail_false(MX_VALUE, "[%s] The list of axes is NULL.", op);
    start = mx_reshape(start, MX_SHAPE(start->size));
    for (int64_t i = 0; i < axes.count && start; i++) {
        if ((at[i] = axis_of(op, axes.at[i], x->ndim, MX_VALUE)) < 0) return false;
        mx_array *one = mx_slice(start, &i, (int64_t[]){i + 1}, (int64_t[]){1});
        if (!one || !(starts[i] = mx_reshape(one, MX_SCALAR_SHAPE))) return false;
    }
    return start != NULL;
}

mx_array *mx_slice_at(mx_array *x, mx_array *start, mx_axes axes, mx_shape sizes)
{
    int at[MX_MAX_NDIM];
    mx_array *starts[MX_MAX_NDIM];
    if (!starts_of("slice", x, start, axes, at, starts)) return NULL;
    return gather("slice", x, starts, (mx_axes){axes.count, at}, sizes);
}

mx_array *mx_slice_update_at(mx_array *x, mx_array *update, mx_array *start, mx_axes axes)
{
    scatter_params p = {.mode = MX_SCATTER_SET, .clamp = true};
    int at[MX_MAX_NDIM], lead = 0;
    int64_t shape[MX_MAX_NDIM];
    char text[SHAPE_TEXT], whole[SHAPE_TEXT];
    mx_array *starts[MX_MAX_NDIM];
    if (!op_has("slice_update", update) || !starts_of("slice_update", x, start, axes, at, starts)) return NULL;
    if ((p.axes.count = axes_of("slice_update", (mx_axes){axes.count, at}, x->ndim, MX_VALUE, p.axes.at)) < 0)
        return NULL;
    for (int i = 0; i < axes.count; i++) p.axes.at[i] = at[i];
    while (update->ndim - lead > x->ndim && update->shape[lead] == 1) lead++;
    int missing = x->ndim - (update->ndim - lead);
    for (int i = 0; i < x->ndim; i++) shape[i] = i < missing ? 1 : update->shape[lead + i - missing];
    bool fits = missing >= 0;
    for (int i = 0; i < x->ndim && fits; i++) fits = shape[i] <= x->shape[i];
    if (!fits) {
        return mx_fail(MX_VALUE, "[slice_update] an update of shape %s for an array of shape %s.",
                       shape_text(text, array_shape(update)), shape_text(whole, array_shape(x)));
    }
    update = mx_reshape(mx_astype(update, (mx_dtype)x->dtype), (mx_shape){x->ndim, shape});
    return scatter_by(x, update, starts, &p);
}

/* ---- take */
static const mx_field take_fields[] = {FIELD_INT(take_params, axis), FIELD_END};

static mx_array *take_by(mx_array *x, mx_array *indices, int axis)
{
    return op_apply(&mx_op_take, &(take_params){axis}, x, indices);
}

static bool take_shape(const mx_call *c, mx_spec *out)
{
    const take_params *p = c->params;
    const mx_array *x = c->in[0], *index = c->in[1];
    out->dtype = (mx_dtype)x->dtype;
    out->ndim = 0;
    for (int i = 0; i < p->axis; i++) out->shape[out->ndim++] = x->shape[i];
    for (int i = 0; i < index->ndim; i++) out->shape[out->ndim++] = index->shape[i];
    for (int i = p->axis + 1; i < x->ndim; i++) out->shape[out->ndim++] = x->shape[i];
    return true;
}

/* The cotangent with the points first and a 1 in place of the axis, added up where it was read. */
static bool take_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const take_params *p = c->params;
    mx_array *x = c->in[0], *index = c->in[1], *flat = mx_reshape(index, MX_SHAPE(index->size)), *d = dout[0];
    int64_t shape[MX_MAX_NDIM + 1];
    scatter_params s = {.axes = {1, {p->axis}}, .mode = MX_SCATTER_ADD, .clamp = true};
    if (!call_wants(c, 0)) return true;
    if (x->ndim == MX_MAX_NDIM) return mx_fail_false(MX_VALUE, "[take] no gradient with %d dimensions.", x->ndim);
    for (int i = 0; i < x->ndim; i++) shape[i] = i == p->axis ? index->size : x->shape[i];
    d = mx_reshape(d, (mx_shape){x->ndim, shape});
    d = mx_expand_dims(mx_moveaxis(d, p->axis, 0), MX_AXES(p->axis + 1));
    return (din[0] = scatter_by(mx_zeros_like(x), d, &flat, &s)) != NULL;
}

static bool take_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = op_apply(c->op, c->params, tin[0], c->in[1])) != NULL;
}

static bool take_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    const take_params *p = c->params;
    mx_array *x = c->in[0], *index = c->in[1];
    axis_out[0] = axis_in[0] == 0 ? 0 : p->axis;
    if (axis_in[0] != 0) return (out[0] = take_by(x, index, p->axis)) != NULL;
    if (axis_in[1] != 0) return (out[0] = take_by(x, index, p->axis + 1)) != NULL;
    /* Both: the batch is an axis of points like the others; then the axes before the taken one go back in front. */
    gather_params g = {.axes = {2, {0, p->axis + 1}}, .sizes = param_shape_of(array_shape(x))};
    mx_array *indices[2] = {mx_broadcast_to(batch_index(x->shape[0], index->ndim), array_shape(index)), index};
    g.sizes.at[0] = g.sizes.at[p->axis + 1] = 1;
    mx_array *y = gather_by(x, indices, &g);
    y = y ? mx_squeeze(y, MX_AXES(index->ndim, index->ndim + p->axis + 1)) : NULL;
    int order[MX_MAX_NDIM] = {0}, n = 1, points = index->ndim - 1;
    for (int i = 0; i < p->axis; i++) order[n++] = 1 + points + i;
    for (int i = 0; i < points; i++) order[n++] = 1 + i;
    for (; y && n < y->ndim; n++) order[n] = n;
    return y && (out[0] = mx_transpose(y, (mx_axes){n, order})) != NULL;
}

const mx_op mx_op_take = {OP_NAMED(take, "take"), .fields = take_fields, .params_size = sizeof(take_params),
                          .shape = take_shape,    .vjp = take_vjp,       .jvp = take_jvp,
                          .vmap = take_vmap};

mx_array *mx_take(mx_array *x, mx_array *indices, int axis)
{
    if (!op_has("take", x) || !index_has("take", indices)) return NULL;
    int a = axis_of("take", axis, x->ndim, MX_VALUE);
    if (a < 0) return NULL;
    if (x->shape[a] == 0 && indices->size)
        return mx_fail(MX_VALUE, "[take] Cannot do a non-empty take from an empty axis.");
    if (x->ndim - 1 + indices->ndim > MX_MAX_NDIM)
        return mx_fail(MX_VALUE, "[take] the result has more than %d dimensions.", MX_MAX_NDIM);
    return take_by(x, indices, a);
}

/* ---- take_along_axis */
static const mx_field take_along_axis_fields[] = {FIELD_INT(take_along_axis_params, axis),
                                                  FIELD_BOOL(take_along_axis_params, drop), FIELD_END};

static mx_array *take_along(mx_array *x, mx_array *indices, int axis, bool drop)
{
    return op_apply(&mx_op_take_along_axis, (&(take_along_axis_params){.axis = axis, .drop = drop}), x, indices);
}

static mx_array *scatter_along(mx_array *x, mx_array *indices, mx_array *values, const scatter_along_axis_params *p)
{
    return op_apply(&mx_op_scatter_along_axis, p, x, values, indices);
}

/* x's shape but for the axis, which is that of the indices. */
static bool take_along_axis_shape(const mx_call *c, mx_spec *out)
{
    spec_set(out, array_shape(c->in[1]), (mx_dtype)c->in[0]->dtype);
    return true;
}

static bool take_along_axis_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const take_along_axis_params *p = c->params;
    scatter_along_axis_params s = {.axis = p->axis, .mode = MX_SCATTER_ADD, .clamp = !p->drop};
    if (!call_wants(c, 0)) return true;
    return (din[0] = scatter_along(mx_zeros_like(c->in[0]), c->in[1], dout[0], &s)) != NULL;
}

static bool take_along_axis_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = op_apply(c->op, c->params, tin[0], c->in[1])) != NULL;
}

static bool take_along_axis_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    const take_along_axis_params *p = c->params;
    int64_t batch = op_batch_size(c, axis_in);
    mx_array *x = op_batched(c->in[0], axis_in[0], batch), *index = op_batched(c->in[1], axis_in[1], batch);
    axis_out[0] = 0;
    return (out[0] = take_along(x, index, p->axis + 1, p->drop)) != NULL;
}

const mx_op mx_op_take_along_axis = {OP_NAMED(take_along_axis, "take_along_axis"),
                                     .fields = take_along_axis_fields,
                                     .params_size = sizeof(take_along_axis_params),
                                     .shape = take_along_axis_shape,
                                     .vjp = take_along_axis_vjp,
                                     .jvp = take_along_axis_jvp,
                                     .vmap = take_along_axis_vmap};

/* Broadcasts x and the indices against each other, but for the axis; returns it, -1: an error is recorded. */
static int match_along(const char *op, mx_array **x, mx_array **indices, int axis)
{
    if (!op_has(op, *x) || !index_has(op, *indices)) return -1;
    int a = axis_of(op, axis, (*x)->ndim, MX_VALUE);
    if (a < 0) return -1;
    if ((*x)->ndim != (*indices)->ndim) {
        mx_fail(MX_VALUE, "[%s] indices of %d dimensions for an array of %d.", op, (*indices)->ndim, (*x)->ndim);
        return -1;
    }
    mx_spec spec, own;
    spec_set(&spec, array_shape(*x), MX_BOOL);
    spec_set(&own, array_shape(*indices), MX_BOOL);
    spec.shape[a] = own.shape[a] = 1;
    if (!shape_broadcast_into(op, &spec, spec_shape(&own))) return -1;
    spec.shape[a] = (*x)->shape[a];
    *x = mx_broadcast_to(*x, spec_shape(&spec));
    spec.shape[a] = (*indices)->shape[a];
    *indices = mx_broadcast_to(*indices, spec_shape(&spec));
    return *x && *indices ? a : -1;
}

mx_array *mx_take_along_axis(mx_array *x, mx_array *indices, int axis)
{
    int a = match_along("take_along_axis", &x, &indices, axis);
    if (a < 0) return NULL;
    if (x->shape[a] == 0 && indices->size)
        return mx_fail(MX_VALUE, "[take_along_axis] Cannot read from an empty axis.");
    return take_along(x, indices, a, false);
}

/* ---- scatter_along_axis */
static const mx_field scatter_along_axis_fields[] = {FIELD_INT(scatter_along_axis_params, axis),
                                                     FIELD_INT(scatter_along_axis_params, mode),
                                                     FIELD_BOOL(scatter_along_axis_params, clamp), FIELD_END};

/* Inputs: x, values, indices. */
static mx_array *along_winners(const mx_call *c)
{
    const scatter_along_axis_params *p = c->params;
    mx_array *number = mx_add(count_like(c->in[1]), mx_scalar_int(1, MX_INT64));
    mx_array *written = scatter_along(mx_zeros(array_shape(c->in[0]), MX_INT64), c->in[2], number, p);
    return mx_equal(take_along(written, c->in[2], p->axis, !p->clamp), number);
}

static bool scatter_along_axis_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const scatter_along_axis_params *p = c->params;
    mx_array *x = c->in[0], *values = c->in[1], *index = c->in[2], *y = c->out[0];
    bool wants_x = call_wants(c, 0), drop = !p->clamp;
    mx_array *d = call_wants(c, 1) ? take_along(dout[0], index, p->axis, drop) : NULL;
    switch ((mx_scatter_mode)p->mode) {
    case MX_SCATTER_ADD:
        if (wants_x) din[0] = dout[0];
        din[1] = d;
        break;
    case MX_SCATTER_SET:
        if (wants_x) din[0] = scatter_along(dout[0], index, mx_zeros_like(values), p);
        if (d) din[1] = where_else_0(along_winners(c), d);
        break;
    case MX_SCATTER_PROD:
        if (wants_x) din[0] = mx_mul(dout[0], mx_conjugate(scatter_along(mx_ones_like(x), index, values, p)));
        if (d) din[1] = mx_mul(d, mx_conjugate(mx_div(take_along(y, index, p->axis, drop), values)));
        break;
    default:
        if (wants_x) din[0] = where_else_0(mx_equal(x, y), dout[0]);
        if (d) din[1] = where_else_0(mx_equal(take_along(y, index, p->axis, drop), values), d);
    }
    return !mx_failed();
}

static bool scatter_along_axis_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    const scatter_along_axis_params *p = c->params;
    if (p->mode != MX_SCATTER_SET && p->mode != MX_SCATTER_ADD) return op_jvp_by_vjp(c, tin, tout);
    return (tout[0] = op_apply(c->op, p, tin[0], tin[1], c->in[2])) != NULL;
}

static bool scatter_along_axis_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    scatter_along_axis_params p = *(const scatter_along_axis_params *)c->params;
    int64_t batch = op_batch_size(c, axis_in);
    mx_array *in[3];
    for (int i = 0; i < 3; i++) in[i] = op_batched(c->in[i], axis_in[i], batch);
    p.axis++;
    axis_out[0] = 0;
    return (out[0] = op_apply_n(c->op, &p, in, 3)) != NULL;
}

const mx_op mx_op_scatter_along_axis = {OP_NAMED(scatter_along_axis, "scatter_along_axis"),
                                        .fields = scatter_along_axis_fields,
                                        .params_size = sizeof(scatter_along_axis_params),
                                        .shape = op_shape_same,
                                        .vjp = scatter_along_axis_vjp,
                                        .jvp = scatter_along_axis_jvp,
                                        .vmap = scatter_along_axis_vmap};

static mx_array *write_along(const char *op, mx_array *x, mx_array *indices, mx_array *values, int axis,
                             mx_scatter_mode mode)
{
    if (!op_has(op, values) || !mode_exists(op, mode)) return NULL;
    int a = match_along(op, &x, &indices, axis);
    if (a < 0) return NULL;
    values = mx_broadcast_to(mx_astype(values, (mx_dtype)x->dtype), array_shape(indices));
    return scatter_along(x, indices, values, &(scatter_along_axis_params){.axis = a, .mode = mode});
}

mx_array *mx_scatter_along_axis(mx_array *x, mx_array *indices, mx_array *values, int axis, mx_scatter_mode mode)
{
    return write_along("scatter_along_axis", x, indices, values, axis, mode);
}

mx_array *mx_put_along_axis(mx_array *x, mx_array *indices, mx_array *values, int axis)
{
    return write_along("put_along_axis", x, indices, values, axis, MX_SCATTER_SET);
}
