/* SPDX-License-Identifier: MIT
 *
 * Ops that lay the same data out anew: they cost strides, not copies.  A reshape that no strides can express is copied.
 */
#include "core/params/layout.h"
#include "core/thread.h"
#include "ops/rules.h"
#include <string.h>

/* ---- alias: a node of its own for the same value */
static bool alias_view(const mx_call *c, mx_array *out)
{
    memcpy(out->strides, c->in[0]->strides, (size_t)out->ndim * sizeof *out->strides);
    return true;
}

static bool alias_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    (void)c;
    return (din[0] = dout[0]) != NULL;
}

const mx_op mx_op_alias = {OP_NAMED(alias, "copy"), .flags = OP_VIEW | OP_IDENTITY | OP_ANY_SIZE,
                           .shape = op_shape_same,  .vjp = alias_vjp,
                           .jvp = op_jvp_linear,    .vmap = op_vmap_leading,
                           .view = alias_view};

mx_array *mx_copy(mx_array *x)
{
    return op_apply(&mx_op_alias, NULL, x);
}

/* ---- stop_gradient: the same value, a constant to derivatives */
const mx_op mx_op_stop_gradient = {OP_NAMED(stop_gradient, "stop_gradient"),
                                   .flags = OP_VIEW | OP_ANY_SIZE,
                                   .shape = op_shape_same,
                                   .vjp = op_vjp_zero,
                                   .jvp = op_jvp_zero,
                                   .vmap = op_vmap_leading,
                                   .view = alias_view};

mx_array *mx_stop_gradient(mx_array *x)
{
    return op_apply(&mx_op_stop_gradient, NULL, x);
}

/* ---- contiguous: the same value, row-major */
static bool contiguous_view(const mx_call *c, mx_array *out)
{
    return array_is_contiguous(c->in[0]) && alias_view(c, out);
}

const mx_op mx_op_contiguous = {OP_NAMED(contiguous, "contiguous"),
                                .flags = OP_VIEW | OP_ANY_SIZE,
                                .shape = op_shape_same,
                                .vjp = alias_vjp,
                                .jvp = op_jvp_linear,
                                .vmap = op_vmap_leading,
                                .view = contiguous_view};

mx_array *mx_contiguous(mx_array *x)
{
    bool already = x && array_state(x) == STATE_DONE && array_is_contiguous(x);
    return already ? x : op_apply(&mx_op_contiguous, NULL, x);
}

/* ---- reshape */
static const mx_field shape_fields[] = {FIELD_SHAPE(shape_params, shape), FIELD_END};

static mx_shape shape_param(const mx_call *c)
{
    const shape_params *p = c->params;
    return (mx_shape){p->shape.ndim, p->shape.at};
}

static bool reshape_shape(const mx_call *c, mx_spec *out)
{
    spec_set(out, shape_param(c), (mx_dtype)c->in[0]->dtype);
    return true;
}

/* Splits and merges axes from the front: a run of input axes and a run of output axes of the same size must agree, and
 * the input's run must be one stretch of even steps. */
static bool reshape_view(const mx_call *c, mx_array *out)
{
    const mx_array *in = c->in[0];
    int i = 0, o = 0;
    if (in->size == 0) return shape_row_major(array_shape(out), out->strides), true;
    while (i < in->ndim || o < out->ndim) {
        int first_in = i, first_out = o;
        int64_t size_in = i < in->ndim ? in->shape[i++] : 1, size_out = o < out->ndim ? out->shape[o++] : 1;
        while (size_in != size_out) {
            if (size_in < size_out)
                size_in *= in->shape[i++];
            else
                size_out *= out->shape[o++];
        }
        int64_t step = 1, expected = 0;
        bool first = true;
        for (int k = i - 1; k >= first_in; k--) {
            if (in->shape[k] == 1) continue;
            if (!first && in->strides[k] != expected) return false;
            if (first) step = in->strides[k];
            first = false;
            expected = in->strides[k] * in->shape[k];
        }
        for (int k = o - 1; k >= first_out; k--) {
            out->strides[k] = step;
            step *= out->shape[k];
        }
    }
    return true;
}

static bool reshape_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = mx_reshape(dout[0], array_shape(c->in[0]))) != NULL;
}

static bool reshape_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    mx_shape shape = shape_param(c);
    int64_t whole[MX_MAX_NDIM + 1] = {c->in[0]->shape[0]};
    (void)axis_in;
    for (int i = 0; i < shape.ndim; i++) whole[i + 1] = shape.at[i];
    axis_out[0] = 0;
    return (out[0] = mx_reshape(c->in[0], (mx_shape){shape.ndim + 1, whole})) != NULL;
}

const mx_op mx_op_reshape = {OP_NAMED(reshape, "reshape"),
                             .fields = shape_fields,
                             .params_size = sizeof(shape_params),
                             .flags = OP_VIEW,
                             .shape = reshape_shape,
                             .vjp = reshape_vjp,
                             .jvp = op_jvp_linear,
                             .vmap = reshape_vmap,
                             .view = reshape_view};

/* Replaces a -1 by what is left of `size`. */
static bool infer_dimension(mx_spec *spec, int64_t size, mx_shape asked)
{
    int64_t known = 1;
    int at = -1;
    bool overflow = false;
    char text[SHAPE_TEXT];
    for (int i = 0; i < spec->ndim; i++) {
        if (spec->shape[i] != -1) {
            overflow |= MUL_OVERFLOWS(known, spec->shape[i], &known);
        } else if (at >= 0) {
            return mx_fail_false(MX_VALUE, "[reshape] only one dimension of %s can be inferred.",
                                 shape_text(text, asked));
        } else {
            at = i;
        }
    }
    if (at < 0) return true;
    if (size == 0 || overflow || known <= 0 || size % known) {
        return mx_fail_false(MX_VALUE, "[reshape] Cannot infer the shape %s for an array of size %lld.",
                             shape_text(text, asked), (long long)size);
    }
    spec->shape[at] = size / known;
    return true;
}

mx_array *mx_reshape(mx_array *x, mx_shape shape)
{
    mx_spec spec;
    char text[SHAPE_TEXT];
    if (!op_has("reshape", x)) return NULL;
    if (!shape_readable("reshape", shape)) return NULL;
    spec_set(&spec, shape, (mx_dtype)x->dtype);
    if (!infer_dimension(&spec, x->size, shape)) return NULL;
    int64_t size = shape_size("reshape", spec_shape(&spec));
    if (size < 0) return NULL;
    if (size != x->size) {
        return mx_fail(MX_VALUE, "[reshape] Cannot reshape array of size %lld into shape %s.", (long long)x->size,
                       shape_text(text, shape));
    }
    note_sizes();
    if (shape_equal(spec_shape(&spec), array_shape(x))) return x;
    shape_params p = {.shape = param_shape_of(spec_shape(&spec))};
    return op_apply(&mx_op_reshape, &p, x);
}

/* ---- expand_dims, squeeze: axes of size 1 come and go */
static const mx_field axes_fields[] = {FIELD_AXES(axes_params, axes), FIELD_END};

/* Which axes of the longer shape have no place in the shorter one? */
static uint32_t extra_axes(const mx_call *c)
{
    const axes_params *p = c->params;
    uint32_t extra = 0;
    for (int i = 0; i < p->axes.count; i++) extra |= 1u << p->axes.at[i];
    return extra;
}

static bool expand_shape(const mx_call *c, mx_spec *out)
{
    const axes_params *p = c->params;
    uint32_t extra = extra_axes(c);
    out->dtype = (mx_dtype)c->in[0]->dtype;
    out->ndim = c->in[0]->ndim + p->axes.count;
    for (int i = 0, k = 0; i < out->ndim; i++) out->shape[i] = extra >> i & 1 ? 1 : c->in[0]->shape[k++];
    return true;
}

static bool expand_view(const mx_call *c, mx_array *out)
{
    uint32_t extra = extra_axes(c);
    for (int i = 0, k = 0; i < out->ndim; i++) out->strides[i] = extra >> i & 1 ? 0 : c->in[0]->strides[k++];
    return true;
}

static bool squeeze_shape(const mx_call *c, mx_spec *out)
{
    const mx_array *x = c->in[0];
    uint32_t extra = extra_axes(c);
    out->dtype = (mx_dtype)x->dtype;
    out->ndim = 0;
    for (int i = 0; i < x->ndim; i++) {
        if (!(extra >> i & 1)) {
            out->shape[out->ndim++] = x->shape[i];
        } else if (x->shape[i] != 1) {
            return mx_fail_false(MX_VALUE, "[squeeze] Cannot squeeze axis %d with size %lld which is not equal to 1.",
                                 i, (long long)x->shape[i]);
        }
    }
    return true;
}

static bool squeeze_view(const mx_call *c, mx_array *out)
{
    uint32_t extra = extra_axes(c);
    for (int i = 0, k = 0; i < c->in[0]->ndim; i++) {
        if (!(extra >> i & 1)) out->strides[k++] = c->in[0]->strides[i];
    }
    return true;
}

static bool expand_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = op_apply(&mx_op_squeeze, c->params, dout[0])) != NULL;
}

static bool squeeze_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = op_apply(&mx_op_expand_dims, c->params, dout[0])) != NULL;
}

/* Both, with the batch in front. */
static bool axes_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    axes_params p = *(const axes_params *)c->params;
    (void)axis_in;
    for (int i = 0; i < p.axes.count; i++) p.axes.at[i]++;
    axis_out[0] = 0;
    return (out[0] = op_apply(c->op, &p, c->in[0])) != NULL;
}

static mx_origin expand_origin(const mx_call *c, int axis)
{
    uint32_t extra = extra_axes(c);
    int before = 0;
    for (int i = 0; i < axis; i++) before += extra >> i & 1;
    return extra >> axis & 1 ? (mx_origin){ORIGIN_ONE, 0} : (mx_origin){0, axis - before};
}

static mx_origin squeeze_origin(const mx_call *c, int axis)
{
    uint32_t extra = extra_axes(c);
    int from = 0;
    for (int seen = -1; (seen += !(extra >> from & 1)) < axis;) from++;
    return (mx_origin){0, from};
}

#define AXES_OP(id, text, shape_rule, vjp_rule, view_rule, origin_rule)                                                \
    const mx_op mx_op_##id = {OP_NAMED(id, text),                                                                      \
                              .fields = axes_fields,                                                                   \
                              .params_size = sizeof(axes_params),                                                      \
                              .flags = OP_VIEW | OP_ANY_SIZE,                                                          \
                              .shape = shape_rule,                                                                     \
                              .vjp = vjp_rule,                                                                         \
                              .jvp = op_jvp_linear,                                                                    \
                              .vmap = axes_vmap,                                                                       \
                              .origin = origin_rule,                                                                   \
                              .view = view_rule};
AXES_OP(expand_dims, "expand_dims", expand_shape, expand_vjp, expand_view, expand_origin)
AXES_OP(squeeze, "squeeze", squeeze_shape, squeeze_vjp, squeeze_view, squeeze_origin)

mx_array *mx_expand_dims(mx_array *x, mx_axes axes)
{
    int at[MX_MAX_NDIM];
    if (!op_has("expand_dims", x)) return NULL;
    if (axes.count < 0 || axes.count > MX_MAX_NDIM - x->ndim) {
        return mx_fail(MX_VALUE, "[expand_dims] %d axes more than the %d there are; %d is the most.", axes.count,
                       x->ndim, MX_MAX_NDIM);
    }
    int count = axes_of("expand_dims", axes, x->ndim + axes.count, MX_VALUE, at);
    if (count <= 0) return count < 0 ? NULL : x;
    return op_apply(&mx_op_expand_dims, &(axes_params){param_axes_of(at, count)}, x);
}

mx_array *mx_squeeze(mx_array *x, mx_axes axes)
{
    int at[MX_MAX_NDIM], n = 0;
    if (!op_has("squeeze", x)) return NULL;
    int count = axes_of("squeeze", axes, x->ndim, MX_VALUE, at);
    if (count < 0) return NULL;
    if (axes.count < 0) note_sizes();
    for (int i = 0; i < count; i++) {
        if (x->shape[at[i]] == 1 || axes.count >= 0) at[n++] = at[i]; /* the shape rule checks those that are named */
    }
    return n == 0 ? x : op_apply(&mx_op_squeeze, &(axes_params){param_axes_of(at, n)}, x);
}

/* ---- transpose */
static const mx_field transpose_fields[] = {FIELD_AXES(transpose_params, order), FIELD_END};

static bool transpose_shape(const mx_call *c, mx_spec *out)
{
    const transpose_params *p = c->params;
    out->ndim = c->in[0]->ndim;
    out->dtype = (mx_dtype)c->in[0]->dtype;
    for (int i = 0; i < out->ndim; i++) out->shape[i] = c->in[0]->shape[p->order.at[i]];
    return true;
}

static bool transpose_view(const mx_call *c, mx_array *out)
{
    const transpose_params *p = c->params;
    for (int i = 0; i < out->ndim; i++) out->strides[i] = c->in[0]->strides[p->order.at[i]];
    return true;
}

static bool transpose_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    const transpose_params *p = c->params;
    int inverse[MX_MAX_NDIM];
    for (int i = 0; i < p->order.count; i++) inverse[p->order.at[i]] = i;
    return (din[0] = mx_transpose(dout[0], (mx_axes){p->order.count, inverse})) != NULL;
}

static bool transpose_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    const transpose_params *p = c->params;
    int order[MX_MAX_NDIM + 1] = {0};
    (void)axis_in;
    for (int i = 0; i < p->order.count; i++) order[i + 1] = p->order.at[i] + 1;
    axis_out[0] = 0;
    return (out[0] = mx_transpose(c->in[0], (mx_axes){p->order.count + 1, order})) != NULL;
}

static mx_origin transpose_origin(const mx_call *c, int axis)
{
    return (mx_origin){0, ((const transpose_params *)c->params)->order.at[axis]};
}

const mx_op mx_op_transpose = {OP_NAMED(transpose, "transpose"),
                               .fields = transpose_fields,
                               .params_size = sizeof(transpose_params),
                               .flags = OP_VIEW | OP_ANY_SIZE,
                               .shape = transpose_shape,
                               .vjp = transpose_vjp,
                               .jvp = op_jvp_linear,
                               .vmap = transpose_vmap,
                               .origin = transpose_origin,
                               .view = transpose_view};

mx_array *mx_transpose(mx_array *x, mx_axes order)
{
    transpose_params p = {0};
    bool seen[MX_MAX_NDIM] = {false}, same = true;
    if (!op_has("transpose", x)) return NULL;
    p.order.count = x->ndim;
    if (order.count >= 0 && order.count != x->ndim) {
        return mx_fail(MX_VALUE, "[transpose] %d axes given for an array with %d dimensions.", order.count, x->ndim);
    }
    if (order.count > 0 && !order.at) return mx_fail(MX_VALUE, "[transpose] The list of axes is NULL.");
    for (int i = 0; i < x->ndim; i++) {
        int axis = order.count < 0 ? x->ndim - 1 - i : axis_of("transpose", order.at[i], x->ndim, MX_VALUE);
        if (axis < 0) return NULL;
        if (seen[axis]) return mx_fail(MX_VALUE, "[transpose] axis %d is given twice.", order.at[i]);
        seen[axis] = true;
        same &= axis == i;
        p.order.at[i] = axis;
    }
    return same ? x : op_apply(&mx_op_transpose, &p, x);
}

mx_array *mx_moveaxis(mx_array *x, int source, int destination)
{
    int order[MX_MAX_NDIM], n = 0;
    if (!op_has("moveaxis", x)) return NULL;
    int from = axis_of("moveaxis", source, x->ndim, MX_INDEX),
        to = from < 0 ? -1 : axis_of("moveaxis", destination, x->ndim, MX_INDEX);
    if (to < 0) return NULL;
    for (int i = 0, k = 0; i < x->ndim; i++) {
        if (i == to) {
            order[n++] = from;
            continue;
        }
        k += k == from;
        order[n++] = k++;
    }
    return mx_transpose(x, (mx_axes){x->ndim, order});
}

mx_array *mx_swapaxes(mx_array *x, int a, int b)
{
    int order[MX_MAX_NDIM];
    if (!op_has("swapaxes", x)) return NULL;
    int i = axis_of("swapaxes", a, x->ndim, MX_INDEX), j = i < 0 ? -1 : axis_of("swapaxes", b, x->ndim, MX_INDEX);
    if (j < 0) return NULL;
    for (int k = 0; k < x->ndim; k++) order[k] = k == i ? j : k == j ? i : k;
    return mx_transpose(x, (mx_axes){x->ndim, order});
}

/* ---- broadcast */
static bool broadcast_view(const mx_call *c, mx_array *out)
{
    const mx_array *in = c->in[0];
    int extra = out->ndim - in->ndim;
    for (int i = 0; i < out->ndim; i++) {
        out->strides[i] = i < extra || in->shape[i - extra] != out->shape[i] ? 0 : in->strides[i - extra];
    }
    return true;
}

static bool broadcast_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = mx_sum_to(dout[0], array_shape(c->in[0]))) != NULL;
}

static bool broadcast_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    mx_shape shape = shape_param(c);
    mx_array *x = c->in[0];
    int64_t whole[MX_MAX_NDIM + 1] = {x->shape[0]}, aligned[MX_MAX_NDIM + 1] = {x->shape[0]};
    int extra = shape.ndim - (x->ndim - 1);
    (void)axis_in;
    for (int i = 0; i < shape.ndim; i++) {
        whole[i + 1] = shape.at[i];
        aligned[i + 1] = i < extra ? 1 : x->shape[1 + i - extra];
    }
    axis_out[0] = 0;
    return (out[0] = mx_broadcast_to(mx_reshape(x, (mx_shape){shape.ndim + 1, aligned}),
                                     (mx_shape){shape.ndim + 1, whole})) != NULL;
}

const mx_op mx_op_broadcast = {OP_NAMED(broadcast, "broadcast_to"),
                               .fields = shape_fields,
                               .params_size = sizeof(shape_params),
                               .flags = OP_VIEW,
                               .shape = reshape_shape,
                               .vjp = broadcast_vjp,
                               .jvp = op_jvp_linear,
                               .vmap = broadcast_vmap,
                               .view = broadcast_view};

mx_array *mx_broadcast_to(mx_array *x, mx_shape shape)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    if (!op_has("broadcast_to", x) || shape_size("broadcast_to", shape) < 0) return NULL;
    note_sizes();
    if (shape_equal(shape, array_shape(x))) return x;
    if (!shape_can_broadcast_to(array_shape(x), shape)) {
        return mx_fail(MX_VALUE, "[broadcast_to] Shape %s cannot be broadcast to %s.", shape_text(a, array_shape(x)),
                       shape_text(b, shape));
    }
    shape_params p = {.shape = param_shape_of(shape)};
    return op_apply(&mx_op_broadcast, &p, x);
}
