/* SPDX-License-Identifier: MIT
 *
 * softmax, y = exp(x - max x) / sum(exp(x - max x)), and logsumexp, log(sum(exp x)), over rows.
 *
 * Any axes are first moved to the end as one, so the rules and all kernels see plain rows.  A row's Jacobian of
 * softmax, diag(y) - y y', is symmetric: both derivative modes share one function.  The gradient of logsumexp is
 * softmax. */
#include "core/params/softmax.h"
#include "mica/transforms.h"
#include "ops/reduce.h"
#include "ops/rules.h"

/* The axes that are worked on, merged into one at the end. */
static mx_array *as_rows(const char *op, mx_array *x, mx_axes axes, reduced_axes *r)
{
    if (x && x->ndim == 0 && axes.count > 0)
        return mx_fail(MX_VALUE, "[%s] %d axes given for an array with 0 dimensions.", op, axes.count);
    mx_array *moved = axes_to_end(op, x, axes, r);
    if (!moved) return NULL;
    if (r->count == 0) return mx_expand_dims(moved, AXES(-1));
    return r->count == 1 ? moved : mx_flatten(moved, moved->ndim - r->count, -1);
}

/* Rows back to where their axes were in x. */
static mx_array *from_rows(mx_array *y, mx_array *x, mx_axes axes, const reduced_axes *r)
{
    int list[MX_MAX_NDIM], back[MX_MAX_NDIM], at = 0;
    int64_t moved[MX_MAX_NDIM];
    bool goes[MX_MAX_NDIM] = {false};
    if (!y || axes_of("softmax", axes, x->ndim, MX_INDEX, list) < 0) return NULL;
    for (int i = 0; i < r->count; i++) goes[list[i]] = true;
    for (int i = 0; i < x->ndim; i++) {
        if (!goes[i]) back[i] = at, moved[at++] = x->shape[i];
    }
    for (int i = 0; i < r->count; i++) back[list[i]] = at, moved[at++] = x->shape[list[i]];
    if (r->count != 1) y = mx_reshape(y, (mx_shape){x->ndim, moved});
    return y ? mx_transpose(y, (mx_axes){x->ndim, back}) : NULL;
}

/* ---- softmax */
static const mx_field fields[] = {FIELD_BOOL(softmax_params, precise), FIELD_END};

/* J v = y (v - sum(y v)): one op, because composed it would walk four times over scores of attention.  Differentiated
 * through the formula. */
static mx_array *jacobian_times(mx_array *y, mx_array *v)
{
    return op_apply(&mx_op_softmax_vjp, NULL, y, v);
}

static bool composed_jacobian(void *ctx, mx_array *const *in, int nin, mx_array **out, int nout)
{
    mx_array *yv = mx_mul(in[0], in[1]);
    (void)ctx, (void)nin, (void)nout;
    return (out[0] = mx_sub(yv, mx_mul(in[0], mx_sum(yv, AXES(-1), KEEP)))) != NULL;
}

static bool jacobian_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    mx_array *out;
    return mx_vjp(composed_jacobian, NULL, c->in, 2, dout, 1, &out, din);
}

static bool jacobian_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    mx_array *out;
    return mx_jvp(composed_jacobian, NULL, c->in, tin, 2, &out, tout, 1);
}

static bool jacobian_vmap(const mx_call *c, const int *axis_in, mx_array **out, int *axis_out)
{
    int64_t batch = op_batch_size(c, axis_in);
    axis_out[0] = 0;
    return (out[0] = jacobian_times(op_batched(c->in[0], axis_in[0], batch),
                                    op_batched(c->in[1], axis_in[1], batch))) != NULL;
}

const mx_op mx_op_softmax_vjp = {OP_NAMED(softmax_vjp, "softmax_vjp"), .shape = op_shape_same, .vjp = jacobian_vjp,
                                 .jvp = jacobian_jvp, .vmap = jacobian_vmap};

static bool softmax_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = jacobian_times(c->out[0], dout[0])) != NULL;
}

static bool softmax_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = jacobian_times(c->out[0], tin[0])) != NULL;
}

const mx_op mx_op_softmax = {
    OP_NAMED(softmax, "softmax"), .flags = OP_ANY_SIZE, .fields = fields,   .params_size = sizeof(softmax_params),
    .shape = op_shape_same,       .vjp = softmax_vjp,   .jvp = softmax_jvp, .vmap = op_vmap_leading};

/* exp(x - peak); the peak only keeps it in range, so nothing flows through it. */
static mx_array *exp_below(mx_array *x, mx_array *peak)
{
    return mx_exp(mx_sub(x, mx_stop_gradient(peak)));
}

static bool is_complex(const mx_array *x)
{
    return x && x->dtype == MX_COMPLEX64;
}

mx_array *mx_softmax(mx_array *x, mx_axes axes, bool precise)
{
    reduced_axes r;
    x = mx_at_least_float(x);
    bool rows_are_unknown = axes.count != 1 && sizes_are_free(x) && x->ndim > 1;
    if ((is_complex(x) || rows_are_unknown) && x->size) {
        mx_array *e = exp_below(x, mx_max(x, axes, KEEP));
        return mx_div(e, mx_sum(e, axes, KEEP));
    }
    mx_array *rows = as_rows("softmax", x, axes, &r);
    if (!rows || x->size == 0) return rows ? x : NULL;
    return from_rows(op_apply(&mx_op_softmax, &(softmax_params){precise}, rows), x, axes, &r);
}

/* ---- logsumexp */
static bool logsumexp_shape(const mx_call *c, mx_spec *out)
{
    spec_set(out, (mx_shape){c->in[0]->ndim - 1, c->in[0]->shape}, (mx_dtype)c->in[0]->dtype);
    return true;
}

static bool logsumexp_vjp(const mx_call *c, mx_array *const *dout, mx_array **din)
{
    return (din[0] = mx_mul(mx_expand_dims(dout[0], AXES(-1)), mx_softmax(c->in[0], AXES(-1), true))) != NULL;
}

static bool logsumexp_jvp(const mx_call *c, mx_array *const *tin, mx_array **tout)
{
    return (tout[0] = mx_sum(mx_mul(tin[0], mx_softmax(c->in[0], AXES(-1), true)), AXES(-1), false)) != NULL;
}

const mx_op mx_op_logsumexp = {OP_NAMED(logsumexp, "logsumexp"),
                               .flags = OP_ANY_SIZE,
                               .shape = logsumexp_shape,
                               .vjp = logsumexp_vjp,
                               .jvp = logsumexp_jvp,
                               .vmap = op_vmap_leading,
                               .origin = op_origin_first};

mx_array *mx_logsumexp(mx_array *x, mx_axes axes, bool keep)
{
    reduced_axes r;
    x = mx_at_least_float(x);
    mx_array *rows = as_rows("logsumexp", x, axes, &r);
    if (!rows) return NULL;
    if (x->size == 0) return mx_fail(MX_VALUE, "[logsumexp] Received empty array.");
    if (is_complex(x)) {
        mx_array *peak = mx_max(x, axes, keep), *sum = mx_sum(exp_below(x, mx_max(x, axes, KEEP)), axes, keep);
        return mx_add(mx_log(sum), mx_stop_gradient(peak));
    }
    return axes_restore(op_apply(&mx_op_logsumexp, NULL, rows), &r, keep);
}
