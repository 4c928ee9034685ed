/* SPDX-License-Identifier: MIT
 *
 * Sizes that are not known yet.  While a shapeless program is captured, what depends on the size of a placeholder is
 * noted as an op that says how: axes that are split or merged, a number of elements, a broadcast to another array's
 * shape.  Each replay makes them anew from the sizes that it finds (`resize`), so they are never computed and nothing
 * of them is left in what a program makes. */
#include "core/origins.h"
#include "core/params/sizes.h"
#include "core/thread.h"
#include "mica/transforms.h"
#include "ops/rules.h"

mx_origin op_origin_first(const mx_call *c, int axis)
{
    (void)c;
    return (mx_origin){0, axis};
}

bool sizes_are_free(const mx_array *x)
{
    return UNLIKELY(thread_self()->origins != NULL) && x && mx_is_tracer(x);
}

/* ---- regroup */
static const mx_field regroup_fields[] = {FIELD_INT(regroup_params, first), FIELD_INT(regroup_params, last),
                                          FIELD_SHAPE(regroup_params, shape), FIELD_END};

/* Replaces the -1 so that the product is `size`; false (no error) if that cannot be. */
static bool fill_dimension(int64_t *part, int count, int64_t size)
{
    int64_t known = 1;
    int at = -1;
    for (int i = 0; i < count; i++) {
        if (part[i] == -1 && at >= 0) return false;
        if (part[i] == -1) {
            at = i;
        } else if (part[i] < 0 || MUL_OVERFLOWS(known, part[i], &known)) {
            return false;
        }
    }
    if (at < 0) return known == size;
    if (known == 0 || size % known) return false;
    part[at] = size / known;
    return true;
}

/* The shape that x gets. */
static bool regrouped(const char *op, const mx_array *x, const regroup_params *p, mx_spec *out)
{
    char a[SHAPE_TEXT], b[SHAPE_TEXT];
    int64_t whole[2 * MX_MAX_NDIM], size = 1;
    int tail = p->last < p->first ? p->first : p->last + 1, n = p->first + p->shape.ndim + x->ndim - tail;
    if (n > MX_MAX_NDIM) return mx_fail_false(MX_VALUE, "[%s] %d dimensions; %d is the most.", op, n, MX_MAX_NDIM);
    for (int i = 0; i < p->first; i++) whole[i] = x->shape[i];
    for (int i = p->first; i < tail; i++) size *= x->shape[i];
    for (int i = 0; i < p->shape.ndim; i++) whole[p->first + i] = p->shape.at[i];
    for (int i = tail; i < x->ndim; i++) whole[n - x->ndim + i] = x->shape[i];
    if (!fill_dimension(whole + p->first, p->shape.ndim, size)) {
        const char *what = shape_text(b, (mx_shape){p->shape.ndim, p->shape.at});
        if (p->first == p->last)
            return mx_fail_false(MX_VALUE, "[%s] axis %d of size %lld cannot become %s.", op, p->first, (long long)size,
                                 what);
        return mx_fail_false(MX_VALUE, "[%s] Cannot reshape array of shape %s into shape %s.", op,
                             shape_text(a, array_shape(x)), what);
    }
    spec_set(out, (mx_shape){n, whole}, (mx_dtype)x->dtype);
    return true;
}

static bool regroup_shape(const mx_call *c, mx_spec *out)
{
    return regrouped("reshape", c->in[0], c->params, out);
}

static mx_array *regroup(const char *op, mx_array *x, const regroup_params *p)
{
    mx_spec spec;
    if (!x) return NULL;
    if (!regrouped(op, x, p, &spec)) return NULL;
    return sizes_are_free(x) ? op_apply(&mx_op_regroup, p, x) : mx_reshape(x, spec_shape(&spec));
}

static bool regroup_resize(const mx_call *c, mx_array **out)
{
    return (out[0] = regroup("reshape", c->in[0], c->params)) != NULL;
}

static bool regroup_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = mx_reshape(dout[0], array_shape(c->in[0]))) != NULL;
}

static bool regroup_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = regroup("reshape", tin[0], c->params)) != NULL;
}

static bool regroup_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    regroup_params p = *(const regroup_params *)c->params;
    (void)axis_in;
    p.first++, p.last++;
    axis_out[0] = 0;
    return (out[0] = regroup("reshape", c->in[0], &p)) != NULL;
}

const mx_op mx_op_regroup = {OP_NAMED(regroup, "reshape"),
                             .fields = regroup_fields,
                             .params_size = sizeof(regroup_params),
                             .flags = OP_ANY_SIZE | OP_SYMBOLIC,
                             .shape = regroup_shape,
                             .vjp = regroup_vjp,
                             .jvp = regroup_jvp,
                             .vmap = regroup_vmap,
                             .resize = regroup_resize};

mx_array *mx_reshape_given(mx_array *x, mx_shape shape)
{
    if (!sizes_are_free(x)) return mx_reshape(x, shape);
    if (!shape_readable("reshape", shape)) return NULL;
    return regroup("reshape", x, &(regroup_params){0, x->ndim - 1, param_shape_of(shape)});
}

static int clamp_axis(int axis, int ndim)
{
    axis = axis < 0 ? axis + ndim : axis;
    return axis < 0 ? 0 : axis;
}

mx_array *mx_flatten(mx_array *x, int first, int last)
{
    if (!op_has("flatten", x)) return NULL;
    if (x->ndim == 0) return mx_expand_dims(x, MX_AXES(0));
    int from = clamp_axis(first, x->ndim), to = last < 0 ? last + x->ndim : last;
    to = to < x->ndim ? to : x->ndim - 1;
    if (from > to || from >= x->ndim)
        return mx_fail(MX_VALUE, "[flatten] axes %d to %d of an array with %d dimensions.", first, last, x->ndim);
    if (from == to) return x;
    return regroup("flatten", x, &(regroup_params){from, to, {1, {-1}}});
}

mx_array *mx_unflatten_given(mx_array *x, int axis, mx_shape shape)
{
    if (!op_has("unflatten", x) || !shape_readable("unflatten", shape)) return NULL;
    int a = axis_of("unflatten", axis, x->ndim, MX_VALUE);
    if (a < 0) return NULL;
    if (shape.ndim <= 0) return mx_fail(MX_VALUE, "[unflatten] the shape is empty.");
    return regroup("unflatten", x, &(regroup_params){a, a, param_shape_of(shape)});
}

mx_array *mx_unflatten(mx_array *x, int axis, mx_shape shape)
{
    note_sizes();
    return mx_unflatten_given(x, axis, shape);
}

/* ---- broadcast_like: to the shape of the second input */
static bool like_shape(const mx_call *c, mx_spec *out)
{
    spec_set(out, array_shape(c->in[1]), (mx_dtype)c->in[0]->dtype);
    return true;
}

mx_array *op_broadcast_like(mx_array *x, mx_array *like)
{
    if (!op_has("broadcast_to", x) || !op_has("broadcast_to", like)) return NULL;
    bool free = sizes_are_free(like) || sizes_are_free(x);
    if (!free || !shape_can_broadcast_to(array_shape(x), array_shape(like)))
        return mx_broadcast_to(x, array_shape(like));
    return op_apply(&mx_op_broadcast_like, NULL, x, like);
}

static mx_origin like_origin(const mx_call *c, int axis)
{
    (void)c;
    return (mx_origin){1, axis};
}

static bool like_resize(const mx_call *c, mx_array **out)
{
    return (out[0] = op_broadcast_like(c->in[0], c->in[1])) != NULL;
}

static bool like_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = mx_sum_like(dout[0], c->in[0])) != NULL;
}

static bool like_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = op_broadcast_like(tin[0], c->in[1])) != NULL;
}

/* Ones between the batch of x and its axes, so that they meet those of the other. */
static bool like_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    mx_array *x = c->in[0], *like = c->in[1];
    bool like_is_mapped = axis_in[1] == 0;
    int n = like->ndim - like_is_mapped, axes[MX_MAX_NDIM], ones = 0;
    for (int i = x->ndim; axis_in[0] == 0 && i <= n; i++) axes[ones++] = i - x->ndim + 1;
    if (!(x = mx_expand_dims(x, (mx_axes){ones, axes}))) return false;
    axis_out[0] = 0;
    if (like_is_mapped) return (out[0] = op_broadcast_like(x, like)) != NULL;
    int64_t whole[MX_MAX_NDIM + 1] = {x->shape[0]};
    for (int i = 0; i < n; i++) whole[i + 1] = like->shape[i];
    return (out[0] = mx_broadcast_to(x, (mx_shape){n + 1, whole})) != NULL;
}

const mx_op mx_op_broadcast_like = {OP_NAMED(broadcast_like, "broadcast_to"),
                                    .flags = OP_ANY_SIZE | OP_SYMBOLIC,
                                    .shape = like_shape,
                                    .vjp = like_vjp,
                                    .jvp = like_jvp,
                                    .vmap = like_vmap,
                                    .origin = like_origin,
                                    .resize = like_resize};

/* ---- sum_like: summed to the shape of the second input, over the axes that were broadcast */
static bool same_source(size_source a, size_source b)
{
    return a.array == b.array && a.at == b.at;
}

static bool is_one(size_source s)
{
    return !s.array && s.at == 1;
}

static bool source_of(mx_array *x, int axis, int depth, size_source *source);

/* Of operands that are broadcast, from the last axis on. */
static bool merged_source(mx_array *x, int axis, int depth, size_source *all)
{
    *all = (size_source){NULL, 1};
    for (int i = 0; i < x->nin; i++) {
        mx_array *in = x->in[i];
        int own = axis - (x->ndim - in->ndim);
        size_source s = {NULL, 1};
        if (own >= 0 && !source_of(in, own, depth, &s)) return false;
        if (same_source(s, *all) || is_one(s)) continue;
        if (!is_one(*all)) return *all = (size_source){x, axis}, true;
        *all = s;
    }
    return true;
}

static mx_origin origin_of(const mx_array *x, int axis)
{
    const mx_op *op = x->op;
    mx_call c = {.op = op,
                 .params = array_params(x),
                 .in = x->in,
                 .out = (mx_array *const[]){(mx_array *)x},
                 .nin = x->nin,
                 .nout = x->nout};
    if (op->origin) return op->origin(&c, axis);
    return (mx_origin){op->shape == op_shape_same ? 0 : ORIGIN_UNKNOWN, axis};
}

static bool follow(mx_array *x, int axis, int depth, size_source *source)
{
    if (!x->op->origin && x->op->flags & OP_ELEMENTWISE) return merged_source(x, axis, depth, source);
    mx_origin from = origin_of(x, axis);
    if (from.input >= 0) return source_of(x->in[from.input], from.axis, depth, source);
    *source = from.input == ORIGIN_ONE ? (size_source){NULL, 1} : (size_source){x, axis};
    return true;
}

/* False: an error is recorded.  What was found is kept: else the ways back through a chain of ops of two operands would
 * be doubled by each. */
static bool source_of(mx_array *x, int axis, int depth, size_source *source)
{
    mx_origins *known = thread_self()->origins;
    *source = (size_source){x, axis};
    if (!mx_is_tracer(x)) return *source = (size_source){NULL, x->shape[axis]}, true;
    if (!x->op || x->op->flags & OP_PLACEHOLDER || x->out_index || !known || depth == 0) return true;
    const size_source *found = origins_find(known, x, axis);
    if (found) return *source = *found, true;
    return follow(x, axis, depth - 1, source) && origins_add(known, x, axis, *source);
}

/* Sums over the axes that are broadcast whatever the sizes; NULL: that cannot be said yet, or an error is recorded. */
static mx_array *sum_by_rank(mx_array *x, mx_array *like)
{
    enum { FAR = 1000 }; /* frames of the stack */
    int gone[MX_MAX_NDIM], ones[MX_MAX_NDIM], n = 0, m = 0, extra = x->ndim - like->ndim;
    for (int i = 0; i < extra; i++) gone[n++] = i;
    for (int i = 0; i < like->ndim; i++) {
        size_source have, want;
        if (!source_of(x, i + extra, FAR, &have) || !source_of(like, i, FAR, &want)) return NULL;
        if (same_source(have, want)) continue;
        if (!is_one(want)) return NULL;
        gone[n++] = i + extra, ones[m++] = i;
    }
    if (n == 0) return x;
    return mx_expand_dims(mx_sum(x, (mx_axes){n, gone}, false), (mx_axes){m, ones});
}

mx_array *mx_sum_like(mx_array *x, mx_array *like)
{
    if (!op_has("sum_to", x) || !op_has("sum_to", like)) return NULL;
    if (x->ndim == 0 && like->ndim == 0) return x;
    if (!sizes_are_free(x) && !sizes_are_free(like)) {
        note_sizes();
        return shape_equal(array_shape(x), array_shape(like)) ? x : mx_sum_to(x, array_shape(like));
    }
    mx_array *sum = x->ndim < like->ndim ? NULL : sum_by_rank(x, like);
    return sum || mx_failed() ? sum : op_apply(&mx_op_sum_like, NULL, x, like);
}

static bool sum_like_resize(const mx_call *c, mx_array **out)
{
    return (out[0] = mx_sum_like(c->in[0], c->in[1])) != NULL;
}

static bool sum_like_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *d = dout[0];
    int ones[MX_MAX_NDIM], n = 0;
    for (int i = d->ndim; i < c->in[0]->ndim; i++) ones[n] = n, n++;
    d = mx_expand_dims(d, (mx_axes){n, ones});
    return d && (din[0] = op_broadcast_like(d, c->in[0])) != NULL;
}

static bool sum_like_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = mx_sum_like(tin[0], c->in[1])) != NULL;
}

/* Each of the batch alone has the axes of `like`; the sizes of both are those of this capture from here on. */
static bool sum_like_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    mx_array *x = c->in[0], *like = c->in[1];
    bool x_is_mapped = axis_in[0] == 0, like_is_mapped = axis_in[1] == 0;
    mx_shape from = {x->ndim - x_is_mapped, x->shape + x_is_mapped},
             to = {like->ndim - like_is_mapped, like->shape + like_is_mapped};
    int axes[MX_MAX_NDIM], n = 0, extra = from.ndim - to.ndim;
    int64_t whole[MX_MAX_NDIM + 1] = {x->shape[0]};
    for (int i = 0; i < from.ndim; i++) {
        if (i < extra || to.at[i - extra] != from.at[i]) axes[n++] = i + x_is_mapped;
    }
    for (int i = 0; i < to.ndim; i++) whole[i + x_is_mapped] = to.at[i];
    axis_out[0] = x_is_mapped ? 0 : MX_UNMAPPED;
    mx_array *sum = mx_sum(x, (mx_axes){n, axes}, false);
    return sum && (out[0] = mx_reshape(sum, (mx_shape){to.ndim + x_is_mapped, whole})) != NULL;
}

const mx_op mx_op_sum_like = {OP_NAMED(sum_like, "sum_to"), .flags = OP_ANY_SIZE | OP_SYMBOLIC,
                              .shape = like_shape,          .vjp = sum_like_vjp,
                              .jvp = sum_like_jvp,          .vmap = sum_like_vmap,
                              .origin = like_origin,        .resize = sum_like_resize};

/* ---- element_count */
static const mx_field count_fields[] = {FIELD_AXES(element_count_params, axes),
                                        FIELD_DTYPE(element_count_params, dtype),
                                        FIELD_BOOL(element_count_params, inverted), FIELD_END};

static bool count_shape(const mx_call *c, mx_spec *out)
{
    spec_set(out, (mx_shape){0}, ((const element_count_params *)c->params)->dtype);
    return true;
}

static mx_array *count_of(mx_array *x, const element_count_params *p)
{
    double n = 1;
    if (sizes_are_free(x)) return op_apply(&mx_op_element_count, p, x);
    for (int i = 0; i < p->axes.count; i++) n *= (double)x->shape[p->axes.at[i]];
    note_sizes();
    return mx_scalar(p->inverted ? 1 / n : n, p->dtype);
}

static bool count_resize(const mx_call *c, mx_array **out)
{
    return (out[0] = count_of(c->in[0], c->params)) != NULL;
}

static bool count_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    element_count_params p = *(const element_count_params *)c->params;
    (void)axis_in;
    mx_array *x = c->in[0];
    int rest[MX_MAX_NDIM];
    for (int i = 0; i < p.axes.count; i++) p.axes.at[i]++;
    for (int i = 1; i < x->ndim; i++) rest[i - 1] = i;
    mx_array *one_each = mx_sum(x, (mx_axes){x->ndim - 1, rest}, false); /* for its shape */
    axis_out[0] = 0;
    return one_each && (out[0] = op_broadcast_like(count_of(x, &p), one_each)) != NULL;
}

const mx_op mx_op_element_count = {OP_NAMED(element_count, "number_of_elements"),
                                   .fields = count_fields,
                                   .params_size = sizeof(element_count_params),
                                   .flags = OP_ANY_SIZE | OP_SYMBOLIC,
                                   .shape = count_shape,
                                   .vjp = op_vjp_zero,
                                   .jvp = op_jvp_zero,
                                   .vmap = count_vmap,
                                   .resize = count_resize};

mx_array *mx_number_of_elements(mx_array *x, mx_axes axes, bool inverted, mx_dtype dtype)
{
    element_count_params p = {.dtype = dtype, .inverted = inverted};
    int at[MX_MAX_NDIM];
    int n = op_has("number_of_elements", x) ? axes_of("number_of_elements", axes, x->ndim, MX_VALUE, at) : -1;
    if (n < 0) return NULL;
    if (!mx_dtype_size(dtype)) return mx_fail(MX_VALUE, "[number_of_elements] there is no dtype %d.", (int)dtype);
    p.axes = param_axes_of(at, n);
    return count_of(x, &p);
}
