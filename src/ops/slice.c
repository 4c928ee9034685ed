/* SPDX-License-Identifier: MIT
 *
 * Slices: views with a start and a step along each axis, and their transpose, writing into a slice.  A diagonal and
 * as_strided are views of the same kind. */
#include "core/params/slice.h"
#include "core/thread.h"
#include "ops/rules.h"

static const mx_field slice_fields[] = {FIELD_SHAPE(slice_params, start), FIELD_SHAPE(slice_params, step),
                                        FIELD_SHAPE(slice_params, size), FIELD_END};

/* ---- Which elements */
static int64_t clamp(int64_t i, int64_t low, int64_t high)
{
    return i < low ? low : i > high ? high : i;
}

/* One axis of n elements, as Python counts. */
static bool normalize(const char *op, int64_t n, int64_t start, int64_t stop, int64_t step, slice_params *p)
{
    int i = p->size.ndim;
    int64_t low = step < 0 ? -1 : 0, high = step < 0 ? n - 1 : n;
    if (step == 0) return mx_fail_false(MX_VALUE, "[%s] the step of axis %d is 0.", op, i);
    start = clamp(start < 0 ? start + n : start, low, high);
    stop = clamp(stop < 0 ? stop + n : stop, low, high);
    int64_t reach = step < 0 ? start - stop : stop - start;
    uint64_t pace = step < 0 ? -(uint64_t)step : (uint64_t)step;
    int64_t size = reach > 0 ? (int64_t)(((uint64_t)reach - 1) / pace) + 1 : 0;
    p->start.at[i] = size ? start : 0;
    p->step.at[i] = size > 1 ? step : 1; /* one form of equal slices */
    p->size.at[i] = size;
    p->start.ndim = p->step.ndim = p->size.ndim = i + 1;
    return true;
}

static bool slice_of(const char *op, mx_array *x, const int64_t *start, const int64_t *stop, const int64_t *step,
                     slice_params *p)
{
    if (!op_has(op, x)) return false;
    if (x->ndim && !(start && stop && step)) return mx_fail_false(MX_VALUE, "[%s] start, stop or step is NULL.", op);
    for (int i = 0; i < x->ndim; i++) {
        if (!normalize(op, x->shape[i], start[i], stop[i], step[i], p)) return false;
    }
    return true;
}

static bool is_whole(const slice_params *p, const mx_array *x)
{
    for (int i = 0; i < x->ndim; i++) {
        if (p->size.at[i] != x->shape[i] || p->step.at[i] != 1) return false;
    }
    return true;
}

/* The same slice of every entry of a batch in front. */
static slice_params batched(const slice_params *p, int64_t batch)
{
    slice_params q = {.start = {.ndim = p->start.ndim + 1},
                      .step = {.ndim = p->step.ndim + 1, .at = {1}},
                      .size = {.ndim = p->size.ndim + 1, .at = {batch}}};
    for (int i = 0; i < p->size.ndim; i++) {
        q.start.at[i + 1] = p->start.at[i];
        q.step.at[i + 1] = p->step.at[i];
        q.size.at[i + 1] = p->size.at[i];
    }
    return q;
}

static mx_shape slice_shape(const slice_params *p)
{
    return (mx_shape){p->size.ndim, p->size.at};
}

/* ---- slice */
static mx_array *write_slice(mx_array *x, mx_array *update, const slice_params *p)
{
    return op_apply(&mx_op_slice_update, p, x, update);
}

static mx_array *read_slice(mx_array *x, const slice_params *p)
{
    return op_apply(&mx_op_slice, p, x);
}

static bool sliced_shape(const mx_call *c, mx_spec *out)
{
    spec_set(out, slice_shape(c->params), (mx_dtype)c->in[0]->dtype);
    return true;
}

static bool slice_view(const mx_call *c, mx_array *out)
{
    const slice_params *p = c->params;
    const mx_array *in = c->in[0];
    int64_t first = 0;
    for (int i = 0; i < out->ndim; i++) {
        out->strides[i] = in->strides[i] * p->step.at[i];
        first += in->strides[i] * p->start.at[i];
    }
    if (out->size) out->offset += first * (int64_t)mx_dtype_size((mx_dtype)in->dtype);
    return true;
}

static bool slice_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = write_slice(mx_zeros_like(c->in[0]), dout[0], c->params)) != NULL;
}

static bool slice_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    slice_params p = batched(c->params, c->in[0]->shape[0]);
    (void)axis_in;
    axis_out[0] = 0;
    return (out[0] = read_slice(c->in[0], &p)) != NULL;
}

const mx_op mx_op_slice = {OP_NAMED(slice, "slice"), .fields = slice_fields, .params_size = sizeof(slice_params),
                           .flags = OP_VIEW,         .shape = sliced_shape,  .vjp = slice_vjp,
                           .jvp = op_jvp_linear,     .vmap = slice_vmap,     .view = slice_view};

mx_array *mx_slice(mx_array *x, const int64_t *start, const int64_t *stop, const int64_t *step)
{
    slice_params p = {0};
    if (!slice_of("slice", x, start, stop, step, &p)) return NULL;
    if (!is_whole(&p, x)) return read_slice(x, &p);
    for (int i = 0; i < x->ndim; i++) {
        if (start[i] != 0 || stop[i] < INT64_MAX || step[i] != 1) note_sizes();
    }
    return x;
}

/* ---- slice_update */
static bool slice_update_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    if (call_wants(c, 0)) din[0] = write_slice(dout[0], mx_zeros_like(c->in[1]), c->params);
    if (call_wants(c, 1)) din[1] = read_slice(dout[0], c->params);
    return !mx_failed();
}

static bool slice_update_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    int64_t batch = op_batch_size(c, axis_in);
    slice_params p = batched(c->params, batch);
    axis_out[0] = 0;
    out[0] = write_slice(op_batched(c->in[0], axis_in[0], batch), op_batched(c->in[1], axis_in[1], batch), &p);
    return out[0] != NULL;
}

const mx_op mx_op_slice_update = {OP_NAMED(slice_update, "slice_update"),
                                  .fields = slice_fields,
                                  .params_size = sizeof(slice_params),
                                  .shape = op_shape_same,
                                  .vjp = slice_update_vjp,
                                  .jvp = op_jvp_linear,
                                  .vmap = slice_update_vmap};

/* An update may have more leading axes than x, of size 1. */
static mx_array *drop_leading_ones(mx_array *update, int ndim)
{
    int extra = update->ndim - ndim;
    for (int i = 0; i < extra; i++) {
        if (update->shape[i] != 1) return update;
    }
    return extra > 0 ? mx_reshape(update, (mx_shape){ndim, update->shape + extra}) : update;
}

mx_array *mx_slice_update(mx_array *x, mx_array *update, const int64_t *start, const int64_t *stop, const int64_t *step)
{
    slice_params p = {0};
    if (!op_has("slice_update", update) || !slice_of("slice_update", x, start, stop, step, &p)) return NULL;
    update = drop_leading_ones(mx_astype(update, (mx_dtype)x->dtype), x->ndim);
    update = mx_broadcast_to(update, slice_shape(&p));
    return !update || is_whole(&p, x) ? update : write_slice(x, update, &p);
}

/* ---- diagonal */
static const mx_field diagonal_fields[] = {FIELD_INT64(diagonal_params, offset), FIELD_END};

static int64_t diagonal_size(const mx_array *x, int64_t offset)
{
    int64_t rows = x->shape[x->ndim - 2] + (offset < 0 ? offset : 0);
    int64_t columns = x->shape[x->ndim - 1] - (offset > 0 ? offset : 0);
    int64_t size = rows < columns ? rows : columns;
    return size > 0 ? size : 0;
}

static bool diagonal_shape(const mx_call *c, mx_spec *out)
{
    const diagonal_params *p = c->params;
    spec_set(out, array_shape(c->in[0]), (mx_dtype)c->in[0]->dtype);
    out->ndim--;
    out->shape[out->ndim - 1] = diagonal_size(c->in[0], p->offset);
    return true;
}

static bool diagonal_view(const mx_call *c, mx_array *out)
{
    const diagonal_params *p = c->params;
    const mx_array *in = c->in[0];
    int d = in->ndim;
    int64_t first = p->offset < 0 ? -p->offset * in->strides[d - 2] : p->offset * in->strides[d - 1];
    for (int i = 0; i < d - 2; i++) out->strides[i] = in->strides[i];
    out->strides[d - 2] = in->strides[d - 2] + in->strides[d - 1];
    if (out->size) out->offset += first * (int64_t)mx_dtype_size((mx_dtype)in->dtype);
    return true;
}

/* Into zeros whose last two axes are one: there the diagonal is a slice with step columns + 1. */
static bool diagonal_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const diagonal_params *p = c->params;
    const mx_array *in = c->in[0];
    int d = in->ndim;
    int64_t columns = in->shape[d - 1], flat[MX_MAX_NDIM];
    slice_params s = {.start.ndim = d - 1, .step.ndim = d - 1, .size.ndim = d - 1};
    for (int i = 0; i < d - 1; i++) {
        flat[i] = in->shape[i];
        s.step.at[i] = 1;
        s.size.at[i] = dout[0]->shape[i];
    }
    if (dout[0]->size == 0) return true;
    flat[d - 2] *= columns;
    s.start.at[d - 2] = p->offset < 0 ? -p->offset * columns : p->offset;
    s.step.at[d - 2] = columns + 1;
    mx_array *zeros = mx_zeros((mx_shape){d - 1, flat}, (mx_dtype)in->dtype);
    mx_array *whole = write_slice(zeros, dout[0], &s);
    return whole && (din[0] = mx_reshape(whole, array_shape(in))) != NULL;
}

const mx_op mx_op_diagonal = {OP_NAMED(diagonal, "diagonal"),
                              .fields = diagonal_fields,
                              .params_size = sizeof(diagonal_params),
                              .flags = OP_VIEW,
                              .shape = diagonal_shape,
                              .vjp = diagonal_vjp,
                              .jvp = op_jvp_linear,
                              .vmap = op_vmap_leading,
                              .view = diagonal_view};

mx_array *mx_diagonal(mx_array *x, int offset, int axis1, int axis2)
{
    int order[MX_MAX_NDIM], n = 0;
    if (!op_has("diagonal", x)) return NULL;
    if (x->ndim < 2) return mx_fail(MX_VALUE, "[diagonal] %d dimensions; at least two are needed.", x->ndim);
    int a = axis_of("diagonal", axis1, x->ndim, MX_INDEX),
        b = a < 0 ? -1 : axis_of("diagonal", axis2, x->ndim, MX_INDEX);
    if (b < 0) return NULL;
    if (a == b) return mx_fail(MX_VALUE, "[diagonal] axis %d is given twice.", axis1);
    for (int i = 0; i < x->ndim; i++) {
        if (i != a && i != b) order[n++] = i;
    }
    order[n++] = a;
    order[n++] = b;
    x = mx_transpose(x, (mx_axes){n, order});
    return op_apply(&mx_op_diagonal, &(diagonal_params){offset}, x);
}

/* The diagonal of an n x n matrix of zeros, n = size + |diagonal|; or that of a matrix. */
mx_array *mx_diag(mx_array *x, int diagonal)
{
    if (!op_has("diag", x)) return NULL;
    if (x->ndim == 2) return mx_diagonal(x, diagonal, 0, 1);
    if (x->ndim != 1) return mx_fail(MX_VALUE, "[diag] %d dimensions; one or two are needed.", x->ndim);
    int64_t k = diagonal, n = x->shape[0] + (k < 0 ? -k : k);
    mx_array *zeros = mx_zeros(MX_SHAPE(n, n), (mx_dtype)x->dtype);
    if (!zeros || x->size == 0) return zeros;
    slice_params p = {.start = {1, {k < 0 ? -k * n : k}}, .step = {1, {n + 1}}, .size = {1, {x->size}}};
    return mx_reshape(write_slice(mx_reshape(zeros, MX_SHAPE(n * n)), x, &p), MX_SHAPE(n, n));
}

/* ---- as_strided */
static const mx_field as_strided_fields[] = {FIELD_SHAPE(as_strided_params, shape),
                                             FIELD_SHAPE(as_strided_params, strides),
                                             FIELD_INT64(as_strided_params, offset), FIELD_END};

static bool as_strided_shape(const mx_call *c, mx_spec *out)
{
    const as_strided_params *p = c->params;
    spec_set(out, (mx_shape){p->shape.ndim, p->shape.at}, (mx_dtype)c->in[0]->dtype);
    return true;
}

/* The input is always a node that is row-major: mx_as_strided sees to it. */
static bool as_strided_view(const mx_call *c, mx_array *out)
{
    const as_strided_params *p = c->params;
    for (int i = 0; i < out->ndim; i++) out->strides[i] = p->strides.at[i];
    if (out->size) out->offset += p->offset * (int64_t)mx_dtype_size((mx_dtype)out->dtype);
    return true;
}

static mx_array *as_strided_by(mx_array *x, const as_strided_params *p)
{
    return mx_as_strided(x, (mx_shape){p->shape.ndim, p->shape.at}, p->strides.at, p->offset);
}

/* The same view of 0, 1, 2, ... says where each element came from; they may overlap, so they are added. */
static bool as_strided_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *in = c->in[0], *places = as_strided_by(mx_arange(0, (double)in->size, 1, MX_INT64), c->params);
    mx_array *zeros = mx_zeros(MX_SHAPE(in->size), (mx_dtype)in->dtype);
    mx_array *flat = mx_reshape(dout[0], MX_SHAPE(dout[0]->size));
    if (dout[0]->size == 0) return true;
    places = mx_reshape(places, MX_SHAPE(dout[0]->size));
    din[0] = mx_scatter_along_axis(zeros, places, flat, 0, MX_SCATTER_ADD);
    return din[0] && (din[0] = mx_reshape(din[0], array_shape(in))) != NULL;
}

static bool as_strided_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = as_strided_by(tin[0], c->params)) != NULL;
}

static bool as_strided_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    const as_strided_params *p = c->params;
    int64_t batch = c->in[0]->shape[0], shape[MX_MAX_NDIM + 1] = {batch};
    int64_t strides[MX_MAX_NDIM + 1] = {batch ? c->in[0]->size / batch : 0};
    (void)axis_in;
    for (int i = 0; i < p->shape.ndim; i++) {
        shape[i + 1] = p->shape.at[i];
        strides[i + 1] = p->strides.at[i];
    }
    axis_out[0] = 0;
    return (out[0] = mx_as_strided(c->in[0], (mx_shape){p->shape.ndim + 1, shape}, strides, p->offset)) != NULL;
}

const mx_op mx_op_as_strided = {OP_NAMED(as_strided, "as_strided"),
                                .fields = as_strided_fields,
                                .params_size = sizeof(as_strided_params),
                                .flags = OP_VIEW,
                                .shape = as_strided_shape,
                                .vjp = as_strided_vjp,
                                .jvp = as_strided_jvp,
                                .vmap = as_strided_vmap,
                                .view = as_strided_view};

/* Is every element of the view one of the n elements? */
static bool is_inside(mx_shape shape, const int64_t *strides, int64_t offset, int64_t n)
{
    int64_t low = offset, high = offset, reach;
    for (int i = 0; i < shape.ndim; i++) {
        if (MUL_OVERFLOWS(shape.at[i] - 1, strides[i], &reach)) return false;
        int64_t *end = reach < 0 ? &low : &high;
        if (reach > INT64_MAX / 64 || reach < INT64_MIN / 64) return false;
        *end += reach;
    }
    return low >= 0 && high < n;
}

mx_array *mx_as_strided(mx_array *x, mx_shape shape, const int64_t *strides, int64_t offset)
{
    as_strided_params p = {.shape = {.ndim = 0}, .offset = offset};
    if (!op_has("as_strided", x)) return NULL;
    int64_t size = shape_size("as_strided", shape);
    if (size < 0) return NULL;
    if (shape.ndim && !strides) return mx_fail(MX_VALUE, "[as_strided] strides is NULL.");
    bool small = offset >= 0 && offset <= x->size;
    if (size && !(small && is_inside(shape, strides, offset, x->size))) {
        char text[SHAPE_TEXT];
        return mx_fail(MX_VALUE, "[as_strided] a view of shape %s at offset %lld leaves the array's %lld elements.",
                       shape_text(text, shape), (long long)offset, (long long)x->size);
    }
    p.shape = param_shape_of(shape);
    p.strides = param_shape_of((mx_shape){shape.ndim, strides});
    return op_apply(&mx_op_as_strided, &p, mx_contiguous(mx_reshape(x, MX_SHAPE(x->size))));
}
